import { concat, EMPTY, utf8 } from '../../base/wire/bytes.js'
import { keyOf, LOG_KEY_BYTES, type LogId, logKey, logOfLogKey, runOf, type Seq } from '../format/author.js'
import type { LogName } from '../format/chain.js'
import {
  compareSegments,
  decodeProof,
  encodeProof,
  type ForkProof,
  isGenuine,
  proofFrom,
  withProofSignature,
} from '../format/fork-proof.js'
import { lastOf, logOfSegment, type Segment } from '../format/segment.js'
import { AUTHORS_MAX } from '../limits.js'
import { checked, unchecked } from '../store/checked-row.js'
import type { SegmentStore } from '../store/segment-store.js'
import { after, type Store, type Write } from '../store/store.js'

/** The result of comparing a contradicting segment with the stored log. */
type Comparison =
  | { readonly kind: 'proven'; readonly proof: ForkProof }
  /** The sender's segment with this entry has to be compared first. */
  | { readonly kind: 'needs-earlier'; readonly seq: Seq }
  | { readonly kind: 'unproven' }

const PROOFS = utf8('f')

/** The proven forks: for each author, the proof with the lowest fork point. */
export class ForkRegistry {
  readonly #store: Store
  readonly #room: Uint8Array
  readonly #segments: SegmentStore
  readonly #proofs = new Map<LogId, ForkProof>()
  /** Authors whose log differs from a peer's at an entry that is not yet known. */
  readonly #suspects = new Set<LogId>()

  constructor(store: Store, room: Uint8Array, segments: SegmentStore) {
    this.#store = store
    this.#room = room
    this.#segments = segments
  }

  get proofs(): readonly ForkProof[] {
    return [...this.#proofs.values()]
  }

  /** Whether one more proof about a log that is not stored here can be kept. */
  get hasRoom(): boolean {
    return this.#proofs.size < AUTHORS_MAX
  }

  proofOf(author: LogId): ForkProof | undefined {
    return this.#proofs.get(author)
  }

  isSuspect(author: LogId): boolean {
    return this.#suspects.has(author)
  }

  suspect(author: LogId): void {
    this.#suspects.add(author)
  }

  async load(): Promise<void> {
    this.#proofs.clear()
    for await (const page of this.#store.pages({ gte: PROOFS, lt: after(PROOFS) })) {
      for (const [key, value] of page) {
        if (key.length !== 1 + LOG_KEY_BYTES) continue
        const author = logOfLogKey(key.subarray(1))
        const segments = decodeProof(unchecked(value) ?? EMPTY)
        const proof = segments && proofFrom(this.#nameOf(author), ...segments)
        if (proof !== undefined) this.#proofs.set(author, proof)
      }
    }
  }

  /** A proof that a peer sent; undefined unless it is valid and its fork point is lower than the known one. */
  check(segments: readonly [Segment, Segment]): ForkProof | undefined {
    const { key, run } = segments[0]
    const proof = proofFrom({ room: this.#room, key, run }, ...segments)
    return proof !== undefined && proof.forkedAt < this.#forkOf(logOfSegment(segments[0])) ? proof : undefined
  }

  /** The segment with an entry, with a valid signature if possible. */
  async segmentAt(author: LogId, seq: Seq): Promise<Segment | undefined> {
    const segment = await this.#segments.segmentAt(author, seq)
    const proof = this.#proofs.get(author)
    return segment === undefined || proof === undefined ? segment : withProofSignature(segment, proof, seq)
  }

  /** Looks for the entry at which `theirs` differs from the stored log, whose last entry is `persisted`. */
  async compare(author: LogId, theirs: Segment, persisted: Seq): Promise<Comparison> {
    const log = this.#nameOf(author)
    if (!isGenuine(log, theirs)) return { kind: 'unproven' }
    for (let seq = Math.min(lastOf(theirs), persisted); seq >= 1; ) {
      const mine = await this.segmentAt(author, seq)
      if (mine === undefined) return { kind: 'unproven' }
      const comparison = compareSegments(mine, theirs)
      if (comparison.kind === 'equal') return { kind: 'unproven' }
      if (comparison.kind === 'fork') {
        const { proof } = comparison
        const isLower = proof.forkedAt < this.#forkOf(author) && isGenuine(log, mine)
        return isLower ? { kind: 'proven', proof } : { kind: 'unproven' }
      }
      if (comparison.of === 'second' || mine.first === 1) {
        this.#suspects.add(author)
        return { kind: 'needs-earlier', seq: theirs.first - 1 }
      }
      seq = mine.first - 1
    }
    return { kind: 'unproven' }
  }

  /** Adds a proof; returns the write that stores it. */
  add(proof: ForkProof): Write {
    const { key, run } = proof.segments[0]
    this.#proofs.set(logOfSegment(proof.segments[0]), proof)
    this.#suspects.delete(logOfSegment(proof.segments[0]))
    return { type: 'put', key: concat([PROOFS, logKey(key, run)]), value: checked(encodeProof(proof)) }
  }

  #nameOf(author: LogId): LogName {
    return { room: this.#room, key: keyOf(author) ?? EMPTY, run: runOf(author) }
  }

  /** The first forked seq of an author; infinite if their log has not forked. */
  #forkOf(author: LogId): Seq {
    return this.#proofs.get(author)?.forkedAt ?? Number.POSITIVE_INFINITY
  }
}
