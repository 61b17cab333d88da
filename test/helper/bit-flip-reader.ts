// A process that flips bytes in copies of a database, opens and reads each, and restores it from a peer. Prints a line of JSON
// per flip. Bad bytes may crash it; the output then shows which flip did.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Clock, systemClock } from '../../src/base/clock.js'
import { ChatError } from '../../src/base/errors.js'
import { isSigned, type LogId, logOfKey } from '../../src/log/format/author.js'
import { decodeSegment } from '../../src/log/format/segment.js'
import type { Log } from '../../src/log/log.js'
import { LevelStore } from '../../src/log/store/level-store.js'
import { chance } from '../long/chance.js'
import { keysOf } from '../long/ledger.js'
import { type Flip, flipOne, placeOf } from './bit-flip.js'
import { logIn, logOver, replicate } from './logs.js'
import { PATIENCE_MS } from './patience.js'

export interface ReaderOptions {
  /** Contains `bob`, the database to damage, and `healthy`, the database of a peer with the same logs. */
  readonly templates: string
  readonly work: string
  readonly seeds: readonly number[]
}

/** The outcome of one flip. */
export interface FlipReport {
  readonly seed: number
  readonly flip: Flip
  /** How the database opened: normally, after a repair, or not at all. */
  readonly opened: 'at once' | 'repaired' | 'refused'
  /** Entries that were missing or unreadable. */
  readonly missing: number
  /** Altered entries of unsigned authors, which nothing verifies. */
  readonly unsignedWrong: number
  /** Altered entries that a reader without checksums accepts. */
  readonly carelessWrong: number
  readonly faults: readonly string[]
}

type Report = {
  -readonly [Key in Exclude<keyof FlipReport, 'seed' | 'flip' | 'faults'>]: FlipReport[Key]
} & { readonly faults: string[] }

const CARELESS_READER = new URL('./careless-reader.js', import.meta.url).pathname

/** Starts of the program: if it reports damaged logs, the next start repairs them. */
const STARTS_MAX = 3
const ROUNDS_MAX = 3

const hastyClock: Clock = {
  now: systemClock.now,
  after: (delayMs, action) => systemClock.after(delayMs / 100, action),
}

type Logs = Map<LogId, Uint8Array[]>

async function main({ templates, work, seeds }: ReaderOptions): Promise<void> {
  const reference = path.join(work, 'reference')
  await cp(path.join(templates, 'healthy'), reference, { recursive: true })
  const log = await logIn(reference, { keys: keysOf('healthy') })
  const originals = await read(log)
  await log.close()
  for (const seed of seeds) {
    const report = await tryOne(seed, templates, path.join(work, String(seed)), originals)
    process.stdout.write(`${JSON.stringify(report)}\n`)
    await rm(path.join(work, String(seed)), { recursive: true, force: true })
  }
}

async function tryOne(seed: number, templates: string, work: string, originals: Logs): Promise<FlipReport> {
  const report: Report = { opened: 'at once', missing: 0, unsignedWrong: 0, carelessWrong: 0, faults: [] }
  await mkdir(work)
  const database = path.join(work, 'bob')
  const other = path.join(work, 'healthy')
  await cp(path.join(templates, 'bob'), database, { recursive: true })
  await cp(path.join(templates, 'healthy'), other, { recursive: true })
  const flip = await flipOne(database, chance(seed))
  process.stdout.write(`${JSON.stringify({ began: seed, where: placeOf(flip) })}\n`)
  try {
    // Flips elsewhere in a database change no text.
    if (flip.region === 'data')
      report.carelessWrong = await inTime('reading carelessly', readCarelessly(database, originals))
    const healthy = await logIn(other, { keys: keysOf('healthy'), clock: hastyClock })
    healthy.on('fork', () => report.faults.push('the peer sees a fork where there is none'))
    for (let start = 1; start <= STARTS_MAX; start++) {
      if (await startOnce(database, healthy, originals, report)) break
      if (start === STARTS_MAX) report.opened = 'refused'
    }
    await inTime('closing the peer', healthy.close())
  } catch (error) {
    report.faults.push((error as Error).message)
  }
  return { seed, flip, ...report }
}

/** Starts the program once. Resolves with false if it asks to be started again. */
async function startOnce(database: string, healthy: Log, originals: Logs, report: Report): Promise<boolean> {
  let log: Log | undefined
  try {
    const store = await inTime(
      'opening',
      LevelStore.openOrRepair(database, () => {
        report.opened = 'repaired'
      }),
    )
    log = await inTime('reading the heads', logOver(store, keysOf('bob'), { clock: hastyClock }))
    log.on('fork', () => report.faults.push('a fork is seen where there is none'))
    const found = await inTime('reading', read(log))
    report.missing = countMissing(found, originals)
    report.unsignedWrong = countWrong(found, originals, author => !isSigned(author))
    const wrong = countWrong(found, originals, isSigned)
    if (wrong > 0) report.faults.push(`${wrong} entries are shown with another text`)
    await inTime('inspecting', log.inspect())
    await heal(log, healthy, originals, report.faults)
    await goOn(log, healthy, originals, report.faults)
    return true
  } catch (error) {
    const isClear =
      error instanceof ChatError && /^(LOG_CORRUPT|DATA_UNUSABLE)$/.test(error.code) && !error.toLine().includes('\n')
    if (!isClear) throw error
    return false
  } finally {
    if (log !== undefined) await inTime('closing', log.close())
  }
}

