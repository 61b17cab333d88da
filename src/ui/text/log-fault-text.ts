import type { Rejection, StoredFault } from '../../log/format/log-fault.js'
import type { Sentences } from './event-context.js'

const REJECTIONS: Sentences<Rejection> = {
  'author-limit': ({ authorsMax }) => `the limit of ${authorsMax} authors is reached`,
  'not-a-member': () => 'its author was not a member of this room when it was written',
  'run-limit': ({ runsMax }) => `the limit of ${runsMax} runs of one key is reached`,
  'stranger-limit': () => 'strangers use all the space that they share on this disk',
  'log-length-limit': () => 'the log is longer than a log can be',
  'malformed-author': () => 'the author id is malformed',
  'unsigned-log': () => 'it is unsigned, and this room accepts only signed logs',
  'unsigned-entries': () => 'too many of them arrived without a signature',
  gap: ({ missing, before }) => `entry ${missing} is missing before entry ${before}`,
  'segment-too-long': ({ first }) =>
    `the entries from ${first} on have no signature, and are more than a segment holds`,
  'invalid-entry': ({ seq }) => `entry ${seq} is invalid`,
  'malformed-entry': () => 'an entry is not a JSON object with a username and a message',
  'invalid-signature': ({ seq }) => `the signature at entry ${seq} is invalid`,
  'unsigned-contradiction': ({ seq }) => `entry ${seq} does not continue the log, and its signature is invalid`,
  'signed-contradiction': ({ before }) => `the author signed two different histories before entry ${before}`,
  'contradicts-log': () => 'it contradicts the stored log',
  'contradicts-proof': () => 'it contradicts a fork proof',
  differs: () => 'the log differs from the one stored here',
}

const STORED_FAULTS: Sentences<StoredFault> = {
  'no-key': () => 'its author has no key',
  missing: ({ from, to }) => (from === to ? `entry ${from} is missing` : `entries ${from} to ${to} are missing`),
  'damaged-head': () => 'the row of its head is damaged',
  'damaged-row': ({ seq }) => `the row of entry ${seq} is damaged`,
  'damaged-entry': ({ seq }) => `entry ${seq} is damaged`,
  'missing-checksum': ({ seq }) => `the checksum of entry ${seq} is missing`,
  'broken-chain': ({ seq }) => `entry ${seq} does not continue the chain`,
  'invalid-segment-signature': ({ seq, first }) =>
    `the signature at entry ${seq} is invalid for the entries from ${first} on`,
  'out-of-order': ({ seq }) => `entry ${seq} is out of order`,
}

/** Describes why entries of a log were rejected. */
export const rejectionText = (rejection: Rejection): string =>
  (REJECTIONS[rejection.kind] as (rejection: Rejection) => string)(rejection)

/** Describes why a stored log is not sound. */
export const storedFaultText = (fault: StoredFault): string =>
  (STORED_FAULTS[fault.kind] as (fault: StoredFault) => string)(fault)
