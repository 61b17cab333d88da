import { sameBytes } from '../../base/wire/bytes.js'
import type { Gaps } from '../content/gaps.js'
import { logKey, logOfKey, type Seq } from '../format/author.js'
import { chainAfter, chainStart, isChainSigned, isContentOf, type LogName } from '../format/chain.js'
import { type GapState, packedHlc } from '../format/entry.js'
import { type ForkProof, NO_SIGNATURE } from '../format/fork-proof.js'
import { EARLIEST, type Hlc } from '../format/hybrid-clock.js'
import type { StoredFault } from '../format/log-fault.js'
import { isStub } from '../format/packed.js'
import { lastOf, type Segment } from '../format/segment.js'
import { SEQ_END, segmentRange, storedSegment } from '../format/segment-rows.js'
import type { SegmentStore } from './segment-store.js'
import type { Store } from './store.js'

/** Number of places of a log without content, by reason. */
export type WithoutContent = Readonly<Record<GapState, number>>

/** The inputs of a verification. */
interface Verification {
  readonly store: Store
  readonly segments: Pick<SegmentStore, 'contents'>
  readonly gaps: Pick<Gaps, 'stateOf'>
}

/**
 * Verifies the chain and the signature of every segment of a log, and the contents that are stored outside of segments. Returns the last
 * seq before the first fault, the fault, and the number of places without content, which is absent if every place has content.
 */
export async function verifySegments(
  { store, segments, gaps }: Verification,
  log: LogName,
  proof?: ForkProof,
): Promise<{ readonly last: Seq; readonly fault: StoredFault | undefined; readonly without?: WithoutContent }> {
  const id = logOfKey(log.key, log.run)
  let without: Record<GapState, number> | undefined
  let chain = chainStart(log)
  let previous: Hlc = EARLIEST
  let last = 0
  for await (const page of store.pages(segmentRange(logKey(log.key, log.run), 0, SEQ_END))) {
    for (const row of page) {
      const segment = storedSegment(row)
      if (segment === undefined) return { last, fault: { kind: 'damaged-row', seq: last + 1 } }
      if (segment.first > last + 1) return { last, fault: { kind: 'missing', from: last + 1, to: segment.first - 1 } }
      if (lastOf(segment) <= last) continue // a longer segment contains its entries too
      if (segment.first === last + 1 && Buffer.compare(segment.before, chain) !== 0) {
        return { last, fault: { kind: 'broken-chain', seq: segment.first } }
      }
      chain = chainAfter(segment.before, segment.entries)
      if (!isProven(segment, proof) && !isChainSigned(log, lastOf(segment), chain, segment.signature)) {
        return {
          last,
          fault: { kind: 'invalid-segment-signature', seq: lastOf(segment), first: segment.first },
        }
      }
      const contents = segment.entries.some(entry => isStub(entry)) ? await segments.contents(id, segment) : undefined
      for (const [index, entry] of segment.entries.entries()) {
        const seq = segment.first + index
        if (seq <= last) continue
        const content = contents?.get(seq)
        if (content !== undefined && !isContentOf(entry, content))
          return { last: seq - 1, fault: { kind: 'damaged-entry', seq } }
        if (contents !== undefined && content === undefined && isStub(entry)) {
          without ??= { deleted: 0, 'kept-out': 0, expired: 0, 'not-given': 0, missing: 0 }
          without[gaps.stateOf(id, seq)]++
        }
        const next = packedHlc(entry)
        if (next === undefined || next <= previous) return { last, fault: { kind: 'out-of-order', seq } }
        previous = next
      }
      last = lastOf(segment)
    }
  }
  return { last, fault: undefined, ...(without !== undefined && { without }) }
}

/** Whether a fork proof covers a segment without a signature: entries below the fork, and possibly some of a branch after it. */
function isProven(segment: Segment, proof: ForkProof | undefined): boolean {
  if (proof === undefined || lastOf(segment) + 1 < proof.forkedAt || !sameBytes(segment.signature, NO_SIGNATURE))
    return false
  const below = segment.entries.slice(0, Math.max(0, proof.forkedAt - segment.first))
  return segment.first > proof.forkedAt || sameBytes(chainAfter(segment.before, below), proof.chain)
}
