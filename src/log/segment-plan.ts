import { sameBytes } from '../base/bytes.js'
import { type At, EARLIEST } from './at.js'
import { authorOfKey, type Seq } from './author.js'
import { type ChainValue, chainAfter, chainNext, chainStart, isVouchedFor, type LogName } from './chain.js'
import { type Entry, validAt } from './entry.js'
import { type ForkProof, NO_SIGNATURE } from './fork.js'
import type { SignedHead } from './head.js'
import { bytesOf, encodeSegment, lastOf, SEGMENT_ENTRIES_BYTES_MAX, type Segment, sizeInSegment } from './segment.js'
import { segmentWrite } from './segment-rows.js'
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
  readonly entries: readonly Entry[]
  readonly head: SignedHead | undefined
  /** Why what comes after the plan's entries is not taken. */
  readonly fault: string | undefined
  /** A signed run that contradicts what is held: the author signed two histories. */
  readonly fork: Segment | undefined
  /** The place from which on a run contradicts what is held, whether its signature is there or not. */
  readonly parting: Seq | undefined
}

/** An entry that continues the log by its chain, waiting for a signature that vouches for it. */
interface Link {
  readonly entry: Uint8Array
  readonly at: At
  readonly chain: ChainValue
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
  readonly #writes: Write[] = []
  readonly #entries: Entry[] = []
  #fault: string | undefined
  #fork: Segment | undefined
  #parting: Seq | undefined
  /** What waits for the signature of a cut, with the places where a run ended and its signature. */
  #links: Link[] = []
  #ends: { readonly count: number; readonly signature: Uint8Array }[] = []
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
    let seq = (this.#head?.seq ?? 0) + this.#links.length
    let chain = this.#links.at(-1)?.chain ?? this.#head?.chain ?? chainStart(this.#log)
    let at = this.#links.at(-1)?.at ?? this.#head?.last ?? EARLIEST
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
    const links: Link[] = []
    for (const entry of run.entries.slice(skip)) {
      seq++
      const next = validAt(entry, at)
      if (next === undefined) return this.#stop(`entry ${seq} is not valid`)
      at = next
      chain = chainNext(chain, entry)
      links.push({ entry, at, chain })
    }
    this.#links.push(...links)
    this.#ends.push({ count: this.#links.length, signature: run.signature })
    this.#size += size
    return true
  }

  /** Verifies what waits at its last signature; where that fails, at each before it. */
  flush(): void {
    const end = this.#ends.at(-1)
    if (end === undefined) return
    const fault = this.#fault
    if (!this.#seal(end)) {
      const ends = this.#ends
      const links = this.#links
      let sealed = 0
      for (const { count, signature } of ends) {
        this.#links = links.slice(sealed)
        if (!this.#seal({ count: count - sealed, signature })) {
          this.#stop(`the signature at entry ${(this.#head?.seq ?? 0) + count - sealed} does not vouch for it`)
          break
        }
        sealed = count
      }
    }
    this.#fault = fault ?? this.#fault
    this.#links = []
    this.#ends = []
    this.#size = 0
  }

  result(): SignedPlan {
    const [writes, entries] = [this.#writes, this.#entries]
    return { writes, entries, head: this.#head, fault: this.#fault, fork: this.#fork, parting: this.#parting }
  }

  /** Takes the first `count` links as one segment, if the signature vouches for the last of them. */
  #seal({ count, signature }: { readonly count: number; readonly signature: Uint8Array }): boolean {
    const links = this.#links.slice(0, count)
    const end = links.at(-1)
    const from = links[0]
    if (end === undefined || from === undefined) return false
    const author = authorOfKey(this.#log.key)
    const first = (this.#head?.seq ?? 0) + 1
    const last = first + count - 1
    const isProven = last + 1 === this.#proof?.place && sameBytes(end.chain, this.#proof.chain)
    if (!isProven && !isVouchedFor(this.#log, last, end.chain, signature)) return false
    const kept = isProven ? NO_SIGNATURE : Uint8Array.from(signature)
    const segment = {
      key: this.#log.key,
      first,
      entries: links.map(link => link.entry),
      before: this.#head?.chain ?? chainStart(this.#log),
      signature: kept,
    }
    this.#writes.push(segmentWrite(this.#log.key, first, encodeSegment(segment)))
    links.forEach(({ entry, at }, index) => {
      this.#entries.push({ author, seq: first + index, at, entry, ...(index === count - 1 && { signature: kept }) })
    })
    const size = links.reduce((sum, { entry }) => sum + sizeInSegment(entry.length), this.#head?.size ?? 0)
    this.#head = { author, seq: last, chain: end.chain, first: this.#head?.first ?? from.at, last: end.at, size }
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
