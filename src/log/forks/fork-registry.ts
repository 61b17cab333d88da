import { KEY_BYTES } from '../../base/crypto/signing.js'
import { concat, utf8 } from '../../base/wire/bytes.js'
import { type AuthorId, authorOfKey, keyOf, type Seq } from '../format/author.js'
import {
  compare,
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

/** What came of looking at a contradiction. */
type Dispute =
  | { readonly kind: 'proven'; readonly proof: ForkProof }
  /** The sender's segment that holds this place has to be seen first. */
  | { readonly kind: 'want'; readonly seq: Seq }
  | { readonly kind: 'unproven' }

const PROOFS = utf8('f')

/** Authors who signed two histories, with the proof of it; of several the one at the lowest place. */
export class ForkRegistry {
  readonly #store: Store
  readonly #room: Uint8Array
  readonly #segments: SegmentStore
  readonly #proofs = new Map<AuthorId, ForkProof>()
  /** Authors of whom contradicting segments were seen whose first difference is not yet known. */
  readonly #suspects = new Set<AuthorId>()

  constructor(store: Store, room: Uint8Array, segments: SegmentStore) {
    this.#store = store
    this.#room = room
    this.#segments = segments
  }

  get proofs(): readonly ForkProof[] {
    return [...this.#proofs.values()]
  }

  /** Whether one more proof of a log that is not held can be kept. */
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

  /** A proof that a peer sent, if it is one and lower than what is known. */
  check(segments: readonly [Segment, Segment]): ForkProof | undefined {
    const { key } = segments[0]
    const proof = proofFrom({ room: this.#room, key }, ...segments)
    return proof !== undefined && proof.place < this.#placeOf(authorOfKey(key)) ? proof : undefined
  }

  /** The segment that holds an entry, with a signature wherever one can be had. */
  async segmentAt(author: AuthorId, seq: Seq): Promise<Segment | undefined> {
    const segment = await this.#segments.segmentAt(author, seq)
    const proof = this.#proofs.get(author)
    return segment === undefined || proof === undefined ? segment : withProofSignature(segment, proof, seq)
  }

  /** Looks for the place at which `theirs` parts from what is held. */
  async dispute(author: AuthorId, theirs: Segment, held: Seq): Promise<Dispute> {
    const key = keyOf(author)
    if (key === undefined || !isGenuine({ room: this.#room, key }, theirs)) return { kind: 'unproven' }
    for (let seq = Math.min(lastOf(theirs), held); seq >= 1; ) {
      const mine = await this.segmentAt(author, seq)
      if (mine === undefined) return { kind: 'unproven' }
      const comparison = compare(mine, theirs)
      if (comparison.kind === 'equal') return { kind: 'unproven' }
      if (comparison.kind === 'fork') {
        const { proof } = comparison
        const isNews = proof.place < this.#placeOf(author) && isGenuine({ room: this.#room, key }, mine)
        return isNews ? { kind: 'proven', proof } : { kind: 'unproven' }
      }
      if (comparison.of === 'second' || mine.first === 1) {
        this.#suspects.add(author)
        return { kind: 'want', seq: theirs.first - 1 }
      }
      seq = mine.first - 1
    }
    return { kind: 'unproven' }
  }

  /** The write that keeps a proof; it counts from now on. */
  keep(proof: ForkProof): Write {
    const { key } = proof.segments[0]
    this.#proofs.set(authorOfKey(key), proof)
    this.#suspects.delete(authorOfKey(key))
    return { type: 'put', key: concat([PROOFS, key]), value: encodeProof(proof) }
  }

  /** The first place of an author's log that is disputed. */
  #placeOf(author: AuthorId): Seq {
    return this.#proofs.get(author)?.place ?? Number.POSITIVE_INFINITY
  }
}
