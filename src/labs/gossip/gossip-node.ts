import type { Millis } from '../../base/clock.js'
import type { Random } from '../../base/random.js'
import { TokenBucket } from '../../base/token-bucket.js'
import {
  GOSSIP_PEERS_PER_SECOND_MAX,
  GOSSIP_STRANGERS_PER_SECOND_MAX,
  GOSSIP_TTL_MAX,
  GOSSIP_VERSION_MAX,
} from './limits.js'
import { PeerBook } from './peer-book.js'
import type { Known, Port, Rumour } from './rumour.js'
import { RumourCache } from './rumour-cache.js'

/** How often a node is told that time has passed; also the length of a round of repeated rumours. */
export const TICK_MS = 1_000
/** How many peers are asked for theirs in one tick: gentle on a machine where a hundred nodes start. */
const ASKED_PER_TICK = 8
/** How often some live peer is asked whom it knows. */
const ASK_MS = 10_000

export interface GossipSettings {
  readonly port: Port
  /** The node that the first peers are learnt from. */
  readonly bootstrap?: Port | undefined
  /** To how many peers a rumour is sent; infinite floods. */
  readonly fanout: number
  /** How many times a rumour of this node may be sent on. */
  readonly ttl: number
  /** In how many rounds a rumour is sent, to peers drawn anew each time; each takes one of its TTL. */
  readonly repeat: number
  /** How often a peer is asked for what is missed; 0 never. */
  readonly pullMs: Millis
  /** How many live peers are remembered. */
  readonly peersMax: number
}

/** What a node asks of its surroundings. */
export type Effect =
  | { readonly kind: 'send'; readonly to: readonly Port[]; readonly rumour: Rumour }
  /** Tell a peer what is known here, and `receive` what it answers. */
  | { readonly kind: 'pull'; readonly from: Port; readonly known: readonly Known[] }
  /** Get the peers of a peer, then `answered`. */
  | { readonly kind: 'ask'; readonly peer: Port }
  /** Drop what still waits to be sent there. */
  | { readonly kind: 'forget'; readonly peer: Port }
  /** Sample another book now: somebody knows a later version of this node than this node does. */
  | { readonly kind: 'choose' }

/** What became of the rumours of one message. */
export interface Receipt {
  readonly fresh: readonly Rumour[]
  /** Those that were too many for now. */
  readonly refused: number
  /** What is known here of the same origins and is newer: the answer. */
  readonly newer: readonly Rumour[]
  readonly effects: readonly Effect[]
}

interface Hot {
  readonly rumour: Rumour
  readonly left: number
  readonly dueMs: Millis
}

export interface Counts {
  /** Copies of rumours that were sent, that came, and how many of those were not new. */
  sent: number
  received: number
  duplicates: number
  refused: number
}

/** One node of the favourite books, without IO: what it hears, tells and forgets. */
export class GossipNode {
  readonly settings: GossipSettings
  readonly peers: PeerBook
  readonly rumours = new RumourCache()
  readonly counts: Counts = { sent: 0, received: 0, duplicates: 0, refused: 0 }
  readonly #random: Random
  readonly #ofPeers = new TokenBucket(GOSSIP_PEERS_PER_SECOND_MAX, 0)
  readonly #ofStrangers = new TokenBucket(GOSSIP_STRANGERS_PER_SECOND_MAX, 0)
  readonly #isPeer = (origin: Port): boolean => origin === this.settings.port || this.peers.isLive(origin)
  #hot: Hot[] = []
  #version = 0
  /** Whether somebody knew a later version of this node than this node did. */
  #isOutdone = false
  #askAtMs: Millis | undefined
  #pullAtMs: Millis | undefined

  constructor(settings: GossipSettings, random: Random) {
    this.settings = settings
    this.peers = new PeerBook(settings.port, settings.bootstrap, settings.peersMax)
    this.#random = random
  }

