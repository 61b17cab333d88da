import { sameBytes } from '../../base/wire/bytes.js'
import type { Put, Write } from '../store/store.js'
import { type LogId, logOfKey, type Seq } from './author.js'
import { type ChainValue, chainAfter, chainStart, isChainSigned, type LogName } from './chain.js'
import { type Entry, packedHlc } from './entry.js'
import { EntryValidator } from './entry-validator.js'
import { type ForkProof, NO_SIGNATURE } from './fork-proof.js'
import type { SignedHead } from './heads.js'
import { EARLIEST, type Hlc } from './hybrid-clock.js'
import type { Rejection } from './log-fault.js'
import { type Packed, packedAfter } from './packed.js'
import { lastOf, packedOf, SEGMENT_ENTRIES_BYTES_MAX, type Segment } from './segment.js'
import { entriesOf, segmentRow, storedSegment } from './segment-rows.js'

/** Consecutive packed entries, signed at the last one. `before`: the chain value before the first, if the sender stated it. */
export interface SignedRun {
  readonly first: Seq
  readonly entries: readonly Uint8Array[]
  readonly signature: Uint8Array
  readonly before?: ChainValue
}

export interface SignedPlan {
  readonly writes: readonly Write[]
  /** Number of entries in the writes. */
  readonly count: number
  readonly entries: readonly Entry[]
  readonly head: SignedHead | undefined
  /** Whether any entries are stubs. */
  readonly hasStubs: boolean
  /** Reason the remaining entries were rejected. */
  readonly fault: Rejection | undefined
  /** A signed run that contradicts the stored log: the author signed two histories. */
  readonly fork: Segment | undefined
  /** Last seq of a run that contradicts the stored log, whether its signature is valid or not. */
  readonly contradictedAt: Seq | undefined
}

/** A run of valid entries whose signature is not yet verified. */
interface Unverified extends Packed {
  readonly signature: Uint8Array
}

/**
 * Plans which of several consecutive signed runs to append after `head`. It merges first and verifies second: runs are joined up to
 * the size of a segment, and only the last signature of each segment is verified and stored. docs/protocol/logs.md §3.5.
 */
export function planSigned(
  log: LogName,
  head: SignedHead | undefined,
  runs: readonly SignedRun[],
  bytesMax = Number.POSITIVE_INFINITY,
): SignedPlan {
  const plan = new Planner(log, head, bytesMax)
  for (const run of runs) if (!plan.add(run)) break
  plan.flush()
  return plan.result()
}

/** Shared by all plans, because planning is synchronous: its buffers are allocated once. */
const validator = new EntryValidator()

class Planner {
  readonly #log: LogName
  readonly #author: LogId
  readonly #bytesMax: number
  readonly #proof: ForkProof | undefined
  #head: SignedHead | undefined
  /** The chain value after the head. */
  #chain: ChainValue
  readonly #rows: Put[] = []
  #count = 0
  #hasStubs = false
  #fault: Rejection | undefined
  #fork: Segment | undefined
  #contradictedAt: Seq | undefined
  /** Runs that the next verified signature will cover. */
  #unverified: Unverified[] = []
  #unverifiedCount = 0
  #unverifiedBytes = 0

