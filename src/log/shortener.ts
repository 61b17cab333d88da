import { EMPTY } from '../base/wire/bytes.js'
import type { Contents } from './content/contents.js'
import type { LogCore } from './core.js'
import { isSigned, type LogId, logKeyOf, type Seq } from './format/author.js'
import { SEQ_END, segmentRange, signedHeadKey, signedHeadWrite } from './format/segment-rows.js'
import type { Write } from './store/store.js'
import type { Cut } from './stranger-quota.js'

/**
 * Logs that are shortened at once, each with a page of keys in memory. They share commits, so on a busy disk or event loop all of them take
 * about as long as one.
 */
const AT_ONCE_MAX = 128

interface Job extends Cut {
  /** The last seq before the log was shortened, if the user is told. */
  readonly reported: Seq | undefined
}

/**
 * Shortens logs of strangers when others need the space: a log keeps the segments at its start, or nothing. The log is stopped first, so
 * that no entries are added while it is shortened. An entry that is fetched again later is shown again. Waiting logs are shortened together
 * in the next pass, so that no log waits for more than two passes, however fast strangers arrive.
 */
export class Shortener {
  readonly #core: LogCore
  readonly #contents: Contents
  readonly #waiting = new Map<LogId, Job>()
  /** The next pass, which shortens all waiting logs. */
  #next: Promise<void> | undefined
  /** The last pass of each log. */
  readonly #passes = new Map<LogId, Promise<void>>()

  constructor(core: LogCore, contents: Contents) {
    this.#core = core
    this.#contents = contents
  }

  /** Resolves when a log is not being shortened. */
  settled(log: LogId): Promise<void> | undefined {
    return this.#passes.get(log)
  }

  /** Stops the logs at once, and shortens them. Rejects if the disk fails. */
  async shorten(cuts: readonly Cut[]): Promise<void> {
    if (cuts.length === 0) return
    for (const cut of cuts) {
      const last = this.#core.frontier.pendingHead(cut.log)?.seq ?? 0
      const isReported = this.#core.quota?.stop(cut.log, last) === true
      this.#waiting.set(cut.log, { ...cut, reported: isReported ? last : this.#waiting.get(cut.log)?.reported })
    }
    this.#next ??= this.#pass()
    const pass = this.#next
    for (const { log } of cuts) this.#passes.set(log, pass)
    await pass
  }

  #pass(): Promise<void> {
    const pass = this.#core.rewrites.run(async () => {
      this.#next = undefined
      const jobs = [...this.#waiting.values()]
      this.#waiting.clear()
      await this.#core.queue.write([]) // pending writes have to be on disk
      for (let from = 0; from < jobs.length; from += AT_ONCE_MAX)
        await Promise.all(jobs.slice(from, from + AT_ONCE_MAX).map(job => this.#shorten(job)))
    })
    const end = (): void => {
      for (const [log, other] of this.#passes) if (other === pass) this.#passes.delete(log)
    }
    pass.then(end, end)
    return pass
  }

  async #shorten({ log, bytesKept, reported }: Job): Promise<void> {
    const { queue, frontier, heads, mark, quota, unsigned } = this.#core
    const head = isSigned(log) && bytesKept > 0 ? await heads.headWithin(log, bytesKept) : undefined
    mark?.forget(log)
    frontier.replace(log, head)
    this.#core.events.emit('shortened', log) // before the quota reports it as forgotten
    quota?.resized(log, head?.size ?? 0)
    const seq = head?.seq ?? 0
    if (reported !== undefined) this.#core.report({ kind: 'log-stopped', author: log, seq, last: reported })
    const rows = isSigned(log) ? this.#signedRows(log, seq) : unsigned.dropped(log)
    for await (const writes of rows) await queue.write(writes)
    await this.#contents.shortened(log, seq)
    if (!isSigned(log)) return
    const write = (): Write => (head === undefined ? { type: 'del', key: signedHeadKey(log) } : signedHeadWrite(head))
    await queue.write([], { name: log, isDeferrable: true, write })
  }

  async *#signedRows(log: LogId, last: Seq): AsyncGenerator<readonly Write[]> {
    const range = segmentRange(logKeyOf(log) ?? EMPTY, last + 1, SEQ_END)
    for await (const page of this.#core.store.keys(range)) yield page.map(key => ({ type: 'del', key }))
  }
}
