import { lstat, readdir } from 'node:fs/promises'
import path from 'node:path'
import { systemClock } from '../base/clock.js'
import { diskFaultWords, isReadOnlyFault, unusableHint } from '../base/disk-faults.js'
import { ChatError, reasonOf, systemCode } from '../base/errors.js'
import { sanitise, sanitisedJson } from '../base/sanitise.js'
import { jsonLineOf } from '../chat/lines.js'
import { type Message, messageOf } from '../chat/message.js'
import { Names } from '../chat/names.js'
import { type ArchiveReport, archiveOf, readArchive } from '../log/archive.js'
import { isSigned } from '../log/author.js'
import { importOriginal } from '../log/import-original.js'
import { LevelStore } from '../log/level-store.js'
import type { Log } from '../log/log.js'
import { isOwn } from '../log/ownership.js'
import { type Home, homeOf } from '../peer/home.js'
import { newKeyLine, openLog } from '../peer/open.js'
import { alsoInLine } from './data-directory.js'
import { withDatabaseCopy } from './database-copy.js'
import { writeExport } from './export-file.js'
import { type ImportSource, openImport } from './import-source.js'
import { labelled } from './labels.js'
import { info, warn, write, writeLines } from './output.js'

export interface Where {
  readonly me: string
  readonly data: string
  /** Other places that hold data of the same name. */
  readonly alsoIn: readonly string[]
  readonly room: string | undefined
}

export interface LogFilter {
  readonly isJson: boolean
  readonly last: number | undefined
  readonly sinceMs: number | undefined
  readonly author: string | undefined
  readonly grep: string | undefined
}

/** `persisted-chat log <me>`: the stored history, in order of conversation. */
export async function printLog(where: Where, filter: LogFilter): Promise<number> {
  return withLog(where, async (log, home) => {
    const format = filter.isJson ? jsonLineOf : labelled(new Names(home.me, log.id), process.stdout.isTTY === true)
    const isFiltered = filter.sinceMs !== undefined || filter.author !== undefined || filter.grep !== undefined
    const last = filter.last
    // The last n of what matches: a window of n, however much is read.
    let window: string[] = []
    for await (const entries of log.read(last !== undefined && !isFiltered ? { last } : {})) {
      const lines = entries
        .flatMap(entry => messageOf(entry) ?? [])
        .filter(matching(filter))
        .map(format)
      if (last === undefined || !isFiltered) {
        if (!(await writeLines(process.stdout, lines))) return 0
      } else {
        window = last === 0 ? [] : [...window, ...lines].slice(-last)
      }
    }
    await writeLines(process.stdout, window)
    return 0
  })
}

function matching({ sinceMs, author, grep }: LogFilter): (message: Message) => boolean {
  return message =>
    (sinceMs === undefined || message.timeMs >= sinceMs) &&
    (author === undefined || message.username === author || message.author.startsWith(author)) &&
    (grep === undefined || message.message.includes(grep))
}

/** `persisted-chat verify <me>`: every sequence, chain and signature; exit code 1 where anything is wrong. */
export async function verifyLog(where: Where, isJson: boolean): Promise<number> {
  return withLog(where, async log => {
    const problems: { author: string; seq: number; what: string }[] = []
    let entries = 0
    const heads = log.head
    for (const { author } of heads) {
      const { last, fault } = await log.verify(author)
      entries += last
      if (fault !== undefined) problems.push({ author, seq: last + 1, what: fault })
      if (isJson) continue
      const kind = isSigned(author) ? 'signed' : 'unsigned'
      const line = `${author}  ${last} ${kind} entries  ${fault ?? 'ok'}`
      await writeLines(process.stdout, [sanitise(line)])
    }
    if (isJson) {
      await writeLines(process.stdout, [
        sanitisedJson({ authors: heads.length, entries, ok: problems.length === 0, problems }),
      ])
    }
    return problems.length === 0 ? 0 : 1
  })
}

/** `persisted-chat export <me> <file>`; `-` is stdout. */
export async function exportLog(where: Where, file: string): Promise<number> {
  if (file === '-' && process.stdout.isTTY)
    throw new ChatError('BAD_USAGE', 'an export is not text for a terminal', {
      hint: 'Redirect it to a file, or name one.',
    })
  return withLog(where, async (log, home) => {
    const archive = archiveOf(log, home.roomId)
    if (file === '-') {
      if (!(await writeToStdout(archive))) return 0
    } else await writeExport(file, archive)
    const count = log.head.filter(({ author }) => isSigned(author)).length
    info(`exported ${count} signed logs to ${file === '-' ? 'stdout' : file}`)
    return 0
  })
}

