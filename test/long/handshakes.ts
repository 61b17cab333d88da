import { flippedHandshake, HANDSHAKE_BITS } from '../helper/flipped-handshake.js'
import { between, chance } from './chance.js'
import type { Fault, LongRun } from './long-run.js'

/** Handshakes with one changed bit, each with other keys. */
export const handshakes: LongRun = {
  name: 'handshakes',
  shows: 'no handshake with a changed bit opens at both ends, and none ends the process',
  cycles: 10_000,
  run: async ({ cycles, seed, isOver = () => false }) => {
    const random = chance(seed)
    const faults: Fault[] = []
    const figures = { handshakes: 0, neitherOpened: 0, senderOpened: 0, asScuttleup: 0 }
    for (; figures.handshakes < cycles && !isOver(); figures.handshakes++) {
      const bit = between(random, 0, HANDSHAKE_BITS)
      const outcomes = flippedHandshake(seed + figures.handshakes, bit)
      const native = outcomes.filter(outcome => outcome === 'native').length
      if (native === 2) faults.push({ seed, cycles, text: `bit ${bit}: opened at both ends` })
      if (native === 1) figures.senderOpened++
      if (native === 0) figures.neitherOpened++
      if (outcomes.includes('scuttleup')) figures.asScuttleup++
    }
    return { figures, faults }
  },
}
