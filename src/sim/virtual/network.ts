import type { Millis } from '../../base/clock.js'
import { ChatError } from '../../base/errors.js'
import type { SeededRandom } from '../../base/seeded-random.js'
import { DialError, type DialFailureReason } from '../../net/dial-failure.js'
import type { Address } from '../../net/lan/address.js'
import { HANDSHAKE_MS_MAX } from '../../net/limits.js'
import type { Listener, PeerSource, RawConnection } from '../../net/peer-source.js'
import { VirtualConnection, VirtualHost } from './connection.js'
import type { Lifecycle } from './lifecycle.js'
import type { VirtualTime } from './time.js'
import { type Medium, Wire } from './wire.js'

/** Interval between connection attempts to a host that does not answer. */
const ATTEMPT_MS: Millis = 1_000
/** Extra delay of a lost packet, which is resent. */
const RESEND_MS: Millis = 200

export interface NetworkOptions {
  readonly delayMsMin: Millis
  readonly delayMsMax: Millis
  /** Probability that a packet is lost. A lost packet is resent, and all later packets wait for it. */
  readonly loss: number
  /** Probability that a packet is duplicated. */
  readonly duplicates: number
}

/** Hosts and the paths between them. */
export class VirtualNetwork implements Medium {
  readonly time: VirtualTime
  readonly random: SeededRandom
  readonly #options: NetworkOptions
  readonly #hosts = new Map<string, VirtualHost>()
  readonly #blocked = new Set<string>()
  bytesSent = 0
  /** Connections opened so far. */
  connectionsMade = 0

  constructor(time: VirtualTime, random: SeededRandom, options: NetworkOptions) {
    this.time = time
    this.random = random
    this.#options = options
  }

  /** Number of open ends of connections. */
  get openEnds(): number {
    let ends = 0
    for (const { connections } of this.#hosts.values()) ends += connections.size
    return ends
  }

  addHost(address: string): VirtualHost {
    const host = new VirtualHost(address)
    this.#hosts.set(address, host)
    return host
  }

  hostAt(address: string): VirtualHost {
    const host = this.#hosts.get(address)
    if (host === undefined) throw new RangeError(`nobody has the address ${address}`)
    return host
  }

  /** Number of copies of the next packet. */
  copies(): number {
    return this.random.is(this.#options.duplicates) ? 2 : 1
  }

  delay(): Millis {
    const { delayMsMin, delayMsMax, loss } = this.#options
    const delayMs = this.random.between(delayMsMin, delayMsMax)
    return this.random.is(loss) ? delayMs + RESEND_MS : delayMs
  }

  isBlocked(a: VirtualHost, b: VirtualHost): boolean {
    return a.isAsleep || b.isAsleep || this.#blocked.has(pathBetween(a, b))
  }

  /** Blocks the path between two hosts. Packets in flight wait, because TCP resends them. */
  cut(a: VirtualHost, b: VirtualHost): void {
    this.#blocked.add(pathBetween(a, b))
  }

  /** Unblocks all paths. */
  healAll(): void {
    if (this.#blocked.size === 0) return
    this.#blocked.clear()
    for (const host of this.#hosts.values()) this.#resume(host.connections)
  }

  /** Wakes a sleeping host and delivers the packets that wait for it. */
  wake(host: VirtualHost): void {
    if (!host.isAsleep) return
    host.isAsleep = false
    this.#resume(host.connections)
  }

  /** Resets all connections between two hosts. */
  reset(a: VirtualHost, b: VirtualHost): void {
    for (const connection of this.#between(a, b)) connection.receive({ kind: 'reset' })
  }

  /** Makes all present connections between two hosts drop packets silently. New connections work. */
  freeze(a: VirtualHost, b: VirtualHost): void {
    for (const connection of this.#between(a, b)) {
      connection.in?.freeze()
      connection.out?.freeze()
    }
  }

  /** The network as seen by one process of a host. */
  sourceOf(host: VirtualHost, life: Lifecycle): PeerSource {
    return {
      listen: async (_host, port, onConnection) => this.#listen(host, port, onConnection),
      dial: (address, signal) => this.#dial(host, address, signal, life),
    }
  }

  #listen(host: VirtualHost, port: number, onConnection: (connection: RawConnection) => void): Listener {
    if (host.listeners.has(port)) {
      throw new ChatError('SWARM_PORT_TAKEN', `${host.address}:${port} is in use by another program`)
    }
    host.listeners.set(port, onConnection)
    return {
      port,
      close: async () => {
        if (host.listeners.get(port) === onConnection) host.listeners.delete(port)
      },
    }
  }

  #dial(host: VirtualHost, { host: to, port }: Address, signal: AbortSignal, life: Lifecycle): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      let isOver = false
      const later = (delayMs: Millis, action: () => void): void => void this.time.after(delayMs, () => life.act(action))
      const fail = (reason: DialFailureReason): void => {
        if (isOver) return
        isOver = true
        reject(new DialError(reason))
      }
      const attempt = (): void => {
        const target = this.#hosts.get(to)
        if (isOver || life.isOver) return
        if (target === undefined || !target.isUp || this.isBlocked(host, target)) {
          later(ATTEMPT_MS, attempt)
          return
        }
        const onConnection = target.listeners.get(port)
        if (onConnection === undefined) {
          later(this.delay(), () => fail('refused'))
          return
        }
        const [near, far] = this.#connect(host, target)
        onConnection(far)
        later(this.delay(), () => {
          if (isOver) near.destroy()
          else resolve(near)
          isOver = true
        })
      }
      if (signal.aborted) fail('other')
      signal.addEventListener('abort', () => fail('other'), { once: true })
      later(this.delay(), attempt)
      later(HANDSHAKE_MS_MAX, () => fail('no-answer'))
    })
  }

  #connect(from: VirtualHost, to: VirtualHost): [VirtualConnection, VirtualConnection] {
    const isOpen = (): boolean => !this.isBlocked(from, to)
    const near = new VirtualConnection(from, to.address, isOpen)
    const far = new VirtualConnection(to, from.address, isOpen)
    near.out = far.in = new Wire(this, far)
    far.out = near.in = new Wire(this, near)
    this.connectionsMade++
    from.connections.add(near)
    to.connections.add(far)
    return [near, far]
  }

  #resume(connections: Iterable<VirtualConnection>): void {
    for (const connection of connections) {
      this.time.after(this.delay(), () => {
        connection.in?.flush()
        connection.out?.flush()
      })
    }
  }

  #between(a: VirtualHost, b: VirtualHost): VirtualConnection[] {
    return [
      ...[...a.connections].filter(({ remoteAddress }) => remoteAddress === b.address),
      ...[...b.connections].filter(({ remoteAddress }) => remoteAddress === a.address),
    ]
  }
}

const pathBetween = (a: VirtualHost, b: VirtualHost): string =>
  a.address < b.address ? `${a.address} ${b.address}` : `${b.address} ${a.address}`
