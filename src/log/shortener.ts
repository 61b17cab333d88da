import { EMPTY } from '../base/wire/bytes.js'
import type { Contents } from './content/contents.js'
import type { LogCore } from './core.js'
import { isSigned, type LogId, logKeyOf, type Seq } from './format/author.js'
import { SEQ_END, segmentRange, signedHeadKey, signedHeadWrite } from './format/segment-rows.js'
import type { Write } from './store/store.js'
import type { Cut } from './stranger-quota.js'

/** Rows that are deleted in one commit. */
const DELETED_ROWS_MAX = 1_000

/**
 * Shortens logs of strangers when others need the space: a log keeps the segments at its start, or nothing. It has stopped by then,
 * so nothing is added to it meanwhile. An entry that is fetched again later is shown again.
 */
export class Shortener {
  readonly #core: LogCore
  readonly #contents: Contents
  readonly #running = new Map<LogId, Promise<void>>()

  constructor(core: LogCore, contents: Contents) {
    this.#core = core
    this.#contents = contents
  }

  /** Resolves when a log is not being shortened. */
  settled(log: LogId): Promise<void> | undefined {
    return this.#running.get(log)
  }

  /** Stops the logs at once, and shortens them. Rejects if the disk fails. */
  async shorten(cuts: readonly Cut[]): Promise<void> {
    await Promise.all(
      cuts.map(cut => {
        const last = this.#core.frontier.pendingHead(cut.log)?.seq ?? 0
        const isReported = this.#core.quota?.stop(cut.log, last) === true
        return this.#start(cut, isReported ? last : undefined)
      }),
    )
  }

  /** `reported`: its last seq, if it is to be reported. */
  #start(cut: Cut, reported: Seq | undefined): Promise<void> {
    const { log } = cut
    const before = this.#running.get(log)
    const running = (before ?? Promise.resolve())
      .catch(() => {})
      .then(() => this.#core.rewrites.run(() => this.#shorten(cut, reported)))
    this.#running.set(log, running)
    const end = (): void => {
      if (this.#running.get(log) === running) this.#running.delete(log)
    }
    running.then(end, end)
    return running
  }

  async #shorten({ log, bytesKept }: Cut, reported: Seq | undefined): Promise<void> {
    const { queue, frontier, heads, mark, quota, unsigned } = this.#core
    await queue.write([]) // what is being written has to be on disk
    const head = isSigned(log) && bytesKept > 0 ? await heads.headWithin(log, bytesKept) : undefined
    mark?.forget(log)
    frontier.replace(log, head)
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
    let writes: Write[] = []
    for await (const page of this.#core.store.keys(range)) {
      writes.push(...page.map(key => ({ type: 'del' as const, key })))
      if (writes.length < DELETED_ROWS_MAX) continue
      yield writes
      writes = []
    }
    if (writes.length > 0) yield writes
  }
}
