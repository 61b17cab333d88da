import type { LogCore } from '../core.js'
import type { DiskRecovery } from '../disk-recovery.js'
import { type Entry, entryText, type Members } from '../format/entry.js'
import type { RequestId } from '../request-id.js'

/** Appends to our log, in a new run if the end of the current one is in doubt. */
export class Appender {
  readonly #core: LogCore
  readonly #recovery: DiskRecovery

  constructor(core: LogCore, recovery: DiskRecovery) {
    this.#core = core
    this.#recovery = recovery
  }

  /**
   * Appends an entry; resolves when it is on disk. The row of `request` is written in the same commit.
   * Rejects with BAD_MESSAGE, LOG_WRITE_FAILED, LOG_READ_ONLY or LOG_CLOSED.
   */
  append(members: Members, request?: RequestId): Promise<Entry> {
    const mustWait = this.#mustWait || this.#core.queue.isReadOnly
    return mustWait ? this.#appendLater(members, request) : this.#appendNow(members, request)
  }

  get #mustWait(): boolean {
    const { own } = this.#core
    return this.#recovery.isRereading(own.author) || own.isLeaving
  }

  async #appendLater(members: Members, request: RequestId | undefined): Promise<Entry> {
    const { queue, own } = this.#core
    while (this.#mustWait) {
      await this.#recovery.reread(own.author)
      await own.settled()
    }
    if (queue.isReadOnly) await queue.write([]) // rejects with the reason
    return this.#appendNow(members, request)
  }

  #appendNow(members: Members, request: RequestId | undefined): Promise<Entry> {
    const { own, clock, hybridClock } = this.#core
    const now = clock.now()
    try {
      if (own.doubt !== undefined) {
        const at = hybridClock.next(own.last)
        entryText(at, now, members) // no run is opened for a message that is rejected
        own.open(at)
      }
      const at = hybridClock.next(own.last)
      return own.append(at, entryText(at, now, members, hybridClock.lastMillis), request)
    } catch (error) {
      return Promise.reject(error)
    }
  }
}
