import { systemClock } from '../../base/clock.js'
import { ChatError } from '../../base/errors.js'
import { importScuttleup } from '../../compat/scuttleup/import.js'
import type { Log } from '../../log/log.js'
import { LevelStore } from '../../log/store/level-store.js'
import type { Home } from '../../node/paths.js'
import { type ArchiveReport, readArchive } from '../../sync/archive.js'
import { info, warn } from '../../ui/lines/output.js'
import { archiveRefusalText } from '../../ui/text/sync-text.js'
import { withDatabaseCopy } from './database-copy.js'
import { type ImportSource, openImport } from './import-source.js'
import { type Where, withLog } from './stored-logs.js'

/** `persisted-chat import <me> <file-or-directory>`: merges logs. The exit code is 1 if any of them was rejected. */
export async function importLog(where: Where, from: string): Promise<number> {
  const source = await openImport(from)
  try {
    return await withLog(where, (log, home) => merge(log, home, source, from))
  } finally {
    await source.close()
  }
}

async function merge(log: Log, home: Home, source: ImportSource, from: string): Promise<number> {
  const { added, refused, fault } =
    source.kind === 'database'
      ? await withDatabaseCopy(from, copy => importDatabase(log, copy, from))
      : await readArchive(log, home.roomId, source.bytes)
  if (fault !== undefined) {
    const [what, hint] = FAULTS[fault]
    throw new ChatError('DATA_UNUSABLE', `${from} ${what.replace('{room}', home.room)}`, { hint })
  }
  for (const refusal of refused) warn(`rejected: ${archiveRefusalText(refusal)}`)
  info(`imported ${added} new entries`)
  return refused.length === 0 ? 0 : 1
}

/** Reasons to reject a source as a whole, with what to do. */
const FAULTS: Readonly<Record<NonNullable<ArchiveReport['fault']>, readonly [what: string, hint: string]>> = {
  'not-an-export': ['is not an export', 'Name a file written by export, or a scuttleup database.'],
  'other-room': ['is not an export of the room {room}', 'Name its room with --room.'],
  'native-database': ['is a database of this program', 'Export its logs to a file and import that file.'],
  'no-scuttleup-database': [
    'is a database of another program',
    'Name a file written by export, or a scuttleup database.',
  ],
}

/** Imports from a copy. Messages quote `from`, the path that the user gave. */
async function importDatabase(log: Log, copy: string, from: string): Promise<ArchiveReport> {
  let store: LevelStore
  try {
    store = await LevelStore.open(copy)
  } catch (cause) {
    throw new ChatError('LOG_CORRUPT', `the database ${from} is damaged`, {
      cause,
      hint: 'Open it once with the program that created it, which may repair it.',
    })
  }
  try {
    return await importScuttleup(log, store, systemClock)
  } finally {
    await store.close()
  }
}
