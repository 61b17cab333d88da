import type { LogId, Seq } from '../format/author.js'
import type { Entry } from '../format/entry.js'
import type { ForkProof } from '../format/fork-proof.js'

/** How a peer learns of new entries: they are sent from a seq on, announced only, or neither. */
export type RelayMode =
  | { readonly kind: 'send'; readonly from: Seq }
  | { readonly kind: 'announce' }
  | { readonly kind: 'skip' }

/** Data to send to a native peer. */
export type Relayed =
  /** Segments of one author as they are stored. */
  | {
      readonly kind: 'segments'
      readonly author: LogId
      readonly segments: readonly Uint8Array[]
      readonly last: Seq
    }
  /** A log grew; its entries are announced to this peer but not sent. */
  | { readonly kind: 'announcement'; readonly author: LogId }
  /** A fork proof, sent before other data. */
  | { readonly kind: 'fork'; readonly proof: ForkProof }
  /** Entries of an unsigned author. */
  | { readonly kind: 'entries'; readonly entries: readonly Entry[] }
