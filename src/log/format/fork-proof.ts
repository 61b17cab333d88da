import { SIGNATURE_BYTES } from '../../base/crypto/signing.js'
import { ByteReader } from '../../base/wire/byte-reader.js'
import { ByteWriter } from '../../base/wire/byte-writer.js'
import { sameBytes } from '../../base/wire/bytes.js'
import { SEGMENT_BYTES_MAX } from '../limits.js'
import type { Seq } from './author.js'
import { type ChainValue, chainAfter, chainNext, chainStart, isChainSigned, type LogName } from './chain.js'
import { bytesOf } from './packed.js'
import { decodeSegment, encodeSegment, lastOf, SEGMENT_ENTRIES_BYTES_MAX, type Segment } from './segment.js'

/** Two segments that one key signed and that cannot both be true: the entry at `place` stands twice. PROTOCOL.md §5.4. */
export interface ForkProof {
  readonly segments: readonly [Segment, Segment]
  /** The first place where they differ: what stands below is the same in both, and vouched for by the proof. */
  readonly place: Seq
  /** The chain value just below `place`. */
  readonly chain: ChainValue
}

type Comparison =
  | { readonly kind: 'fork'; readonly proof: ForkProof }
  /** They differ from their first common place on: what stands before it has to be seen, of the first or of the second. */
  | { readonly kind: 'earlier'; readonly of: 'first' | 'second' }
  | { readonly kind: 'alike' }

/** Compares two segments of one log at the places for which both vouch: from the one before their first to their last. */
export function compare(a: Segment, b: Segment): Comparison {
  const low = Math.max(a.first, b.first) - 1
  const high = Math.min(lastOf(a), lastOf(b))
  if (low > high) return { kind: 'alike' }
  const [chainsA, chainsB] = [chainsFrom(a, low, high), chainsFrom(b, low, high)]
  const differing = chainsA.findIndex((chain, index) => !sameBytes(chain, chainsB[index] ?? chain))
  if (differing === -1) return { kind: 'alike' }
  const chain = chainsA[differing - 1]
  if (chain !== undefined) return { kind: 'fork', proof: { segments: [a, b], place: low + differing, chain } }
  return { kind: 'earlier', of: a.first > b.first ? 'first' : 'second' }
}

/** Whether a segment can be taken as its author's word. */
export function isGenuine(log: LogName, segment: Segment): boolean {
  if (!sameBytes(segment.key, log.key)) return false
  if (segment.first === 1 && !sameBytes(segment.before, chainStart(log))) return false
  const chain = segment.entries.reduce(chainNext, segment.before)
  return isChainSigned(log, lastOf(segment), chain, segment.signature)
}

/** The proof that two segments are; undefined where they are none. */
export function proofFrom(log: LogName, a: Segment, b: Segment): ForkProof | undefined {
  if (!isGenuine(log, a) || !isGenuine(log, b)) return undefined
  const comparison = compare(a, b)
  return comparison.kind === 'fork' ? comparison.proof : undefined
}

/** The bytes of a proof, as it is stored and sent: both segments, each with its length before it. */
export function encodeProof({ segments: [a, b] }: ForkProof): Uint8Array {
  return new ByteWriter().sized(encodeSegment(a)).sized(encodeSegment(b)).finish()
}

/** The two segments of a proof, copied out of `bytes`; undefined for anything else. Their signatures are not yet checked. */
export function decodeProof(bytes: Uint8Array): readonly [Segment, Segment] | undefined {
  const reader = new ByteReader(bytes)
  const encoded = reader.end([reader.sized(SEGMENT_BYTES_MAX), reader.sized(SEGMENT_BYTES_MAX)])
  const [a, b] = (encoded ?? []).map(segment => decodeSegment(Uint8Array.from(segment)))
  return a === undefined || b === undefined ? undefined : [a, b]
}

/** A signature that is none: the end of a prefix that a proof vouches for. */
export const NO_SIGNATURE: Uint8Array = new Uint8Array(SIGNATURE_BYTES)

/** What of a segment stands below a fork; without a signature where that does not end it anyway. */
export function below(place: Seq, segment: Segment): Segment | undefined {
  if (lastOf(segment) < place) return segment
  const entries = segment.entries.slice(0, place - segment.first)
  return entries.length === 0 ? undefined : { ...segment, entries, signature: NO_SIGNATURE }
}

/**
 * A prefix that was cut below a fork, signed again: what its author signed behind it follows, out of the proof. Entries
 * before `seq` are left out where it would be too long; it stays as it is where it is too long even so.
 */
export function signedAgain(segment: Segment, { segments: [a, b], place }: ForkProof, seq: Seq): Segment {
  if (!sameBytes(segment.signature, NO_SIGNATURE) || seq >= place) return segment
  const [tailA, tailB] = [a, b].map(({ first, entries }) => entries.slice(place - first)) as [
    Uint8Array[],
    Uint8Array[],
  ]
  const isA = bytesOf(tailA) < bytesOf(tailB)
  const prefix = segment.entries.slice(0, place - segment.first)
  const rest = [...prefix.slice(seq - segment.first), ...(isA ? tailA : tailB)]
  const earlier = prefix.slice(0, seq - segment.first)
  if (bytesOf(rest) > SEGMENT_ENTRIES_BYTES_MAX) return segment
  const isWhole = bytesOf(earlier) + bytesOf(rest) <= SEGMENT_ENTRIES_BYTES_MAX
  return {
    key: segment.key,
    first: isWhole ? segment.first : seq,
    entries: isWhole ? [...earlier, ...rest] : rest,
    before: isWhole ? segment.before : chainAfter(segment.before, earlier),
    signature: (isA ? a : b).signature,
  }
}

/** Chain values after the places from `low` to `high`; both lie within what the segment vouches for. */
function chainsFrom(segment: Segment, low: Seq, high: Seq): ChainValue[] {
  const chains: ChainValue[] = []
  let chain = segment.before
  for (let place = segment.first - 1; place <= high; place++) {
    const entry = place >= segment.first ? segment.entries[place - segment.first] : undefined
    if (entry !== undefined) chain = chainNext(chain, entry)
    if (place >= low) chains.push(chain)
  }
  return chains
}
