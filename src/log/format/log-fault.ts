import { count, type Guarded, variant } from '../../base/shape.js'

/** Why entries that arrived for a log are rejected. */
export const REJECTION = variant({
  /** This disk stores as many logs as it may. */
  'author-limit': { authorsMax: count },
  /** This disk stores as many logs of this key as it may. */
  'run-limit': { runsMax: count },
  /** The log of a stranger has reached the size that this disk has room for now. */
  'stranger-limit': {},
  'log-length-limit': {},
  'malformed-author': {},
  /** The author is no member of the private room, or was removed before they wrote this. */
  'not-a-member': {},
  /** The room accepts only signed logs. */
  'unsigned-log': {},
  /** Too many entries of a signed author arrived without a signature, or one without a salt. */
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
  /** The heads of both sides differ at the same entry. */
  differs: {},
})
export type Rejection = Guarded<typeof REJECTION>

/** Why a stored log is not sound. */
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
