import type { Clock } from '../base/clock.js'
import type { ArchiveReport } from './archive.js'
import { HybridClock } from './at.js'
import type { Log } from './log.js'
import { RowLogs } from './row-logs.js'
import type { Store } from './store.js'

/** Takes in the history that a database of the original program holds, as unsigned logs; each as far as it has no gap. */
export async function importOriginal(log: Log, store: Store, clock: Clock): Promise<ArchiveReport> {
  const refused: string[] = []
  const before = new Map(log.head.map(({ author, seq }) => [author, seq]))
  const rows = new RowLogs(store, new HybridClock(clock), () => {})
  for (const { author, seq } of await rows.survey()) {
    let last = 0
    for await (const entries of rows.read(author, 1, seq + 1)) {
      const refusal = await log.add({ author, first: entries[0]?.seq ?? 1, entries: entries.map(({ entry }) => entry) })
      last = entries.at(-1)?.seq ?? last
      if (refusal === undefined) continue
      refused.push(`${author}: ${refusal.reason}`)
      last = seq
      break
    }
    if (last < seq) refused.push(`${author}: entry ${last + 1} is missing`)
  }
  const added = log.head.reduce((sum, { author, seq }) => sum + seq - (before.get(author) ?? 0), 0)
  return { added, refused }
}
