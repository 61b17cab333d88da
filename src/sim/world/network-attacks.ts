import { setMaxListeners } from 'node:events'
import type { Millis } from '../../base/clock.js'
import type { SeededRandom } from '../../base/seeded-random.js'
import { hexOf } from '../../base/wire/bytes.js'
import { CONTACTS_PER_FRAME_MAX } from '../../net/overlay/limits.js'
import { type Contact, encodePexFrame } from '../../net/overlay/pex-codec.js'
import type { RawConnection } from '../../net/peer-source.js'
import type { NativeReplicationOptions } from '../../sync/options.js'
import { Lifecycle } from '../virtual/lifecycle.js'
import type { VirtualNetwork } from '../virtual/network.js'

/** Faults on the side channel. */
export const NETWORK_FAULTS = ['makes up contacts'] as const

const ADDRESS = '10.255.255.1'
const PORT = 4000
const SHORT_KEY_BYTES = 8
/** Number of frames with contacts: more than a peer reads from one connection at a time. */
const FRAMES = 12
/** Longest time for which a relay forwards packets. */
const FORWARDED_MS_MAX: Millis = 20_000

/**
 * Sends contacts that lead nowhere, to the wrong peer, or back to the recipient: keys of `peers` at the addresses of others.
 */
export function withMadeUpContacts(
  options: NativeReplicationOptions,
  random: SeededRandom,
  peers: readonly { readonly key: Uint8Array; readonly host: string }[],
): NativeReplicationOptions {
  const { sideChannel } = options
  if (sideChannel === undefined) return options
  const contact = (): Contact => ({
    id: random.is(0.2)
      ? hexOf(random.bytes(SHORT_KEY_BYTES))
      : hexOf(random.pick(peers).key).slice(0, 2 * SHORT_KEY_BYTES),
    host: random.is(0.2) ? ADDRESS : random.pick(peers).host,
    port: random.is(0.8) ? PORT : random.whole(1_024, 60_000),
  })
  const contacts = (): Contact[] => Array.from({ length: CONTACTS_PER_FRAME_MAX }, contact)
  return {
    ...options,
    sideChannel: send => {
      const opened = sideChannel(send)
      for (let sent = 0; sent < FRAMES; sent++)
        send(encodePexFrame({ kind: random.pick(['full', 'shuffle-reply', 'shuffle-request']), contacts: contacts() }))
      return opened
    },
  }
}

/**
 * A host that forwards each inbound connection either back to the peer that opened it or, for a while, to another peer.
 */
export class MisleadingHost {
  readonly address = `${ADDRESS}:${PORT}`
  readonly #network: VirtualNetwork
  readonly #random: SeededRandom
  readonly #life = new Lifecycle()
  readonly #abort = new AbortController()
  readonly #connections = new Set<RawConnection>()
  #mayRelay = true
  /** Number of connections that were forwarded back to their openers, and to other peers. */
  reflected = 0
  relayed = 0

  /** `hosts` returns the addresses of the peers to forward to. */
  constructor(network: VirtualNetwork, random: SeededRandom, hosts: () => readonly string[]) {
    this.#network = network
    this.#random = random
    setMaxListeners(0, this.#abort.signal)
    network.addHost(ADDRESS).listeners.set(PORT, connection => void this.#lead(connection, hosts()))
  }

  /** From now on, forwards connections only back to their openers. */
  stopRelaying(): void {
    this.#mayRelay = false
    for (const connection of this.#connections) connection.destroy()
    this.#connections.clear()
  }

  end(): void {
    this.#abort.abort()
    this.#life.end()
    this.stopRelaying()
  }

  async #lead(near: RawConnection, hosts: readonly string[]): Promise<void> {
    const others = hosts.filter(host => host !== near.remoteAddress)
    const isRelay = this.#mayRelay && others.length > 0 && this.#random.is(0.5)
    const host = isRelay ? this.#random.pick(others) : near.remoteAddress
    const source = this.#network.sourceOf(this.#network.hostAt(ADDRESS), this.#life)
    const far = await source.dial({ host, port: PORT }, this.#abort.signal).catch(() => undefined)
    if (far === undefined) {
      near.destroy()
      return
    }
    this.#join(near, far)
    if (isRelay) this.#stopLater(near, far)
    if (isRelay) this.relayed++
    else this.reflected++
  }

  #join(near: RawConnection, far: RawConnection): void {
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#connections.add(one)
      one
        .on('error', () => {})
        .on('close', () => {
          this.#connections.delete(one)
          other.destroy()
        })
      one.pipe(other)
    }
  }

  /** Stops forwarding after a while, without closing the connections. */
  #stopLater(near: RawConnection, far: RawConnection): void {
    this.#network.time.after(this.#random.between(0, FORWARDED_MS_MAX), () => {
      for (const each of [near, far]) each.unpipe().pause()
    })
  }
}
