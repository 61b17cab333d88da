import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { networkInterfaces } from 'node:os'
import type { MulticastDNS, QueryOutgoingPacket, ResponseOutgoingPacket } from 'multicast-dns'
import type { Cancel, Clock } from '../../../base/clock.js'
import { systemCode } from '../../../base/errors.js'
import { requirePackage } from '../../../base/packages.js'
import { TokenBucket } from '../../../base/token-bucket.js'
import type { NetEvent } from '../../events.js'
import {
  interfaceKey,
  interfaceOf,
  isLoopback,
  type LocalInterface,
  type NetworkInterfaces,
  usableInterfaces,
} from './interfaces.js'
import type { Packet } from './packets.js'
import { passesPrefilter } from './prefilter.js'
import { ReportOnce } from './report-once.js'

const multicastDns: typeof import('multicast-dns') = requirePackage('multicast-dns')

const MDNS_PORT = 5353
const GROUP_IPV6 = 'ff02::fb'

/** Time between two scans of the interfaces: Node reports no changes. */
const SCAN_MS = 2_000

/** Longest wait for goodbyes to be sent, and then for sockets to close. */
const CLOSING_MS_MAX = 100

/** Rate limit of answers on one interface. */
const ANSWERS_PER_S_MAX = 100

/** Rate limit of decoding per interface: a hostile datagram may take half a millisecond. */
const DECODED_PER_S_MAX = 250

export interface MulticastSocketsOptions {
  readonly clock: Clock
  /** Called once per fault, and again only if the operation has succeeded in between. */
  readonly onEvent: (event: NetEvent) => void
  /** A decoded packet, which may contain anything. */
  readonly onPacket: (packet: unknown, at: LocalInterface, sender: string) => void
  /** An interface is ready. */
  readonly onOpened: () => void
  /** The interfaces of this machine changed. */
  readonly onChange: () => void
  /** Only datagrams that contain one of these byte patterns are decoded. */
  readonly marks: () => Iterable<string>
  readonly networkInterfaces?: (() => NetworkInterfaces) | undefined
  readonly port?: number | undefined
}

type InterfaceSocket = {
  /** The interface as of the last scan. */
  at: LocalInterface
  /** A failed socket sends nothing more; the next scan replaces it. */
  state: 'opening' | 'open' | 'failed' | 'closed'
  readonly mdns: MulticastDNS
  readonly answers: TokenBucket
  readonly decoded: TokenBucket
}

/** Sends and receives multicast DNS packets on every interface, as interfaces come and go. Nothing throws. */
export class MulticastSockets {
  readonly #options: MulticastSocketsOptions
  readonly #clock: Clock
  readonly #port: number
  readonly #faults: ReportOnce
  readonly #sockets = new Map<string, InterfaceSocket>()
  #cancelScan: Cancel

  constructor(options: MulticastSocketsOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#port = options.port ?? MDNS_PORT
    this.#faults = new ReportOnce(options.onEvent)
    this.#cancelScan = this.#clock.after(SCAN_MS, () => this.#scan())
    this.#followInterfaces()
  }

