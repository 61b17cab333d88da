/** Protocol violations by a peer, each of which closes its connection. */
export const VIOLATIONS = [
  'frame-too-long',
  'empty-frame',
  'malformed-handshake',
  'malformed-channel-frame',
  'malformed-rooms',
  'malformed-acknowledgement',
  /** A channel received more than its window allows. */
  'window-exceeded',
  'malformed-heads',
  'malformed-head',
  'too-many-heads',
  'malformed-fingerprints',
  'repeated-fingerprints',
  'malformed-segments',
  'malformed-segment',
  'malformed-segment-request',
  'malformed-fork-proof',
  'malformed-content',
  'malformed-notes',
  'malformed-note',
  'malformed-unsigned-entry',
  'malformed-entry',
  'malformed-status',
  'malformed-presence-digest',
  'malformed-contacts',
  /** Malformed or invalid frames of the exchange of membership operations, in a private room. */
  'malformed-operations',
  /** Entries of too many authors had to be rejected. */
  'too-many-rejected-authors',
] as const

export type Violation = (typeof VIOLATIONS)[number]
