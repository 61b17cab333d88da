import { EMPTY, textOf, utf8 } from '../../base/wire/bytes.js'
import type { LogCore } from '../core.js'
import { type LogId, logKeyOf, runOf, type Seq } from '../format/author.js'
import { chainAfter } from '../format/chain.js'
import { decodeEntry, type Members } from '../format/entry.js'
import type { SignedHead } from '../format/heads.js'
import { packedSize } from '../format/packed.js'
import { retractedKey, segmentKey, signedHeadKey, signedHeadWrite } from '../format/segment-rows.js'
import { checked, unchecked } from '../store/checked-row.js'
import type { SegmentStore } from '../store/segment-store.js'
import type { Write } from '../store/store.js'

/** The changes that retract the unpublished end of our log. */
interface RetractionPlan {
  readonly writes: readonly Write[]
  readonly head: SignedHead | undefined
  /** The retracted lines, in order. */
  readonly lines: readonly Members[]
}

/**
 * Retracts entries of ours that were never published when peers have other entries at their seqs, which is not a fork yet. Their
 * lines are kept and appended again after the entries from peers. docs/protocol/storage.md §4.5.
 */
export class Retraction {
  readonly #core: LogCore
  /** Whether retracted lines may be waiting on disk. Initially true, because an earlier process may have left some. */
  #mayHaveLines = true
  #count = 0
  #running: Promise<boolean> | undefined

  constructor(core: LogCore) {
    this.#core = core
  }

  /** Number of retractions so far. A change means that entries of our log read before it may be gone. */
  get count(): number {
    return this.#count
  }

  /** Resolves when no retraction is running. */
  async finished(): Promise<void> {
    await this.#running
  }

  /** Retracts all unpublished entries; false if there are none. Concurrent calls share one retraction. */
  retract(): Promise<boolean> {
    this.#running ??= this.#retract().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** Appends again the lines that this process or an earlier one retracted. */
  async appendAgain(append: (members: Members) => Promise<unknown>): Promise<void> {
    if (!this.#mayHaveLines) return
    this.#mayHaveLines = false
    const count = this.#count
    try {
      const lines = await this.#waitingLines()
      if (lines === undefined) return
      await Promise.all(lines.map(append))
      // If they were retracted again meanwhile, keep the row.
      if (count === this.#count) await this.#core.queue.write([forgetRetracted(this.#core.own.author)])
    } catch (error) {
      this.#mayHaveLines = true
      throw error
    }
  }

  async #retract(): Promise<boolean> {
    const { own, frontier, queue, announcer } = this.#core
    const { head, publishedUpTo } = own
    if (head === undefined || head.seq <= publishedUpTo) return false
    this.#count++
    const { writes, head: rest, lines } = await this.#plan(head, publishedUpTo)
    await queue.write(writes)
    own.reset(runOf(own.author), rest, publishedUpTo)
    // Entries from peers take the same seqs, and readers have not seen those.
    frontier.truncate(own.author, rest, rest?.seq)
    announcer.retracted(own.author, publishedUpTo + 1, lines)
    this.#core.report({ kind: 'entries-retracted', from: publishedUpTo + 1, to: head.seq })
    this.#mayHaveLines = true
    await own.resetMark()
    return true
  }

  /** Plans to remove the entries after `published`. The same commit stores their lines, so that a crash loses none. */
  async #plan(head: SignedHead, published: Seq): Promise<RetractionPlan> {
    const { own, segments } = this.#core
    const writes: Write[] = []
    const lines: Members[] = []
    let size = 0
    for await (const entries of segments.read(own.author, published + 1, head.seq + 1)) {
      for (const { entry } of entries) size += packedSize(entry.length)
      lines.push(...entries.flatMap(({ entry }) => decodeEntry(entry) ?? []))
    }
    const key = logKeyOf(own.author) ?? EMPTY
    for (let seq = published + 1; seq <= head.seq; seq++) writes.push({ type: 'del', key: segmentKey(key, seq) })
    const rest = await headAt(segments, { ...head, size: head.size - size }, published)
    const cut = await segments.segmentAt(own.author, published)
    if (cut !== undefined) writes.push(own.seal({ ...cut, entries: cut.entries.slice(0, published - cut.first + 1) }))
    writes.push(rest === undefined ? { type: 'del', key: signedHeadKey(own.author) } : signedHeadWrite(rest))
    writes.push({ type: 'put', key: retractedKey(own.author), value: checked(utf8(JSON.stringify(lines))) })
    return { writes, head: rest, lines }
  }

  /** The retracted lines that were not restored from peers, without their timestamps; undefined if none were retracted. */
  async #waitingLines(): Promise<Members[] | undefined> {
    const { store, own } = this.#core
    const row = await store.get(retractedKey(own.author))
    if (row === undefined) return undefined
    const lines: unknown = JSON.parse(textOf(unchecked(row) ?? EMPTY) || '[]')
    if (!Array.isArray(lines)) return []
    const returned = await this.#returnedLines(lines)
    return lines
      .filter((line: Members) => !returned.has(JSON.stringify(line)))
      .map(({ at: _at, time: _time, ...members }: Members) => members as Members)
  }

  /** Those of the lines, as JSON, that are in our log again because a peer had these very entries. */
  async #returnedLines(lines: readonly Members[]): Promise<ReadonlySet<string>> {
    const { own, segments } = this.#core
    const expected = new Set(lines.map(line => JSON.stringify(line)))
    const returned = new Set<string>()
    const first = lines.map(({ at }) => String(at)).sort()[0]
    if (own.head === undefined || first === undefined) return returned
    for await (const entries of segments.readBack(own.author, 1, own.head.seq + 1)) {
      for (const { at, entry } of entries) {
        if (at < first) return returned
        const line = JSON.stringify(decodeEntry(entry))
        if (expected.has(line)) returned.add(line)
      }
    }
    return returned
  }
}

const forgetRetracted = (author: LogId): Write => ({ type: 'del', key: retractedKey(author) })

/** The head of our log cut off after `seq`. */
async function headAt(segments: SegmentStore, head: SignedHead, seq: Seq): Promise<SignedHead | undefined> {
  const segment = seq === 0 ? undefined : await segments.segmentAt(head.author, seq)
  if (segment === undefined) return undefined
  const entries = segment.entries.slice(0, seq - segment.first + 1)
  for await (const [entry] of segments.read(head.author, seq, seq + 1)) {
    if (entry !== undefined) return { ...head, seq, chain: chainAfter(segment.before, entries), last: entry.at }
  }
  return undefined
}
