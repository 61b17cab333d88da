import { SIGNATURE_BYTES } from '../../base/crypto/signing.js'
import { ByteReader } from '../../base/wire/byte-reader.js'
import { ByteWriter } from '../../base/wire/byte-writer.js'
import { sameBytes } from '../../base/wire/bytes.js'
import { SEGMENT_BYTES_MAX } from '../limits.js'
import { branchOf, type LogId, runOf, type Seq } from './author.js'
import {
  type BranchStart,
  type ChainValue,
  chainAfter,
  chainNext,
  chainStart,
  isChainSigned,
  type LogName,
  stubsOf,
} from './chain.js'
import { sizeOfPacked } from './packed.js'
import { decodeSegment, encodeSegment, lastOf, SEGMENT_ENTRIES_BYTES_MAX, type Segment } from './segment.js'

/**
 * Two segments of one log with different entries at `forkedAt`: the author signed two histories. The entries in a proof are stubs, so that
 * it contains no text and fits into a frame. docs/protocol/wire.md §5.4.
 */
export interface ForkProof {
  readonly segments: readonly [Segment, Segment]
  /** The first seq at which they differ. Both signatures cover the same entries below it. */
  readonly forkedAt: Seq
  /** The chain value just below `forkedAt`. */
  readonly chain: ChainValue
}

type Comparison =
  | { readonly kind: 'fork'; readonly proof: ForkProof }
  /** The segments differ from their first common entry on, so the fork may be earlier: the caller compares the segment before `of` next. */
  | { readonly kind: 'earlier'; readonly of: 'first' | 'second' }
  | { readonly kind: 'equal' }

/** Compares two segments of one log over the entries that both contain, and the chain values before them. */
export function compareSegments(a: Segment, b: Segment): Comparison {
  const low = Math.max(a.first, b.first) - 1
  const high = Math.min(lastOf(a), lastOf(b))
  if (low > high) return { kind: 'equal' }
  const [chainsA, chainsB] = [chainsFrom(a, low, high), chainsFrom(b, low, high)]
  const differing = chainsA.findIndex((chain, index) => !sameBytes(chain, chainsB[index] ?? chain))
  if (differing === -1) return { kind: 'equal' }
  const chain = chainsA[differing - 1]
  if (chain !== undefined)
    return {
      kind: 'fork',
      proof: { segments: [withoutContent(a), withoutContent(b)], forkedAt: low + differing, chain },
    }
  return { kind: 'earlier', of: a.first > b.first ? 'first' : 'second' }
}

const withoutContent = ({ key, run, first, before, signature, entries }: Segment): Segment => ({
  key,
  run,
  first,
  before,
  signature,
  entries: stubsOf(entries),
})

/** Whether the author signed the segment. */
export function isGenuine(log: LogName, segment: Segment): boolean {
  if (!sameBytes(segment.key, log.key) || segment.run !== log.run) return false
  if (segment.first === 1 && !sameBytes(segment.before, chainStart(log))) return false
  const chain = chainAfter(segment.before, segment.entries)
  return isChainSigned(log, lastOf(segment), chain, segment.signature)
}

/** The fork that two segments prove; undefined if they prove none. */
export function proofFrom(log: LogName, a: Segment, b: Segment): ForkProof | undefined {
  if (!isGenuine(log, a) || !isGenuine(log, b)) return undefined
  const comparison = compareSegments(a, b)
  return comparison.kind === 'fork' ? comparison.proof : undefined
}

/** The branch of a segment that contains the entry at a fork. */
export const branchIn = ({ key, before, first, entries }: Segment, forkedAt: Seq): LogId =>
  branchOf(key, chainAfter(before, entries.slice(0, forkedAt - first + 1)))

/** The two branches that a proof is about. */
export const branchesIn = ({ segments: [a, b], forkedAt }: ForkProof): readonly [LogId, LogId] => [
  branchIn(a, forkedAt),
  branchIn(b, forkedAt),
]

