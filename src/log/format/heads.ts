import type { AuthorId, Seq } from './author.js'
import type { ChainValue } from './chain.js'
import type { Hlc } from './hybrid-clock.js'

/** How far a log goes. */
export interface Head {
  readonly author: AuthorId
  readonly seq: Seq
  /** `at` of its first and of its last entry. */
  readonly first: Hlc
  readonly last: Hlc
  /** What its entries take, in bytes: the same however they are cut into segments. */
  readonly size: number
}

/** The head of a log that is found to go only up to `seq`; what its entries take then is guessed. */
export const shortened = (head: Head, seq: Seq): Head => ({
  ...head,
  seq,
  size: Math.round((head.size * seq) / Math.max(1, head.seq)),
})

/** How much of a chain value peers send of a head: enough to notice forks of equal length. */
export const CHAIN_PREFIX_BYTES = 8

/** What one peer tells another of a log: everything up to `seq` is held. */
export interface Digest {
  readonly author: AuthorId
  readonly seq: Seq
  /** The first 8 bytes of the chain value there: so forks of equal length are seen. */
  readonly chain?: Uint8Array
  /** From here on it is proven that there are two histories. */
  readonly frozen?: Seq
}

/** How far a signed log goes, with the chain value there. */
export interface SignedHead extends Head {
  readonly chain: ChainValue
}
