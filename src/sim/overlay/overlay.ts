import { retryDelayMs } from '../../base/backoff.js'
import type { Cancel, Millis } from '../../base/clock.js'
import { SeededRandom } from '../../base/seeded-random.js'
import { FRAME_BYTES_MAX, FrameReader } from '../../base/wire/frames.js'
import { CONNECTIONS_MAX } from '../../net/limits.js'
import { HyParView, type HyParViewEffect } from '../../net/overlay/hyparview.js'
import { decodePexFrame, encodePexFrame } from '../../net/overlay/pex-codec.js'
import type { ConnectionId } from '../../net/topology.js'
import { VirtualTime } from '../virtual/time.js'
import { AnnouncedPeers, PORT } from './announced-peers.js'

const TICK_MS: Millis = 1_000
/** Number of one-way delays until a connection is open: TCP, the handshake, a Hello and a proof each way. */
const ROUNDS_TO_OPEN = 6
/** Time until a dial to a silent peer fails. */
const NO_ANSWER_MS: Millis = 5_000
/** Time until a connection to a silent peer is closed. */
const SILENCE_MS_MIN: Millis = 30_000
const SILENCE_MS_MAX: Millis = 31_000

interface Connection {
  readonly ends: readonly [OverlayPeer, OverlayPeer]
  /** Id of the connection at each end. */
  readonly ids: ReadonlyMap<OverlayPeer, ConnectionId>
  /** Delay of every frame. It is constant, which keeps the frames in order. */
  readonly delayMs: Millis
  isOpen: boolean
}

/** A peer: its real decisions, and a model of its connections. */
interface OverlayPeer {
  readonly index: number
  readonly id: string
  readonly host: string
  readonly view: HyParView
  readonly connections: Map<ConnectionId, Connection>
  readonly dialled: Set<OverlayPeer>
  isUp: boolean
  nextConnection: ConnectionId
  attempt: number
  retry: Cancel
  isCoolingDown: boolean
  /** Undefined if peers are not announced. */
  readonly announced: AnnouncedPeers | undefined
}

export interface OverlayOptions {
  readonly seed: number
  readonly peers: number
  readonly delayMsMin: Millis
  readonly delayMsMax: Millis
  /** Whether all peers are on one network that announces them to each other. */
  readonly isAnnounced?: boolean
}

/**
 * Simulates the overlay of many peers that know one address. Their decisions (HyParView) and the frames between them are real;
 * connections are a model, and there are no logs.
 */
export class Overlay {
  readonly #time = new VirtualTime(0)
  readonly #random: SeededRandom
  readonly #options: OverlayOptions
  readonly #peers: OverlayPeer[] = []
  readonly #byHost = new Map<string, OverlayPeer>()
  readonly #blocked = new Set<number>()
  dials = 0
  bytesSent = 0
  steps = 0

  constructor(options: OverlayOptions) {
    this.#options = options
    this.#random = new SeededRandom(options.seed, 'crowd')
    for (let index = 0; index < options.peers; index++) {
      const random = new SeededRandom(options.seed, `member ${index}`)
      const id = Buffer.from(random.bytes(8)).toString('hex')
      const view = new HyParView({ id, port: PORT, isPresent: () => false, random: () => random.number() })
      const peer: OverlayPeer = {
        index,
        id,
        host: `10.${index >> 16}.${(index >> 8) & 0xff}.${index & 0xff}`,
        view,
        connections: new Map(),
        dialled: new Set(),
        isUp: false,
        nextConnection: 1,
        attempt: 0,
        retry: () => {},
        isCoolingDown: false,
        announced: options.isAnnounced ? this.#announcedTo(() => peer, view, id) : undefined,
      }
      this.#peers.push(peer)
      this.#byHost.set(peer.host, peer)
    }
  }

  get now(): Millis {
    return this.#time.now
  }

  /** Starts peer `index` at a time. It dials the peer that it `knows`. */
  start(index: number, knows: number | undefined, atMs: Millis): void {
    const peer = this.#at(index)
    if (knows !== undefined) peer.dialled.add(this.#at(knows))
    this.#time.after(atMs - this.now, () => {
      peer.isUp = true
      for (const other of peer.dialled) this.#dialByAddress(peer, other)
      if (this.#options.isAnnounced) this.#time.after(this.#random.between(0, TICK_MS), () => this.#announce(peer))
      const tick = (): void => {
        if (!peer.isUp) return
        this.#perform(peer, peer.view.tick(this.now))
        this.#time.after(TICK_MS, tick)
      }
      this.#time.after(this.#random.between(0, TICK_MS), tick)
    })
  }

