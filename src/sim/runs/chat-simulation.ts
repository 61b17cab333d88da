import type { Millis } from '../../base/clock.js'
import { quantile } from '../../base/quantile.js'
import { SeededRandom } from '../../base/seeded-random.js'
import { Violation, World } from '../world/world.js'
import { Spread } from './spread.js'
import { type CHAT_TOPOLOGIES, dialledPeersIn } from './topologies.js'

const MINUTE_MS: Millis = 60_000
const SECOND_MS: Millis = 1_000
/** Time for peer exchange before the first line. */
const DISCOVERY_MS: Millis = 10_000
/** Longest downtime of a crashed peer. */
const DOWN_MS_MAX: Millis = 30_000
/** Number of points of the propagation curve. */
const CURVE_POINTS = 50

export interface ChatSimulationOptions {
  readonly seed: number
  readonly peers: number
  readonly topology: (typeof CHAT_TOPOLOGIES)[number]
  /** Probability that a packet is lost, 0 to 1. */
  readonly loss: number
  readonly delayMsMin: Millis
  readonly delayMsMax: Millis
  /** Duration of a partition into two halves, in the middle of the run. */
  readonly partitionMinutes: number
  /** Crashes per minute. */
  readonly churn: number
  readonly minutes: number
  /** Lines per minute, of all peers together. */
  readonly lines: number
}

/** An event of the run. */
export interface Event {
  readonly atMs: Millis
  readonly kind: 'line' | 'crash' | 'start' | 'partition' | 'healed'
}

/** Times until given shares of the peers had an entry. */
interface Reached {
  readonly p50Ms: Millis
  readonly p90Ms: Millis
  readonly p99Ms: Millis
  readonly p100Ms: Millis
}

export interface ChatFigures {
  readonly options: ChatSimulationOptions
  /** Whether all peers had the same logs within 60 s of the end of the faults. */
  readonly converged: boolean
  readonly entries: number
  /** The times of the median entry and of the slowest entry. */
  readonly reached: Reached
  readonly slowest: Reached
  readonly copiesPerEntry: number
  readonly bytesPerEntry: number
  /** Number of (entry, peer) pairs by the number of connections that the entry crossed: one, two, and so on. */
  readonly hops: readonly number[]
  readonly copiesPerPeer: readonly number[]
  /** For growing shares of the peers: the 10th, 50th and 90th percentile of the time that entries took to reach them. */
  readonly curve: readonly {
    readonly share: number
    readonly low: Millis
    readonly mid: Millis
    readonly high: Millis
  }[]
  readonly events: readonly Event[]
  readonly virtualMs: Millis
  readonly steps: number
  readonly violations: readonly string[]
}

/** Simulates a chat. `onProgress` receives the finished share of the simulation, 0 to 1. */
export const simulateChat = (
  options: ChatSimulationOptions,
  onProgress: (share: number) => void = () => {},
): Promise<ChatFigures> => new ChatSimulation(options).run(onProgress)

class ChatSimulation {
  readonly #options: ChatSimulationOptions
  readonly #random: SeededRandom
  readonly #peers: readonly string[]
  readonly #world: World
  readonly #spread = new Spread()
  readonly #events: Event[] = []
  /** When each crashed peer restarts. */
  readonly #restarts = new Map<string, Millis>()
  readonly #endMs: Millis
  #isPartitioned = false
  #sent = 0
  #crashed = 0

