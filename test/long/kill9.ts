import path from 'node:path'
import { between, chance } from './chance.js'
import { Ledger } from './ledger.js'
import { inLives, type LongRun } from './long-run.js'
import { acknowledged, lifeOf, pause, printed } from './writer.js'

/** Entries that the first writer of a database acknowledges before it is killed, however slow the machine is. */
const FIRST_ENTRIES = 60

/** Kills a writer at random moments. */
export const kill9: LongRun = {
  name: 'kill9',
  shows: 'kill -9 at random moments under load loses nothing that was acknowledged',
  cycles: 1_000,
  run: async options => {
    const figures = { cycles: 0, acknowledged: 0, lost: 0 }
    const faults = await inLives(options, async ({ directory, seed, cycles }) => {
      const random = chance(seed)
      const data = path.join(directory, 'data')
      const ledger = new Ledger()
      const found: string[] = []
      for (let cycle = 0; cycle < cycles; cycle++) {
        const lines = await lifeOf({ data, run: `${seed}-${cycle}`, store: 'level' }, {}, async writer => {
          // Sometimes while it opens, but not the first time.
          if (cycle === 0 || random() < 0.8) await printed(writer, /^open/)
          if (cycle === 0) await acknowledged(FIRST_ENTRIES, writer)
          await pause(between(random, 1, 400), writer)
        })
        for (const line of lines) ledger.take(line)
        const findings = await ledger.check(data)
        found.push(...findings.faults)
        figures.cycles++
        figures.lost += findings.lost
        if (findings.lost > 0) found.push(`${findings.lost} acknowledged entries lost in cycle ${cycle}`)
      }
      figures.acknowledged += ledger.acknowledged
      return found
    })
    return { figures, faults }
  },
}