  /** Ends a peer: its connections are closed at once, or fall silent and time out. */
  leave(index: number, how: 'killed' | 'silent'): void {
    const peer = this.#at(index)
    peer.isUp = false
    peer.retry()
    for (const connection of [...peer.connections.values()]) {
      const waitMs = how === 'killed' ? connection.delayMs : this.#random.between(SILENCE_MS_MIN, SILENCE_MS_MAX)
      this.#time.after(waitMs, () => this.#close(connection, false))
    }
    peer.connections.clear()
  }

  /** Drops all frames between these peers and the others; their connections time out. */
  partition(indices: readonly number[]): void {
    for (const index of indices) this.#blocked.add(index)
    for (const peer of this.#peers)
      for (const connection of peer.connections.values())
        if (this.#isBlocked(...connection.ends))
          this.#time.after(this.#random.between(SILENCE_MS_MIN, SILENCE_MS_MAX), () => this.#close(connection, false))
  }

  heal(): void {
    this.#blocked.clear()
  }

  run(ms: Millis): void {
    const until = this.now + ms
    while (this.#time.step(until)) this.steps++
  }

  /**
   * Advances the time until `isDone`, which is checked twice a second. Returns the time that it took; undefined if it
   * exceeded `msMax`.
   */
  runUntil(isDone: () => boolean, msMax: Millis): Millis | undefined {
    const from = this.now
    while (!isDone()) {
      if (this.now - from >= msMax) return undefined
      this.run(TICK_MS / 2)
    }
    return this.now - from
  }

  /** Number of connections of each running peer, in ascending order. */
  degrees(): number[] {
    return this.#up()
      .map(peer => this.#neighbours(peer).size)
      .sort((a, b) => a - b)
  }

  /** Number of connected components of the running peers. */
  components(): number {
    const left = new Set(this.#up())
    let count = 0
    for (const start of left) {
      count++
      const frontier = [start]
      left.delete(start)
      for (let next = frontier.pop(); next !== undefined; next = frontier.pop()) {
        for (const other of this.#neighbours(next)) if (left.delete(other)) frontier.push(other)
      }
    }
    return count
  }

  #at(index: number): OverlayPeer {
    const peer = this.#peers[index]
    if (peer === undefined) throw new RangeError(`there is no peer ${index}`)
    return peer
  }

  #up(): OverlayPeer[] {
    return this.#peers.filter(({ isUp }) => isUp)
  }

  #neighbours(peer: OverlayPeer): Set<OverlayPeer> {
    const others = new Set<OverlayPeer>()
    for (const connection of peer.connections.values()) {
      const other = otherEnd(connection, peer)
      if (connection.isOpen && other.isUp && !this.#isBlocked(peer, other)) others.add(other)
    }
    return others
  }

  #isBlocked(a: OverlayPeer, b: OverlayPeer): boolean {
    return this.#blocked.has(a.index) !== this.#blocked.has(b.index)
  }

  #announcedTo(peer: () => OverlayPeer, view: HyParView, id: string): AnnouncedPeers {
    const time = this.#time
    return new AnnouncedPeers({
      id,
      view,
      clock: { now: () => time.now, after: (delayMs, action) => time.after(delayMs, action) },
      random: () => this.#random.number(),
      connected: () => Array.from(peer().connections.values(), connection => otherEnd(connection, peer())),
      isUp: () => peer().isUp,
      dial: (host, onFailed) => this.#dial(peer(), this.#byHost.get(host), false, onFailed),
    })
  }

  /** Announces a peer to all others, and all others to it. */
  #announce(peer: OverlayPeer): void {
    for (const other of this.#up()) {
      if (other === peer) continue
      other.announced?.sighted(peer)
      peer.announced?.sighted(other)
    }
  }

  #perform(peer: OverlayPeer, effects: readonly HyParViewEffect[] | 'bad'): void {
    if (!peer.isUp) return
    if (effects === 'bad') throw new Error(`peer ${peer.index} received a malformed frame`)
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          this.#send(peer, effect.connection, encodePexFrame(effect.frame))
          break
        case 'dial': {
          const other = this.#byHost.get(effect.address.host)
          this.#dial(peer, other, false, () => this.#perform(peer, peer.view.dialFailed(effect.id, this.now)))
          break
        }
        case 'drop': {
          peer.announced?.dropped(effect.id)
          const connection = peer.connections.get(effect.connection)
          const named = connection?.ends.find(end => end !== peer)
          if (connection === undefined) break
          this.#time.after(effect.delayMs, () => this.#close(connection, true))
          if (named === undefined || !peer.dialled.has(named)) break
          peer.isCoolingDown = true
          this.#retry(peer, named, effect.cooldownMs * this.#random.between(0.5, 1))
          break
        }
        case 'isolated':
          if (peer.isCoolingDown) for (const other of peer.dialled) this.#dialByAddress(peer, other)
      }
    }
  }

  #send(from: OverlayPeer, id: ConnectionId, bytes: Uint8Array): void {
    const connection = from.connections.get(id)
    if (connection === undefined || !connection.isOpen) return
    this.bytesSent += bytes.length
    const to = otherEnd(connection, from)
    this.#time.after(connection.delayMs, () => {
      if (!to.isUp || !connection.isOpen || this.#isBlocked(from, to)) return
      const end = idOf(connection, to)
      const reader = new FrameReader(FRAME_BYTES_MAX)
      reader.push(bytes)
      for (let read = reader.next(); read.kind === 'frame'; read = reader.next())
        this.#perform(to, to.view.receive(end, decodePexFrame(read.body), this.now))
    })
  }

  #dialByAddress(peer: OverlayPeer, other: OverlayPeer): void {
    peer.retry()
    peer.isCoolingDown = false
    this.#dial(peer, other, true, () => this.#retry(peer, other, this.#retryDelayMs(peer)))
  }

  #retryDelayMs(peer: OverlayPeer): Millis {
    return retryDelayMs(peer.attempt++, () => this.#random.number())
  }

  #retry(peer: OverlayPeer, other: OverlayPeer, delayMs: Millis): void {
    peer.retry()
    peer.retry = this.#time.after(delayMs, () => {
      if (peer.isUp && ![...peer.connections.values()].some(({ ends }) => ends.includes(other)))
        this.#dialByAddress(peer, other)
    })
  }

  #dial(from: OverlayPeer, to: OverlayPeer | undefined, isNamed: boolean, onFailed: () => void): void {
    this.dials++
    const delayMs = this.#random.between(this.#options.delayMsMin, this.#options.delayMsMax)
    const isReachable = to?.isUp && !this.#isBlocked(from, to)
    const waitMs = isReachable ? delayMs * ROUNDS_TO_OPEN : NO_ANSWER_MS
    this.#time.after(waitMs, () => {
      if (!from.isUp) return
      const isConnected = to !== undefined && [...from.connections.values()].some(({ ends }) => ends.includes(to))
      if (!to?.isUp || this.#isBlocked(from, to) || isConnected || to.connections.size >= CONNECTIONS_MAX) {
        onFailed()
        return
      }
      const ids = new Map([
        [from, from.nextConnection++],
        [to, to.nextConnection++],
      ])
      const connection: Connection = { ends: [from, to], ids, delayMs, isOpen: true }
      if (isNamed) from.attempt = 0
      for (const [self, other] of [
        [from, to],
        [to, from],
      ] as const) {
        const id = idOf(connection, self)
        self.connections.set(id, connection)
        const named = self === from && isNamed
        this.#perform(
          self,
          self.view.opened({ connection: id, id: other.id, host: other.host, isNamed: named }, this.now),
        )
      }
    })
  }

  #close(connection: Connection, isIntended: boolean): void {
    if (!connection.isOpen) return
    connection.isOpen = false
    for (const self of connection.ends) {
      const id = idOf(connection, self)
      self.connections.delete(id)
      if (!self.isUp) continue
      this.#perform(self, self.view.closed(id, false, this.now))
      const other = otherEnd(connection, self)
      if (self.announced !== undefined) for (const one of this.#up()) if (one !== self) self.announced.sighted(one)
      if (!isIntended && self.dialled.has(other)) this.#retry(self, other, this.#retryDelayMs(self))
    }
  }
}

const otherEnd = ({ ends }: Connection, self: OverlayPeer): OverlayPeer => (ends[0] === self ? ends[1] : ends[0])

function idOf(connection: Connection, self: OverlayPeer): ConnectionId {
  const id = connection.ids.get(self)
  if (id === undefined) throw new RangeError(`not a connection of peer ${self.index}`)
  return id
}
