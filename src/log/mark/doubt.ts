import { sameBytes } from '../../base/wire/bytes.js'
import type { Seq } from '../format/author.js'
import type { SignedHead } from '../format/heads.js'
import type { Put } from '../store/store.js'
import type { End } from './mark.js'

/** Why it is uncertain whether this disk has all of our log. docs/protocol/storage.md §4.5. */
export type DoubtReason =
  /** The log is shorter than its mark. */
  | 'behind'
  /** The log has a different entry at the end that the mark records. */
  | 'other-history'
  /** The directory was copied or restored from elsewhere, and no mark on this machine tells whether it is up to date. */
  | 'moved'
  /** There is a log but no readable mark. */
  | 'no-mark'

export interface Doubt {
  readonly reason: DoubtReason
  /** The last entry that the log may have had. */
  readonly to: Seq
  /** The last entry that peers may have. Nothing is appended until it is restored. */
  readonly published: Seq
}

export type Finding =
  | { readonly kind: 'certain' }
  /** The log ends right before the batch in the mark, whose write was interrupted: store it now. */
  | { readonly kind: 'unfinished'; readonly rows: readonly Put[] }
  | { readonly kind: 'doubt'; readonly doubt: Doubt }

/** Compares the end of our log with its mark. According to the database, peers may have entries up to `published`. */
export function compareEnd(
  { found, isMoved }: { readonly found: End | undefined; readonly isMoved: boolean },
  head: SignedHead | undefined,
  published: Seq,
): Finding {
  const seq = head?.seq ?? 0
  if (found === undefined) {
    return seq === 0 && published === 0 ? { kind: 'certain' } : doubt('no-mark', Math.max(seq, published), published)
  }
  if (seq < found.seq) {
    const { batch } = found
    const isBefore = batch !== undefined && batch.before.seq === seq
    if (isBefore && (head === undefined || sameBytes(batch.before.chain, head.chain)))
      return { kind: 'unfinished', rows: batch.rows }
    return doubt('behind', found.seq, Math.max(published, found.published))
  }
  if (seq < published) return doubt('behind', published, published)
  if (head !== undefined && seq === found.seq && !sameBytes(head.chain, found.chain))
    return doubt('other-history', seq, published)
  return isMoved ? doubt('moved', seq, published) : { kind: 'certain' }
}

const doubt = (reason: DoubtReason, to: Seq, published: Seq): Finding => ({
  kind: 'doubt',
  doubt: { reason, to, published },
})

/**
 * Whether a doubt ends when a peer announces our log up to `theirs`, which is at most `end`, its end on this disk. All published
 * entries must be on this disk. If it is unknown what was published, the peer must have as much of the log as this disk.
 */
export const endsDoubt = ({ reason, published }: Doubt, end: Seq, theirs: Seq): boolean =>
  end >= published && (reason === 'behind' || (theirs >= end && theirs > 0))