/** False where nobody reads any more. */
async function writeToStdout(archive: AsyncIterable<Uint8Array>): Promise<boolean> {
  process.stdout.on('error', () => {}) // a closed pipe shows as `destroyed`
  for await (const part of archive) if (!(await write(process.stdout, part))) return false
  return true
}

/** `persisted-chat import <me> <file-or-directory>`: merges; exit code 1 where a part was refused. */
export async function importLog(where: Where, from: string): Promise<number> {
  const source = await openImport(from)
  try {
    return await withLog(where, (log, home) => merge(log, home, source, from), true)
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
  for (const line of refused) warn(`refused: ${line}`)
  info(`imported ${added} new entries`)
  return refused.length === 0 ? 0 : 1
}

/** Why nothing of it is taken in, and what to do. */
const FAULTS: Readonly<Record<NonNullable<ArchiveReport['fault']>, readonly [what: string, hint: string]>> = {
  'no export': ['is no export', 'Name a file that export has written, or the database of the original program.'],
  'another room': ['is no export of the room {room}', 'Name its room with --room.'],
  'our own database': ['is a database of this program', 'Write its logs to a file with export, and import that.'],
  'no original': [
    'is a database of another program',
    'Name a file that export has written, or the database of the original program.',
  ],
}

/** Of a copy; `from` is what the user knows. */
async function importDatabase(log: Log, copy: string, from: string): Promise<ArchiveReport> {
  let store: LevelStore
  try {
    store = await LevelStore.open(copy)
  } catch (cause) {
    throw new ChatError('LOG_CORRUPT', `the database ${from} is damaged`, {
      cause,
      hint: 'Open it once with the program that made it, which can repair it.',
    })
  }
  try {
    return await importOriginal(log, store, systemClock)
  } finally {
    await store.close()
  }
}

async function withLog(
  where: Where,
  action: (log: Log, home: Home) => Promise<number>,
  mayBeNew = false,
): Promise<number> {
  const home = homeOf(where.data, where.me, where.room)
  if (!mayBeNew) await checkLogs(home, where.alsoIn)
  const act = async ({ log, keys }: Awaited<ReturnType<typeof openLog>>): Promise<number> => {
    log.on('warning', warn)
    if (keys.isNew) {
      info(newKeyLine(home))
      for (const place of where.alsoIn) info(alsoInLine(home.me, place))
    }
    try {
      return await action(log, home)
    } finally {
      await log.close()
    }
  }
  let opened: Awaited<ReturnType<typeof openLog>>
  try {
    opened = await openLog(home, warn)
  } catch (error) {
    if (mayBeNew || !isReadOnlyFault(error)) throw error
    info(`${home.database} is on a read-only file system: a copy of it is read`)
    return await withDatabaseCopy(home.database, async copy => act(await openLog({ ...home, database: copy }, warn)))
  }
  return await act(opened)
}

/** Refuses to make logs where a command is to read some. Rejects with DATA_UNUSABLE. */
async function checkLogs(home: Home, alsoIn: readonly string[]): Promise<void> {
  const what = `logs of ${home.me} in ${home.database}`
  try {
    await readdir(home.database)
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') {
      throw new ChatError('DATA_UNUSABLE', `there are no ${what}`, {
        hint:
          alsoIn.length === 0
            ? 'Say where they are with --data, and which conversation with --room.'
            : `There are some in ${alsoIn.join(' and ')}: name it with --data.`,
      })
    }
    const reason = diskFaultWords(cause) ?? reasonOf(cause)
    throw new ChatError('DATA_UNUSABLE', `the ${what} cannot be read: ${reason}${await ownerOf(home.database)}`, {
      cause,
      hint: unusableHint(cause),
    })
  }
}

/** Who keeps this user out of a path, where that is somebody else: the owner of what can be seen of it. */
async function ownerOf(file: string): Promise<string> {
  for (let at = path.resolve(file); at !== path.dirname(at); at = path.dirname(at)) {
    const found = await lstat(at).catch(() => undefined)
    if (found === undefined) continue
    if (isOwn(found)) return ''
    return `; ${at} belongs to ${found.uid === 0 ? 'root' : `another user (${found.uid})`}`
  }
  return ''
}