/** Where the branches of a fork start: the original run, the seq of its last entry before the fork, and the chain value there. */
export const startAt = (
  { run, start }: LogName,
  { forkedAt, chain }: Pick<ForkProof, 'forkedAt' | 'chain'>,
): BranchStart => ({
  run: start?.run ?? run,
  after: (start?.after ?? 0) + forkedAt - 1,
  chain,
})

/** The part of a segment from a fork on, as a segment of a branch. It has at least one entry. */
export function inBranch(branch: LogId, forkedAt: Seq, { key, first, entries, before, signature }: Segment): Segment {
  const skip = Math.max(0, forkedAt - first)
  return {
    key,
    run: runOf(branch),
    first: first + skip - forkedAt + 1,
    entries: entries.slice(skip),
    before: chainAfter(before, entries.slice(0, skip)),
    signature,
  }
}

/** A proof of a later fork, rewritten as a proof about a branch of the earlier fork. */
export const proofInBranch = (branch: LogId, forkedAt: Seq, { segments: [a, b], ...proof }: ForkProof): ForkProof => ({
  segments: [inBranch(branch, forkedAt, a), inBranch(branch, forkedAt, b)],
  forkedAt: proof.forkedAt - forkedAt + 1,
  chain: proof.chain,
})

/** The bytes of a proof, as stored and sent: both segments, each prefixed with its length. */
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

/** Placeholder for the signature of a prefix that a fork proof covers. */
export const NO_SIGNATURE: Uint8Array = new Uint8Array(SIGNATURE_BYTES)

/** The entries of a segment below a fork, with NO_SIGNATURE if that shortens the segment; undefined if there are none. */
export function below(forkedAt: Seq, segment: Segment): Segment | undefined {
  if (lastOf(segment) < forkedAt) return segment
  const entries = segment.entries.slice(0, Math.max(0, forkedAt - segment.first))
  return entries.length === 0 ? undefined : { ...segment, entries, signature: NO_SIGNATURE }
}

/**
 * Extends a prefix that was cut off below a fork, and so lost its signature, with the signed entries of the proof that follow it.
 * Omits entries before `seq` if the result would be too long. Returns the segment unchanged if even that is too long.
 */
export function withProofSignature(segment: Segment, { segments: [a, b], forkedAt }: ForkProof, seq: Seq): Segment {
  if (!sameBytes(segment.signature, NO_SIGNATURE) || seq >= forkedAt) return segment
  const [tailA, tailB] = [a, b].map(({ first, entries }) => entries.slice(forkedAt - first)) as [
    Uint8Array[],
    Uint8Array[],
  ]
  const isA = sizeOfPacked(tailA) < sizeOfPacked(tailB)
  const prefix = segment.entries.slice(0, forkedAt - segment.first)
  const rest = [...prefix.slice(seq - segment.first), ...(isA ? tailA : tailB)]
  const earlier = prefix.slice(0, seq - segment.first)
  if (sizeOfPacked(rest) > SEGMENT_ENTRIES_BYTES_MAX) return segment
  const isWhole = sizeOfPacked(earlier) + sizeOfPacked(rest) <= SEGMENT_ENTRIES_BYTES_MAX
  return {
    key: segment.key,
    run: segment.run,
    first: isWhole ? segment.first : seq,
    entries: isWhole ? [...earlier, ...rest] : rest,
    before: isWhole ? segment.before : chainAfter(segment.before, earlier),
    signature: (isA ? a : b).signature,
  }
}

/** Chain values after the entries from `low` to `high`, all of which the segment's signature covers. */
function chainsFrom(segment: Segment, low: Seq, high: Seq): ChainValue[] {
  const chains: ChainValue[] = []
  let chain = segment.before
  for (let seq = segment.first - 1; seq <= high; seq++) {
    const entry = seq >= segment.first ? segment.entries[seq - segment.first] : undefined
    if (entry !== undefined) chain = chainNext(chain, entry)
    if (seq >= low) chains.push(chain)
  }
  return chains
}
