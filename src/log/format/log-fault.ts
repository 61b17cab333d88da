import type { Seq } from './author.js'

/** Why entries that arrived for a log are rejected. */
export type Rejection =
  /** This disk stores as many logs as it may. */
  | { readonly kind: 'author-limit'; readonly authorsMax: number }
  /** This disk stores as many logs of this key as it may. */
  | { readonly kind: 'run-limit'; readonly runsMax: number }
  /** The log of a stranger has reached the size that this disk has room for now. */
  | { readonly kind: 'stranger-limit' }
  | { readonly kind: 'log-length-limit' }
  | { readonly kind: 'malformed-author' }
  /** The author is no member of the private room, or was removed before they wrote this. */
  | { readonly kind: 'not-a-member' }
  /** The room accepts only signed logs. */
  | { readonly kind: 'unsigned-log' }
  /** Too many entries of a signed author arrived without a signature, or one without a salt. */
  | { readonly kind: 'unsigned-entries' }
  | { readonly kind: 'gap'; readonly missing: Seq; readonly before: Seq }
  /** The entries from this one on exceed a segment, and no signature ends one. */
  | { readonly kind: 'segment-too-long'; readonly first: Seq }
  | { readonly kind: 'invalid-entry'; readonly seq: Seq }
  /** An entry of an unsigned author is not a JSON object with a username and a message. */
  | { readonly kind: 'malformed-entry' }
  | { readonly kind: 'invalid-signature'; readonly seq: Seq }
  /** The entry does not continue the log, and its signature is invalid. */
  | { readonly kind: 'unsigned-contradiction'; readonly seq: Seq }
  /** The author signed two histories that differ before this entry. */
  | { readonly kind: 'signed-contradiction'; readonly before: Seq }
  | { readonly kind: 'contradicts-log' }
  | { readonly kind: 'contradicts-proof' }
  /** The heads of both sides differ at the same entry. */
  | { readonly kind: 'differs' }

/** Why a stored log is not sound. */
export type StoredFault =
  | { readonly kind: 'no-key' }
  | { readonly kind: 'missing'; readonly from: Seq; readonly to: Seq }
  | { readonly kind: 'damaged-head' }
  | { readonly kind: 'damaged-row'; readonly seq: Seq }
  | { readonly kind: 'damaged-entry'; readonly seq: Seq }
  | { readonly kind: 'missing-checksum'; readonly seq: Seq }
  | { readonly kind: 'broken-chain'; readonly seq: Seq }
  /** The signature at `seq` is invalid for the entries from `first` on. */
  | { readonly kind: 'invalid-segment-signature'; readonly seq: Seq; readonly first: Seq }
  | { readonly kind: 'out-of-order'; readonly seq: Seq }
