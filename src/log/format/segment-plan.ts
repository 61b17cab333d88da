import { sameBytes } from '../../base/wire/bytes.js'
import type { Put, Write } from '../store/store.js'
import { type AuthorId, authorOfKey, type Seq } from './author.js'
import { type ChainValue, chainAfter, chainStart, isChainSigned, type LogName } from './chain.js'
import { type Entry, storedHlc } from './entry.js'
import { EntryValidator } from './entry-validator.js'
import { type ForkProof, NO_SIGNATURE } from './fork-proof.js'
import type { SignedHead } from './heads.js'
import { EARLIEST, type Hlc } from './hybrid-clock.js'
import { type Packed, packedAfter, startOf } from './packed.js'
import { lastOf, packedOf, SEGMENT_ENTRIES_BYTES_MAX, type Segment } from './segment.js'
import { entriesOf, segmentRow, storedSegment } from './segment-rows.js'

/** A run of entries with the signature at its last; `before` where the sender said the chain value before the first. */
export interface SignedRun {
  readonly first: Seq
  readonly entries: readonly Uint8Array[]
  readonly signature: Uint8Array
  readonly before?: ChainValue
}

export interface SignedPlan {
  readonly writes: readonly Write[]
  /** How many entries they hold, and which. */
  readonly count: number
  readonly entries: readonly Entry[]
  readonly head: SignedHead | undefined
  /** Why what comes after the plan's entries is not taken. */
  readonly fault: string | undefined
  /** A signed run that contradicts what is held: the author signed two histories. */
  readonly fork: Segment | undefined
  /** The place from which on a run contradicts what is held, whether its signature is there or not. */
  readonly parting: Seq | undefined
}

/** A run among those that wait for the signature of a cut. */
interface Waiting extends Packed {
  readonly signature: Uint8Array
}

/**
 * Decides what of consecutive signed runs goes behind `head`. Merge first, verify second: the runs are joined as far as
 * one segment holds them, and only the signature at each cut is verified and kept. PROTOCOL.md §3.5.
 */
export function planSigned(
  log: LogName,
  head: SignedHead | undefined,
  runs: readonly SignedRun[],
  bytesMax = Number.POSITIVE_INFINITY,
): SignedPlan {
  const plan = new Planner(log, head, bytesMax)
  for (const run of runs) if (!plan.take(run)) break
  plan.flush()
  return plan.result()
}

/** Plans are made one at a time. */
const judge = new EntryValidator()

class Planner {
  readonly #log: LogName
  readonly #author: AuthorId
  readonly #bytesMax: number
  readonly #proof: ForkProof | undefined
  #head: SignedHead | undefined
  readonly #rows: Put[] = []
  #count = 0
  #fault: string | undefined
  #fork: Segment | undefined
  #parting: Seq | undefined
  /** What waits for the signature of a cut. */
  #waiting: Waiting[] = []
  #waitingCount = 0
  #size = 0

  constructor(log: LogName, head: SignedHead | undefined, bytesMax: number, proof?: ForkProof) {
    this.#log = log
    this.#author = authorOfKey(log.key)
    this.#bytesMax = bytesMax
    this.#proof = proof
    this.#head = head
    judge.begin(head?.chain ?? chainStart(log), head?.last ?? EARLIEST)
  }

