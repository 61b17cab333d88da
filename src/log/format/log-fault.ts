import { count, type Guarded, variant } from '../../base/shape.js'

/** Why entries that arrived for a log are rejected. */
export const REJECTION = variant({
  /** This disk has reached its largest number of logs. */
  'author-limit': { authorsMax: count },
  /** This disk has reached its largest number of logs of this key. */
  'run-limit': { runsMax: count },
  /** A stranger's log has reached the size that its share of this disk allows now. */
  'stranger-limit': {},
  'log-length-limit': {},
  'malformed-author': {},
  /** The author is not a member of the private room, or was removed before they wrote this. */
  'not-a-member': {},
  /** The room accepts only signed logs. */
  'unsigned-log': {},
  /** Too many entries of a signed author arrived without a signature, or an entry without a salt. */
  'unsigned-entries': {},
  gap: { missing: count, before: count },
  /** The entries from `first` up to the next signature do not fit into one segment. */
  'segment-too-long': { first: count },
  'invalid-entry': { seq: count },
  /** An entry of an unsigned author is not a JSON object with a username and a message. */
  'malformed-entry': {},
  'invalid-signature': { seq: count },
  /** The entry does not continue the log, and its signature is invalid. */
  'unsigned-contradiction': { seq: count },
  /** The author signed two histories that differ before this entry. */
  'signed-contradiction': { before: count },
  'contradicts-log': {},
  'contradicts-proof': {},
  /** The heads of the two sides contradict each other at the same seq. */
  differs: {},
})
export type Rejection = Guarded<typeof REJECTION>

/** Why a stored log is invalid. */
export const STORED_FAULT = variant({
  'no-key': {},
  missing: { from: count, to: count },
  'damaged-head': {},
  'damaged-row': { seq: count },
  'damaged-entry': { seq: count },
  'missing-checksum': { seq: count },
  'broken-chain': { seq: count },
  /** The signature at `seq` is invalid for the entries from `first` on. */
  'invalid-segment-signature': { seq: count, first: count },
  'out-of-order': { seq: count },
})
export type StoredFault = Guarded<typeof STORED_FAULT>
