import { sameBytes } from '../../base/wire/bytes.js'
import type { StoredReplica } from '../../host/server/node-store.js'
import { authorOfLog, type LogId } from '../../log/format/author.js'
import type { Log } from '../../log/log.js'
import type { ReplicaHead } from '../../sync/receipts.js'

/**
 * The heads of a peer whose chain values agree with the logs here. If the peer announced no head of a log that it signs itself, all
 * of that log counts, because a peer sends its own entries only once they are on its disk.
 */
export async function provenHeads(
  log: Pick<Log, 'head' | 'chainAt'>,
  { peer, heads }: StoredReplica,
): Promise<ReadonlyMap<LogId, ReplicaHead>> {
  const announced = new Set(heads.map(({ author }) => author))
  const proven = new Map<LogId, ReplicaHead>()
  for (const { author, seq } of log.head)
    if (authorOfLog(author) === peer && !announced.has(author)) proven.set(author, seq)
  for (const head of heads) {
    const chain = await log.chainAt(head.author, head.seq).catch(() => undefined)
    if (chain !== undefined && sameBytes(chain, head.chain)) proven.set(head.author, head)
  }
  return proven
}
