import type { Clock } from '../../base/clock.js'
import { HybridClock } from '../../log/format/hybrid-clock.js'
import { ALL_SEGMENTS, ALL_SIGNED_HEADS } from '../../log/format/segment-rows.js'
import type { Log } from '../../log/log.js'
import type { Range, Store } from '../../log/store/store.js'
import type { ArchiveRefusal, ArchiveReport } from '../../sync/archive.js'
import { ALL_ROWS } from './row-keys.js'
import { RowStore } from './row-store.js'

const EVERYTHING: Range = { gte: Buffer.alloc(0), lt: Buffer.alloc(8, 0xff) }

/** Imports the history in a database of the scuttleup program as unsigned logs, each up to its first gap. */
export async function importScuttleup(log: Log, store: Store, clock: Clock): Promise<ArchiveReport> {
  if ((await hasAny(store, ALL_SEGMENTS)) || (await hasAny(store, ALL_SIGNED_HEADS)))
    return { added: 0, refused: [], fault: 'native-database' }
  if (!(await hasAny(store, ALL_ROWS)) && (await hasAny(store, EVERYTHING)))
    return { added: 0, refused: [], fault: 'no-scuttleup-database' }
  const refused: ArchiveRefusal[] = []
  const before = new Map(log.head.map(({ author, seq }) => [author, seq]))
  const rows = new RowStore(store, new HybridClock(clock), () => {})
  for (const { author, seq } of await rows.survey()) {
    let last = 0
    for await (const entries of rows.read(author, 1, seq + 1)) {
      const refusal = await log.add({ author, first: entries[0]?.seq ?? 1, entries: entries.map(({ entry }) => entry) })
      last = entries.at(-1)?.seq ?? last
      if (refusal === undefined) continue
      refused.push({ kind: 'log', author, reason: refusal.reason })
      last = seq
      break
    }
    if (last < seq) refused.push({ kind: 'log', author, reason: { kind: 'missing', from: last + 1, to: last + 1 } })
  }
  const added = log.head.reduce((sum, { author, seq }) => sum + seq - (before.get(author) ?? 0), 0)
  return { added, refused }
}

async function hasAny(store: Store, range: Range): Promise<boolean> {
  for await (const keys of store.keys({ ...range, limit: 1 })) return keys.length > 0
  return false
}
