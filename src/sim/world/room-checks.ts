import type { AuthorId } from '../../log/format/author.js'
import type { Entry } from '../../log/format/entry.js'
import { logOfSegment } from '../../log/format/segment.js'
import type { Log } from '../../log/log.js'
import type { NativeReplicationOptions } from '../../sync/options.js'
import type { Replicator } from '../../sync/replicator.js'
import type { InvariantChecker } from './invariants.js'

/** Checks the receipts and fork proofs of an honest peer until its process ends. */
export function checkReports(
  name: string,
  { log, receipts }: Replicator,
  checker: InvariantChecker,
  isOver: () => boolean,
): void {
  receipts.on('receipt', (holder, author, seq) => {
    if (!isOver()) checker.receiptReceived(name, holder as AuthorId, author, seq)
  })
  log.on('fork', ({ segments: [segment], forkedAt }) => {
    if (!isOver()) checker.forkProven(name, logOfSegment(segment), forkedAt)
  })
}

/** Replication options that count the bytes sent on the side channel. */
export function withCountedSideChannel(
  options: NativeReplicationOptions,
  onSent: (bytes: number) => void,
): NativeReplicationOptions {
  const { sideChannel } = options
  if (sideChannel === undefined) return options
  return {
    ...options,
    sideChannel: send =>
      sideChannel(frames => {
        const isSent = send(frames)
        if (isSent) onSent(frames.length)
        return isSent
      }),
  }
}

/** The whole history of a log. */
export async function historyOf(log: Log): Promise<Entry[]> {
  const history: Entry[] = []
  for await (const entries of log.read()) history.push(...entries)
  return history
}