  constructor(log: LogName, head: SignedHead | undefined, bytesMax: number, proof?: ForkProof) {
    this.#log = log
    this.#author = logOfKey(log.key, log.run)
    this.#bytesMax = bytesMax
    this.#proof = proof
    this.#head = head
    this.#chain = head?.chain ?? chainStart(log)
    validator.begin(this.#chain, head?.last ?? EARLIEST)
  }

  /** Adds a run; false if no further run can be added. */
  add(run: SignedRun): boolean {
    const packed = packedOf(run)
    const size = packed.bytes.length
    if (this.#unverifiedBytes + size > SEGMENT_ENTRIES_BYTES_MAX) this.flush()
    if (this.#fault !== undefined) return false
    if (size > SEGMENT_ENTRIES_BYTES_MAX) return this.#stop({ kind: 'segment-too-long', first: run.first })
    const seq = (this.#head?.seq ?? 0) + this.#unverifiedCount
    const skip = seq + 1 - run.first
    if (skip < 0) return this.#stop({ kind: 'gap', missing: seq + 1, before: run.first })
    if (skip > packed.count) return true
    // A run that ends where the log ends adds nothing, but may contradict it.
    if (
      run.before !== undefined &&
      !validator.hasChain(skip === 0 ? run.before : chainAfterFirst(run.before, run, skip))
    ) {
      this.flush() // only signed entries can be contradicted
      return this.#fault === undefined ? this.#contradiction(run) : false
    }
    if (skip === packed.count) return true
    if ((this.#head?.size ?? 0) + this.#unverifiedBytes + size > this.#bytesMax)
      return this.#stop({ kind: 'stranger-limit' })
    const fresh = packedAfter(packed, skip)
    validator.save()
    const invalid = validator.validate(fresh)
    if (invalid !== -1) {
      validator.restore()
      return this.#stop({ kind: 'invalid-entry', seq: seq + 1 + invalid })
    }
    this.#hasStubs ||= validator.hasStubs
    this.#unverified.push({ ...fresh, signature: run.signature })
    this.#unverifiedCount += fresh.count
    this.#unverifiedBytes += fresh.bytes.length
    return true
  }

  /** Verifies the pending runs by their last signature; if that fails, by each signature in turn. */
  flush(): void {
    if (this.#unverified.length === 0) return
    const fault = this.#fault
    if (!this.#seal(this.#unverified, validator.chain, validator.last)) {
      validator.begin(this.#chain, this.#head?.last ?? EARLIEST)
      for (const run of this.#unverified) {
        validator.validate(run)
        if (this.#seal([run], validator.chain, validator.last)) continue
        const seq = (this.#head?.seq ?? 0) + run.count
        this.#stop({ kind: 'invalid-signature', seq })
        break
      }
    }
    this.#fault = fault ?? this.#fault
    this.#unverified = []
    this.#unverifiedCount = 0
    this.#unverifiedBytes = 0
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
      hasStubs: this.#hasStubs,
      fault: this.#fault,
      fork: this.#fork,
      contradictedAt: this.#contradictedAt,
    }
  }

  /** Writes runs as one segment, if the signature at their end, or the fork proof, covers them. */
  #seal(runs: readonly Unverified[], chain: ChainValue, last: Hlc): boolean {
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
    const isProven = seq + 1 === this.#proof?.forkedAt && sameBytes(chain, this.#proof.chain)
    if (!isProven && !isChainSigned(this.#log, seq, chain, to.signature)) return false
    const before = this.#chain
    const signature = isProven ? NO_SIGNATURE : to.signature
    const packed = runs.map(({ bytes }) => bytes)
    this.#rows.push(segmentRow({ ...this.#log, first, count, before, signature }, packed))
    this.#count += count
    this.#chain = chain
    this.#head = {
      author: this.#author,
      seq,
      chain,
      first: head?.first ?? packedHlc(from.bytes) ?? EARLIEST,
      last,
      size: (head?.size ?? 0) + size,
    }
    return true
  }

  #contradiction(run: SignedRun): false {
    this.#contradictedAt = lastOf(run)
    const before = run.before ?? chainStart(this.#log)
    const chain = chainAfter(before, run.entries)
    if (!isChainSigned(this.#log, lastOf(run), chain, run.signature)) {
      return this.#stop({ kind: 'unsigned-contradiction', seq: run.first })
    }
    const { key, run: number } = this.#log
    this.#fork = { key, run: number, first: run.first, entries: run.entries, before, signature: run.signature }
    return this.#stop({ kind: 'signed-contradiction', before: lastOf(run) + 1 })
  }

  #stop(fault: Rejection): false {
    this.#fault ??= fault
    return false
  }
}

/** The chain value after the first `count` entries of a run. */
const chainAfterFirst = (before: ChainValue, { entries }: SignedRun, count: number): ChainValue =>
  chainAfter(before, entries.slice(0, count))

/** Plans signed runs below a proven fork. If no signature covers the last entry, the proof may cover it. */
export function planBelow(
  log: LogName,
  head: SignedHead | undefined,
  runs: readonly SignedRun[],
  proof: ForkProof,
  bytesMax = Number.POSITIVE_INFINITY,
): SignedPlan {
  const plan = new Planner(log, head, bytesMax, proof)
  for (const run of runs) {
    const entries = run.entries.slice(0, Math.max(0, proof.forkedAt - run.first))
    if (entries.length === 0 || !plan.add({ ...run, entries })) break
  }
  plan.flush()
  return plan.result()
}
