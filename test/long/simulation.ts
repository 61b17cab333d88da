import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Fault, LongRun } from './long-run.js'

const WORKER = new URL('./simulation-worker.js', import.meta.url).pathname
/** How many seeds a worker takes at a time. */
const SEEDS_PER_WORKER = 250

/** Seeds that found a fault, beside the sources of the test that runs them. */
const REGRESSIONS = path.resolve('test/simulation/regressions.json')

export interface Regression {
  readonly seed: number
  /** What it found, in words. */
  readonly found: string
}

/** What a worker says of its seeds. */
export interface Report {
  readonly seeds: number
  readonly steps: number
  readonly slowestMs: number
  readonly memoryMiB: number
  readonly faults: readonly Fault[]
}

/** Random runs, as many as `cycles`, from `seed` on; a failing one is shrunk, and told with what is left of it. */
export const simulation: LongRun = {
  name: 'simulation',
  shows: 'whatever fails, nothing is lost, forged or told twice, and all agree in the end',
  cycles: 100_000,
  run: async ({ cycles, seed, isOver = () => false, keep }) => {
    const startedAt = Date.now()
    const faults: Fault[] = []
    const sum = { seeds: 0, steps: 0, slowest: 0, memory: 0 }
    let next = seed
    const work = async (): Promise<void> => {
      while (next < seed + cycles && !isOver()) {
        const first = next
        const count = Math.min(SEEDS_PER_WORKER, seed + cycles - first)
        next += count
        const report = await reportOf([String(first), String(count), ...(keep === undefined ? [] : [keep])])
        sum.seeds += report.seeds
        sum.steps += report.steps
        sum.slowest = Math.max(sum.slowest, report.slowestMs)
        sum.memory = Math.max(sum.memory, report.memoryMiB)
        faults.push(...report.faults)
      }
    }
    await Promise.all(Array.from({ length: availableParallelism() }, work))
    const seconds = (Date.now() - startedAt) / 1000
    if (keep === undefined) await remember(faults)
    return {
      figures: {
        seeds: sum.seeds,
        failed: faults.length,
        'seeds a second': Math.round((10 * sum.seeds) / seconds) / 10,
        steps: sum.steps,
        'slowest convergence in virtual ms': Math.ceil(sum.slowest),
        'most memory in MiB': Math.round(sum.memory),
      },
      faults,
    }
  },
}

/** Failing seeds are run in every test from now on. */
async function remember(faults: readonly Fault[]): Promise<void> {
  if (faults.length === 0) return
  const known: Regression[] = JSON.parse(await readFile(REGRESSIONS, 'utf8'))
  const fresh = faults.filter(({ seed }) => !known.some(regression => regression.seed === seed))
  const found = fresh.map(({ seed, text }) => ({ seed, found: text.split('\n')[0] ?? '' }))
  await writeFile(REGRESSIONS, `${JSON.stringify([...known, ...found], null, 2)}\n`)
}

async function reportOf(args: readonly string[]): Promise<Report> {
  const child = spawn(process.execPath, ['--no-warnings', '--enable-source-maps', WORKER, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(child, 'close')
  let last = ''
  for await (const line of createInterface(child.stdout)) last = line
  const [code] = await closed
  if (code !== 0) throw new Error(`a worker ended with ${code}`)
  return JSON.parse(last)
}