  /** Whether more can follow. */
  take(run: SignedRun): boolean {
    const packed = packedOf(run)
    const size = packed.bytes.length
    if (this.#size + size > SEGMENT_ENTRIES_BYTES_MAX) this.flush()
    if (this.#fault !== undefined) return false
    if (size > SEGMENT_ENTRIES_BYTES_MAX)
      return this.#stop(`the entries from ${run.first} on go too far without a signature`)
    const seq = (this.#head?.seq ?? 0) + this.#waitingCount
    const skip = seq + 1 - run.first
    if (skip < 0) return this.#stop(`entry ${seq + 1} is missing before entry ${run.first}`)
    if (skip > packed.count) return true
    // What ends where the log ends adds nothing, but may be another end.
    if (run.before !== undefined && !judge.isAt(skip === 0 ? run.before : chainAfterSome(run.before, run, skip))) {
      this.flush() // only what is vouched for can be contradicted
      return this.#fault === undefined ? this.#contradiction(run) : false
    }
    if (skip === packed.count) return true
    if ((this.#head?.size ?? 0) + this.#size + size > this.#bytesMax) return this.#stop(tooLong(this.#bytesMax))
    const news = packedAfter(packed, skip)
    judge.mark()
    const invalid = judge.take(news)
    if (invalid !== -1) {
      judge.goBack()
      return this.#stop(`entry ${seq + 1 + invalid} is not valid`)
    }
    this.#waiting.push({ ...news, signature: run.signature })
    this.#waitingCount += news.count
    this.#size += news.bytes.length
    return true
  }

  /** Verifies what waits at its last signature; where that fails, at each before it. */
  flush(): void {
    if (this.#waiting.length === 0) return
    const fault = this.#fault
    if (!this.#seal(this.#waiting, judge.chain, judge.last)) {
      judge.begin(this.#head?.chain ?? chainStart(this.#log), this.#head?.last ?? EARLIEST)
      for (const run of this.#waiting) {
        judge.take(run)
        if (this.#seal([run], judge.chain, judge.last)) continue
        const seq = (this.#head?.seq ?? 0) + run.count
        this.#stop(`the signature at entry ${seq} does not vouch for it`)
        break
      }
    }
    this.#fault = fault ?? this.#fault
    this.#waiting = []
    this.#waitingCount = 0
    this.#size = 0
  }

  result(): SignedPlan {
    const rows = this.#rows
    const author = this.#author
    return {
      writes: rows,
      count: this.#count,
      get entries() {
        return rows.flatMap(({ key, value }) => {
          const segment = storedSegment([key, value])
          return segment === undefined ? [] : entriesOf(author, segment)
        })
      },
      head: this.#head,
      fault: this.#fault,
      fork: this.#fork,
      parting: this.#parting,
    }
  }

  /** Takes runs that wait as one segment, if the signature at their end vouches for the last of their entries. */
  #seal(runs: readonly Waiting[], chain: ChainValue, last: Hlc): boolean {
    const [from, to] = [runs[0], runs.at(-1)]
    if (from === undefined || to === undefined) return false
    const head = this.#head
    const first = (head?.seq ?? 0) + 1
    let [count, size] = [0, 0]
    for (const run of runs) {
      count += run.count
      size += run.bytes.length
    }
    const seq = first + count - 1
    const isProven = seq + 1 === this.#proof?.place && sameBytes(chain, this.#proof.chain)
    if (!isProven && !isChainSigned(this.#log, seq, chain, to.signature)) return false
    const before = head?.chain ?? chainStart(this.#log)
    const signature = isProven ? NO_SIGNATURE : to.signature
    const packed = runs.map(({ bytes }) => bytes)
    this.#rows.push(segmentRow({ key: this.#log.key, first, count, before, signature }, packed))
    this.#count += count
    this.#head = {
      author: this.#author,
      seq,
      chain,
      first: head?.first ?? storedHlc(from.bytes.subarray(startOf(from.bytes, 0))),
      last,
      size: (head?.size ?? 0) + size,
    }
    return true
  }

  #contradiction(run: SignedRun): false {
    this.#parting = lastOf(run)
    const before = run.before ?? chainStart(this.#log)
    const chain = chainAfter(before, run.entries)
    if (!isChainSigned(this.#log, lastOf(run), chain, run.signature)) {
      return this.#stop(`entry ${run.first} does not continue the log, and its signature is none`)
    }
    this.#fork = { key: this.#log.key, first: run.first, entries: run.entries, before, signature: run.signature }
    return this.#stop(`the author signed two different histories before entry ${lastOf(run) + 1}`)
  }

  #stop(fault: string): false {
    this.#fault ??= fault
    return false
  }
}

/** The chain value after the first `count` entries of a run. */
const chainAfterSome = (before: ChainValue, { entries }: SignedRun, count: number): ChainValue =>
  chainAfter(before, entries.slice(0, count))

/** Why a log is not taken any further here. */
export const tooLong = (bytesMax: number): string =>
  `its author's log takes ${bytesMax.toLocaleString('en')} bytes here, and no more of it is taken`

/** The same below a proven fork, where the proof vouches for the last entry in the place of a signature. */
export function planBelow(
  log: LogName,
  head: SignedHead | undefined,
  runs: readonly SignedRun[],
  proof: ForkProof,
  bytesMax = Number.POSITIVE_INFINITY,
): SignedPlan {
  const plan = new Planner(log, head, bytesMax, proof)
  for (const run of runs) {
    const entries = run.entries.slice(0, Math.max(0, proof.place - run.first))
    if (entries.length === 0 || !plan.take({ ...run, entries })) break
  }
  plan.flush()
  return plan.result()
}
