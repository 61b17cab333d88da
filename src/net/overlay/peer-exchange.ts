import type { Cancel, Clock, Millis } from '../../base/clock.js'
import type { Random } from '../../base/random.js'
import type { Connection, Connections } from '../connections.js'
import { shortKeyIn, shortKeyOf } from '../lan/mdns/service-records.js'
import type { OpenSideChannel, SideChannel } from '../side-channel.js'
import type { ConnectionId } from '../topology.js'
import { HyParView, type HyParViewEffect, idOfProbeName, probeName } from './hyparview.js'
import { decodePexFrame, encodePexFrame } from './pex-codec.js'

const TICK_MS: Millis = 1_000

export interface PeerExchangeOptions {
  readonly connections: Connections
  readonly clock: Clock
  readonly random: Pick<Random, 'number'>
  readonly key: Uint8Array
  /** Whether somebody who is not linked is there for certain. */
  readonly isPresent: (id: string) => boolean
  /** A peer had no room, or there was none for it: whoever else dials it should not. */
  readonly onDropped: (id: string) => void
}

/** Meets others in the room by way of those who are linked: the view, with time, links and dials. */
export class PeerExchange {
  readonly #options: PeerExchangeOptions
  readonly #view: HyParView
  readonly #sends = new Map<ConnectionId, (frame: Uint8Array) => boolean>()
  #timer: Cancel

  constructor(options: PeerExchangeOptions) {
    const { connections, clock, random, key, isPresent } = options
    this.#options = options
    const port = Number(/:(\d+)$/.exec(connections.me)?.[1] ?? 0)
    this.#view = new HyParView({ id: shortKeyOf(key), port, isPresent, random: () => random.number() })
    this.#timer = clock.after(TICK_MS * random.number(), () => this.#tick())
    connections.on('probe-failed', name => this.#perform(this.#view.dialFailed(idOfProbeName(name), clock.now())))
  }

  /** How many peers who meet others are linked. */
  get size(): number {
    return this.#view.size
  }

  /** Whether a link is closed because there is no room for it. */
  isClosing(link: Connection): boolean {
    return this.#view.isClosing(link.id)
  }

  discovered(id: string): void {
    this.#view.discovered(id, this.#options.clock.now())
  }

  lost(id: string): void {
    this.#view.lost(id)
  }

  /** Whether somebody who is announced on the network is to be dialled, where so many others are already. */
  shouldDial(id: string, dialled: number): boolean {
    return this.#view.shouldDial(id, dialled, this.#options.clock.now())
  }

  /** What is said about others over a link. `isGone` is asked when that closes: whether its peer said goodbye. */
  sideChannel(
    { id: link, remote, remoteAddress: host, dialled, isDiscovered, probed }: Connection,
    isGone: () => boolean,
  ): OpenSideChannel {
    const { clock } = this.#options
    const id = remote.kind === 'native' ? shortKeyIn(remote.key) : ''
    return (send): SideChannel => {
      this.#sends.set(link, send)
      this.#perform(
        this.#view.opened({ connection: link, id, host, isNamed: dialled !== undefined && !isDiscovered }, clock.now()),
      )
      if (probed !== undefined && idOfProbeName(probed) !== id)
        this.#perform(this.#view.dialFailed(idOfProbeName(probed), clock.now()))
      return {
        receive: body => {
          const effects = this.#view.receive(link, decodePexFrame(body), clock.now())
          if (effects === 'bad') return 'contacts that are none'
          this.#perform(effects)
          return undefined
        },
        close: () => {
          this.#sends.delete(link)
          this.#perform(this.#view.closed(link, isGone(), clock.now()))
        },
      }
    }
  }

  close(): void {
    this.#timer()
    this.#timer = () => {}
    this.#sends.clear()
  }

  #tick(): void {
    const { clock } = this.#options
    this.#timer = clock.after(TICK_MS, () => this.#tick())
    this.#perform(this.#view.tick(clock.now()))
  }

  #perform(effects: readonly HyParViewEffect[]): void {
    const { connections, clock, onDropped } = this.#options
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          this.#sends.get(effect.link)?.(encodePexFrame(effect.frame))
          break
        case 'dial':
          connections.probe(probeName(effect.id), effect.address)
          break
        case 'part':
          onDropped(effect.id)
          clock.after(effect.delayMs, () =>
            connections.drop(effect.link, 'there are enough connections', effect.restMs),
          )
          break
        case 'alone':
          connections.clearCooldowns()
      }
    }
  }
}
