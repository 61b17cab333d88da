import type { LogCore } from '../core.js'
import { type Entry, entryText, type Members } from '../format/entry.js'
import type { DiskRecovery } from '../repair/disk-recovery.js'
import type { OwnLogRepair } from '../repair/own-log-repair.js'
import type { RequestId } from '../request-id.js'

/** Appends to our log: at once, or when entries that peers have of it were restored. */
export class Appender {
  readonly #core: LogCore
  readonly #repair: OwnLogRepair
  readonly #recovery: DiskRecovery

  constructor(core: LogCore, repair: OwnLogRepair, recovery: DiskRecovery) {
    this.#core = core
    this.#repair = repair
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

  /** Publishes our log: appends retracted lines again, then records that peers may have all of it. Rejects as `append` does. */
  async publish(): Promise<void> {
    await this.#repair.settled()
    await this.#repair.retraction.appendAgain(members => this.append(members))
    await this.#core.own.publish()
  }

  get #mustWait(): boolean {
    const { own } = this.#core
    return this.#recovery.isRereading(own.author) || this.#repair.isBlocking || own.isLeaving
  }

  async #appendLater(members: Members, request: RequestId | undefined): Promise<Entry> {
    const { queue, own } = this.#core
    // Rereading a log may start a repair, and a repair another reread.
    while (this.#mustWait) {
      await this.#recovery.reread(own.author)
      await this.#repair.settled()
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
