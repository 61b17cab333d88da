import type { Millis } from '../base/clock.js'
import { quantile } from '../base/quantile.js'
import { SeededRandom } from '../base/seeded-random.js'
import { Spread } from './spread.js'
import { type CHAT_TOPOLOGIES, namesIn } from './topologies.js'
import { Violation, World } from './world.js'

const MINUTE_MS: Millis = 60_000
const SECOND_MS: Millis = 1_000
/** How long peers that meet each other have to find their links before anything is said. */
const MEETING_MS: Millis = 10_000
/** How long a peer that crashed stays away, at most. */
const AWAY_MS_MAX: Millis = 30_000
/** Shares of peers for which propagation is drawn. */
const SHARES = 50

export interface ChatSimulationOptions {
  readonly seed: number
  readonly peers: number
  readonly topology: (typeof CHAT_TOPOLOGIES)[number]
  /** How likely a packet is lost, 0 to 1. */
  readonly loss: number
  readonly delayMsMin: Millis
  readonly delayMsMax: Millis
  /** For how many minutes in the middle nothing gets from one half of the peers to the other. */
  readonly partitionMinutes: number
  /** How many peers crash in a minute. */
  readonly churn: number
  readonly minutes: number
  /** How many lines are said in a minute, by anybody. */
  readonly lines: number
}

/** Something that happened to a network. */
export interface Event {
  readonly atMs: Millis
  readonly kind: 'line' | 'crash' | 'start' | 'partition' | 'healed'
}

/** Times until so many of the peers held an entry. */
interface Reached {
  readonly p50Ms: Millis
  readonly p90Ms: Millis
  readonly p99Ms: Millis
  readonly p100Ms: Millis
}

export interface ChatFigures {
  readonly options: ChatSimulationOptions
  /** Whether all peers held the same within 60 s of the end of all faults. */
  readonly converged: boolean
  readonly entries: number
  /** The median of all entries, and the slowest of them. */
  readonly reached: Reached
  readonly slowest: Reached
  readonly copiesPerEntry: number
  readonly bytesPerEntry: number
  /** How often entries came to peers over one link, over two, and so on. */
  readonly hops: readonly number[]
  readonly copiesPerPeer: readonly number[]
  /** For growing shares of the peers, the time that a tenth, half and nine tenths of the entries took to reach it. */
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

/** Lets peers chat in virtual time. `onProgress` is told of the share that is done, 0 to 1. */
export async function simulateChat(
  options: ChatSimulationOptions,
  onProgress: (share: number) => void = () => {},
): Promise<ChatFigures> {
  const { seed, topology, loss, delayMsMin, delayMsMax, minutes } = options
  const chance = new SeededRandom(seed, 'chat')
  const peers = Array.from({ length: options.peers }, (_, index) => `peer${index + 1}`)
  const isMeeting = topology === 'met'
  const names = namesIn(isMeeting ? 'star' : topology, peers, new SeededRandom(seed, 'topology'))
  const spread = new Spread()
  const events: Event[] = []
  const world: World = new World({
    seed,
    peers,
    names: name => names.get(name) ?? [],
    network: { delayMsMin, delayMsMax, loss },
    isMeeting,
    isTraced: false,
    onStored: (name, { author, from, to }) => spread.stored(name, author, from, to, world.elapsedMs),
    onBrought: (name, from, author, runs) => {
      for (const { first, entries } of runs) spread.brought(name, from, author, first, entries.length)
    },
  })
  const happened = (kind: Event['kind']): void => void events.push({ atMs: world.elapsedMs, kind })
  const endMs = minutes * MINUTE_MS
  const partition = {
    fromMs: (endMs - options.partitionMinutes * MINUTE_MS) / 2,
    toMs: (endMs + options.partitionMinutes * MINUTE_MS) / 2,
  }
  let violations: readonly string[] = []
  let isCut = false
  let said = 0
  let crashed = 0
  /** When who crashed comes back. */
  const back = new Map<string, Millis>()

  /** Does what is due by now: in every second some lines, and now and then a crash. */
  const act = (): void => {
    const share = world.elapsedMs / MINUTE_MS
    for (; said < share * options.lines; said++) {
      const speaker = chance.pick(peers)
      if (!world.machine(speaker).isReady) continue
      world.machine(speaker).say(`${speaker} says line ${said + 1}`)
      happened('line')
    }
    for (; crashed < Math.floor(share * options.churn); crashed++) {
      const name = chance.pick(peers)
      if (!world.machine(name).isRunning) continue
      world.machine(name).crash(chance.pick(['killed', 'power cut']))
      happened('crash')
      back.set(name, world.elapsedMs + chance.between(SECOND_MS, AWAY_MS_MAX))
    }
    for (const [name, atMs] of back) {
      if (atMs > world.elapsedMs) continue
      back.delete(name)
      world.machine(name).start()
      happened('start')
    }
    const isCutNow =
      options.partitionMinutes > 0 && world.elapsedMs >= partition.fromMs && world.elapsedMs < partition.toMs
    if (isCutNow && !isCut) {
      world.partition(peers.slice(0, Math.floor(peers.length / 2)))
      happened('partition')
    }
    if (!isCutNow && isCut) {
      world.heal()
      happened('healed')
    }
    isCut = isCutNow
  }

  try {
    // The first moments are for finding each other.
    await world.run(isMeeting ? MEETING_MS : SECOND_MS)
    while (world.elapsedMs < endMs) {
      act()
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
    curve: Array.from({ length: SHARES }, (_, index) => {
      const share = (index + 1) / SHARES
      return { share, low: at(share, 0.1), mid: at(share, 0.5), high: at(share, 0.9) }
    }),
    events,
    virtualMs: world.elapsedMs,
    steps: world.steps,
    violations,
  }
}
