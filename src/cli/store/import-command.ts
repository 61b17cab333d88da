import { systemClock } from '../../base/clock.js'
import { ChatError } from '../../base/errors.js'
import { importScuttleup } from '../../compat/scuttleup/import.js'
import type { Log } from '../../log/log.js'
import { LevelStore } from '../../log/store/level-store.js'
import type { Home } from '../../node/paths.js'
import { type ArchiveReport, readArchive } from '../../sync/archive.js'
import { info, warn } from '../../ui/lines/output.js'
import { archiveRefusalText } from '../../ui/text/sync-text.js'
import { type ImportSource, openImport } from './import-source.js'
import { closing, type Where, withLog } from './stored-logs.js'

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
    source.kind === 'database' ? await importDatabase(log, from) : await readArchive(log, home.roomId, source.bytes)
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

/** Imports from a private copy, because opening a database modifies it. Rejects with a ChatError. */
async function importDatabase(log: Log, from: string): Promise<ArchiveReport> {
  const { store, faults } = await LevelStore.openCopy(from)
  return closing(store, () => {
    if (faults.length > 0)
      throw new ChatError('LOG_CORRUPT', `the database ${from} is damaged`, {
        hint: 'Open it once with the program that created it, which may repair it.',
      })
    return importScuttleup(log, store, systemClock)
  })
}
