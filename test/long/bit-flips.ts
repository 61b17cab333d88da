import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import type { LogId } from '../../src/log/format/author.js'
import type { Log } from '../../src/log/log.js'
import { placeOf } from '../helper/bit-flip.js'
import type { FlipReport, ReaderOptions } from '../helper/bit-flip-reader.js'
import { Child } from '../helper/child.js'
import { logIn, replicate } from '../helper/logs.js'
import { PATIENCE_MS } from '../helper/patience.js'
import { VirtualClock } from '../helper/virtual-clock.js'
import { textOf } from './chance.js'
import { keysOf } from './ledger.js'
import { type Fault, inDirectory, type LongRun } from './long-run.js'

const SCRIPT = fileURLToPath(new URL('../helper/bit-flip-reader.js', import.meta.url))
/** Flips per process. */
const CHUNK = 25
/**
 * LevelDB is built with assertions: a repair that reads a damaged key in a table aborts the process. That happens about once in
 * 1,500 flips with these weights; a higher rate is a fault.
 */
const NATIVE_ASSERTION = /leveldb.*Assertion/
const ABORTS_ONE_IN = 300

/** Flips a byte in a database: entries are read correctly or are missing, and are restored from a peer. */
export const bitFlips: LongRun = {
  name: 'bit-flips',
  shows: 'a flipped byte is detected or harmless, never shown as wrong text, and repaired from a peer',
  cycles: 5_000,
  run: ({ cycles, seed, isOver = () => false }) =>
    inDirectory(async directory => {
      const templates = path.join(directory, 'templates')
      await makeTemplates(templates)
      const reports: FlipReport[] = []
      const faults: Fault[] = []
      let aborts = 0
      for (let first = 0; first < cycles && !isOver(); first += CHUNK) {
        let seeds = Array.from({ length: Math.min(CHUNK, cycles - first) }, (_, index) => seed + first + index)
        while (seeds.length > 0) {
          const work = path.join(directory, `work-${seeds[0]}`)
          await mkdir(work)
          const { done, died } = await readers({ templates, work, seeds })
          reports.push(...done)
          if (died !== undefined && NATIVE_ASSERTION.test(died.text)) aborts++
          if (died !== undefined && (!NATIVE_ASSERTION.test(died.text) || aborts > cycles / ABORTS_ONE_IN))
            faults.push({ seed: died.seed, cycles: 1, text: died.text })
          const end = died?.seed ?? done.at(-1)?.seed ?? Number.POSITIVE_INFINITY
          seeds = seeds.filter(each => each > end)
        }
      }
      for (const { seed, flip, faults: texts } of reports) {
        faults.push(...texts.map(text => ({ seed, cycles: 1, text: `${placeOf(flip)}: ${text}` })))
      }
      const sum = (of: (report: FlipReport) => number) => reports.reduce((total, report) => total + of(report), 0)
      return {
        figures: {
          cycles: reports.length,
          repaired: sum(({ opened }) => Number(opened === 'repaired')),
          refused: sum(({ opened }) => Number(opened === 'refused')),
          noticed: sum(({ missing }) => Number(missing > 0)),
          entriesMissing: sum(({ missing }) => missing),
          unsignedWrong: sum(({ unsignedWrong }) => unsignedWrong),
          aborts,
          carelessWrong: sum(({ carelessWrong }) => carelessWrong),
        },
        faults,
      }
    }),
}

/** Tries some flips in a separate process. `died` if the process did not finish. */
async function readers(options: ReaderOptions): Promise<{
  readonly done: FlipReport[]
  readonly died: { readonly seed: number; readonly text: string } | undefined
}> {
  const child = new Child({ after: () => {} }, process.execPath, { args: [SCRIPT, JSON.stringify(options)] })
  let isLate = false
  for (let line = 0; ; line = child.stdout.length) {
    try {
      await child.waitForLine(/./, { from: line, timeoutMs: PATIENCE_MS })
    } catch (error) {
      isLate = /ms passed/.test((error as Error).message)
      break
    }
  }
  const code = await child.stop('SIGKILL')
  const lines = child.stdout.map(
    line => JSON.parse(line) as FlipReport | { readonly began: number; readonly where: string },
  )
  const done = lines.filter(line => 'flip' in line)
  if (code === 0) return { done, died: undefined }
  const last = lines.findLast(line => 'began' in line)
  const how = isLate ? 'hangs' : `dies: ${child.stderr.slice(0, 8).join(' | ')}`
  return { done, died: { seed: last?.began ?? options.seeds[0] ?? 0, text: `${last?.where}: its reader ${how}` } }
}

/**
 * Closed databases: one of bob with his log, alice's in full segments, carol's in small ones and dave's without a key, partly in
 * tables and partly in the journal; and one of a peer with the same logs.
 */
async function makeTemplates(directory: string): Promise<void> {
  await mkdir(directory)
  const clock = new VirtualClock()
  const open = (who: string) => logIn(path.join(directory, who), { keys: keysOf(who), clock })
  const names = ['healthy', 'bob', 'alice', 'carol']
  let [healthy, bob, alice, carol] = (await Promise.all(names.map(open))) as [Log, Log, Log, Log]
  await say(alice, 'alice', 1, 500)
  await say(bob, 'bob', 1, 150)
  for (let line = 1; line <= 40; line++) await say(carol, 'carol', line, line)
  await healthy.add({ author: 'dave' as LogId, first: 1, entries: linesOf('dave', 1, 60) })
  for (const log of [alice, bob, carol]) await exchange(log, healthy)
  await exchange(bob, healthy)
  // Reopening moves the journal into a table.
  for (const log of [healthy, bob, alice, carol]) await log.close()
  ;[healthy, bob, alice, carol] = (await Promise.all(names.map(open))) as [Log, Log, Log, Log]
  for (let line = 151; line <= 170; line++) await say(bob, 'bob', line, line)
  for (let line = 41; line <= 50; line++) await say(carol, 'carol', line, line)
  await say(alice, 'alice', 501, 560)
  await healthy.add({ author: 'dave' as LogId, first: 61, entries: linesOf('dave', 61, 70) })
  for (const log of [alice, bob, carol]) await exchange(log, healthy)
  await exchange(bob, healthy)
  for (const log of [healthy, bob, alice, carol]) await log.close()
}

async function say(log: Log, who: string, from: number, to: number): Promise<void> {
  const lines = Array.from({ length: to - from + 1 }, (_, index) => textOf(`${who}-${from + index}`))
  await Promise.all(lines.map(message => log.append({ username: who, message })))
}

const linesOf = (who: string, from: number, to: number): Uint8Array[] =>
  Array.from({ length: to - from + 1 }, (_, index) =>
    Buffer.from(JSON.stringify({ username: who, message: textOf(`${who}-${from + index}`) })),
  )

async function exchange(a: Log, b: Log): Promise<void> {
  const [one, other] = [a, b].map(log => replicate(log, { live: false, dialect: 'native' }))
  if (one !== undefined && other !== undefined) await pipeline(one, other, one)
}
