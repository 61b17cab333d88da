import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Fault, LongRun, Outcome, RunOptions } from './long-run.js'

const WORKER = new URL('./simulation-worker.js', import.meta.url).pathname
/** Seeds per worker process. */
const SEEDS_PER_WORKER = 250

/** Seeds that found a fault, in the source directory of the test that runs them. */
const REGRESSIONS = path.resolve('test/simulation/regressions.json')

export interface Regression {
  readonly seed: number
  /** The first violation that it found. */
  readonly found: string
}

/** The report of a worker. */
export interface Report {
  readonly seeds: number
  readonly steps: number
  readonly slowestMs: number
  readonly memoryMiB: number
  readonly faults: readonly Fault[]
}

/** Runs `cycles` seeds from `seed` on. Minimises failing plans. */
export const simulation: LongRun = {
  name: 'simulation',
  shows: 'under random faults nothing is lost, forged or duplicated, and all peers converge',
  cycles: 100_000,
  run: async options => {
    const outcome = await runSeedsOf(WORKER, options)
    if (options.keep === undefined) await remember(outcome.faults)
    return outcome
  },
}

/** Runs seeds on all processors, in processes of `worker`. */
export async function runSeedsOf(
  worker: string,
  { cycles, seed, isOver = () => false, keep }: RunOptions,
): Promise<Outcome> {
  const startedAt = Date.now()
  const faults: Fault[] = []
  const sum = { seeds: 0, steps: 0, slowest: 0, memory: 0 }
  let next = seed
  const work = async (): Promise<void> => {
    while (next < seed + cycles && !isOver()) {
      const first = next
      const count = Math.min(SEEDS_PER_WORKER, seed + cycles - first)
      next += count
      const report = await runSeeds(first, count, keep, worker)
      sum.seeds += report.seeds
      sum.steps += report.steps
      sum.slowest = Math.max(sum.slowest, report.slowestMs)
      sum.memory = Math.max(sum.memory, report.memoryMiB)
      faults.push(...report.faults)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  const seconds = (Date.now() - startedAt) / 1000
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
}

/** Adds failing seeds to the regressions, which every test run repeats. */
async function remember(faults: readonly Fault[]): Promise<void> {
  if (faults.length === 0) return
  const known: Regression[] = JSON.parse(await readFile(REGRESSIONS, 'utf8'))
  const fresh = faults.filter(({ seed }) => !known.some(regression => regression.seed === seed))
  const found = fresh.map(({ seed, text }) => ({ seed, found: text.split('\n')[0] ?? '' }))
  await writeFile(REGRESSIONS, `${JSON.stringify([...known, ...found], null, 2)}\n`)
}

/** Runs `count` seeds from `first` on in a process of their own; with `keep`, only these steps of the plan. */
export async function runSeeds(first: number, count: number, keep?: string, worker = WORKER): Promise<Report> {
  const args = [String(first), String(count), ...(keep === undefined ? [] : [keep])]
  const child = spawn(process.execPath, ['--no-warnings', '--enable-source-maps', worker, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(child, 'close')
  let last = ''
  for await (const line of createInterface(child.stdout)) last = line
  const [code] = await closed
  if (code !== 0) throw new Error(`a worker exited with ${code}`)
  return JSON.parse(last)
}
