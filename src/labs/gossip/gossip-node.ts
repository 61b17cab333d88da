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

/** Interval of `tick`, and length of a round of repeated rumours. */
export const TICK_MS = 1_000
/** Peers asked for their peers per tick. Limits the load when a hundred nodes start on one machine. */
const ASKED_PER_TICK = 8
/** Interval between requests for the peers of a live peer. */
const ASK_MS = 10_000

export interface GossipSettings {
  readonly port: Port
  /** The node from which this node learns its first peers. */
  readonly bootstrap?: Port | undefined
  /** Number of peers that a rumour is sent to. Infinity floods. */
  readonly fanout: number
  /** TTL of the rumours of this node. */
  readonly ttl: number
  /** Rounds in which a rumour is sent, each to new random peers. Each round decrements the TTL. */
  readonly repeat: number
  /** Interval of pulls; 0 for none. */
  readonly pullMs: Millis
  /** Largest number of live peers. */
  readonly peersMax: number
}

/** IO that the caller performs for a node. */
export type Effect =
  | { readonly kind: 'send'; readonly to: readonly Port[]; readonly rumour: Rumour }
  /** Send a peer the known versions, and pass its answer to `receive`. */
  | { readonly kind: 'pull'; readonly from: Port; readonly known: readonly Known[] }
  /** Request the peers of a peer, and pass them to `answered`. */
  | { readonly kind: 'ask'; readonly peer: Port }
  /** Drop the backlog of a peer. */
  | { readonly kind: 'forget'; readonly peer: Port }
  /** Choose another favourite book now: another node has a rumour of ours with a later version. */
  | { readonly kind: 'choose' }

/** Result of receiving one message. */
export interface Receipt {
  readonly fresh: readonly Rumour[]
  /** Rumours beyond the rate limit. */
  readonly refused: number
  /** Newer rumours of the same origins, for the answer. */
  readonly newer: readonly Rumour[]
  readonly effects: readonly Effect[]
}

interface Hot {
  readonly rumour: Rumour
  readonly left: number
  readonly dueMs: Millis
}

export interface Counts {
  /** Copies of rumours sent and received, and received duplicates. */
  sent: number
  received: number
  duplicates: number
  refused: number
}

/** A gossip node, without IO. */
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
  /** Whether another node knows a later version of this node's book. */
  #isOutdated = false
  #askAtMs: Millis | undefined
  #pullAtMs: Millis | undefined

  constructor(settings: GossipSettings, random: Random) {
    this.settings = settings
    this.peers = new PeerBook(settings.port, settings.bootstrap, settings.peersMax)
    this.#random = random
  }

  /** The node chooses a book and gossips about it. */
  choose(book: string, uuid: string, nowMs: Millis): Effect[] {
    const { port, ttl } = this.settings
    const rumour: Rumour = { uuid, origin: port, version: ++this.#version, ttl, hops: 0, payload: { book } }
    this.rumours.take(rumour, nowMs, this.#isPeer)
    return this.#spread(rumour, nowMs)
  }

  /** Receives rumours, in a message from `from` or in an answer. */
  receive(from: Port | undefined, rumours: readonly Rumour[], nowMs: Millis): Receipt {
    const fresh: Rumour[] = []
    const newer: Rumour[] = []
    const effects: Effect[] = []
    let refused = 0
    if (from !== undefined) this.peers.hear(from, nowMs)
    for (const rumour of rumours) {
      this.counts.received++
      if (rumour.origin === this.settings.port) {
        this.#receiveOwn(rumour, newer)
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
        const newest = this.rumours.newest(rumour.origin)
        if (newest !== undefined && newest.rumour.version > rumour.version) newer.push(newest.rumour)
        continue
      }
      fresh.push(rumour)
      if (!isPeer) this.peers.hear(rumour.origin, nowMs)
      effects.push(...this.#spread(rumour, nowMs, from))
    }
    this.counts.refused += refused
    return { fresh, refused, newer, effects }
  }

  /** Rumours that a peer with these versions lacks. */
  lackedBy(known: readonly Known[]): Rumour[] {
    const lacked = this.rumours.lackedBy(known)
    this.counts.sent += lacked.length
    return lacked.map(rumour => ({ ...rumour, ttl: Math.max(0, rumour.ttl - 1), hops: rumour.hops + 1 }))
  }

  /** A peer answered with its peers. A new peer is sent this node's book at once. */
  answered(peer: Port, known: readonly Port[], nowMs: Millis): Effect[] {
    const isNew = !this.peers.isLive(peer)
    this.peers.answered(peer, this.#random)
    if (!this.peers.isFull) for (const port of known) this.peers.hear(port, nowMs)
    const own = this.rumours.newest(this.settings.port)?.rumour
    if (!isNew || own === undefined || !this.peers.isLive(peer)) return []
    this.counts.sent++
    return [{ kind: 'send', to: [peer], rumour: { ...own, hops: 1 } }]
  }

  /** A peer did not answer. */
  failed(peer: Port, nowMs: Millis): Effect[] {
    return this.peers.failed(peer, nowMs) ? [{ kind: 'forget', peer }] : []
  }

  /** To be called every TICK_MS. */
  tick(nowMs: Millis): Effect[] {
    const effects: Effect[] = this.peers.due(ASKED_PER_TICK, nowMs).map(peer => ({ kind: 'ask', peer }))
    this.#repeat(nowMs, effects)
    if (this.#isOutdated) effects.push({ kind: 'choose' })
    this.#isOutdated = false
    const { pullMs } = this.settings
    this.#askAtMs ??= nowMs + this.#random.number() * ASK_MS
    if (nowMs >= this.#askAtMs) {
      this.#askAtMs = nowMs + ASK_MS
      const peer = this.peers.occasional(this.#random)
      if (peer !== undefined) effects.push({ kind: 'ask', peer })
    }
    if (pullMs > 0 && this.peers.live.length > 0) {
      // Pulls at once when the first peer is found, then at intervals.
      if (this.#pullAtMs === undefined || nowMs >= this.#pullAtMs) {
        this.#pullAtMs = nowMs + (0.5 + this.#random.number()) * pullMs
        for (const from of this.peers.pick(1, this.#random))
          effects.push({ kind: 'pull', from, known: this.rumours.known })
      }
    }
    return effects
  }

  /** A rumour of ours that this process did not send, usually from an earlier process, has this version. Ours will be above it. */
  #receiveOwn(rumour: Rumour, newer: Rumour[]): void {
    const own = this.rumours.newest(this.settings.port)?.rumour
    this.counts.duplicates++
    if (own !== undefined && rumour.version < own.version) newer.push(own)
    if (rumour.version < this.#version || rumour.uuid === own?.uuid || rumour.version >= GOSSIP_VERSION_MAX) return
    this.#version = rumour.version
    this.#isOutdated = true
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
      // Skips rumours that a newer one has replaced.
      if (this.rumours.newest(rumour.origin)?.rumour.uuid !== rumour.uuid) continue
      effects.push(...this.#send(rumour))
      if (left > 1 && rumour.ttl > 1)
        hot.push({ rumour: { ...rumour, ttl: rumour.ttl - 1 }, left: left - 1, dueMs: dueMs + TICK_MS })
    }
    this.#hot = hot
  }
}
