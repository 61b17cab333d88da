import { existsSync } from 'node:fs'
import path from 'node:path'
import { systemClock } from '../../base/clock.js'
import { readKeySeed, writeKeySeed } from '../../base/crypto/key-file.js'
import { syncDirectory } from '../../base/files/draft-file.js'
import { systemRandom } from '../../base/random.js'
import { NodeStore } from '../../host/server/node-store.js'
import { formatRow } from '../../log/store/format-row.js'
import { LevelStore } from '../../log/store/level-store.js'
import { after, type Row, type Store } from '../../log/store/store.js'
import type { Home } from '../../node/paths.js'
import { MEMBERSHIP_ROWS } from '../../node/private-rooms/room-members.js'
import type { BackedUpRoom, BackupContent } from './backup-content.js'

/** Number of rows in one commit while a database is restored. */
const COMMIT_ROWS = 1_000
/** A key that sorts after every key of a database, because keys begin with ASCII. */
const LAST_KEY = Uint8Array.of(0x80)

/** Reads the content of a backup from a home. The node may be running. */
export async function contentOf(home: Home): Promise<BackupContent> {
  const seed = await readKeySeed(home.keyFile)
  const { node, labels } = await nodeContent(path.join(home.directory, 'node'))
  const rooms: BackedUpRoom[] = []
  for (const label of labels) {
    const database = path.join(home.directory, label)
    if (existsSync(database)) rooms.push({ label, rows: await membershipRows(database) })
  }
  return { me: home.me, madeAtMs: systemClock.now(), seed, node, rooms }
}

async function nodeContent(database: string): Promise<{ node: readonly Row[]; labels: readonly string[] }> {
  if (!existsSync(database)) return { node: [], labels: [] }
  const { store } = await LevelStore.openCopy(database)
  try {
    const rooms = await new NodeStore(store).rooms()
    const labels = rooms.filter(({ privateRoom }) => privateRoom !== undefined).map(({ label }) => label)
    return { node: await rowsIn(store, { gte: new Uint8Array(0), lt: LAST_KEY }), labels }
  } finally {
    await store.close()
  }
}

async function membershipRows(database: string): Promise<readonly Row[]> {
  const { store } = await LevelStore.openCopy(database)
  try {
    const rows: Row[] = []
    for (const prefix of MEMBERSHIP_ROWS) rows.push(...(await rowsIn(store, { gte: prefix, lt: after(prefix) })))
    return rows
  } finally {
    await store.close()
  }
}

async function rowsIn(store: Store, range: { readonly gte: Uint8Array; readonly lt: Uint8Array }): Promise<Row[]> {
  const rows: Row[] = []
  for await (const page of store.pages(range)) rows.push(...page)
  return rows
}

/**
 * Writes a home without logs and marks into an empty directory. Because the key was used before, its log continues in a
 * new run; an old backup therefore cannot make it sign a seq twice.
 */
export async function writeHome(directory: string, { seed, node, rooms }: BackupContent): Promise<void> {
  await writeKeySeed(path.join(directory, 'key'), seed, systemRandom)
  await writeDatabase(path.join(directory, 'node'), node)
  for (const { label, rows } of rooms) {
    const { key, value } = formatRow()
    await writeDatabase(path.join(directory, label), [[key, value], ...rows])
  }
  await syncDirectory(directory)
}

async function writeDatabase(database: string, rows: readonly Row[]): Promise<void> {
  const store = await LevelStore.open(database)
  try {
    for (let start = 0; start < rows.length; start += COMMIT_ROWS)
      await store.commit(
        rows.slice(start, start + COMMIT_ROWS).map(([key, value]) => ({ type: 'put' as const, key, value })),
      )
  } finally {
    await store.close()
  }
}
