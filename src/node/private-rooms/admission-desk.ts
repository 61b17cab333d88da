import { EventEmitter } from 'node:events'
import type { AuthorId } from '../../log/format/author.js'

/** Newcomers who wait at once: each has a code. */
const WAITING_MAX = 16

interface AdmissionDeskEvents {
  /** A newcomer waits, for the first time. */
  asked: [newcomer: AuthorId, claimed: string]
}

/** Newcomers to a closed room, who wait until an admin decides. */
export class AdmissionDesk extends EventEmitter<AdmissionDeskEvents> {
  readonly #waiting = new Map<AuthorId, () => Promise<boolean>>()
  readonly #refused = new Set<AuthorId>()

  /** A newcomer asks, and calls themselves `claimed`, which may be empty; `admit` signs their admission, and resolves with whether that was possible. */
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

  /** A refused newcomer is not asked about again while the room is open. They do not learn it. */
  refuse(newcomer: AuthorId): void {
    this.#waiting.delete(newcomer)
    this.#refused.add(newcomer)
  }
}
