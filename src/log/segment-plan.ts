import { sameBytes } from '../base/bytes.js'
import { EARLIEST } from './at.js'
import { authorOfKey, type Seq } from './author.js'
import { type ChainValue, chainAfter, chainStart, isVouchedFor, type LogName } from './chain.js'
import { type Entry, firstInvalid, storedAt } from './entry.js'
import { type ForkProof, NO_SIGNATURE } from './fork.js'
import type { SignedHead } from './head.js'
import { bytesOf, lastOf, SEGMENT_ENTRIES_BYTES_MAX, type Segment } from './segment.js'
import { entriesOf, segmentRow } from './segment-rows.js'
import type { Write } from './store.js'

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

/** Where a run ends among the entries that wait for the signature of a cut. */
interface End {
  readonly count: number
  readonly chain: ChainValue
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

class Planner {
  readonly #log: LogName
  readonly #bytesMax: number
  readonly #proof: ForkProof | undefined
  #head: SignedHead | undefined
  readonly #sealed: Segment[] = []
  #fault: string | undefined
  #fork: Segment | undefined
  #parting: Seq | undefined
  /** What waits for the signature of a cut. */
  #waiting: Uint8Array[] = []
  #ends: End[] = []
  #size = 0

  constructor(log: LogName, head: SignedHead | undefined, bytesMax: number, proof?: ForkProof) {
    this.#log = log
    this.#bytesMax = bytesMax
    this.#proof = proof
    this.#head = head
  }

  /** Whether more can follow. */
  take(run: SignedRun): boolean {
    const size = bytesOf(run.entries)
    if (this.#size + size > SEGMENT_ENTRIES_BYTES_MAX) this.flush()
    if (this.#fault !== undefined) return false
    if (size > SEGMENT_ENTRIES_BYTES_MAX)
      return this.#stop(`the entries from ${run.first} on go too far without a signature`)
    const seq = (this.#head?.seq ?? 0) + this.#waiting.length
    const chain = this.#ends.at(-1)?.chain ?? this.#head?.chain ?? chainStart(this.#log)
    const before = this.#waiting.at(-1)
    const at = before === undefined ? (this.#head?.last ?? EARLIEST) : storedAt(before)
    const skip = seq + 1 - run.first
    if (skip < 0) return this.#stop(`entry ${seq + 1} is missing before entry ${run.first}`)
    if (skip > run.entries.length) return true
    // What ends where the log ends adds nothing, but may be another end.
    if (run.before !== undefined && !sameBytes(chainAfter(run.before, run.entries.slice(0, skip)), chain)) {
      this.flush() // only what is vouched for can be contradicted
      return this.#fault === undefined ? this.#contradiction(run) : false
    }
    if (skip === run.entries.length) return true
    if ((this.#head?.size ?? 0) + this.#size + size > this.#bytesMax) return this.#stop(tooLong(this.#bytesMax))
    const news = skip === 0 ? run.entries : run.entries.slice(skip)
    const invalid = firstInvalid(news, at)
    if (invalid !== -1) return this.#stop(`entry ${seq + 1 + invalid} is not valid`)
    for (const entry of news) this.#waiting.push(entry)
    this.#ends.push({ count: this.#waiting.length, chain: chainAfter(chain, news), signature: run.signature })
    this.#size += size
    return true
  }

  /** Verifies what waits at its last signature; where that fails, at each before it. */
  flush(): void {
    const last = this.#ends.at(-1)
    if (last === undefined) return
    const fault = this.#fault
    if (!this.#seal(this.#waiting, last)) {
      let sealed = 0
      for (const end of this.#ends) {
        if (!this.#seal(this.#waiting.slice(sealed, end.count), end)) {
          this.#stop(`the signature at entry ${(this.#head?.seq ?? 0) + end.count - sealed} does not vouch for it`)
          break
        }
        sealed = end.count
      }
    }
    this.#fault = fault ?? this.#fault
    this.#waiting = []
    this.#ends = []
    this.#size = 0
  }

  result(): SignedPlan {
    const sealed = this.#sealed
    const author = authorOfKey(this.#log.key)
    return {
      writes: sealed.map(segment => segmentRow(segment)),
      count: sealed.reduce((sum, { entries }) => sum + entries.length, 0),
      get entries() {
        return sealed.flatMap(segment => entriesOf(author, segment))
      },
      head: this.#head,
      fault: this.#fault,
      fork: this.#fork,
      parting: this.#parting,
    }
  }

  /** Takes entries that wait as one segment, if the signature at their end vouches for the last of them. */
  #seal(entries: readonly Uint8Array[], { chain, signature }: End): boolean {
    const [from, to] = [entries[0], entries.at(-1)]
    if (from === undefined || to === undefined) return false
    const before = this.#head
    const first = (before?.seq ?? 0) + 1
    const seq = first + entries.length - 1
    const isProven = seq + 1 === this.#proof?.place && sameBytes(chain, this.#proof.chain)
    if (!isProven && !isVouchedFor(this.#log, seq, chain, signature)) return false
    this.#sealed.push({
      key: this.#log.key,
      first,
      entries,
      before: before?.chain ?? chainStart(this.#log),
      signature: isProven ? NO_SIGNATURE : Uint8Array.from(signature),
    })
    this.#head = {
      author: authorOfKey(this.#log.key),
      seq,
      chain,
      first: before?.first ?? storedAt(from),
      last: storedAt(to),
      size: (before?.size ?? 0) + bytesOf(entries),
    }
    return true
  }

  #contradiction(run: SignedRun): false {
    this.#parting = lastOf(run)
    const before = run.before ?? chainStart(this.#log)
    const chain = chainAfter(before, run.entries)
    if (!isVouchedFor(this.#log, lastOf(run), chain, run.signature)) {
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
