import type { Millis } from '../base/clock.js'
import { ChatError } from '../base/errors.js'
import type { SeededRandom } from '../base/seeded-random.js'
import type { Address } from '../net/lan/address.js'
import { HANDSHAKE_MS_MAX } from '../net/limits.js'
import type { Listener, PeerSource, RawConnection } from '../net/peer-source.js'
import type { Lifecycle } from './lifecycle.js'
import { VirtualConnection, VirtualHost } from './virtual-connection.js'
import type { VirtualTime } from './virtual-time.js'
import { type Medium, Wire } from './wire.js'

/** How often somebody who gets no answer knocks again. */
const KNOCK_MS: Millis = 1_000
/** How long a lost packet takes to come again. */
const RESEND_MS: Millis = 200

export interface NetworkOptions {
  readonly delayMsMin: Millis
  readonly delayMsMax: Millis
  /** How likely a packet is lost: it comes again, later, and all that follows waits for it. */
  readonly loss: number
  /** How likely a packet comes twice. */
  readonly duplicates: number
}

/** Machines, and the ways between them. */
export class VirtualNetwork implements Medium {
  readonly time: VirtualTime
  readonly chance: SeededRandom
  readonly #options: NetworkOptions
  readonly #hosts = new Map<string, VirtualHost>()
  readonly #blocked = new Set<string>()
  bytesSent = 0
  /** Connections that were ever made. */
  connectionsMade = 0

  constructor(time: VirtualTime, chance: SeededRandom, options: NetworkOptions) {
    this.time = time
    this.chance = chance
    this.#options = options
  }

  /** How many ends of connections are open. */
  get ends(): number {
    let ends = 0
    for (const { connections } of this.#hosts.values()) ends += connections.size
    return ends
  }

  addHost(address: string): VirtualHost {
    const host = new VirtualHost(address)
    this.#hosts.set(address, host)
    return host
  }

  /** How many copies of a packet are under way. */
  copies(): number {
    return this.chance.is(this.#options.duplicates) ? 2 : 1
  }

  delay(): Millis {
    const { delayMsMin, delayMsMax, loss } = this.#options
    const delayMs = this.chance.between(delayMsMin, delayMsMax)
    return this.chance.is(loss) ? delayMs + RESEND_MS : delayMs
  }

  isBlocked(a: VirtualHost, b: VirtualHost): boolean {
    return a.isAsleep || b.isAsleep || this.#blocked.has(wayBetween(a, b))
  }

  /** Nothing gets through between the two; what is under way waits, as TCP sends it again. */
  cut(a: VirtualHost, b: VirtualHost): void {
    this.#blocked.add(wayBetween(a, b))
  }

  /** All ways are open again. */
  healAll(): void {
    if (this.#blocked.size === 0) return
    this.#blocked.clear()
    for (const host of this.#hosts.values()) this.#resume(host.connections)
  }

  /** A machine is there again after it slept: what waits for it goes on its way. */
  wake(host: VirtualHost): void {
    if (!host.isAsleep) return
    host.isAsleep = false
    this.#resume(host.connections)
  }

  /** All connections between the two break, and both sides see it. */
  reset(a: VirtualHost, b: VirtualHost): void {
    for (const connection of this.#between(a, b)) connection.receive({ kind: 'reset' })
  }

  /** All connections between the two are dead, and neither side is told; new ones can be made. */
  freeze(a: VirtualHost, b: VirtualHost): void {
    for (const connection of this.#between(a, b)) {
      connection.in?.freeze()
      connection.out?.freeze()
    }
  }

  /** The network as one process of a machine sees it. */
  transportOf(host: VirtualHost, life: Lifecycle): PeerSource {
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
      const giveUp = (reason: string): void => {
        if (isOver) return
        isOver = true
        reject(new Error(reason))
      }
      const knock = (): void => {
        const target = this.#hosts.get(to)
        if (isOver || life.isOver) return
        if (target === undefined || !target.isUp || this.isBlocked(host, target)) {
          later(KNOCK_MS, knock)
          return
        }
        const onConnection = target.listeners.get(port)
        if (onConnection === undefined) {
          later(this.delay(), () => giveUp('nothing is listening there'))
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
      if (signal.aborted) giveUp('cancelled')
      signal.addEventListener('abort', () => giveUp('cancelled'), { once: true })
      later(this.delay(), knock)
      later(HANDSHAKE_MS_MAX, () => giveUp('no answer'))
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

const wayBetween = (a: VirtualHost, b: VirtualHost): string =>
  a.address < b.address ? `${a.address} ${b.address}` : `${b.address} ${a.address}`
