import { ChatError } from '../../base/errors.js'
import type { LogCore } from '../core.js'
import { type Entry, entryText, type Members } from '../format/entry.js'
import type { DiskRecovery } from '../repair/disk-recovery.js'
import type { OwnLogRepair } from '../repair/own-log-repair.js'
import type { RequestId } from '../request-id.js'

/** Appends to our log: at once, or after a pending repair; never once the log has forked. */
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
   * Rejects with BAD_MESSAGE, LOG_FROZEN, LOG_WRITE_FAILED, LOG_READ_ONLY or LOG_CLOSED.
   */
  append(members: Members, request?: RequestId): Promise<Entry> {
    if (this.#mustWait) this.#repair.reportWaitingLine()
    else if (!this.#core.queue.isReadOnly && !this.#core.isOwnForked) return this.#appendNow(members, request)
    return this.#appendLater(members, request)
  }

  /** Publishes our log: appends retracted lines again, then records that peers may have all of it. Rejects as `append` does. */
  async publish(): Promise<void> {
    await this.#repair.settled()
    await this.#repair.retraction.appendAgain(members => this.append(members))
    await this.#core.own.publish()
  }

  get #mustWait(): boolean {
    return this.#recovery.isRereading(this.#core.own.author) || this.#repair.isBlocking
  }

  async #appendLater(members: Members, request: RequestId | undefined): Promise<Entry> {
    const { queue, own } = this.#core
    // Rereading a log may start a repair, and a repair another reread.
    while (this.#mustWait) {
      await this.#recovery.reread(own.author)
      await this.#repair.settled()
    }
    if (queue.isReadOnly) await queue.write([]) // rejects with the reason
    if (this.#core.isOwnForked) {
      throw new ChatError('LOG_FROZEN', 'not stored: your log has forked; other peers reject further entries', {
        hint: 'Stop, run `persisted-chat renew` with your name, and start again.',
      })
    }
    return this.#appendNow(members, request)
  }

  #appendNow(members: Members, request: RequestId | undefined): Promise<Entry> {
    const { own, clock, hybridClock } = this.#core
    const at = hybridClock.next(own.last)
    const now = clock.now()
    let entry: string
    try {
      entry = entryText(at, now, members, hybridClock.lastMillis)
    } catch (error) {
      return Promise.reject(error)
    }
    return own.append(at, entry, request)
  }
}
