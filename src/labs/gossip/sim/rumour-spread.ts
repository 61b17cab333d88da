import type { Millis } from '../../../base/clock.js'
import { quantile } from '../../../base/quantile.js'
import type { Port } from '../rumour.js'

/** Propagation of one rumour. */
interface Propagation {
  readonly version: number
  readonly publishedAtMs: Millis
  /** Nodes that should receive it: all running ones except its origin. */
  readonly audience: number
  readonly receivedBy: Set<number>
  /** Milliseconds and rounds until each received it. */
  readonly afterMs: number[]
  readonly rounds: number[]
}

/** Figures of one phase of a simulation. */
export interface PhaseFigures {
  readonly name: string
  readonly nodes: number
  readonly rumours: number
  /** Share of all pairs (rumour, node) in which the node received the rumour. */
  readonly coverage: number
  /** Number of pairs in which it did not. */
  readonly missed: number
  readonly messagesPerRumour: number
  /** Rounds until the last receiving node, averaged over all rumours. */
  readonly rounds: number
  /** Time until a share of the nodes had the median rumour; Infinity if never. */
  readonly reached: {
    readonly p50Ms: Millis
    readonly p90Ms: Millis
    readonly p99Ms: Millis
    readonly p100Ms: Millis
  }
  /** Mean share of the nodes that knew a rumour after 0, 1, 2, … rounds. */
  readonly byRound: readonly number[]
}

/** Measures how rumours propagate. */
export class RumourSpread {
  readonly #propagations = new Map<Port, Propagation[]>()
  readonly #isLaterEnough: boolean

  /** `isLaterEnough`: a node that received a later version counts as having received this one, as with pulls. */
  constructor(isLaterEnough = false) {
    this.#isLaterEnough = isLaterEnough
  }

  /** An origin published a book while `audience` other nodes were running. */
  published(origin: Port, version: number, audience: number, nowMs: Millis): void {
    const propagations = this.#propagations.get(origin) ?? []
    propagations.push({ version, publishedAtMs: nowMs, audience, receivedBy: new Set(), afterMs: [], rounds: [] })
    this.#propagations.set(origin, propagations)
  }

  /** A node received a book after `rounds` rounds. */
  received(node: number, origin: Port, version: number, rounds: number, nowMs: Millis): void {
    for (const propagation of this.#propagations.get(origin) ?? []) {
      const isReceived = this.#isLaterEnough ? propagation.version <= version : propagation.version === version
      if (!isReceived || propagation.receivedBy.has(node)) continue
      propagation.receivedBy.add(node)
      propagation.afterMs.push(Math.max(0, nowMs - propagation.publishedAtMs))
      propagation.rounds.push(rounds)
    }
  }

  figures(name: string, nodes: number, messages: number): PhaseFigures {
    const all = [...this.#propagations.values()].flat()
    const audience = all.reduce((sum, propagation) => sum + propagation.audience, 0)
    const received = all.reduce(
      (sum, propagation) => sum + Math.min(propagation.audience, propagation.afterMs.length),
      0,
    )
    const reached = (share: number): Millis =>
      quantile(
        all.map(({ afterMs, audience }) => {
          const rank = Math.max(1, Math.ceil(share * audience))
          return afterMs.length < rank
            ? Number.POSITIVE_INFINITY
            : quantile(afterMs, Math.min(1, rank / afterMs.length))
        }),
        0.5,
      )
    const last = all.map(({ rounds }) => rounds.reduce((most, round) => Math.max(most, round), 0))
    const longest = last.reduce((most, round) => Math.max(most, round), 0)
    const perRound = new Array<number>(longest + 1).fill(0)
    for (const { rounds } of all) for (const round of rounds) perRound[round] = (perRound[round] ?? 0) + 1
    let known = all.length
    const byRound = perRound.map(count => {
      known += count
      return known / Math.max(1, audience + all.length)
    })
    return {
      name,
      nodes,
      rumours: all.length,
      coverage: audience === 0 ? 1 : received / audience,
      missed: audience - received,
      messagesPerRumour: messages / Math.max(1, all.length),
      rounds: last.reduce((sum, round) => sum + round, 0) / Math.max(1, all.length),
      reached: { p50Ms: reached(0.5), p90Ms: reached(0.9), p99Ms: reached(0.99), p100Ms: reached(1) },
      byRound,
    }
  }
}
