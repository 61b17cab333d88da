import { ChatError } from '../../base/errors.js'
import type { LogCore } from '../core.js'
import { type Entry, entryText, type Members } from '../format/entry.js'
import type { DiskRecovery } from '../repair/disk-recovery.js'
import type { OwnLogRepair } from '../repair/own-log-repair.js'

/** Appends to our log as soon as nothing forbids it: at once, after a repair, or never, once the log has forked. */
export class Appender {
  readonly #core: LogCore
  readonly #repair: OwnLogRepair
  readonly #recovery: DiskRecovery

  constructor(core: LogCore, repair: OwnLogRepair, recovery: DiskRecovery) {
    this.#core = core
    this.#repair = repair
    this.#recovery = recovery
  }

  /** Resolves when the entry is on disk. Rejects with BAD_MESSAGE, LOG_FROZEN, LOG_WRITE_FAILED, LOG_READ_ONLY or LOG_CLOSED. */
  append(members: Members): Promise<Entry> {
    if (this.#mustWait) this.#repair.reportWaitingLine()
    else if (!this.#core.queue.isReadOnly && !this.#core.isOwnForked) return this.#appendNow(members)
    return this.#appendLater(members)
  }

  /** Publishes our log: appends retracted lines again, and notes that peers may have everything from now on. Rejects as `append`. */
  async publish(): Promise<void> {
    await this.#repair.settled()
    await this.#repair.retraction.appendAgain(members => this.append(members))
    await this.#core.own.publish()
  }

  get #mustWait(): boolean {
    return this.#recovery.isRereading(this.#core.own.author) || this.#repair.isBlocking
  }

  async #appendLater(members: Members): Promise<Entry> {
    const { queue, own } = this.#core
    // Reading a log again may end in a repair, and a repair in another read.
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
    return this.#appendNow(members)
  }

  #appendNow(members: Members): Promise<Entry> {
    const { own, clock, hybridClock } = this.#core
    const at = hybridClock.next(own.last)
    let entry: string
    try {
      entry = entryText(at, clock.now(), members)
    } catch (error) {
      return Promise.reject(error)
    }
    return own.append(at, entry)
  }
}
