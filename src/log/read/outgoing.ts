import type { AuthorId, Seq } from '../format/author.js'
import type { Entry } from '../format/entry.js'
import type { ForkProof } from '../format/fork-proof.js'

/** What is to be done for a peer with what a log has more of: it is sent from a place on, or told that it is there, or neither. */
export type Way = { readonly kind: 'send'; readonly from: Seq } | { readonly kind: 'tell' } | { readonly kind: 'none' }

/** What goes to a peer of ours: segments of one author as they are stored, or entries of an unsigned author. */
export type Relayed =
  | {
      readonly kind: 'segments'
      readonly author: AuthorId
      readonly segments: readonly Uint8Array[]
      readonly last: Seq
    }
  /** There is more of a log, of which this peer is only told. */
  | { readonly kind: 'note'; readonly author: AuthorId }
  /** The proof of a fork travels before other data. */
  | { readonly kind: 'fork'; readonly proof: ForkProof }
  | { readonly kind: 'entries'; readonly entries: readonly Entry[] }
