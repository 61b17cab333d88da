import type { LogId, Seq } from './author.js'
import type { ChainValue } from './chain.js'
import type { Hlc } from './hybrid-clock.js'

/** The end of a log. */
export interface Head {
  readonly author: LogId
  readonly seq: Seq
  /** `at` of its first and of its last entry. */
  readonly first: Hlc
  readonly last: Hlc
  /** Packed size of its entries, which does not depend on how they are split into segments. */
  readonly size: number
}

/** The head of a log that turned out to end at `seq`, with its size estimated. */
export const shortened = (head: Head, seq: Seq): Head => ({
  ...head,
  seq,
  size: Math.round((head.size * seq) / Math.max(1, head.seq)),
})

/** Length of the chain value prefix that peers send with a head: enough to notice forks of equal length. */
export const CHAIN_PREFIX_BYTES = 8

/** An announcement of one peer about a log: it has everything up to `seq`. */
export interface Digest {
  readonly author: LogId
  readonly seq: Seq
  /** The first 8 bytes of the chain value at `seq`, which differ in forks of equal length. */
  readonly chain?: Uint8Array
}

/** The end of a signed log, with the chain value there. */
export interface SignedHead extends Head {
  readonly chain: ChainValue
}
