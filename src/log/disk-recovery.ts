import { ChatError, reasonOf } from '../base/errors.js'
import type { Contents } from './content/contents.js'
import { STATE_ROWS } from './content/gap-rows.js'
import type { Gaps } from './content/gaps.js'
import type { LogCore } from './core.js'
import type { Splitter } from './forks/splitter.js'
import { isSigned, type LogId, logOf, type Run, type Seq } from './format/author.js'
import { withContent } from './format/gap.js'
import { currentRunKey, signedHeadWrite, storedRun } from './format/segment-rows.js'
import { SEQ_MAX } from './limits.js'
import { compareEnd, type Finding } from './mark/doubt.js'
import type { Refusal } from './options.js'
import type { Shortener } from './shortener.js'
import { formatRow, lacksFormat } from './store/format-row.js'
import type { Row } from './store/store.js'
import type { Cut } from './stranger-quota.js'
import { Turns } from './turns.js'

/**
 * Reloads the state of the logs from the disk: on opening, after a failed write, and when entries are missing.
 * docs/protocol/storage.md §4.3, §4.4.
 */
export class DiskRecovery {
  readonly #core: LogCore
  readonly #splitter: Splitter
  readonly #contents: Contents
  readonly #shortener: Shortener
  /** Logs whose end is being reread. Nothing is added to them until that is done. */
  readonly #rereads = new Map<LogId, Promise<void>>()
  readonly #onceWritable: (() => void)[] = []
  readonly #turns = new Turns()
  /** Drops of content that were unfinished when the process ended. */
  #unfinished: ReturnType<Gaps['load']> = []
  /** Logs of strangers that exceed the quota, for example after a crash. */
  #excess: readonly Cut[] = []
  #isClosed = false

  constructor(core: LogCore, splitter: Splitter, contents: Contents, shortener: Shortener) {
    this.#core = core
    this.#splitter = splitter
    this.#contents = contents
    this.#shortener = shortener
  }

  isRereading(author: LogId): boolean {
    return this.#rereads.has(author)
  }

  /** Resolves when the end of a log is known again. */
  async reread(author: LogId): Promise<void> {
    await this.#rereads.get(author)
  }

  /** Reads the disk on opening and compares the end of our log with its mark. If it is in doubt, the next entry opens a new run. */
  async open(isNewKey: boolean, isRepaired: boolean): Promise<void> {
    const { store, queue, heads, mark, frontier, own, forks, quota, blocks } = this.#core
    // Deferred, so that an empty database opens while the disk is full. Without this row the database is still recognised: its rows
    // have checksums, and those of 0.1 have none.
    if (await lacksFormat(store)) queue.defer({ name: 'format', isDeferrable: true, write: formatRow })
    let run = await this.#load(isRepaired)
    // After a repair, write the heads at once: the next start needs them even if this process is killed.
    if (isRepaired) {
      await queue.write(heads.stale.map(signedHeadWrite))
      await blocks.clear() // a repair may bring replaced rows back
    } else
      for (const head of heads.stale)
        queue.defer({ name: head.author, isDeferrable: true, write: () => signedHeadWrite(head) })
    const find = (): Finding => compareEnd(mark, { run, head: own.head, isNewKey, isRepaired })
    let finding = find()
    if (finding.kind === 'unfinished') {
      await queue.write(finding.rows)
      if (mark?.found?.isClean) this.#core.report({ kind: 'log-end-restored' })
      run = await this.#load(isRepaired)
      finding = find()
    }
    if (forks.proofOf(own.author) !== undefined) await own.leave('forked')
    else if (finding.kind === 'doubt' && own.mayLeaveAt(finding.reason)) await own.leave(finding.reason)
    else await own.resetMark()
    await this.finishDrops()
    for (const [author, seq] of mark?.heads ?? []) {
      const persisted = frontier.persisted(author)
      // After a crash, the recorded end may predate a shortening of the log.
      if (quota?.isStranger(author)) mark?.forget(author)
      else if (persisted < seq && author !== own.author && forks.proofOf(author) === undefined)
        this.#core.report({ kind: 'entries-missing', author, from: persisted + 1, to: seq })
    }
    await this.#shortener.shorten(this.#excess)
  }

  /** Rereads the state of all logs after the database was reopened. It replaces the state in memory. */
  async recover(): Promise<void> {
    const { frontier, own } = this.#core
    const before = new Map(frontier.heads.map(({ author, seq }) => [author, seq]))
    const { author, doubt } = own
    await this.#load()
    // Our log is shorter, or in an earlier run: entries that peers may have were lost, or the run that was being opened.
    const isBehind = (own.head?.seq ?? 0) < (before.get(author) ?? 0)
    if (doubt !== undefined || own.author !== author || isBehind) await own.leave(doubt ?? 'damaged')
    else await own.resetMark()
    await this.#reportChanges(before)
  }