  /** The node has a new favourite book, which all shall know. */
  choose(book: string, uuid: string, nowMs: Millis): Effect[] {
    const { port, ttl } = this.settings
    const rumour: Rumour = { uuid, origin: port, version: ++this.#version, ttl, hops: 0, payload: { book } }
    this.rumours.take(rumour, nowMs, this.#isPeer)
    return this.#spread(rumour, nowMs)
  }

  /** Rumours came, by a message from `from` or as the answer to one. */
  receive(from: Port | undefined, rumours: readonly Rumour[], nowMs: Millis): Receipt {
    const fresh: Rumour[] = []
    const newer: Rumour[] = []
    const effects: Effect[] = []
    let refused = 0
    if (from !== undefined) this.peers.hear(from, nowMs)
    for (const rumour of rumours) {
      this.counts.received++
      if (rumour.origin === this.settings.port) {
        this.#hearOfItself(rumour, newer)
        continue
      }
      if (this.rumours.isKnown(rumour)) {
        this.counts.duplicates++
        continue
      }
      const isPeer = this.peers.isLive(rumour.origin)
      if (!(isPeer ? this.#ofPeers : this.#ofStrangers).take(nowMs)) {
        refused++
        continue
      }
      if (this.rumours.take(rumour, nowMs, this.#isPeer) !== 'new') {
        this.counts.duplicates++
        const held = this.rumours.newest(rumour.origin)
        if (held !== undefined && held.rumour.version > rumour.version) newer.push(held.rumour)
        continue
      }
      fresh.push(rumour)
      if (!isPeer) this.peers.hear(rumour.origin, nowMs)
      effects.push(...this.#spread(rumour, nowMs, from))
    }
    this.counts.refused += refused
    return { fresh, refused, newer, effects }
  }

  /** What a peer lacks that knows this much. */
  lackedBy(known: readonly Known[]): Rumour[] {
    const lacked = this.rumours.lackedBy(known)
    this.counts.sent += lacked.length
    return lacked.map(rumour => ({ ...rumour, ttl: Math.max(0, rumour.ttl - 1), hops: rumour.hops + 1 }))
  }

  /** A peer answered, and told of these. Who is new is told the own book at once, and not only the next. */
  answered(peer: Port, told: readonly Port[], nowMs: Millis): Effect[] {
    const isNew = !this.peers.isLive(peer)
    this.peers.answered(peer, this.#random)
    if (!this.peers.isFull) for (const port of told) this.peers.hear(port, nowMs)
    const own = this.rumours.newest(this.settings.port)?.rumour
    if (!isNew || own === undefined || !this.peers.isLive(peer)) return []
    this.counts.sent++
    return [{ kind: 'send', to: [peer], rumour: { ...own, hops: 1 } }]
  }

  /** A peer did not answer. */
  failed(peer: Port, nowMs: Millis): Effect[] {
    return this.peers.failed(peer, nowMs) ? [{ kind: 'forget', peer }] : []
  }

  /** Time has passed. */
  tick(nowMs: Millis): Effect[] {
    const effects: Effect[] = this.peers.due(ASKED_PER_TICK, nowMs).map(peer => ({ kind: 'ask', peer }))
    this.#repeat(nowMs, effects)
    if (this.#isOutdone) effects.push({ kind: 'choose' })
    this.#isOutdone = false
    const { pullMs } = this.settings
    this.#askAtMs ??= nowMs + this.#random.number() * ASK_MS
    if (nowMs >= this.#askAtMs) {
      this.#askAtMs = nowMs + ASK_MS
      const peer = this.peers.occasional(this.#random)
      if (peer !== undefined) effects.push({ kind: 'ask', peer })
    }
    if (pullMs > 0 && this.peers.live.length > 0) {
      // A node that has just met its first peer asks at once, and then by turns.
      if (this.#pullAtMs === undefined || nowMs >= this.#pullAtMs) {
        this.#pullAtMs = nowMs + (0.5 + this.#random.number()) * pullMs
        for (const from of this.peers.pick(1, this.#random))
          effects.push({ kind: 'pull', from, known: this.rumours.known })
      }
    }
    return effects
  }

  /** An earlier run of this node, or a liar, used this version: the next own one goes above it. */
  #hearOfItself(rumour: Rumour, newer: Rumour[]): void {
    const own = this.rumours.newest(this.settings.port)?.rumour
    this.counts.duplicates++
    if (own !== undefined && rumour.version < own.version) newer.push(own)
    if (rumour.version < this.#version || rumour.uuid === own?.uuid || rumour.version >= GOSSIP_VERSION_MAX) return
    this.#version = rumour.version
    this.#isOutdone = true
  }

  #spread(rumour: Rumour, nowMs: Millis, from?: Port): Effect[] {
    const ttl =
      Math.min(rumour.ttl, GOSSIP_TTL_MAX) - (rumour.hops === 0 && rumour.origin === this.settings.port ? 0 : 1)
    if (ttl < 1) return []
    const onward = { ...rumour, ttl, hops: rumour.hops + 1 }
    const { repeat } = this.settings
    if (repeat > 1 && ttl > 1)
      this.#hot.push({ rumour: { ...onward, ttl: ttl - 1 }, left: repeat - 1, dueMs: nowMs + TICK_MS })
    return this.#send(onward, from)
  }

  #send(rumour: Rumour, from?: Port): Effect[] {
    const to = this.peers.pick(this.settings.fanout, this.#random, from, rumour.origin)
    this.counts.sent += to.length
    return to.length === 0 ? [] : [{ kind: 'send', to, rumour }]
  }

  #repeat(nowMs: Millis, effects: Effect[]): void {
    if (this.#hot.length === 0) return
    const hot: Hot[] = []
    for (const entry of this.#hot) {
      if (entry.dueMs > nowMs) {
        hot.push(entry)
        continue
      }
      const { rumour, left, dueMs } = entry
      // What has a successor is no news.
      if (this.rumours.newest(rumour.origin)?.rumour.uuid !== rumour.uuid) continue
      effects.push(...this.#send(rumour))
      if (left > 1 && rumour.ttl > 1)
        hot.push({ rumour: { ...rumour, ttl: rumour.ttl - 1 }, left: left - 1, dueMs: dueMs + TICK_MS })
    }
    this.#hot = hot
  }
}
