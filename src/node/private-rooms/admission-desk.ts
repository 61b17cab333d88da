import { EventEmitter } from 'node:events'
import { KEY_BYTES } from '../../base/crypto/signing.js'
import { type AuthorId, authorOfKey } from '../../log/format/author.js'
import { checked, unchecked } from '../../log/store/checked-row.js'
import type { Write } from '../../log/store/store.js'
import { keyBytes } from '../../membership/format/room.js'

/** Largest number of newcomers who wait. Each of them has a code. */
const WAITING_MAX = 16

interface AdmissionDeskEvents {
  /** A newcomer who was not waiting before now waits. */
  asked: [newcomer: AuthorId, claimed: string]
}

/** Stores the keys of the refused newcomers, as `RoomMembers` stores its rows. */
interface RefusedRows {
  all(): Promise<readonly (readonly [key: Uint8Array, value: Uint8Array])[]>
  write(writes: readonly Write[]): Promise<void>
}

const REFUSED = checked(Uint8Array.of(1))

/** Newcomers to a closed room, who wait until an admin decides. */
export class AdmissionDesk extends EventEmitter<AdmissionDeskEvents> {
  readonly #waiting = new Map<AuthorId, () => Promise<boolean>>()
  readonly #refused = new Set<AuthorId>()
  readonly #rows: RefusedRows

  constructor(rows: RefusedRows) {
    super()
    this.#rows = rows
  }

  /** Reads who was refused. */
  async read(): Promise<void> {
    for (const [key, value] of await this.#rows.all())
      if (key.length === KEY_BYTES && unchecked(value) !== undefined) this.#refused.add(authorOfKey(key))
  }

  /**
   * A newcomer asks to be admitted under the name `claimed`, which may be empty. `admit` signs the admission, and
   * resolves with whether that was possible.
   */
  ask(newcomer: AuthorId, claimed: string, admit: () => Promise<boolean>): void {
    const isNew = !this.#waiting.has(newcomer)
    if (this.#refused.has(newcomer) || (isNew && this.#waiting.size >= WAITING_MAX)) return
    this.#waiting.set(newcomer, admit)
    if (isNew) this.emit('asked', newcomer, claimed)
  }

  /** The newcomers who wait and whose keys begin with `digits`. */
  waiting(digits = ''): readonly AuthorId[] {
    return [...this.#waiting.keys()].filter(key => key.startsWith(digits))
  }

  /** Resolves with whether the newcomer is admitted. */
  async admit(newcomer: AuthorId): Promise<boolean> {
    const admit = this.#waiting.get(newcomer)
    this.#waiting.delete(newcomer)
    return admit?.() ?? false
  }

  /** Ignores the newcomer's requests until `lift`, also after a restart. The newcomer is not told. */
  async refuse(newcomer: AuthorId): Promise<void> {
    this.#waiting.delete(newcomer)
    this.#refused.add(newcomer)
    await this.#rows.write([{ type: 'put', key: keyBytes(newcomer), value: REFUSED }])
  }

  /** The refused newcomers whose keys begin with `digits`. */
  refused(digits: string): readonly AuthorId[] {
    return [...this.#refused].filter(key => key.startsWith(digits))
  }

  /** Ends a refusal: the admin is asked again when the newcomer asks next. */
  async lift(newcomer: AuthorId): Promise<void> {
    this.#refused.delete(newcomer)
    await this.#rows.write([{ type: 'del', key: keyBytes(newcomer) }])
  }
}