  constructor(options: ChatSimulationOptions) {
    const { seed, topology, loss, delayMsMin, delayMsMax, minutes } = options
    this.#options = options
    this.#random = new SeededRandom(seed, 'chat')
    this.#peers = Array.from({ length: options.peers }, (_, index) => `peer${index + 1}`)
    this.#endMs = minutes * MINUTE_MS
    const topologyRandom = new SeededRandom(seed, 'topology')
    const dials = dialledPeersIn(topology === 'met' ? 'star' : topology, this.#peers, topologyRandom)
    this.#world = new World({
      seed,
      peers: this.#peers,
      dials: name => dials.get(name) ?? [],
      network: { delayMsMin, delayMsMax, loss },
      hasPeerExchange: this.#hasPeerExchange,
      isTraced: false,
      onStored: (name, { author, from, to }) => this.#spread.stored(name, author, from, to, this.#world.elapsedMs),
      onReceived: (name, from, author, runs) => {
        for (const { first, entries } of runs) this.#spread.received(name, from, author, first, entries.length)
      },
    })
  }

  get #hasPeerExchange(): boolean {
    return this.#options.topology === 'met'
  }

  async run(onProgress: (share: number) => void): Promise<ChatFigures> {
    const world = this.#world
    let violations: readonly string[] = []
    try {
      // Lets the peers connect first.
      await world.run(this.#hasPeerExchange ? DISCOVERY_MS : SECOND_MS)
      while (world.elapsedMs < this.#endMs) {
        this.#say()
        this.#crash()
        this.#restart()
        this.#partition()
        await world.run(Math.min(SECOND_MS, this.#endMs - world.elapsedMs))
        onProgress(world.elapsedMs / this.#endMs)
      }
      await world.converge()
    } catch (error) {
      if (!(error instanceof Violation)) throw error
      violations = error.violations
    } finally {
      world.end()
    }
    return this.#figures(violations)
  }

  /** Sends the lines that are due. */
  #say(): void {
    const due = (this.#world.elapsedMs / MINUTE_MS) * this.#options.lines
    for (; this.#sent < due; this.#sent++) {
      const sender = this.#random.pick(this.#peers)
      if (!this.#world.peer(sender).isReady) continue
      this.#world.peer(sender).say(`${sender} says line ${this.#sent + 1}`)
      this.#record('line')
    }
  }

  #crash(): void {
    const due = Math.floor((this.#world.elapsedMs / MINUTE_MS) * this.#options.churn)
    for (; this.#crashed < due; this.#crashed++) {
      const name = this.#random.pick(this.#peers)
      if (!this.#world.peer(name).isRunning) continue
      this.#world.peer(name).crash(this.#random.pick(['killed', 'power cut']))
      this.#record('crash')
      this.#restarts.set(name, this.#world.elapsedMs + this.#random.between(SECOND_MS, DOWN_MS_MAX))
    }
  }

  #restart(): void {
    for (const [name, atMs] of this.#restarts) {
      if (atMs > this.#world.elapsedMs) continue
      this.#restarts.delete(name)
      this.#world.peer(name).start()
      this.#record('start')
    }
  }

  /** Cuts the network in the middle of the run, and heals it. */
  #partition(): void {
    const lengthMs = this.#options.partitionMinutes * MINUTE_MS
    const { elapsedMs } = this.#world
    const [fromMs, toMs] = [(this.#endMs - lengthMs) / 2, (this.#endMs + lengthMs) / 2]
    const isPartitioned = lengthMs > 0 && elapsedMs >= fromMs && elapsedMs < toMs
    if (isPartitioned && !this.#isPartitioned) {
      this.#world.partition(this.#peers.slice(0, Math.floor(this.#peers.length / 2)))
      this.#record('partition')
    }
    if (!isPartitioned && this.#isPartitioned) {
      this.#world.heal()
      this.#record('healed')
    }
    this.#isPartitioned = isPartitioned
  }

  #record(kind: Event['kind']): void {
    this.#events.push({ atMs: this.#world.elapsedMs, kind })
  }

  #figures(violations: readonly string[]): ChatFigures {
    const { entries } = this.#spread
    const at = (share: number, of: number): Millis => quantile(this.#spread.reached(share, this.#peers.length), of)
    const reachedBy = (of: number): Reached => ({
      p50Ms: at(0.5, of),
      p90Ms: at(0.9, of),
      p99Ms: at(0.99, of),
      p100Ms: at(1, of),
    })
    const copiesPerPeer = this.#spread.copies(this.#peers)
    return {
      options: this.#options,
      converged: violations.length === 0,
      entries,
      reached: reachedBy(0.5),
      slowest: reachedBy(1),
      copiesPerEntry: copiesPerPeer.reduce((sum, copies) => sum + copies, 0) / Math.max(1, entries),
      bytesPerEntry: this.#world.network.bytesSent / Math.max(1, entries),
      hops: this.#spread.hops(),
      copiesPerPeer,
      curve: Array.from({ length: CURVE_POINTS }, (_, index) => {
        const share = (index + 1) / CURVE_POINTS
        return { share, low: at(share, 0.1), mid: at(share, 0.5), high: at(share, 0.9) }
      }),
      events: this.#events,
      virtualMs: this.#world.elapsedMs,
      steps: this.#world.steps,
      violations,
    }
  }
}
