import { sameBytes } from '../../base/wire/bytes.js'
import type { StoredReplica } from '../../host/server/node-store.js'
import { authorOfLog, type LogId } from '../../log/format/author.js'
import type { Log } from '../../log/log.js'
import type { ReplicaHead } from '../../sync/receipts.js'

/**
 * The heads of a peer whose chain values agree with the logs here. A peer sends its own entries only after they are on
 * its disk. Therefore, if the peer announced no head of its own log, it is taken to have all of that log.
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