/** Checks that a peer with all entries restores the damaged log. */
async function heal(log: Log, healthy: Log, originals: Logs, faults: string[]): Promise<void> {
  for (let round = 1; ; round++) {
    await inTime('replicating', exchange(log, healthy))
    const now = await inTime('reading again', read(log))
    const wrong = countWrong(now, originals, isSigned)
    const missing = countMissing(now, originals, isSigned)
    if (wrong > 0) faults.push(`after healing ${wrong} entries are shown with another text`)
    if (missing === 0) return
    if (round === ROUNDS_MAX) {
      faults.push(`after healing ${missing} entries are missing`)
      return
    }
  }
}

/** Checks that our log continues where it ended, and that the peer accepts the new entry. */
async function goOn(log: Log, healthy: Log, originals: Logs, faults: string[]): Promise<void> {
  const { author: own, seq } = await inTime('appending', log.append({ username: 'bob', message: 'and on' }))
  // Where the end of our log was in doubt, a run was opened, whose first entry names the earlier runs.
  const last = originals.get(own)?.length ?? 1
  if (seq !== last + 1) faults.push(`entry ${seq} was given out behind ${last}`)
  await inTime('replicating on', exchange(log, healthy))
  const head = healthy.head.find(({ author }) => author === own)?.seq
  if (head !== seq) faults.push(`of what is said then the peer takes ${head} of ${seq}`)
  for (const [author, entries] of originals) {
    if (!isSigned(author)) continue
    const { last, fault } = await inTime('verifying', log.verify(author))
    // There may be garbage behind the end, which is reported and overwritten.
    if (last < entries.length) faults.push(`verified up to ${last} only: ${fault}`)
  }
}

async function exchange(a: Log, b: Log): Promise<void> {
  const [one, other] = [a, b].map(log => replicate(log, { live: false, dialect: 'native' }))
  if (one !== undefined && other !== undefined) await pipeline(one, other, one)
}

async function read(log: Log): Promise<Logs> {
  const logs: Logs = new Map()
  for await (const batch of log.read()) {
    for (const { author, seq, entry } of batch) {
      const entries = logs.get(author) ?? []
      logs.set(author, entries)
      entries[seq - 1] = Uint8Array.from(entry)
    }
  }
  return logs
}

function countMissing(found: Logs, originals: Logs, of: (author: LogId) => boolean = () => true): number {
  let missing = 0
  for (const [author, entries] of originals) {
    if (of(author))
      entries.forEach((_, index) => {
        if (found.get(author)?.[index] === undefined) missing++
      })
  }
  return missing
}

function countWrong(found: Logs, originals: Logs, of: (author: LogId) => boolean): number {
  let wrong = 0
  for (const [author, entries] of found) {
    if (!of(author)) continue
    entries.forEach((entry, index) => {
      const original = originals.get(author)?.[index]
      if (original === undefined || Buffer.compare(entry, original) !== 0) wrong++
    })
  }
  return wrong
}

/** Control: a separate process reads the rows from LevelDB without verifying checksums. */
async function readCarelessly(database: string, originals: Logs): Promise<number> {
  const copy = `${database}-careless`
  await cp(database, copy, { recursive: true })
  const child = spawn(process.execPath, [CARELESS_READER, copy], { stdio: ['ignore', 'pipe', 'ignore'] })
  let output = ''
  child.stdout.on('data', bytes => {
    output += bytes
  })
  await once(child, 'close') // bad bytes may crash it
  await rm(copy, { recursive: true, force: true })
  let wrong = 0
  for (const line of output.split('\n').slice(0, -1)) {
    const segment = decodeSegment(Buffer.from(line, 'base64'))
    const original = segment === undefined ? undefined : originals.get(logOfKey(segment.key))
    segment?.entries.forEach((entry, index) => {
      const expected = original?.[segment.first - 1 + index]
      if (expected !== undefined && Buffer.compare(entry, expected) !== 0) wrong++
    })
  }
  return wrong
}

async function inTime<T>(what: string, action: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} takes more than ${PATIENCE_MS} ms`)), PATIENCE_MS)
  })
  try {
    return await Promise.race([action, late])
  } catch (error) {
    if (error instanceof ChatError) throw error
    throw new Error(
      `${what}: ${String((error as Error).stack)
        .split('\n')
        .slice(0, 3)
        .join(' | ')}`,
    )
  } finally {
    clearTimeout(timer)
  }
}

process.stdin.resume().on('end', () => process.exit(0))
main(JSON.parse(process.argv[2] ?? '{}') as ReaderOptions).then(
  () => process.exit(0),
  error => {
    console.error(error)
    process.exit(1)
  },
)
