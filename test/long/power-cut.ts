import { buildPowerCut, PowerCut } from '../helper/power-cut.js'
import { between, chance } from './chance.js'
import { type Findings, Ledger } from './ledger.js'
import { type Fault, inDirectory, inLives, type LongRun, type RunOptions } from './long-run.js'
import { acknowledged, lifeOf, pause, printed } from './writer.js'

interface Figures {
  cycles: number
  acknowledged: number
  lost: number
  /** Bytes that were never synced, and renames that were undone. */
  bytesCut: number
  changesUndone: number
}

const BUILD = 'power-cut'

/**
 * Entries that the first writer of a database acknowledges before its power is cut, on a slow machine too. A call may cut the power
 * earlier.
 */
const FIRST_ENTRIES = 120

/** Kills a writer and cuts its files back to the synced length. */
export const powerCut: LongRun = {
  name: BUILD,
  shows: 'a power cut loses nothing that was acknowledged',
  cycles: 500,
  missing: () => inDirectory(missing),
  run: options => cutAgainAndAgain(options, 'level'),
}

/** Control: a store that does not sync must lose acknowledged entries. */
export async function powerCutWithoutSync(options: RunOptions): Promise<Figures> {
  const { figures } = await cutAgainAndAgain(options, 'unsynced')
  return figures
}

/** The worst cut after the first entries of new databases: everything unsynced is lost. */
export async function powerCutAtTheBeginning(): Promise<Findings> {
  return inDirectory(async directory => {
    const power = new PowerCut(await libraryIn(directory), directory)
    const ledger = new Ledger()
    const options = { data: power.data, run: 'first', store: 'level' } as const
    const lines = await lifeOf(options, await power.arm(), async writer => {
      await printed(writer, /^appended bob/)
    })
    for (const line of lines) ledger.take(line)
    await power.cut(() => 0)
    return ledger.check(power.data)
  })
}

async function cutAgainAndAgain(
  options: RunOptions,
  store: 'level' | 'unsynced',
): Promise<{ readonly figures: Figures & Record<string, number>; readonly faults: Fault[] }> {
  const figures = { cycles: 0, acknowledged: 0, lost: 0, bytesCut: 0, changesUndone: 0 }
  const faults = await inLives(options, async ({ directory, seed, cycles }) => {
    const random = chance(seed)
    const power = new PowerCut(await libraryIn(directory), directory)
    const ledger = new Ledger()
    const found: string[] = []
    for (let cycle = 0; cycle < cycles; cycle++) {
      // Half are killed at a random moment, half before a random call, which may be between write and sync.
      const killAt = random() < 0.5 ? between(random, 1, random() < 0.2 ? 200 : 6_000) : 0
      const env = await power.arm({ killAt })
      const lines = await lifeOf({ data: power.data, run: `${seed}-${cycle}`, store }, env, async writer => {
        if (cycle === 0 || random() < 0.8) await printed(writer, /^open/)
        if (cycle === 0) await acknowledged(FIRST_ENTRIES, writer)
        await pause(between(random, 1, killAt === 0 ? 400 : 1_000), writer)
      })
      for (const line of lines) ledger.take(line)
      const { undone, bytes } = await power.cut(random)
      const findings = await ledger.check(power.data)
      figures.cycles++
      figures.lost += findings.lost
      figures.bytesCut += bytes
      figures.changesUndone += undone
      found.push(...findings.faults)
      if (findings.lost > 0) found.push(`${findings.lost} acknowledged entries lost in cycle ${cycle}`)
      if (found.length > 0) break // a lost entry would be counted in every later cycle
    }
    figures.acknowledged += ledger.acknowledged
    return found
  })
  return { figures, faults }
}

/** Why system calls cannot be recorded here, undefined if they can. */
export async function missing(directory: string): Promise<string | undefined> {
  const built = await buildPowerCut(directory)
  return 'missing' in built ? built.missing : undefined
}

export async function libraryIn(directory: string): Promise<string> {
  const built = await buildPowerCut(directory)
  if ('missing' in built) throw new Error(built.missing)
  return built.library
}
