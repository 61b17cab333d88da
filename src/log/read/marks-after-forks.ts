import { EMPTY, sameBytes } from '../../base/wire/bytes.js'
import type { ForkRegistry } from '../forks/fork-registry.js'
import type { LogId, Seq } from '../format/author.js'
import type { ReadMark } from '../options.js'
import { dividedAt, unionOf } from './read-mark.js'

type ChainAt = (log: LogId, seq: Seq) => Promise<Uint8Array | undefined>
type KnownForks = Pick<ForkRegistry, 'proofOf' | 'branchesOf'>

/** Adjusts read marks to the forks known now: a mark after a fork moves to the branch that has its chain value. */
export async function marksAfterForks(
  marks: readonly ReadMark[],
  forks: KnownForks,
  chainAt: ChainAt,
): Promise<ReadMark[]> {
  const now = new Map<LogId, ReadMark>()
  const put = (mark: ReadMark): void => {
    const other = now.get(mark.author)
    now.set(mark.author, other === undefined ? mark : unionOf(other, mark))
  }
  const waiting = [...marks]
  for (let mark = waiting.shift(); mark !== undefined; mark = waiting.shift()) {
    const fork = forks.proofOf(mark.author)?.forkedAt
    const branch = fork === undefined || mark.seq < fork ? undefined : await branchOf(mark, fork, forks, chainAt)
    if (fork === undefined || branch === undefined) {
      put(mark)
      continue
    }
    const [before, behind] = dividedAt(mark, fork, branch)
    put(before)
    waiting.push(behind)
  }
  return [...now.values()]
}

/** The branch that contains a mark after a fork; undefined if no branch on this disk extends to it. */
async function branchOf(
  { author, seq, chain }: ReadMark,
  forkedAt: Seq,
  forks: KnownForks,
  chainAt: ChainAt,
): Promise<LogId | undefined> {
  for (const { log, isKept } of forks.branchesOf(author)) {
    if (chain === undefined ? isKept : sameBytes((await chainAt(log, seq - forkedAt + 1)) ?? EMPTY, chain)) return log
  }
  return undefined
}
