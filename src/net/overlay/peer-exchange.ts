import type { Cancel, Clock, Millis } from '../../base/clock.js'
import type { Random } from '../../base/random.js'
import { shortKeyIn, shortKeyOf } from '../lan/mdns/service-records.js'
import type { Connection, RoomChannels } from '../room-channels.js'
import type { OpenSideChannel, SideChannel } from '../side-channel.js'
import type { ConnectionId } from '../topology.js'
import { HyParView, type HyParViewEffect } from './hyparview.js'
import { decodePexFrame, encodePexFrame } from './pex-codec.js'

/** Shortest and longest time between two ticks. The longest bounds the delay after the clock is set back. */
const TICK_MS_MIN: Millis = 1_000
const TICK_MS_MAX: Millis = 300_000

export interface PeerExchangeOptions {
  readonly connections: RoomChannels
  readonly clock: Clock
  readonly random: Pick<Random, 'number'>
  /** Our public key. */
  readonly key: Uint8Array
  /** Whether the user knows a key, in hex. Default: none. */
  readonly isKnown?: (key: string) => boolean
  /** Whether other peers report that a peer is present. */
  readonly isPresent: (id: string) => boolean
  /** A connection is dropped because a view is full: nothing else should dial its peer. */
  readonly onDropped: (id: string) => void
}

/** Peer exchange: connects HyParView to connections, dials and time. While nothing is due, its timer is set minutes ahead. */
export class PeerExchange {
  readonly #options: PeerExchangeOptions
  readonly #view: HyParView
  readonly #sends = new Map<ConnectionId, (frame: Uint8Array) => boolean>()
  /** Earliest time of the next tick of the view. */
  #mayTickAt: Millis
  #cancelTick: Cancel = () => {}
  #isClosed = false

  constructor(options: PeerExchangeOptions) {
    const { connections, clock, random, key, isPresent } = options
    this.#options = options
    const port = Number(/:(\d+)$/.exec(connections.me)?.[1] ?? 0)
    this.#view = new HyParView({ id: shortKeyOf(key), port, isPresent, random: () => random.number() })
    this.#mayTickAt = clock.now() + TICK_MS_MIN * random.number()
    this.#schedule()
    connections.on('probe-failed', id => this.#dialFailed(id))
  }

  /** Size of the active view. */
  get size(): number {
    return this.#view.size
  }

  /** Whether a connection is about to be closed because a view is full. */
  isClosing(connection: Connection): boolean {
    return this.#view.isClosing(connection.id)
  }

  discovered(id: string): void {
    this.#view.discovered(id, this.#options.clock.now())
  }

  lost(id: string): void {
    this.#view.lost(id)
    this.#schedule()
  }

  /** Whether to dial a discovered peer while `pending` other discovered peers are being dialled. */
  shouldDial(id: string, pending: number): boolean {
    return this.#view.shouldDial(id, pending, this.#options.clock.now())
  }

  /** The side channel of a connection. `isGone`, called when it closes, returns whether the peer said goodbye. */
  sideChannel(
    { id: connection, remote, remoteAddress: host, dialled, isDiscovered, probed }: Connection,
    isGone: () => boolean,
  ): OpenSideChannel {
    const { clock } = this.#options
    const isKnown = remote.kind === 'native' && this.#options.isKnown?.(remote.key) === true
    const id = remote.kind === 'native' ? shortKeyIn(remote.key) : ''
    const isNamed = dialled !== undefined && !isDiscovered
    return (send): SideChannel => {
      this.#sends.set(connection, send)
      this.#perform(this.#view.opened({ connection, id, host, isNamed, isKnown }, clock.now()))
      if (probed !== undefined && probed !== id) this.#dialFailed(probed)
      return {
        receive: body => {
          const effects = this.#view.receive(connection, decodePexFrame(body), clock.now())
          if (effects === 'bad') return 'malformed-contacts'
          this.#perform(effects)
          return undefined
        },
        close: () => {
          this.#sends.delete(connection)
          this.#perform(this.#view.closed(connection, isGone(), clock.now()))
        },
      }
    }
  }

  close(): void {
    this.#isClosed = true
    this.#cancelTick()
    this.#sends.clear()
  }

  #tick(): void {
    const { clock } = this.#options
    const now = clock.now()
    this.#mayTickAt = now + TICK_MS_MIN
    this.#perform(this.#view.tick(now))
  }

  /** Sets the timer of the next tick. */
  #schedule(): void {
    if (this.#isClosed) return
    this.#cancelTick()
    const { clock } = this.#options
    const now = clock.now()
    this.#mayTickAt = Math.min(this.#mayTickAt, now + TICK_MS_MIN) // the clock may have been set back
    const waitMs = Math.max(this.#mayTickAt, this.#view.nextAt) - now
    this.#cancelTick = clock.after(Math.min(TICK_MS_MAX, Math.max(0, waitMs)), () => this.#tick())
  }

  #dialFailed(id: string): void {
    this.#perform(this.#view.dialFailed(id, this.#options.clock.now()))
  }

  #perform(effects: readonly HyParViewEffect[]): void {
    const { connections, clock, onDropped } = this.#options
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          this.#sends.get(effect.connection)?.(encodePexFrame(effect.frame))
          break
        case 'dial':
          connections.probe(effect.id, effect.address)
          break
        case 'drop': {
          const { connection, id, delayMs, cooldownMs } = effect
          onDropped(id)
          clock.after(delayMs, () => connections.drop(connection, 'enough-connections', cooldownMs))
          break
        }
        case 'isolated':
          connections.clearCooldowns()
      }
    }
    this.#schedule()
  }
}
