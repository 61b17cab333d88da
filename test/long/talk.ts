import { talkFault } from '../helper/talk-world.js'
import type { Fault, LongRun } from './long-run.js'

/** Runs `cycles` schedules of four peers that chat, from `seed` on. */
export const talk: LongRun = {
  name: 'talk',
  shows: 'four peers show the same unread counts, reactions and edits, and keep nothing that was erased',
  cycles: 1_000,
  run: async ({ cycles, seed, isOver = () => false }) => {
    const faults: Fault[] = []
    let schedules = 0
    for (; schedules < cycles && !isOver(); schedules++) {
      const text = await talkFault(seed + schedules)
      if (text !== undefined) faults.push({ seed: seed + schedules, cycles: 1, text })
    }
    return { figures: { schedules }, faults }
  },
}
