import { authorOfLog, isSigned, type LogId, type Seq } from './format/author.js'
import type { ChainValue } from './format/chain.js'
import { type Digest, type Head, type SignedHead, shortened } from './format/heads.js'
import { signedHeadWrite } from './format/segment-rows.js'
import { AUTHORS_MAX, RUNS_MAX, SEGMENT_BYTES_MAX } from './limits.js'
import type { Refusal } from './options.js'
import type { Announcer } from './read/announcer.js'
import type { LogRange } from './read/merge.js'
import type { CommitQueue, LatestWrite } from './store/commit-queue.js'
import type { Rewrites } from './store/rewrites.js'
import type { SegmentStore } from './store/segment-store.js'
import type { Write } from './store/store.js'

/** Number of unmerged segments of one log after which small ones are joined. */
export const MERGE_SEGMENTS = 64

/** New entries of one log and their rows. */
export interface Addition {
  /** The head of the log with these entries. */
  readonly head: Head | SignedHead
  readonly count: number
  readonly writes: readonly Write[]
  /** Rows of the same commit that are not entries. */
  readonly others?: readonly Write[]
  readonly headWrite: () => Write
  /** Number of segments among the rows. */
  readonly segments: number
}

/** The end of one log: `announced ≤ persisted ≤ pending.seq`, except after a loss. */
interface Tip {
  /** The head including entries that are being written. */
  pending: Head | SignedHead
  /** Last seq on disk. */
  persisted: Seq
  /** The chain value after an entry on disk: the last entry, unless entries were lost since. */
  chainAt: { readonly seq: Seq; readonly chain: ChainValue } | undefined
  /** Last seq announced to readers. Entries fetched again after a loss are not announced to them again. */
  announced: Seq
  /** Segments since the last merge: their number, the first seq, and the size of the log before it. */
  unmerged: { count: number; from: Seq; size: number }
}

/** Tracks the end of every log: pending (being written), persisted (on disk) and announced (to readers). */
export class Frontier {
  readonly #tips = new Map<LogId, Tip>()
  readonly #queue: CommitQueue
  readonly #segments: SegmentStore
  readonly #announcer: Announcer
  readonly #rewrites: Rewrites
  readonly #authorsMax: number

  constructor(
    queue: CommitQueue,
    segments: SegmentStore,
    announcer: Announcer,
    rewrites: Rewrites,
    authorsMax = AUTHORS_MAX,
  ) {
    this.#queue = queue
    this.#segments = segments
    this.#announcer = announcer
    this.#rewrites = rewrites
    this.#authorsMax = authorsMax
  }

