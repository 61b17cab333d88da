import { sameBytes } from '../../base/wire/bytes.js'
import type { Run } from '../format/author.js'
import type { SignedHead } from '../format/heads.js'
import type { Put } from '../store/store.js'
import type { End } from './mark.js'

/** Why the end of our log is in doubt, so that a new run opens; in the order of the stored counts. docs/protocol/storage.md §4.5. */
export const DOUBT_REASONS = [
  /** The log is shorter than its mark. */
  'behind',
  /** The log has a different entry at the end that the mark records. */
  'other-history',
  /** The mark names another run than the database. */
  'other-run',
  /** The directory was copied or restored from elsewhere. */
  'moved',
  /** There is a log but no readable mark. */
  'no-mark',
  /** The key was used before, but this database has no log of it. */
  'no-log',
  /** The database was repaired, so that entries may be missing. */
  'repaired',
  /** Entries of the log are missing or damaged. */
  'damaged',
  /** Our key signed two histories of the current run. */
  'forked',
  /** A peer has more of the current run than this disk. */
  'elsewhere',
  /** The last entry is dated far ahead: the clock was wrong and has been set back. */
  'clock-ahead',
  /** We were admitted to a private room again: what we write belongs to another term. */
  'readmitted',
] as const

export type DoubtReason = (typeof DOUBT_REASONS)[number]

/**
 * Largest number of runs that one reason opens in the life of a home. After that the reason is ignored, because it is a false alarm at
 * every start.
 */
const RUNS_PER_REASON_MAX = 8

/** Reasons after which a run can never continue: they are not limited. */
const ALWAYS: readonly DoubtReason[] = ['no-log', 'damaged', 'forked', 'elsewhere', 'readmitted']

/** Whether a reason that has opened `opened` runs may open one more. */
export const mayOpenRun = (reason: DoubtReason, opened: number): boolean =>
  ALWAYS.includes(reason) || opened < RUNS_PER_REASON_MAX

/** The end of our log in the mark. */
export interface MarkedEnd {
  readonly found: End | undefined
  /** Whether this file is a copy: its mark was written to another file. */
  readonly isMoved: boolean
}

/** Our log in the database. */
export interface OwnEnd {
  /** The run that was written to last; undefined if there is none. */
  readonly run: Run | undefined
  readonly head: Pick<SignedHead, 'seq' | 'chain'> | undefined
  /** Whether the key was made together with this database. */
  readonly isNewKey: boolean
  readonly isRepaired: boolean
}

export type Finding =
  | { readonly kind: 'certain' }
  /** The log ends right before the batch in the mark, whose write was interrupted: store it now. */
  | { readonly kind: 'unfinished'; readonly rows: readonly Put[] }
  | { readonly kind: 'doubt'; readonly reason: DoubtReason }

/** Compares the end of our log with its mark, if there is one. */
export function compareEnd(mark: MarkedEnd | undefined, { run, head, isNewKey, isRepaired }: OwnEnd): Finding {
  const found = mark?.found
  if (run === undefined) return isNewKey && found === undefined ? CERTAIN : doubt('no-log')
  if (isRepaired) return doubt('repaired')
  const seq = head?.seq ?? 0
  if (mark === undefined) return CERTAIN
  if (found === undefined) return doubt('no-mark')
  if (found.run !== run) return doubt('other-run')
  if (seq < found.seq) {
    const { batch } = found
    const isBefore = batch !== undefined && batch.before.seq === seq
    if (isBefore && !mark.isMoved && (head === undefined || sameBytes(batch.before.chain, head.chain)))
      return { kind: 'unfinished', rows: batch.rows }
    return doubt('behind')
  }
  if (head !== undefined && seq === found.seq && !sameBytes(head.chain, found.chain)) return doubt('other-history')
  return mark.isMoved ? doubt('moved') : CERTAIN
}

const CERTAIN: Finding = { kind: 'certain' }

const doubt = (reason: DoubtReason): Finding => ({ kind: 'doubt', reason })