  /** Completes drops that a crash or a disk failure interrupted. If the disk fails again, the next start completes them. */
  async finishDrops(): Promise<void> {
    for (const { log, reason, ...range } of this.#unfinished.splice(0))
      await this.#contents.drop(log, [range], reason).catch(() => {})
  }

  /** Resumes all waiters: writing works again, or the log is closed. */
  wake(): void {
    for (const wake of this.#onceWritable.splice(0)) wake()
  }

  /** Resolves when writing is possible, or the log is closed. */
  async writable(): Promise<void> {
    if (!this.#core.queue.isReadOnly || this.#isClosed) return
    await new Promise<void>(resolve => this.#onceWritable.push(resolve))
  }

  /**
   * Calls `attempt`, which adds to a log, and retries it after each failure of the disk. Waits while the end of the log is unknown or
   * changes, and for the promise that `prepare` returns. Attempts for one log begin in the order of the calls.
   */
  async whenWritable(
    author: LogId,
    attempt: () => Promise<Refusal | undefined>,
    prepare: () => Promise<void> | undefined = () => undefined,
  ): Promise<Refusal | undefined> {
    for (;;) {
      try {
        return await this.#turns.take(
          author,
          () => this.#busy(author) ?? prepare(),
          async () => (this.#isClosed ? undefined : attempt()),
        )
      } catch (error) {
        if (!(error instanceof ChatError) || error.code === 'LOG_CORRUPT') throw error
        if (error.code === 'LOG_CLOSED') return undefined
        // The disk failed: try again once it works. The attempt skips entries that were stored despite the failure.
      }
    }
  }

  /** Resolves when adding to a log may have become possible; undefined if it is possible now. */
  #busy(log: LogId): Promise<unknown> | undefined {
    if (this.#isClosed) return undefined
    if (this.#core.queue.isReadOnly) return this.writable()
    return this.#rereads.get(log) ?? this.#splitter.settled ?? this.#shortener.settled(log)
  }

  /** An entry that should be stored is missing or damaged: the log ends before it until it is fetched again. */
  lose(author: LogId, missing: Seq): void {
    const { frontier, events } = this.#core
    if (this.#isClosed || this.#rereads.has(author) || !frontier.lose(author, missing)) return
    this.#core.report({ kind: 'entry-damaged', author, seq: missing })
    if (!isSigned(author)) {
      events.emit('lost', author)
      return
    }
    const reread = this.#rereadEnd(author, missing)
      .catch(error => {
        if (!this.#isClosed) this.#core.report({ kind: 'database-damaged', detail: reasonOf(error) })
      })
      .finally(() => this.#rereads.delete(author))
    this.#rereads.set(author, reread)
  }

  close(): void {
    this.#isClosed = true
    this.wake()
  }

  /** Reads all heads, and returns the run that our key wrote to last. */
  async #load(isRepaired = false): Promise<Run | undefined> {
    const { store, unsigned, heads, forks, frontier, own, gaps, quota, strangerRows } = this.#core
    const rows: Row[] = []
    for await (const page of store.pages(STATE_ROWS)) rows.push(...page)
    forks.load(rows)
    this.#unfinished = gaps.load(rows)
    await this.#splitter.resume()
    const unsignedHeads = await unsigned.load()
    const signedHeads = await heads.load(isRepaired)
    const all = [...unsignedHeads.values(), ...signedHeads.values()]
    frontier.reset(all)
    const others = all.filter(({ author }) => !own.isOurs(author))
    const records = (await strangerRows?.load()) ?? new Map()
    this.#excess = quota?.reset(others, records) ?? []
    strangerRows?.prune(records)
    if (isRepaired) for (const log of signedHeads.keys()) gaps.suspect(log)
    const first = logOf(own.person)
    const stored = storedRun(await store.get(currentRunKey(own.person)))
    const run = stored?.run ?? (frontier.has(first) ? 0 : undefined)
    const log = logOf(own.person, run)
    own.reset(stored ?? { run: run ?? 0, opened: [] }, frontier.signedHead(log))
    return run
  }

  /** Reports entries that disappeared, and announces entries that were stored although their write was rejected. */
  async #reportChanges(before: ReadonlyMap<LogId, Seq>): Promise<void> {
    const { frontier, own, segments, announcer, events } = this.#core
    for (const [author, seq] of before) {
      const persisted = frontier.persisted(author)
      if (persisted < seq) this.#core.report({ kind: 'entries-lost', author, from: persisted + 1, to: seq })
    }
    for (const { author, seq } of frontier.heads) {
      const from = (before.get(author) ?? 0) + 1
      if (from > seq) continue
      announcer.persisted({ author, from, to: seq + 1 })
      if (author !== own.author) continue
      for await (const entries of segments.read(author, from, seq + 1))
        for (const entry of withContent(entries)) {
          events.emit('recovered', entry)
          this.#core.report({ kind: 'entry-recovered', seq: entry.seq })
        }
    }
  }

  async #rereadEnd(author: LogId, missing: Seq): Promise<void> {
    const { queue, heads, frontier, own, events, blocks, rewrites } = this.#core
    // Entries that are fetched again may have content that was missing before.
    await rewrites.run(async () => queue.write(await blocks.outdated(author, missing, SEQ_MAX)))
    const isOwn = author === own.author
    if (isOwn) await own.settled()
    const damaged = await heads.damaged(author)
    if (damaged.length > 0) await queue.write(damaged)
    const head = await heads.headBefore(author, damaged.length > 0 ? SEQ_MAX + 1 : missing)
    // The lost seqs were in use, so they must not be reused. The damaged row may also have been after the end.
    if (isOwn && (head?.seq ?? 0) < (own.head?.seq ?? 0)) await own.leave('damaged')
    frontier.replace(author, head)
    events.emit('lost', author)
  }
}
