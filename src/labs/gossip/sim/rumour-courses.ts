import type { Millis } from '../../../base/clock.js'
import { quantile } from '../../../base/quantile.js'
import type { Port } from '../rumour.js'

/** Nodes that hear of one rumour, from its publication on. */
interface Course {
  readonly version: number
  readonly publishedAtMs: Millis
  /** How many shall hear of it: all that were up, but its origin. */
  readonly audience: number
  readonly heardBy: Set<number>
  /** After how many milliseconds, and how many rounds, each heard of it. */
  readonly afterMs: number[]
  readonly rounds: number[]
}

/** What became of the rumours of one phase of a simulation. */
export interface PhaseFigures {
  readonly name: string
  readonly nodes: number
  readonly rumours: number
  /** The share of all (rumour, node) that came together. */
  readonly coverage: number
  /** How many (rumour, node) did not. */
  readonly missed: number
  readonly messagesPerRumour: number
  /** After how many rounds, in the mean of all rumours, the last node that heard of one did: TTLs that were used up. */
  readonly rounds: number
  /** When a share of the nodes had heard of the median rumour; infinite where it never had. */
  readonly reached: {
    readonly p50Ms: Millis
    readonly p90Ms: Millis
    readonly p99Ms: Millis
    readonly p100Ms: Millis
  }
  /** The share of the nodes that knew a rumour after 0, 1, 2, … rounds, in the mean. */
  readonly byRound: readonly number[]
}

/** Notes on who hears of which rumour when. */
export class RumourCourses {
  readonly #courses = new Map<Port, Course[]>()
  readonly #isLaterEnough: boolean

  /** `isLaterEnough`: who knows a later book of an origin has missed nothing, as where nodes pull. */
  constructor(isLaterEnough = false) {
    this.#isLaterEnough = isLaterEnough
  }

  /** An origin has a new book, and so many others are up. */
  published(origin: Port, version: number, audience: number, nowMs: Millis): void {
    const courses = this.#courses.get(origin) ?? []
    courses.push({ version, publishedAtMs: nowMs, audience, heardBy: new Set(), afterMs: [], rounds: [] })
    this.#courses.set(origin, courses)
  }

  /** A node heard of a book after so many rounds. */
  heard(node: number, origin: Port, version: number, rounds: number, nowMs: Millis): void {
    for (const course of this.#courses.get(origin) ?? []) {
      const isHeard = this.#isLaterEnough ? course.version <= version : course.version === version
      if (!isHeard || course.heardBy.has(node)) continue
      course.heardBy.add(node)
      course.afterMs.push(Math.max(0, nowMs - course.publishedAtMs))
      course.rounds.push(rounds)
    }
  }

  figures(name: string, nodes: number, messages: number): PhaseFigures {
    const all = [...this.#courses.values()].flat()
    const audience = all.reduce((sum, course) => sum + course.audience, 0)
    const heard = all.reduce((sum, course) => sum + Math.min(course.audience, course.afterMs.length), 0)
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
      coverage: audience === 0 ? 1 : heard / audience,
      missed: audience - heard,
      messagesPerRumour: messages / Math.max(1, all.length),
      rounds: last.reduce((sum, round) => sum + round, 0) / Math.max(1, all.length),
      reached: { p50Ms: reached(0.5), p90Ms: reached(0.9), p99Ms: reached(0.99), p100Ms: reached(1) },
      byRound,
    }
  }
}
