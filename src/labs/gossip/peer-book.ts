import type { Millis } from '../../base/clock.js'
import type { Random } from '../../base/random.js'
import { GOSSIP_DEAD_MAX, GOSSIP_HEARD_MAX } from './limits.js'
import type { Port } from './rumour.js'

/** Failed requests in a row after which a peer counts as dead. */
const FAILURES_MAX = 2
/** First and longest delay before a dead peer is probed. */
const PROBE_MS_MIN = 1_000
const PROBE_MS_MAX = 30_000
/** Time until a dead peer is forgotten, except the bootstrap peer. */
const DEAD_MS_MAX = 10 * 60_000

/** Number of candidates in a full book. */
const SPARE_MAX = 8

interface Death {
  readonly sinceMs: Millis
  readonly probes: number
  readonly nextMs: Millis
}

/** `heard`: reported by a peer, but has not answered yet. Until a peer has answered, it is sent only GET requests. */
export type PeerState = 'live' | 'heard' | 'dead'

/** The peers of a node: candidates become live when they answer, dead when they fail, and dead ones are probed. */
export class PeerBook {
  readonly #self: Port
  readonly #bootstrap: Port | undefined
  readonly #liveMax: number
  readonly #live: Port[] = []
  readonly #heard = new Set<Port>()
  readonly #asked = new Set<Port>()
  readonly #dead = new Map<Port, Death>()
  readonly #failures = new Map<Port, number>()

  constructor(self: Port, bootstrap: Port | undefined, liveMax: number) {
    this.#self = self
    this.#bootstrap = bootstrap
    this.#liveMax = liveMax
    if (bootstrap !== undefined) this.#heard.add(bootstrap)
  }

  get live(): readonly Port[] {
    return this.#live
  }

  isLive(peer: Port): boolean {
    return this.#live.includes(peer)
  }

  get isFull(): boolean {
    return this.#live.length >= this.#liveMax
  }

  /** A full book keeps few candidates, enough to let new peers in. */
  get #heardMax(): number {
    return Math.min(GOSSIP_HEARD_MAX, Math.max(SPARE_MAX, this.#liveMax - this.#live.length))
  }

  /** All known peers. */
  *states(): Generator<readonly [peer: Port, state: PeerState]> {
    for (const peer of this.#live) yield [peer, 'live']
    for (const peer of this.#heard) yield [peer, 'heard']
    for (const peer of this.#asked) if (!this.#dead.has(peer)) yield [peer, 'heard']
    for (const peer of this.#dead.keys()) yield [peer, 'dead']
  }

  /** A peer was reported. A dead one is probed soon. */
  hear(peer: Port, nowMs: Millis): void {
    if (peer === this.#self || this.#heard.has(peer) || this.#asked.has(peer) || this.isLive(peer)) return
    const death = this.#dead.get(peer)
    if (death === undefined && this.#heard.size < this.#heardMax) this.#heard.add(peer)
    else if (death !== undefined && death.nextMs > nowMs + PROBE_MS_MIN && nowMs - death.sinceMs > PROBE_MS_MAX)
      this.#dead.set(peer, { ...death, nextMs: nowMs + PROBE_MS_MIN })
  }

  /** Adds live peers at the start, as many as fit. */
  meet(peers: Iterable<Port>): void {
    for (const peer of peers) if (peer !== this.#self && !this.isFull) this.#live.push(peer)
  }

  /** A peer answered. In a full book it replaces a random live peer. */
  answered(peer: Port, random: Random): void {
    this.#failures.delete(peer)
    if (peer === this.#self || this.isLive(peer)) return
    this.#heard.delete(peer)
    this.#asked.delete(peer)
    this.#dead.delete(peer)
    if (this.#live.length < this.#liveMax) this.#live.push(peer)
    else this.#live[Math.floor(random.number() * this.#live.length)] = peer
  }

  /** A request to a peer failed. Returns whether it became dead. */
  failed(peer: Port, nowMs: Millis): boolean {
    const at = this.#live.indexOf(peer)
    const failures = (this.#failures.get(peer) ?? 0) + 1
    if (at !== -1 && failures < FAILURES_MAX) {
      this.#failures.set(peer, failures)
      return false
    }
    this.#failures.delete(peer)
    this.#heard.delete(peer)
    // A late failure of a peer that is already dead is ignored.
    if (at === -1 && !this.#asked.delete(peer)) return false
    if (at !== -1) {
      this.#live[at] = this.#live.at(-1) ?? peer
      this.#live.pop()
    }
    this.#bury(peer, nowMs)
    return at !== -1
  }

  /** Up to `count` peers to ask now: candidates, unless the book is full, and dead peers that are due. */
  due(count: number, nowMs: Millis): Port[] {
    const peers: Port[] = []
    for (const peer of this.isFull ? [] : this.#heard) {
      if (peers.length === count) break
      peers.push(peer)
    }
    for (const [peer, { nextMs, sinceMs }] of this.#dead) {
      if (peers.length === count) break
      if (nowMs - sinceMs > DEAD_MS_MAX && peer !== this.#bootstrap) this.#dead.delete(peer)
      else if (nextMs <= nowMs && !this.#asked.has(peer)) peers.push(peer)
    }
    for (const peer of peers) {
      this.#heard.delete(peer)
      this.#asked.add(peer)
    }
    return peers
  }

  /** A candidate or a random live peer to ask for peers, so that a full book lets new peers in. */
  occasional(random: Random): Port | undefined {
    const [heard] = this.#heard
    if (heard === undefined) return this.pick(1, random)[0]
    this.#heard.delete(heard)
    this.#asked.add(heard)
    return heard
  }

  /** `count` distinct random live peers, without the two that already know the rumour. */
  pick(count: number, random: Random, notThis?: Port, notThat?: Port): Port[] {
    const picked: Port[] = []
    const live = this.#live
    if (count >= live.length) {
      for (const peer of live) if (peer !== notThis && peer !== notThat) picked.push(peer)
      return picked
    }
    // Partial Fisher-Yates shuffle, in place: the order of the book has no meaning.
    for (let from = 0; from < live.length && picked.length < count; from++) {
      const at = from + Math.floor(random.number() * (live.length - from))
      const peer = live[at] as Port
      live[at] = live[from] as Port
      live[from] = peer
      if (peer !== notThis && peer !== notThat) picked.push(peer)
    }
    return picked
  }

  #bury(peer: Port, nowMs: Millis): void {
    const before = this.#dead.get(peer)
    const probes = (before?.probes ?? -1) + 1
    const nextMs = nowMs + Math.min(PROBE_MS_MAX, PROBE_MS_MIN * 2 ** probes)
    this.#dead.set(peer, { sinceMs: before?.sinceMs ?? nowMs, probes, nextMs })
    if (this.#dead.size <= GOSSIP_DEAD_MAX) return
    for (const oldest of this.#dead.keys()) {
      if (oldest === this.#bootstrap) continue
      this.#dead.delete(oldest)
      return
    }
  }
}
