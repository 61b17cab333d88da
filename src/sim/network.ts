import { Duplex } from 'node:stream'
import type { Millis } from '../base/clock.js'
import { ChatError } from '../base/errors.js'
import { OPENING_MS_MAX } from '../base/limits.js'
import type { Address } from '../swarm/address.js'
import type { Connection, Listener, Transport } from '../swarm/transport.js'
import type { Chance } from './chance.js'
import type { VirtualTime } from './virtual-time.js'

/** Bytes under way in one direction before the writer has to wait. */
const WINDOW_BYTES = 64 * 1024
/** How often somebody who gets no answer knocks again. */
const KNOCK_MS: Millis = 1_000

export interface NetworkOptions {
  readonly delayMsMin: Millis
  readonly delayMsMax: Millis
  /** How likely a packet is lost: it comes again, later, and so does all that follows. */
  readonly loss: number
}

type Packet =
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'reset' }

/** How long a lost packet takes to come again. */
const RESEND_MS: Millis = 200

/** One direction of a connection. It stands for TCP: nothing is lost or changes places, but everything may take its time. */
class Wire {
  readonly #network: VirtualNetwork
  readonly #from: VirtualHost
  readonly #target: VirtualConnection
  readonly #packets: Packet[] = []
  #lastDue: Millis = 0
  /** How many packets have come as far as the other machine, if the way is free. */
  #arrived = 0
  #inFlight = 0
  #held: (() => void) | undefined
  #isFrozen = false

  constructor(network: VirtualNetwork, from: VirtualHost, target: VirtualConnection) {
    this.#network = network
    this.#from = from
    this.#target = target
  }

  /** Nothing comes through any more, and nobody is told. */
  freeze(): void {
    this.#isFrozen = true
  }

  send(bytes: Uint8Array, done: () => void): void {
    this.#inFlight += bytes.length
    const { chance } = this.#network
    const cut = bytes.length > 1 && chance.is(0.2) ? chance.whole(1, bytes.length - 1) : bytes.length
    this.put({ kind: 'data', bytes: bytes.slice(0, cut) })
    if (cut < bytes.length) this.put({ kind: 'data', bytes: bytes.slice(cut) })
    if (this.#inFlight <= WINDOW_BYTES) done()
    else this.#held = done
  }

  put(packet: Packet): void {
    const { time } = this.#network
    this.#packets.push(packet)
    this.#lastDue = Math.max(this.#lastDue, time.now + this.#network.delay())
    time.after(this.#lastDue - time.now, () => {
      this.#arrived++
      this.flush()
    })
  }

  flush(): void {
    while (this.#arrived > 0 && !this.#isFrozen && !this.#network.isBlocked(this.#from, this.#target.host)) {
      const packet = this.#packets[0]
      if (packet === undefined || (packet.kind === 'data' && !this.#target.isReady)) return
      this.#packets.shift()
      this.#arrived--
      if (packet.kind === 'data') this.#leave(packet.bytes.length)
      this.#target.receive(packet)
    }
  }

  #leave(bytes: number): void {
    this.#inFlight -= bytes
    if (this.#held === undefined || this.#inFlight > WINDOW_BYTES) return
    const done = this.#held
    this.#held = undefined
    done()
  }
}

/** One end of a virtual connection. */
export class VirtualConnection extends Duplex implements Connection {
  bytesRead = 0
  readonly host: VirtualHost
  readonly remoteAddress: string
  out: Wire | undefined
  in: Wire | undefined
  /** Whether there is nobody here any more. */
  isGone = false
  #wants = true

  constructor(host: VirtualHost, remoteAddress: string) {
    super({ allowHalfOpen: true })
    this.host = host
    this.remoteAddress = remoteAddress
    // What matters of an error is that the connection closes.
    this.on('error', () => {})
  }

  /** Whether a packet can be taken in. Who is gone takes everything. */
  get isReady(): boolean {
    return this.isGone || this.#wants || !this.host.isUp
  }

  receive(packet: Packet): void {
    if (!this.host.isUp) return
    if (this.isGone) {
      // Nobody is here: whoever still says something is told so, but a farewell needs no answer.
      if (packet.kind === 'data') this.out?.put({ kind: 'reset' })
      return
    }
    switch (packet.kind) {
      case 'data':
        this.bytesRead += packet.bytes.length
        this.#wants = this.push(packet.bytes)
        return
      case 'end':
        this.push(null)
        return
      case 'reset':
        this.isGone = true
        this.host.connections.delete(this)
        this.destroy(new Error('it closed the connection'))
    }
  }

  /** The process ends: its system says goodbye for it, unless the power is gone too. */
  abandon(isSayingGoodbye: boolean): void {
    if (this.isGone) return
    this.isGone = true
    if (isSayingGoodbye) this.out?.put({ kind: this.readableLength > 0 ? 'reset' : 'end' })
    this.host.connections.delete(this)
  }

  override _read(): void {
    this.#wants = true
    this.in?.flush()
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error) => void): void {
    if (this.isGone) return
    this.out?.send(chunk, done)
  }

  override _final(done: () => void): void {
    if (!this.isGone) this.out?.put({ kind: 'end' })
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.abandon(!this.writableFinished || this.readableLength > 0)
    this.in?.flush()
    done(error)
  }
}

/** A machine on the network. */
export class VirtualHost {
  readonly address: string
  readonly listeners = new Map<number, (connection: Connection) => void>()
  readonly connections = new Set<VirtualConnection>()
  isUp = true

