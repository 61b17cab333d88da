import { simulateOverlay } from '../../src/sim/overlay/overlay-simulation.js'
import type { Fault, LongRun } from './long-run.js'

/** Overlays of 1,000 peers that know one address. In every second one, leaving peers fall silent instead of closing. */
export const overlay: LongRun = {
  name: 'overlay',
  shows: '1,000 peers build a connected overlay with 8 to 16 connections each, which survives when 30 % leave at once',
  cycles: 20,
  run: async ({ cycles, seed, isOver = () => false }) => {
    const figures = {
      overlays: 0,
      connectionsMin: Number.POSITIVE_INFINITY,
      connectionsMax: 0,
      connectedMs: 0,
      settledMs: 0,
      resettledMs: 0,
    }
    const faults: Fault[] = []
    for (let cycle = 0; cycle < cycles && !isOver(); cycle++) {
      const network = { delayMsMin: 1, delayMsMax: 30, arrivals: 100, leave: 0.3 }
      const one = simulateOverlay({ seed: seed + cycle, peers: 1_000, isSilent: cycle % 2 === 1, ...network })
      const { links, linksAtEnd, connectedMs, settledMs, healedMs, resettledMs } = one
      figures.overlays++
      figures.connectionsMin = Math.min(figures.connectionsMin, links.min, linksAtEnd.min)
      figures.connectionsMax = Math.max(figures.connectionsMax, links.max, linksAtEnd.max)
      figures.connectedMs = Math.max(figures.connectedMs, connectedMs ?? Number.POSITIVE_INFINITY)
      figures.settledMs = Math.max(figures.settledMs, settledMs ?? Number.POSITIVE_INFINITY)
      figures.resettledMs = Math.max(figures.resettledMs, resettledMs ?? Number.POSITIVE_INFINITY)
      const isFine = [connectedMs, settledMs, healedMs, resettledMs].every(ms => ms !== undefined && ms <= 60_000)
      const isBounded = [links, linksAtEnd].every(({ min, max }) => min >= 8 && max <= 17)
      if (!isFine || !isBounded)
        faults.push({ seed: seed + cycle, cycles: cycle % 2 === 1 ? 2 : 1, text: JSON.stringify(one) })
    }
    return { figures, faults }
  },
}
