import type { LogCore } from '../core.js'
import type { DiskRecovery } from '../disk-recovery.js'
import { type Entry, entryText, type Members } from '../format/entry.js'
import type { RequestId } from '../request-id.js'

/** Appends to our log, in a new run if the end of the current one is in doubt. */
export class Appender {
  readonly #core: LogCore
  readonly #recovery: DiskRecovery
  /** Number of waiting entries, which later entries must not overtake, and a promise that settles when the last of them is appended. */
  #waiting = 0
  #turn: Promise<void> = Promise.resolve()

  constructor(core: LogCore, recovery: DiskRecovery) {
    this.#core = core
    this.#recovery = recovery
  }

  /**
   * Appends an entry; resolves when it is on disk. The row of `request` is written in the same commit.
   * Rejects with BAD_MESSAGE, LOG_WRITE_FAILED, LOG_READ_ONLY or LOG_CLOSED.
   */
  append(members: Members, request?: RequestId): Promise<Entry> {
    if (this.#isClockBack) void this.#core.own.leave('clock-ahead')
    const mustWait = this.#waiting > 0 || this.#mustWait || this.#core.queue.isReadOnly
    return mustWait ? this.#appendLater(members, request) : this.#appendNow(members, request)
  }

  get #mustWait(): boolean {
    const { own } = this.#core
    return this.#recovery.isRereading(own.author) || own.isLeaving
  }

  /**
   * Whether the system clock was far ahead and has been corrected, so that a new run may use the corrected dates. If entries of known
   * people are ahead of the clock too, it is slow rather than corrected.
   */
  get #isClockBack(): boolean {
    const { own, hybridClock, frontier } = this.#core
    if (own.doubt !== undefined || !hybridClock.hasComeBackFrom(own.last) || !own.mayLeaveAt('clock-ahead'))
      return false
    const others = frontier.ranges(() => 0).filter(({ author }) => !own.isOurs(author) && this.#core.isKnown(author))
    return others.every(({ author, last }) => hybridClock.isCredible(last, author))
  }

  async #appendLater(members: Members, request: RequestId | undefined): Promise<Entry> {
    const { queue, own } = this.#core
    this.#waiting++
    const turn = this.#turn.then(async () => {
      while (this.#mustWait) {
        await this.#recovery.reread(own.author)
        await own.settled()
      }
    })
    this.#turn = turn.catch(() => {})
    try {
      await turn
    } finally {
      this.#waiting--
    }
    if (queue.isReadOnly) await queue.write([]) // rejects with the reason
    return this.#appendNow(members, request)
  }

  #appendNow(members: Members, request: RequestId | undefined): Promise<Entry> {
    const { own, clock, hybridClock } = this.#core
    const now = clock.now()
    try {
      if (own.doubt !== undefined) {
        const at = hybridClock.next(own.doubt === 'clock-ahead' ? undefined : own.last)
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
