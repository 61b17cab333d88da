import type { LogCore } from './core.js'
import { isSigned, type LogId, logOf, type Seq } from './format/author.js'
import type { StoredFault } from './format/log-fault.js'
import type { FoundMark } from './mark/own-mark.js'
import type { Claim } from './store/head-index.js'
import { verifySegments, type WithoutContent } from './store/segment-verification.js'

/** The result of verifying one log. */
export interface Verified {
  readonly author: LogId
  /** The last entry before the first fault. */
  readonly last: Seq
  readonly fault: StoredFault | undefined
  /** Number of places up to `last` without content; absent if all have content. */
  readonly without?: WithoutContent
  /** First seq with two histories. */
  readonly forkedAt: Seq | undefined
}

/** Verifies every row of one log: chain, signatures, order. */
export async function verifyLog(core: LogCore, author: LogId): Promise<Pick<Verified, 'last' | 'fault' | 'without'>> {
  const { forks, unsigned, frontier } = core
  return isSigned(author)
    ? verifySegments(core, forks.nameOf(author), forks.proofOf(author))
    : unsigned.verify(author, frontier.persisted(author))
}

/**
 * Verifies all logs. A log that ends before the end recorded in its own rows, or in `known`, has a fault too.
 */
export async function* verifyAllLogs(core: LogCore, known: FoundMark | undefined): AsyncGenerator<Verified> {
  const claims = new Map([...(await core.unsigned.claims()), ...(await core.heads.claims())])
  const ends = new Map<LogId, Seq>(known?.heads)
  if (known?.mark !== undefined) ends.set(logOf(known.mark.author, known.mark.run), known.mark.seq)
  for (const author of new Set([...claims.keys(), ...ends.keys()])) {
    const { last, fault, without } = await verifyLog(core, author)
    const claim = claims.get(author) ?? 0
    // The entries after a fork are in its branches.
    const forkedAt = core.forks.proofOf(author)?.forkedAt
    const recorded = Math.max(ends.get(author) ?? 0, claim === 'damaged' ? 0 : claim)
    const expected = Math.min(recorded, (forkedAt ?? Number.POSITIVE_INFINITY) - 1)
    yield {
      author,
      last,
      fault: fault ?? faultOf(last, expected, claim),
      ...(without !== undefined && { without }),
      forkedAt,
    }
  }
}

function faultOf(last: Seq, expected: Seq, claim: Claim): StoredFault | undefined {
  if (last < expected) return { kind: 'missing', from: last + 1, to: expected }
  return claim === 'damaged' ? { kind: 'damaged-head' } : undefined
}
