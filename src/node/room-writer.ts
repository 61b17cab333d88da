import { ChatError } from '../base/errors.js'
import { erasureMembers } from '../chat/kinds/erasure.js'
import type { EntryFields } from '../chat/kinds/kind.js'
import { type Draft, draftOf, entryFieldsOf } from '../chat/kinds/kinds.js'
import { fileRootOf } from '../files/format/hash-tree.js'
import { logOf, runOf } from '../log/format/author.js'
import type { Log } from '../log/log.js'
import type { RequestId } from '../log/request-id.js'
import type { OwnPlace } from '../sync/receipts.js'
import type { DirectRoom } from './direct-rooms/direct-room.js'
import type { Erasures } from './erasures.js'
import { lineName } from './files/file-lines.js'
import type { RoomFiles } from './files/room-files.js'
import { Outbox, type Outcome } from './outbox.js'
import type { Pins } from './people/pins.js'
import { twoKeysError } from './people/two-keys.js'
import type { RoomMembers } from './private-rooms/room-members.js'
import type { SayOptions } from './room-api.js'

interface WriterParts {
  readonly me: string
  readonly room: string
  readonly members?: RoomMembers | undefined
  readonly direct?: DirectRoom | undefined
  readonly erasures?: Erasures
  readonly files?: RoomFiles
  readonly log: Log
  readonly pins: Pins
}

/** Appends what the user writes into a room to our log, or refuses it. */
export class RoomWriter {
  readonly #parts: WriterParts
  readonly #outbox: Outbox
  #hasSpoken = false

  constructor(parts: WriterParts) {
    this.#parts = parts
    this.#outbox = new Outbox(parts.log)
  }

  /** Whether anything was said since the start. */
  get hasSpoken(): boolean {
    return this.#hasSpoken
  }

  get pending(): number {
    return this.#outbox.pending
  }

  settled(): Promise<void> {
    return this.#outbox.settled()
  }

  async say(said: Draft | string, { signal }: SayOptions = {}): Promise<void> {
    this.#hasSpoken = true
    const error = this.#refusal
    if (error !== undefined) throw error
    const fields = { username: this.#parts.me, ...entryFieldsOf(draftOf(said)) }
    const outcome = await this.#outbox.post(fields, { signal })
    await this.#posted(fields, outcome)
    if (outcome.kind === 'aborted') throw signal?.reason
    checkStored(outcome)
  }

  async erase({ run, seq }: OwnPlace): Promise<void> {
    const { log, erasures } = this.#parts
    await this.#outbox.settled()
    const place = log.placeOf({ author: logOf(log.author, run), seq })
    const chain = await log.chainValueAt(place.author, place.seq)
    if (chain === undefined) throw new ChatError('BAD_USAGE', 'not deleted: your log has no such line')
    const erasure = { run: runOf(place.author), from: place.seq, to: place.seq, chain }
    const outcome = await this.#outbox.post(erasureMembers(erasure))
    if (outcome.kind === 'refused') throw outcome.error
    if (outcome.kind !== 'stored') throw new ChatError('LOG_CLOSED', 'not deleted: the log is closed')
    await erasures?.settled()
  }

  /** Appends the entry of a client's request, and the request in the same commit; resolves with the outcome. */
  async post(fields: EntryFields, request: RequestId): Promise<Outcome> {
    this.#hasSpoken = true
    const error = this.#refusal
    if (error !== undefined) return { kind: 'refused', error }
    const outcome = await this.#outbox.post({ username: this.#parts.me, ...fields }, { request })
    await this.#posted(fields, outcome)
    return outcome
  }

  /** Records which file a stored line refers to. */
  async #posted(fields: EntryFields, outcome: Outcome): Promise<void> {
    const root = fields['type'] === 'file' ? fileRootOf(fields['root']) : undefined
    if (root === undefined || outcome.kind !== 'stored') return
    await this.#parts.files?.refer(root, lineName({ author: this.#parts.log.id, seq: outcome.seq })).catch(() => {})
  }

  /** Why writing is refused: a non-member would write to nobody, and a name with two keys identifies nobody. */
  get #refusal(): ChatError | undefined {
    const { members, direct, pins, room, log } = this.#parts
    const pin = direct && pins.of(direct.name)
    if (pin?.other !== undefined) return twoKeysError(pin)
    if (pin !== undefined && pin.key !== direct?.other && room === `@${pin.name}`)
      return new ChatError('LOG_CLOSED', `not sent: ${pin.name} has another key now`)
    if (members === undefined || members.isMember(log.author)) return undefined
    return new ChatError('ROOM_REFUSED', 'not sent: you are no longer a member of this room', {
      hint: 'Ask an admin of the room to admit you.',
    })
  }
}

/** Throws a ChatError if a message was not stored. */
export function checkStored(outcome: Outcome): void {
  if (outcome.kind === 'refused') throw outcome.error
  if (outcome.kind !== 'stored') throw new ChatError('LOG_CLOSED', 'not stored: the log is closed')
}