  constructor(address: string) {
    this.address = address
  }

  /** Its process ends. With the power everything goes, and nobody is told. */
  stop(isPowerCut: boolean): void {
    this.listeners.clear()
    for (const connection of [...this.connections]) connection.abandon(!isPowerCut)
    if (isPowerCut) this.isUp = false
  }
}

/** Machines, and the ways between them. */
export class VirtualNetwork {
  readonly time: VirtualTime
  readonly chance: Chance
  readonly #options: NetworkOptions
  readonly #hosts = new Map<string, VirtualHost>()
  readonly #blocked = new Set<string>()

  constructor(time: VirtualTime, chance: Chance, options: NetworkOptions) {
    this.time = time
    this.chance = chance
    this.#options = options
  }

  addHost(address: string): VirtualHost {
    const host = new VirtualHost(address)
    this.#hosts.set(address, host)
    return host
  }

  delay(): Millis {
    const { delayMsMin, delayMsMax, loss } = this.#options
    const delayMs = this.chance.between(delayMsMin, delayMsMax)
    return this.chance.is(loss) ? delayMs + RESEND_MS : delayMs
  }

  isBlocked(a: VirtualHost, b: VirtualHost): boolean {
    return this.#blocked.has(wayBetween(a, b))
  }

  /** Nothing gets through between the two; what is under way waits, as TCP sends it again. */
  cut(a: VirtualHost, b: VirtualHost): void {
    this.#blocked.add(wayBetween(a, b))
  }

  heal(a: VirtualHost, b: VirtualHost): void {
    if (!this.#blocked.delete(wayBetween(a, b))) return
    for (const connection of this.#between(a, b)) {
      this.time.after(this.delay(), () => {
        connection.in?.flush()
        connection.out?.flush()
      })
    }
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
  transportOf(host: VirtualHost, isAlive: () => boolean): Transport {
    return {
      listen: async (_host, port, onConnection) => this.#listen(host, port, onConnection),
      dial: (address, signal) => this.#dial(host, address, signal, isAlive),
    }
  }

  #listen(host: VirtualHost, port: number, onConnection: (connection: Connection) => void): Listener {
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

  #dial(
    host: VirtualHost,
    { host: to, port }: Address,
    signal: AbortSignal,
    isAlive: () => boolean,
  ): Promise<Connection> {
    return new Promise((resolve, reject) => {
      let isOver = false
      const giveUp = (reason: string): void => {
        if (isOver || !isAlive()) return
        isOver = true
        reject(new Error(reason))
      }
      const knock = (): void => {
        const target = this.#hosts.get(to)
        if (isOver || !isAlive()) return
        if (target === undefined || !target.isUp || this.isBlocked(host, target)) {
          this.time.after(KNOCK_MS, knock)
          return
        }
        const onConnection = target.listeners.get(port)
        if (onConnection === undefined) {
          this.time.after(this.delay(), () => giveUp('nobody listens there'))
          return
        }
        const [near, far] = this.#connect(host, target)
        onConnection(far)
        this.time.after(this.delay(), () => {
          if (isOver) near.destroy()
          else if (isAlive()) resolve(near)
          isOver = true
        })
      }
      if (signal.aborted) giveUp('it is called off')
      signal.addEventListener('abort', () => giveUp('it is called off'), { once: true })
      this.time.after(this.delay(), knock)
      this.time.after(OPENING_MS_MAX, () => giveUp('it does not answer'))
    })
  }

  #connect(from: VirtualHost, to: VirtualHost): [VirtualConnection, VirtualConnection] {
    const near = new VirtualConnection(from, to.address)
    const far = new VirtualConnection(to, from.address)
    near.out = far.in = new Wire(this, from, far)
    far.out = near.in = new Wire(this, to, near)
    from.connections.add(near)
    to.connections.add(far)
    return [near, far]
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
