import { once } from 'node:events'
import type { Duplex, Readable } from 'node:stream'
import type { Contestant, Program, Shape } from './contestant.js'
import { lineOf, linesOf, plainEntry } from './entries.js'
import { load } from './packages.js'

interface Log {
  append(entry: string, done: (error?: Error) => void): void
  createReadStream(options: { live?: boolean; tail?: boolean }): Readable
  createReplicationStream(options: { live: boolean }): Duplex
  on(event: 'append' | 'ready', listener: () => void): void
}

interface Database {
  open(): Promise<void>
  close(): Promise<void>
}

const level = load('level7') as (directory: string) => Database
const scuttleup = load('scuttleup') as (database: Database, options: { id?: string; valueEncoding: string }) => Log

async function logOver(database: Database, id?: string): Promise<Log> {
  const log = scuttleup(database, { valueEncoding: 'utf-8', ...(id !== undefined && { id }) })
  await new Promise<void>(resolve => log.on('ready', resolve))
  return log
}

const append = (log: Log, line: string): Promise<void> =>
  new Promise((resolve, reject) => log.append(plainEntry(line), error => (error ? reject(error) : resolve())))

/** Entries per batch. More or fewer measured slower. */
const BATCH_ENTRIES = 1_000

async function appendAll(log: Log, lines: readonly string[]): Promise<void> {
  for (let from = 0; from < lines.length; from += BATCH_ENTRIES)
    await appendTogether(log, lines.slice(from, from + BATCH_ENTRIES))
}

const appendTogether = (log: Log, lines: readonly string[]): Promise<void> =>
  new Promise((resolve, reject) => {
    let left = lines.length
    for (const line of lines) {
      log.append(plainEntry(line), error => {
        if (error) reject(error)
        else if (--left === 0) resolve()
      })
    }
  })

/** scuttleup 3.3 on level 7: unsigned, not synced to disk. */
export const program: Program = {
  async open(directory): Promise<Contestant> {
    const database = level(directory)
    await database.open()
    const log = await logOver(database)
    return {
      keys: [],
      append: line => append(log, line),
      appendAll: lines => appendAll(log, lines),
      readAll: async onEntries => {
        const stream = log.createReadStream({})
        stream.on('data', () => onEntries(1))
        await once(stream, 'end')
      },
      replicate: () => log.createReplicationStream({ live: true }),
      onStored: listener => log.on('append', () => listener(1)),
      onText: listener => void log.createReadStream({ live: true, tail: true }).on('data', listener),
      close: () => database.close(),
    }
  },

  /** Opens one log per author over the same database, then one that relays them all. */
  async fill(directory, { authors, entries, appended }: Shape) {
    const database = level(directory)
    await database.open()
    for (let author = 0; author < authors; author++) {
      const log = await logOver(database, authors === 1 ? undefined : `author-${author}`)
      if (appended === 'in bulk') await appendAll(log, linesOf(entries))
      else for (let index = 0; index < entries; index++) await append(log, lineOf(index))
    }
    if (authors > 1) await logOver(database, 'relay')
    await database.close()
    return []
  },
}
