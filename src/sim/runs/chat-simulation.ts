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
/** Points of the propagation curve. */
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

/** Times until a share of the peers had an entry. */
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
  /** The median over all entries, and the slowest entry. */
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

/** Simulates a chat. `onProgress` receives the share that is done, 0 to 1. */
export async function simulateChat(
  options: ChatSimulationOptions,
  onProgress: (share: number) => void = () => {},
): Promise<ChatFigures> {
  const { seed, topology, loss, delayMsMin, delayMsMax, minutes } = options
  const random = new SeededRandom(seed, 'chat')
  const peers = Array.from({ length: options.peers }, (_, index) => `peer${index + 1}`)
  const hasPeerExchange = topology === 'met'
  const dials = dialledPeersIn(hasPeerExchange ? 'star' : topology, peers, new SeededRandom(seed, 'topology'))
  const spread = new Spread()
  const events: Event[] = []
  const world: World = new World({
    seed,
    peers,
    dials: name => dials.get(name) ?? [],
    network: { delayMsMin, delayMsMax, loss },
    hasPeerExchange,
    isTraced: false,
    onStored: (name, { author, from, to }) => spread.stored(name, author, from, to, world.elapsedMs),
    onReceived: (name, from, author, runs) => {
      for (const { first, entries } of runs) spread.received(name, from, author, first, entries.length)
    },
  })
  const record = (kind: Event['kind']): void => void events.push({ atMs: world.elapsedMs, kind })
  const endMs = minutes * MINUTE_MS
  const partition = {
    fromMs: (endMs - options.partitionMinutes * MINUTE_MS) / 2,
    toMs: (endMs + options.partitionMinutes * MINUTE_MS) / 2,
  }
  let violations: readonly string[] = []
  let isPartitioned = false
  let sent = 0
  let crashed = 0
  /** When each crashed peer restarts. */
  const restarts = new Map<string, Millis>()

  /** Performs the lines, crashes, restarts and partitions that are due. */
  const performDue = (): void => {
    const share = world.elapsedMs / MINUTE_MS
    for (; sent < share * options.lines; sent++) {
      const sender = random.pick(peers)
      if (!world.peer(sender).isReady) continue
      world.peer(sender).say(`${sender} says line ${sent + 1}`)
      record('line')
    }
    for (; crashed < Math.floor(share * options.churn); crashed++) {
      const name = random.pick(peers)
      if (!world.peer(name).isRunning) continue
      world.peer(name).crash(random.pick(['killed', 'power cut']))
      record('crash')
      restarts.set(name, world.elapsedMs + random.between(SECOND_MS, DOWN_MS_MAX))
    }
    for (const [name, atMs] of restarts) {
      if (atMs > world.elapsedMs) continue
      restarts.delete(name)
      world.peer(name).start()
      record('start')
    }
    const isPartitionedNow =
      options.partitionMinutes > 0 && world.elapsedMs >= partition.fromMs && world.elapsedMs < partition.toMs
    if (isPartitionedNow && !isPartitioned) {
      world.partition(peers.slice(0, Math.floor(peers.length / 2)))
      record('partition')
    }
    if (!isPartitionedNow && isPartitioned) {
      world.heal()
      record('healed')
    }
    isPartitioned = isPartitionedNow
  }

  try {
    // Lets the peers connect first.
    await world.run(hasPeerExchange ? DISCOVERY_MS : SECOND_MS)
    while (world.elapsedMs < endMs) {
      performDue()
      await world.run(Math.min(SECOND_MS, endMs - world.elapsedMs))
      onProgress(world.elapsedMs / endMs)
    }
    await world.converge()
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    violations = error.violations
  } finally {
    world.end()
  }
  const entries = spread.entries
  const at = (share: number, of: number): Millis => quantile(spread.reached(share, peers.length), of)
  const reachedBy = (of: number): Reached => ({
    p50Ms: at(0.5, of),
    p90Ms: at(0.9, of),
    p99Ms: at(0.99, of),
    p100Ms: at(1, of),
  })
  const copiesPerPeer = spread.copies(peers)
  return {
    options,
    converged: violations.length === 0,
    entries,
    reached: reachedBy(0.5),
    slowest: reachedBy(1),
    copiesPerEntry: copiesPerPeer.reduce((sum, copies) => sum + copies, 0) / Math.max(1, entries),
    bytesPerEntry: world.network.bytesSent / Math.max(1, entries),
    hops: spread.hops(),
    copiesPerPeer,
    curve: Array.from({ length: CURVE_POINTS }, (_, index) => {
      const share = (index + 1) / CURVE_POINTS
      return { share, low: at(share, 0.1), mid: at(share, 0.5), high: at(share, 0.9) }
    }),
    events,
    virtualMs: world.elapsedMs,
    steps: world.steps,
    violations,
  }
}
