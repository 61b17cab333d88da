import { KEY_BYTES } from '../../base/crypto/signing.js'
import { concat, utf8 } from '../../base/wire/bytes.js'
import { type AuthorId, authorOfKey, keyOf, type Seq } from '../format/author.js'
import {
  compareSegments,
  decodeProof,
  encodeProof,
  type ForkProof,
  isGenuine,
  proofFrom,
  withProofSignature,
} from '../format/fork-proof.js'
import { lastOf, type Segment } from '../format/segment.js'
import { AUTHORS_MAX } from '../limits.js'
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
  readonly #proofs = new Map<AuthorId, ForkProof>()
  /** Authors whose log differs from a peer's at an entry that is not yet known. */
  readonly #suspects = new Set<AuthorId>()

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

  proofOf(author: AuthorId): ForkProof | undefined {
    return this.#proofs.get(author)
  }

  isSuspect(author: AuthorId): boolean {
    return this.#suspects.has(author)
  }

  suspect(author: AuthorId): void {
    this.#suspects.add(author)
  }

  async load(): Promise<void> {
    this.#proofs.clear()
    for await (const page of this.#store.pages({ gte: PROOFS, lt: after(PROOFS) })) {
      for (const [key, value] of page) {
        if (key.length !== 1 + KEY_BYTES) continue
        const segments = decodeProof(value)
        const proof = segments && proofFrom({ room: this.#room, key: key.subarray(1) }, ...segments)
        if (proof !== undefined) this.#proofs.set(authorOfKey(key.subarray(1)), proof)
      }
    }
  }

  /** A proof that a peer sent; undefined unless it is valid and its fork point is lower than the known one. */
  check(segments: readonly [Segment, Segment]): ForkProof | undefined {
    const { key } = segments[0]
    const proof = proofFrom({ room: this.#room, key }, ...segments)
    return proof !== undefined && proof.forkedAt < this.#forkOf(authorOfKey(key)) ? proof : undefined
  }

  /** The segment with an entry, with a valid signature if possible. */
  async segmentAt(author: AuthorId, seq: Seq): Promise<Segment | undefined> {
    const segment = await this.#segments.segmentAt(author, seq)
    const proof = this.#proofs.get(author)
    return segment === undefined || proof === undefined ? segment : withProofSignature(segment, proof, seq)
  }

  /** Looks for the entry at which `theirs` differs from the stored log, whose last entry is `persisted`. */
  async compare(author: AuthorId, theirs: Segment, persisted: Seq): Promise<Comparison> {
    const key = keyOf(author)
    if (key === undefined || !isGenuine({ room: this.#room, key }, theirs)) return { kind: 'unproven' }
    for (let seq = Math.min(lastOf(theirs), persisted); seq >= 1; ) {
      const mine = await this.segmentAt(author, seq)
      if (mine === undefined) return { kind: 'unproven' }
      const comparison = compareSegments(mine, theirs)
      if (comparison.kind === 'equal') return { kind: 'unproven' }
      if (comparison.kind === 'fork') {
        const { proof } = comparison
        const isLower = proof.forkedAt < this.#forkOf(author) && isGenuine({ room: this.#room, key }, mine)
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
    const { key } = proof.segments[0]
    this.#proofs.set(authorOfKey(key), proof)
    this.#suspects.delete(authorOfKey(key))
    return { type: 'put', key: concat([PROOFS, key]), value: encodeProof(proof) }
  }

  /** The first forked seq of an author; infinite if their log has not forked. */
  #forkOf(author: AuthorId): Seq {
    return this.#proofs.get(author)?.forkedAt ?? Number.POSITIVE_INFINITY
  }
}
