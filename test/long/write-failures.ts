import type { Child } from '../helper/child.js'
import type { WriterOptions } from '../helper/durable-writer.js'
import { PATIENCE_MS } from '../helper/patience.js'
import { type FailingCalls, type FailingKind, PowerCut } from '../helper/power-cut.js'
import { between, type Chance, chance } from './chance.js'
import { Ledger } from './ledger.js'
import { type Fault, inDirectory, inLives, type LongRun, type RunOptions } from './long-run.js'
import { libraryIn, missing } from './power-cut.js'
import { lifeOf, printed } from './writer.js'

interface Figures {
  [name: string]: number
  cycles: number
  /** Failed calls, and appends that were rejected because of them. */
  failedCalls: number
  rejected: number
  acknowledged: number
  lost: number
}

/** Fails the disk of a writer at some call, lets it recover some calls later, and finally cuts the power. */
export const writeFailures: LongRun = {
  name: 'write-failures',
  shows: 'a failing disk (EIO, ENOSPC) at any write, sync or open loses nothing that was acknowledged',
  cycles: 2_000,
  missing: () => inDirectory(missing),
  run: options =>
    failAgainAndAgain(options, 'level', random => ({
      after: between(random, 0, random() < 0.8 ? 24 : 2_000),
      count: random() < 0.5 ? 1 : between(random, 2, 10),
      error: random() < 0.5 ? 'EIO' : 'ENOSPC',
      kinds: pick(random, [['writes'], ['syncs'], ['writes', 'syncs', 'opens']]),
    })),
}

/** Control: a store that keeps its handle after a failure must lose acknowledged entries. */
export async function writeFailuresGoingOn(options: RunOptions): Promise<Figures> {
  const { figures } = await failAgainAndAgain(options, 'going-on', random => ({
    after: between(random, 0, 24),
    count: 1,
    error: 'ENOSPC',
    kinds: ['writes'],
  }))
  return figures
}

const pick = (random: Chance, choices: readonly (readonly FailingKind[])[]): readonly FailingKind[] =>
  choices[between(random, 0, choices.length)] ?? []

async function failAgainAndAgain(
  options: RunOptions,
  store: WriterOptions['store'],
  failure: (random: Chance) => FailingCalls,
): Promise<{ readonly figures: Figures; readonly faults: Fault[] }> {
  const figures: Figures = { cycles: 0, failedCalls: 0, rejected: 0, acknowledged: 0, lost: 0 }
  const faults = await inLives(options, async ({ directory, seed, cycles }) => {
    const random = chance(seed)
    const power = new PowerCut(await libraryIn(directory), directory)
    const ledger = new Ledger()
    const found: string[] = []
    const env = await power.arm()
    // Some writers start with a failing disk.
    if (random() < 0.3) await power.fail({ ...failure(random), after: between(random, 0, 40) })
    const lines = await lifeOf({ data: power.data, run: `${seed}`, store }, env, async writer => {
      await printed(writer, /^open/)
      for (let cycle = 0; cycle < cycles; cycle++) {
        const end = await power.fail(failure(random))
        if (!(await withstood(writer, power, end))) found.push(`it did not go on after the failure of cycle ${cycle}`)
        figures.cycles++
      }
    })
    const { failures } = await power.counts()
    for (const line of lines) {
      ledger.take(line)
      if (line.startsWith('refused')) figures.rejected++
    }
    await power.cut(random)
    const findings = await ledger.check(power.data)
    figures.failedCalls += failures
    figures.lost += findings.lost
    figures.acknowledged += ledger.acknowledged
    found.push(...findings.faults)
    if (findings.lost > 0) found.push(`${findings.lost} acknowledged entries lost`)
    return found
  })
  return { figures, faults }
}

/** Whether both logs accept entries again, without help, after the calls up to `end`. */
async function withstood(writer: Child, power: PowerCut, end: number): Promise<boolean> {
  const until = Date.now() + PATIENCE_MS
  while (Date.now() < until) {
    if (!(await printed(writer, /^appended|^problem/, writer.stdout.length))) return false
    if ((await power.counts()).calls >= end) break
  }
  const from = writer.stdout.length
  const both = await Promise.all([printed(writer, /^appended alice/, from), printed(writer, /^appended bob/, from)])
  return both.every(Boolean)
}
