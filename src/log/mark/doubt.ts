import { sameBytes } from '../../base/wire/bytes.js'
import type { Seq } from '../format/author.js'
import type { SignedHead } from '../format/heads.js'
import type { Put } from '../store/store.js'
import type { End } from './mark.js'

/** Why it is not sure that the own log on this disk is all of it. PROTOCOL.md §4.5. */
type DoubtReason =
  /** The log is shorter than its mark. */
  | 'behind'
  /** Another entry stands where the mark ends. */
  | 'other-history'
  /** The directory was copied or restored from elsewhere, and no mark of this machine tells whether it is the newest. */
  | 'moved'
  /** There is a log, and no readable mark of it. */
  | 'no-mark'

export interface Doubt {
  readonly reason: DoubtReason
  /** The log may have gone on up to here. */
  readonly to: Seq
  /** Peers may hold it up to here: before it is as long again, nothing is appended. */
  readonly told: Seq
}

export type Finding =
  | { readonly kind: 'certain' }
  /** The log ends before a batch that was on its way to the disk: it is stored now. */
  | { readonly kind: 'unfinished'; readonly rows: readonly Put[] }
  | { readonly kind: 'doubt'; readonly doubt: Doubt }

/** Compares the end of the own log, as the database has it, with its mark. `offered`: peers may hold as much, by the database. */
export function compareEnd(
  { found, isMoved }: { readonly found: End | undefined; readonly isMoved: boolean },
  head: SignedHead | undefined,
  offered: Seq,
): Finding {
  const seq = head?.seq ?? 0
  if (found === undefined) {
    return seq === 0 && offered === 0 ? { kind: 'certain' } : doubt('no-mark', Math.max(seq, offered), offered)
  }
  if (seq < found.seq) {
    const { batch } = found
    const isBefore = batch !== undefined && batch.before.seq === seq
    if (isBefore && (head === undefined || sameBytes(batch.before.chain, head.chain)))
      return { kind: 'unfinished', rows: batch.rows }
    return doubt('behind', found.seq, Math.max(offered, found.told))
  }
  if (seq < offered) return doubt('behind', offered, offered)
  if (head !== undefined && seq === found.seq && !sameBytes(head.chain, found.chain))
    return doubt('other-history', seq, offered)
  return isMoved ? doubt('moved', seq, offered) : { kind: 'certain' }
}

const doubt = (reason: DoubtReason, to: Seq, told: Seq): Finding => ({ kind: 'doubt', doubt: { reason, to, told } })

/**
 * Whether a peer that holds the log up to `theirs`, and no more than this disk, ends a doubt: all that peers were told of is
 * here. Where it is not known how much that is, the peer has to hold the log as far as this disk does.
 */
export const endsDoubt = ({ reason, told }: Doubt, end: Seq, theirs: Seq): boolean =>
  end >= told && (reason === 'behind' || (theirs >= end && theirs > 0))