  /** The last seq of each log on disk. */
  get heads(): Digest[] {
    const digests: Digest[] = []
    for (const [author, { persisted }] of this.#tips) if (persisted > 0) digests.push({ author, seq: persisted })
    return digests
  }

  has(author: LogId): boolean {
    return this.#tips.has(author)
  }

  /** Last seq of a log on disk. */
  persisted(author: LogId): Seq {
    return this.#tips.get(author)?.persisted ?? 0
  }

  /** The head of a log, including entries that are being written. */
  pendingHead(author: LogId): Head | undefined {
    return this.#tips.get(author)?.pending
  }

  signedHead(author: LogId): SignedHead | undefined {
    const pending = this.#tips.get(author)?.pending
    return pending !== undefined && 'chain' in pending ? pending : undefined
  }

  /** The chain value after an entry of a signed log; known only at the pending and at the persisted end. */
  chainAt(author: LogId, seq: Seq): ChainValue | undefined {
    const pending = this.signedHead(author)
    if (pending?.seq === seq) return pending.chain
    const stored = this.#tips.get(author)?.chainAt
    return stored?.seq === seq ? stored.chain : undefined
  }

  /** The entries on disk after `since`, one range per log. */
  ranges(since: (log: LogId) => Seq): LogRange[] {
    const ranges: LogRange[] = []
    for (const [author, { pending, persisted }] of this.#tips) {
      const from = since(author) + 1
      if (from <= persisted) ranges.push({ author, from, to: persisted + 1, first: pending.first, last: pending.last })
    }
    return ranges
  }

  /** Replaces all heads by the heads found on disk. */
  reset(heads: Iterable<Head | SignedHead>): void {
    this.#tips.clear()
    this.#segments.forget()
    for (const head of heads) this.#tips.set(head.author, tipAt(head))
  }

  /** The last seq of a log that was announced to readers. */
  announced(author: LogId): Seq {
    return this.#tips.get(author)?.announced ?? 0
  }

  /** Replaces the head of one log. Entries that were announced to readers are not announced again. */
  replace(author: LogId, head: Head | SignedHead | undefined, announced = this.announced(author)): void {
    this.#segments.forget(author)
    if (head === undefined) this.#tips.delete(author)
    else this.#tips.set(author, tipAt(head, announced))
  }

  /** An entry is missing or damaged on disk: the log ends before it. False if that was already known. */
  lose(author: LogId, missing: Seq): boolean {
    const tip = this.#tips.get(author)
    if (tip === undefined || missing > tip.persisted) return false
    tip.persisted = missing - 1
    if (!isSigned(author)) tip.pending = shortened(tip.pending, missing - 1)
    return true
  }

  /** Why no log of this author may be created here; undefined if a log may be created, or exists already. */
  refusalOf(author: LogId): Refusal | undefined {
    if (this.#tips.has(author)) return undefined
    if (!this.hasRoom) return { reason: { kind: 'author-limit', authorsMax: this.#authorsMax } }
    if (isSigned(author) && this.#runsOf(author) >= RUNS_MAX)
      return { reason: { kind: 'run-limit', runsMax: RUNS_MAX } }
    return undefined
  }

  #runsOf(log: LogId): number {
    const author = authorOfLog(log)
    let count = 0
    // The ids of all runs begin with the key; comparing prefixes copies none of them.
    for (const other of this.#tips.keys()) if (other.startsWith(author)) count++
    return count
  }

  /** Largest number of logs; their current number if that is higher. */
  get logsMax(): number {
    return Math.max(this.#authorsMax, this.#tips.size)
  }

  /** Whether the limit allows one more author. */
  get hasRoom(): boolean {
    return this.#tips.size < this.#authorsMax
  }

  /** Entries up to `head` are being written. More may be appended at the same time. */
  setPending(head: Head | SignedHead): Tip {
    const tip = this.#tips.get(head.author) ?? {
      pending: head,
      persisted: 0,
      chainAt: undefined,
      announced: 0,
      unmerged: { count: 0, from: 1, size: 0 },
    }
    tip.pending = head
    this.#tips.set(head.author, tip)
    return tip
  }

  /** Changes the size in a log's head by `bytes`. Returns the write of the head, for the commit that changes the contents. */
  resized(author: LogId, bytes: number): LatestWrite | undefined {
    const tip = this.#tips.get(author)
    if (tip === undefined || !('chain' in tip.pending)) return undefined
    const head = { ...tip.pending, size: Math.max(0, tip.pending.size + bytes) }
    tip.pending = head
    return { name: author, isDeferrable: true, write: () => signedHeadWrite(head) }
  }

  /** Writes entries; resolves when they are on disk and announced. */
  async write({ head, count, writes, others, headWrite, segments }: Addition): Promise<void> {
    const { author, seq } = head
    const tip = this.setPending(head)
    try {
      const rows = others === undefined ? writes : [...others, ...writes]
      await this.#queue.write(rows, { name: author, isDeferrable: isSigned(author), write: headWrite })
    } catch (error) {
      if (tip.persisted === 0 && this.#tips.get(author) === tip) this.#tips.delete(author)
      throw error
    }
    if (segments > 0) this.#segments.cache(author, writes)
    this.setPersisted(author, seq + 1 - count, seq + 1, segments, 'chain' in head ? head.chain : undefined)
  }

  /** Entries with `from ≤ seq < to` are on disk; `chain` is the chain value after the last, in a signed log. */
  setPersisted(author: LogId, from: Seq, to: Seq, segments: number, chain: ChainValue | undefined): void {
    const tip = this.#tips.get(author)
    if (tip === undefined) return
    tip.persisted = to - 1
    tip.chainAt = chain && { seq: to - 1, chain }
    const fresh = Math.max(from, tip.announced + 1)
    tip.announced = Math.max(tip.announced, to - 1)
    this.#announcer.persisted({ author, from, to }, fresh)
    if (segments === 0) return
    tip.unmerged.count += segments
    if (tip.unmerged.count >= MERGE_SEGMENTS) void this.#joinSmallSegments(author, tip)
  }

  /** Joins the latest segments if most of them are small. Entries do not change, and readers do not notice. */
  async #joinSmallSegments(author: LogId, tip: Tip): Promise<void> {
    const { count, from, size } = tip.unmerged
    const to = tip.persisted + 1
    tip.unmerged = { count: 0, from: to, size: tip.pending.size }
    if (tip.pending.size - size > (count * SEGMENT_BYTES_MAX) / 2) return
    try {
      await this.#rewrites.run(async () => {
        const writes = await this.#segments.merged(author, from, to)
        if (writes.length > 0) await this.#queue.write(writes)
      })
    } catch {
      // Keep the small segments: merging is only an optimisation.
    }
  }
}

/** The tip of a log that is entirely on disk. */
const tipAt = (head: Head | SignedHead, announced: Seq = head.seq): Tip => ({
  pending: head,
  persisted: head.seq,
  chainAt: 'chain' in head ? { seq: head.seq, chain: head.chain } : undefined,
  announced,
  unmerged: { count: 0, from: head.seq + 1, size: head.size },
})