  /** All interfaces of the machine, usable or not. */
  get known(): readonly LocalInterface[] {
    return [...this.#sockets.values()].map(({ at }) => at)
  }

  /** Interfaces whose sockets are open. */
  get interfaces(): readonly LocalInterface[] {
    return [...this.#sockets.values()].filter(({ state }) => state === 'open').map(({ at }) => at)
  }

  /** Sends a packet on every interface, or on one. `make` returns the packet for an interface. */
  send(make: (at: LocalInterface) => Packet | undefined, only?: LocalInterface): void {
    for (const each of this.#sockets.values()) {
      if (each.state === 'failed' || (only !== undefined && each.at !== only)) continue
      const packet = make(each.at)
      if (packet !== undefined) sendPacket(each.mdns, packet, error => this.#sent(each, error))
    }
  }

  /** Sends an answer on an interface, at most ANSWERS_PER_S_MAX a second. */
  answer(at: LocalInterface, packet: Packet): void {
    for (const each of this.#sockets.values())
      if (each.at === at && each.answers.take(this.#clock.now())) this.send(() => packet, at)
  }

  /** Sends goodbyes and closes all sockets, in at most 200 ms. */
  async close(goodbyeOn: (at: LocalInterface) => Packet | undefined): Promise<void> {
    this.#cancelScan()
    const sockets = [...this.#sockets.values()]
    this.#sockets.clear()
    const goodbyes = sockets.flatMap(({ state, at, mdns }) => {
      const packet = state === 'open' ? goodbyeOn(at) : undefined
      return packet === undefined ? [] : [new Promise<void>(resolve => sendPacket(mdns, packet, () => resolve()))]
    })
    await this.#inTime(goodbyes)
    await this.#inTime(sockets.map(shut))
  }

  /** Waits for all promises, at most CLOSING_MS_MAX. */
  #inTime(steps: readonly Promise<void>[]): Promise<void> {
    return new Promise(resolve => {
      const cancel = this.#clock.after(CLOSING_MS_MAX, resolve)
      void Promise.all(steps).then(() => {
        cancel()
        resolve()
      })
    })
  }

  #scan(): void {
    this.#cancelScan = this.#clock.after(SCAN_MS, () => this.#scan())
    if (this.#followInterfaces()) this.#options.onChange()
  }

  /** Opens new interfaces, closes vanished ones, reopens failed ones. Returns whether the interfaces changed. */
  #followInterfaces(): boolean {
    const found = new Map(this.#readInterfaces().map(at => [interfaceKey(at), at]))
    let isChanged = false
    for (const [key, each] of this.#sockets) {
      const at = found.get(key)
      isChanged ||= at === undefined
      if (at !== undefined) each.at = at
      if (at === undefined) this.#sockets.delete(key)
      if (at === undefined || each.state === 'failed') void shut(each)
    }
    for (const [key, at] of found) {
      const each = this.#sockets.get(key)
      isChanged ||= each === undefined
      if (each === undefined || each.state === 'closed') this.#sockets.set(key, this.#open(at))
    }
    if (found.size > 0) this.#faults.works('interfaces')
    else this.#faults.fails('interfaces', { kind: 'no-interface' })
    return isChanged
  }

  #readInterfaces(): LocalInterface[] {
    try {
      return usableInterfaces((this.#options.networkInterfaces ?? networkInterfaces)())
    } catch {
      return [] // some systems do not allow it; that counts as none
    }
  }

  #open(at: LocalInterface): InterfaceSocket {
    const { socket, mdns } = at.family === 'IPv4' ? openIpv4(at, this.#port) : openIpv6(at, this.#port)
    const now = this.#clock.now()
    const answers = new TokenBucket(ANSWERS_PER_S_MAX, now)
    const each: InterfaceSocket = {
      at,
      state: 'opening',
      mdns,
      answers,
      decoded: new TokenBucket(DECODED_PER_S_MAX, now),
    }
    guard(socket, (bytes, from) => this.#admits(each, bytes, from))
    mdns.on('packet', (packet, from) => this.#options.onPacket(packet, each.at, from.address))
    mdns.on('ready', () => this.#faults.works(`port ${at.family}`))
    mdns.on('networkInterface', () => this.#joined(each))
    mdns.on('error', error => this.#failed(each, error))
    mdns.on('warning', error => this.#failed(each, error))
    return each
  }

  /** Every socket receives the datagrams of all networks: each is accepted once, on the interface of its sender's subnet. */
  #admits(each: InterfaceSocket, bytes: Buffer, from: RemoteInfo): boolean {
    if (each.state === 'closed' || !passesPrefilter(bytes, this.#options.marks())) return false
    const at = interfaceOf(from.address, this.#allInterfaces())
    return at === each.at && each.decoded.take(this.#clock.now())
  }

  *#allInterfaces(): Iterable<LocalInterface> {
    for (const { at } of this.#sockets.values()) yield at
  }

  #joined(each: InterfaceSocket): void {
    if (each.state !== 'opening') return
    each.state = 'open'
    this.#faults.works(`join ${each.at.address}`)
    this.#options.onOpened()
  }

  #sent(each: InterfaceSocket, error: Error | null | undefined): void {
    if (error) this.#failed(each, error)
    else if (each.state === 'open') this.#faults.works(`send ${each.at.address}`)
  }

  /** Also called for datagrams that could not be decoded; these errors are not from system calls. */
  #failed(each: InterfaceSocket, error: Error): void {
    if (each.state === 'failed' || each.state === 'closed' || !('syscall' in error)) return
    each.state = 'failed'
    const code = systemCode(error) ?? error.message
    const { name, address, family } = each.at
    if (!this.#isReported(each)) return
    if (error.syscall === 'bind') {
      this.#faults.fails(`port ${family}`, { kind: 'multicast-port-unavailable', port: this.#port, code })
    } else {
      const step = error.syscall === 'send' ? 'send' : 'join'
      this.#faults.fails(`${step} ${address}`, { kind: 'multicast-failed', interface: name, address, code })
    }
  }

  /**
   * Whether to report that an interface failed. Do not report an interface that is gone, because the next scan detects that; loopback if
   * there are other interfaces, because some systems have no multicast there; and IPv6 if the interface also has IPv4.
   */
  #isReported({ at }: InterfaceSocket): boolean {
    if (isLoopback(at) && this.#sockets.size > 1) return false
    const all = this.#readInterfaces()
    if (at.family === 'IPv6' && all.some(({ name, family }) => name === at.name && family === 'IPv4')) return false
    return all.some(({ address }) => address === at.address)
  }
}

function openIpv4({ address }: LocalInterface, port: number): { socket: Socket; mdns: MulticastDNS } {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  return { socket, mdns: multicastDns({ socket, port, interface: address, bind: '0.0.0.0' }) }
}

function openIpv6({ name }: LocalInterface, port: number): { socket: Socket; mdns: MulticastDNS } {
  const socket = createSocket({ type: 'udp6', reuseAddr: true, ipv6Only: true })
  const options = { socket, port, type: 'udp6' as const, ip: GROUP_IPV6, interface: `::%${name}`, bind: '::' }
  return { socket, mdns: multicastDns(options) }
}

/** Wraps multicast-dns's message listener, so that it decodes only datagrams that `admits` accepts. */
function guard(socket: Socket, admits: (bytes: Buffer, from: RemoteInfo) => boolean): void {
  const decoders = socket.listeners('message')
  socket.removeAllListeners('message')
  socket.on('message', (bytes, from) => {
    if (admits(bytes, from)) for (const decode of decoders) decode.call(socket, bytes, from)
  })
}

function sendPacket(mdns: MulticastDNS, packet: Packet, done: (error?: Error | null) => void): void {
  // The encoder fills in missing fields in the packet itself, and the same packet is sent on several interfaces.
  if (packet.type === 'query') mdns.query({ ...packet } as QueryOutgoingPacket, done)
  else mdns.respond({ ...packet } as ResponseOutgoingPacket, done)
}

function shut(each: InterfaceSocket): Promise<void> {
  each.state = 'closed'
  return new Promise(resolve => each.mdns.destroy(resolve))
}
