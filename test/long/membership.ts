import fc from 'fast-check'
import { readMutated } from '../helper/membership-mutations.js'
import { checkSet, noFigures, operationSet } from '../helper/membership-sets.js'
import { importBuild } from '../helper/membership-world.js'
import { chance } from './chance.js'
import type { Fault, LongRun } from './long-run.js'

const CHUNK = 1_000
/** Mutated operations per random set. */
const MUTATIONS = 10

/** Random sets of membership operations, and operations with changed bytes. */
export const membership: LongRun = {
  name: 'membership',
  shows:
    'sets of operations say the same in any order and when only what is kept is given, juniors and former members change nothing, and no mutated operation is accepted',
  cycles: 1_000_000,
  run: async ({ cycles, seed, isOver = () => false }) => {
    const build = await importBuild()
    const figures = noFigures()
    const mutations = { mutations: 0, rejected: new Map<string, number>() }
    const faults: Fault[] = []
    for (let chunk = 0; figures.sets < cycles && faults.length === 0 && !isOver(); chunk++) {
      const count = Math.min(CHUNK, cycles - figures.sets)
      const fail = (text: string): void => void faults.push({ seed: seed + chunk, cycles: count, text })
      const property = fc.property(operationSet, set => checkSet(build, set, figures))
      const result = fc.check(property, { numRuns: count, seed: seed + chunk })
      if (result.failed) fail(fc.defaultReportMessage(result) ?? 'failed')
      try {
        const random = chance(seed + chunk)
        for (let i = 0; i < count * MUTATIONS; i++) readMutated(random, mutations)
      } catch (error) {
        fail((error as Error).message)
      }
    }
    return {
      figures: { ...figures, mutations: mutations.mutations, ...Object.fromEntries(mutations.rejected) },
      faults,
    }
  },
}
