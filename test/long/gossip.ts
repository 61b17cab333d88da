import { systemClock } from '../../src/base/clock.js'
import type { PhaseFigures } from '../../src/labs/gossip/sim/rumour-spread.js'
import { type GossipConditions, simulateGossip } from '../../src/labs/gossip/sim/simulation.js'
import { watchProcesses } from '../../src/labs/gossip/sim/watched-processes.js'
import type { Fault, LongRun } from './long-run.js'

const NODES = 25
const VIRTUAL_RUNS = 20
/** Largest random difference between 25 rumours of real nodes and the mean of many virtual rumours. */
const COVERAGE_APART_MAX = 0.08
const MESSAGES_APART_MAX = 0.12

/** Compares real nodes with virtual nodes. */
export const gossip: LongRun = {
  name: 'gossip',
  shows: 'coverage and cost of rumours among processes match the simulator',
  cycles: 1,
  run: async ({ cycles, seed, isOver = () => false }) => {
    const figures = { cycles: 0, coverageApart: 0, messagesApart: 0 }
    const faults: Fault[] = []
    for (let cycle = 0; cycle < cycles && !isOver(); cycle++) {
      const own = seed + cycle
      const conditions = { seed: own, nodes: NODES, fanout: 2, ttl: 12, repeat: 1, pullMs: 0, everyMs: 10_000, kill: 0 }
      const real = await watchProcesses(conditions, systemClock, () => {}, new AbortController().signal)
      const [phase] = real.phases
      const virtual = virtualMean(conditions)
      const coverageApart = Math.abs((phase?.coverage ?? 0) - virtual.coverage)
      const messagesApart = Math.abs((phase?.messagesPerRumour ?? 0) / virtual.messages - 1)
      figures.cycles++
      figures.coverageApart = Math.max(figures.coverageApart, coverageApart)
      figures.messagesApart = Math.max(figures.messagesApart, messagesApart)
      const text = [
        ...(coverageApart > COVERAGE_APART_MAX ? [`coverage ${coverageApart} apart`] : []),
        ...(messagesApart > MESSAGES_APART_MAX ? [`messages ${messagesApart} apart`] : []),
        ...(real.unknown > 0 ? [`${real.unknown} books unknown`] : []),
        ...(real.lost.length > 0 ? [`${real.lost.length} nodes ended`] : []),
      ].join(', ')
      if (text !== '') faults.push({ seed: own, cycles: 1, text })
    }
    return { figures, faults }
  },
}

function virtualMean(conditions: GossipConditions): { readonly coverage: number; readonly messages: number } {
  const runs = Array.from({ length: VIRTUAL_RUNS }, (_, run) => {
    const network = { view: NODES - 1, delayMsMin: 1, delayMsMax: 30, loss: 0 }
    return simulateGossip({ ...conditions, ...network, seed: run }).phases[0]
  })
  const mean = (value: (phase: PhaseFigures) => number): number =>
    runs.reduce((sum, phase) => sum + (phase === undefined ? 0 : value(phase)), 0) / runs.length
  return { coverage: mean(phase => phase.coverage), messages: mean(phase => phase.messagesPerRumour) }
}
