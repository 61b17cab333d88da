// Simulates a mutated program: `mutation-run <mutation | none> <seeds>`. Prints the seed that killed it and the violation.
import { register } from 'node:module'
import { BUGS } from '../simulation/bugs.js'

const [name = '', seeds = ''] = process.argv.slice(2)
const bug = BUGS.find(bug => bug.name === name)
if (bug === undefined && name !== 'none') throw new Error(`no such mutation: ${name}`)
if (bug !== undefined) register('./mutation-hooks.js', import.meta.url, { data: bug })
const { randomRun } = await import('../../src/sim/runs/random-run.js')
const { peerExchangeRun } = await import('./peer-exchange-run.js')
const { joinedSegmentsRun } = await import('./joined-segments-run.js')
const { roomsRun } = await import('./rooms-run.js')
const { contentsRun } = await import('./contents-run.js')
const { strangerRun } = await import('../../src/sim/runs/stranger-run.js')
const { attacksRun } = await import('./attacks-run.js')
const { Violation } = await import('../../src/sim/world/world.js')

let killer: { readonly seed: number; readonly violation: string | undefined } | undefined
const tries = [
  ...(bug?.killer === undefined ? [] : [bug.killer]),
  ...Array.from({ length: Number(seeds) }, (_, i) => i + 1),
]
for (const seed of tries) {
  if (killer !== undefined) break
  try {
    await (bug?.needsManyLines
      ? joinedSegmentsRun(seed)
      : bug?.needsPeerExchange
        ? peerExchangeRun(seed)
        : bug?.needsRooms
          ? roomsRun(seed)
          : bug?.needsContents
            ? contentsRun(seed)
            : bug?.needsStrangers
              ? strangerRun(seed)
              : bug?.needsAttacks
                ? attacksRun(seed)
                : randomRun(seed))
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    killer = { seed, violation: error.violations[0]?.split('\n')[0] }
  }
}
console.log(JSON.stringify(killer ?? {}))
