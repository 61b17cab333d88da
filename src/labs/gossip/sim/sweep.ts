import type { Millis } from '../../../base/clock.js'
import type { PhaseFigures } from './rumour-spread.js'
import { type GossipSimulationOptions, simulateGossip } from './simulation.js'

/** The values of a sweep. */
export interface SweepRanges {
  readonly fanout: readonly number[]
  readonly ttl: readonly number[]
}

/** Figures of one combination. */
export interface SweepCell {
  readonly fanout: number
  readonly ttl: number
  readonly coverage: number
  readonly messagesPerRumour: number
  readonly messagesPerNode: number
  readonly rounds: number
  readonly reached: PhaseFigures['reached']
}

/** Simulates every combination of fan-out and TTL. */
export function sweepGossip(
  options: GossipSimulationOptions,
  { fanout: fanouts, ttl: ttls }: SweepRanges,
  onProgress: (share: number, what: string) => void = () => {},
): SweepCell[] {
  const pairs = fanouts.flatMap(fanout => ttls.map(ttl => ({ fanout, ttl })))
  return pairs.map(({ fanout, ttl }, index) => {
    onProgress(index / pairs.length, `fan-out ${fanout}, TTL ${ttl}`)
    return cellOf({ ...options, fanout, ttl, kill: 0 })
  })
}

function cellOf(options: GossipSimulationOptions): SweepCell {
  const { fanout, ttl, nodes } = options
  const [phase] = simulateGossip(options).phases
  const never: Millis = Number.POSITIVE_INFINITY
  const {
    coverage = 0,
    messagesPerRumour = 0,
    rounds = 0,
    reached = { p50Ms: never, p90Ms: never, p99Ms: never, p100Ms: never },
  } = phase ?? {}
  return { fanout, ttl, coverage, messagesPerRumour, messagesPerNode: messagesPerRumour / nodes, rounds, reached }
}
