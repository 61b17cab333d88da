import type { AuthorId, Seq } from './author.js'
import type { Entry } from './entry.js'

/** What goes to a peer of ours: segments of one author as they are stored, or entries of an unsigned author. */
export type Relayed =
  | {
      readonly kind: 'segments'
      readonly author: AuthorId
      readonly segments: readonly Uint8Array[]
      readonly last: Seq
    }
  | { readonly kind: 'entries'; readonly entries: readonly Entry[] }
