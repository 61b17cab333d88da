import type { AuthorId, Seq } from './author.js'
import type { Entry } from './entry.js'
import type { ForkProof } from './fork.js'

/** What goes to a peer of ours: segments of one author as they are stored, or entries of an unsigned author. */
export type Relayed =
  | {
      readonly kind: 'segments'
      readonly author: AuthorId
      readonly segments: readonly Uint8Array[]
      readonly last: Seq
    }
  /** The proof of a fork travels before other data. */
  | { readonly kind: 'fork'; readonly proof: ForkProof }
  | { readonly kind: 'entries'; readonly entries: readonly Entry[] }
