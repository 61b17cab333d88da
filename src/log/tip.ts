import type { AuthorId, Seq } from './format/author.js'
import type { ChainValue } from './format/chain.js'
import type { Head, SignedHead } from './format/heads.js'

/** A head that knows what is on its way to the disk: `durable ≤ planned.seq`. */
export interface Tip {
  planned: Head | SignedHead
  durable: Seq
  /** The chain value at a durable place, of a signed log: that of `durable`, unless entries were lost since. */
  chainAt: { readonly seq: Seq; readonly chain: ChainValue } | undefined
  /** The last place that readers were told of: what is fetched again after a loss is not told twice. */
  announced: Seq
  /** Segments since the last time small ones were joined, where they begin, and what the entries before take. */
  loose: { count: number; from: Seq; size: number }
}

export type Tips = Map<AuthorId, Tip>

/** The tip of a log as the disk holds it. */
export const tipAt = (head: Head | SignedHead, announced: Seq = head.seq): Tip => ({
  planned: head,
  durable: head.seq,
  chainAt: 'chain' in head ? { seq: head.seq, chain: head.chain } : undefined,
  announced,
  loose: { count: 0, from: head.seq + 1, size: head.size },
})
