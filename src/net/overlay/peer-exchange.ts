import type { Cancel, Clock, Millis } from '../../base/clock.js'
import type { Random } from '../../base/random.js'
import type { Aside, OpenAside } from '../../log/options.js'
import type { ConnectionInfo, Connections } from '../connections.js'
import { shortKeyIn, shortKeyOf } from '../lan/mdns/service-records.js'
import type { ConnectionId } from '../topology.js'
import { HyParView, type HyParViewEffect, idOfProbe, probeOf } from './hyparview.js'
import { decodePexFrame, encodePexFrame } from './pex-codec.js'

const TICK_MS: Millis = 1_000

export interface PeerExchangeOptions {
  readonly swarm: Connections
  readonly clock: Clock
  readonly random: Pick<Random, 'number'>
  readonly key: Uint8Array
  /** Whether somebody who is not linked is there for certain. */
  readonly isHeardOf: (id: string) => boolean
  /** A peer had no room, or there was none for it: whoever else dials it should not. */
  readonly onParted: (id: string) => void
}

/** Meets others in the room by way of those who are linked: the view, with time, links and dials. */
export class PeerExchange {
  readonly #options: PeerExchangeOptions
  readonly #view: HyParView
  readonly #sends = new Map<ConnectionId, (frame: Uint8Array) => boolean>()
  #timer: Cancel

  constructor(options: PeerExchangeOptions) {
    const { swarm, clock, random, key, isHeardOf } = options
    this.#options = options
    const port = Number(/:(\d+)$/.exec(swarm.me)?.[1] ?? 0)
    this.#view = new HyParView({ id: shortKeyOf(key), port, isHeardOf, random: () => random.number() })
    this.#timer = clock.after(TICK_MS * random.number(), () => this.#tick())
    swarm.on('missed', name => this.#perform(this.#view.missed(idOfProbe(name), clock.now())))
  }

  /** How many peers who meet others are linked. */
  get size(): number {
    return this.#view.size
  }

  /** Whether a link is closed because there is no room for it. */
  isParting(link: ConnectionInfo): boolean {
    return this.#view.isParting(link.id)
  }

  found(id: string): void {
    this.#view.found(id, this.#options.clock.now())
  }

  lost(id: string): void {
    this.#view.lost(id)
  }

  /** Whether somebody who is announced on the network is to be dialled, where so many others are already. */
  wants(id: string, dialled: number): boolean {
    return this.#view.wants(id, dialled, this.#options.clock.now())
  }

  /** What is said about others over a link. `isGone` is asked when that closes: whether its peer said goodbye. */
  over(
    { id: link, remote, remoteAddress: host, dialled, isFound, visited }: ConnectionInfo,
    isGone: () => boolean,
  ): OpenAside {
    const { clock } = this.#options
    const id = remote.kind === 'ours' ? shortKeyIn(remote.key) : ''
    return (send): Aside => {
      this.#sends.set(link, send)
      this.#perform(this.#view.opened({ link, id, host, isNamed: dialled !== undefined && !isFound }, clock.now()))
      if (visited !== undefined && idOfProbe(visited) !== id)
        this.#perform(this.#view.missed(idOfProbe(visited), clock.now()))
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
    const { swarm, clock, onParted } = this.#options
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          this.#sends.get(effect.link)?.(encodePexFrame(effect.frame))
          break
        case 'dial':
          swarm.visit(probeOf(effect.id), effect.address)
          break
        case 'part':
          onParted(effect.id)
          clock.after(effect.delayMs, () => swarm.part(effect.link, 'there are links enough', effect.restMs))
          break
        case 'alone':
          swarm.unrest()
      }
    }
  }
}
