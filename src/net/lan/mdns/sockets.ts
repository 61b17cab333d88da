import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { networkInterfaces } from 'node:os'
import multicastDns from 'multicast-dns'
import type { Cancel, Clock } from '../../../base/clock.js'
import { systemCode } from '../../../base/errors.js'
import { TokenBucket } from '../../../base/token-bucket.js'
import {
  interfaceKey,
  interfaceOf,
  isLoopback,
  type LocalInterface,
  type NetworkInterfaces,
  usableInterfaces,
} from './interfaces.js'
import type { Packet } from './packets.js'
import { isWorthDecoding } from './prefilter.js'
import { WarnOnce } from './warn-once.js'

const MDNS_PORT = 5353
const GROUP_IPV6 = 'ff02::fb'

/** How often interfaces are looked at: node tells nobody when they change. */
const SCAN_MS = 2_000

/** How long closing waits for goodbyes to leave, and then for sockets to close. */
const CLOSING_MS_MAX = 100

/** Answers on one interface. A flood of questions gets no more out of us than this. */
const ANSWERS_PER_S_MAX = 100

/** Datagrams decoded on one interface, for the decoder may take half a millisecond for a hostile one. */
const DECODED_PER_S_MAX = 250

export interface MulticastSocketsOptions {
  readonly clock: Clock
  /** Gets one line for a person when something stops working, and again only after it worked in between. */
  readonly onWarning: (line: string) => void
  /** A packet, decoded but otherwise as somebody sent it. */
  readonly onPacket: (packet: unknown, at: LocalInterface, sender: string) => void
  /** An interface can be spoken on from now on. */
  readonly onOpened: () => void
  /** The interfaces of this machine are no longer the same. */
  readonly onChange: () => void
  /** What a datagram must have one of to be decoded. */
  readonly marks: () => Iterable<string>
  readonly networkInterfaces?: (() => NetworkInterfaces) | undefined
  readonly port?: number | undefined
}

type Link = {
  /** The interface as last seen. */
  at: LocalInterface
  /** A failed link sends nothing more; the next scan opens it anew. */
  state: 'opening' | 'open' | 'failed' | 'closed'
  readonly mdns: multicastDns.MulticastDNS
  readonly answers: TokenBucket
  readonly decoded: TokenBucket
}

/** Multicast DNS on every interface of the machine, as they come and go: packets out, packets in. Nothing throws. */
export class MulticastSockets {
  readonly #options: MulticastSocketsOptions
  readonly #clock: Clock
  readonly #port: number
  readonly #faults: WarnOnce
  readonly #links = new Map<string, Link>()
  #cancelScan: Cancel

  constructor(options: MulticastSocketsOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#port = options.port ?? MDNS_PORT
    this.#faults = new WarnOnce(options.onWarning)
    this.#cancelScan = this.#clock.after(SCAN_MS, () => this.#scan())
    this.#followInterfaces()
  }

  /** All interfaces of the machine, whether they can be used or not. */
  get known(): readonly LocalInterface[] {
    return [...this.#links.values()].map(({ at }) => at)
  }

  /** Where we are heard right now. */
  get interfaces(): readonly LocalInterface[] {
    return [...this.#links.values()].filter(({ state }) => state === 'open').map(({ at }) => at)
  }

  /** Sends on every interface, or on one, what is made for it. */
  send(make: (at: LocalInterface) => Packet | undefined, only?: LocalInterface): void {
    for (const link of this.#links.values()) {
      if (link.state === 'failed' || (only !== undefined && link.at !== only)) continue
      const packet = make(link.at)
      if (packet !== undefined) sendPacket(link.mdns, packet, error => this.#sent(link, error))
    }
  }

  /** The same for the answer to a question: no more of them than are good for anybody. */
  answer(at: LocalInterface, packet: Packet): void {
    for (const link of this.#links.values())
      if (link.at === at && link.answers.take(this.#clock.now())) this.send(() => packet, at)
  }

  /** Sends last words, and closes. Takes at most 200 ms, and leaves nothing open. */
  async close(lastWords: (at: LocalInterface) => Packet | undefined): Promise<void> {
    this.#cancelScan()
    const links = [...this.#links.values()]
    this.#links.clear()
    const leaving = links.flatMap(({ state, at, mdns }) => {
      const packet = state === 'open' ? lastWords(at) : undefined
      return packet === undefined ? [] : [new Promise<void>(resolve => sendPacket(mdns, packet, () => resolve()))]
    })
    await this.#inTime(leaving)
    await this.#inTime(links.map(shut))
  }

  /** Waits for all, but no longer than CLOSING_MS_MAX. */
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

  /** Opens what appeared, closes what vanished, opens anew what failed. Gives whether the interfaces changed. */
  #followInterfaces(): boolean {
    const found = new Map(this.#readInterfaces().map(at => [interfaceKey(at), at]))
    let isChanged = false
    for (const [key, link] of this.#links) {
      const at = found.get(key)
      isChanged ||= at === undefined
      if (at !== undefined) link.at = at
      if (at === undefined) this.#links.delete(key)
      if (at === undefined || link.state === 'failed') void shut(link)
    }
    for (const [key, at] of found) {
      const link = this.#links.get(key)
      isChanged ||= link === undefined
      if (link === undefined || link.state === 'closed') this.#links.set(key, this.#open(at))
    }
    if (found.size > 0) this.#faults.works('interfaces')
    else this.#faults.fails('interfaces', `No network interface: ${SO}`)
    return isChanged
  }

  #readInterfaces(): LocalInterface[] {
    try {
      return usableInterfaces((this.#options.networkInterfaces ?? networkInterfaces)())
    } catch {
      return [] // some systems forbid the question; that is as good as none
    }
  }

  #open(at: LocalInterface): Link {
    const { socket, mdns } = at.family === 'IPv4' ? speakIpv4(at, this.#port) : speakIpv6(at, this.#port)
    const now = this.#clock.now()
    const answers = new TokenBucket(ANSWERS_PER_S_MAX, now)
    const link: Link = { at, state: 'opening', mdns, answers, decoded: new TokenBucket(DECODED_PER_S_MAX, now) }
    guard(socket, (bytes, from) => this.#admits(link, bytes, from))
    mdns.on('packet', (packet, from) => this.#options.onPacket(packet, link.at, from.address))
    mdns.on('ready', () => this.#faults.works(`port ${at.family}`))
    mdns.on('networkInterface', () => this.#joined(link))
    mdns.on('error', error => this.#failed(link, error))
    mdns.on('warning', error => this.#failed(link, error))
    return link
  }

  /** Every socket hears every link: a datagram counts once, on the link of its sender's subnet, if it matters at all. */
  #admits(link: Link, bytes: Buffer, from: RemoteInfo): boolean {
    if (link.state === 'closed' || !isWorthDecoding(bytes, this.#options.marks())) return false
    const at = interfaceOf(from.address, this.#interfacesSeen())
    return at === link.at && link.decoded.take(this.#clock.now())
  }

  *#interfacesSeen(): Iterable<LocalInterface> {
    for (const { at } of this.#links.values()) yield at
  }

  #joined(link: Link): void {
    if (link.state !== 'opening') return
    link.state = 'open'
    this.#faults.works(`join ${link.at.address}`)
    this.#options.onOpened()
  }

  #sent(link: Link, error: Error | null | undefined): void {
    if (error) this.#failed(link, error)
    else if (link.state === 'open') this.#faults.works(`send ${link.at.address}`)
  }

  /** Also told of datagrams that could not be decoded; those errors are no system call's. */
  #failed(link: Link, error: Error): void {
    if (link.state === 'failed' || link.state === 'closed' || !('syscall' in error)) return
    link.state = 'failed'
    const reason = systemCode(error) ?? error.message
    const { name, address, family } = link.at
    if (!this.#isMissed(link)) return
    if (error.syscall === 'bind') {
      this.#faults.fails(`port ${family}`, `UDP port ${this.#port} is unavailable (${reason}): ${SO}`)
    } else {
      const step = error.syscall === 'send' ? 'send' : 'join'
      this.#faults.fails(`${step} ${address}`, `No multicast on ${name}, ${address} (${reason}): ${SO}`)
    }
  }

  /**
   * Not so an interface that is gone, as the next scan will find; nor loopback beside others, for some systems have no
   * multicast there; nor IPv6 where IPv4 is spoken.
   */
  #isMissed({ at }: Link): boolean {
    if (isLoopback(at) && this.#links.size > 1) return false
    const all = this.#readInterfaces()
    if (at.family === 'IPv6' && all.some(({ name, family }) => name === at.name && family === 'IPv4')) return false
    return all.some(({ address }) => address === at.address)
  }
}

/** What follows from every fault, for the line that a person reads. */
const SO = 'until that changes, peers there are found by address only, not by name.'

function speakIpv4({ address }: LocalInterface, port: number): { socket: Socket; mdns: multicastDns.MulticastDNS } {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  return { socket, mdns: multicastDns({ socket, port, interface: address, bind: '0.0.0.0' }) }
}

function speakIpv6({ name }: LocalInterface, port: number): { socket: Socket; mdns: multicastDns.MulticastDNS } {
  const socket = createSocket({ type: 'udp6', reuseAddr: true, ipv6Only: true })
  const options = { socket, port, type: 'udp6' as const, ip: GROUP_IPV6, interface: `::%${name}`, bind: '::' }
  return { socket, mdns: multicastDns(options) }
}

/** Lets multicast-dns decode only what `admits`: its own listener is taken off, and called from ours. */
function guard(socket: Socket, admits: (bytes: Buffer, from: RemoteInfo) => boolean): void {
  const decoders = socket.listeners('message')
  socket.removeAllListeners('message')
  socket.on('message', (bytes, from) => {
    if (admits(bytes, from)) for (const decode of decoders) decode.call(socket, bytes, from)
  })
}

function sendPacket(mdns: multicastDns.MulticastDNS, packet: Packet, done: (error?: Error | null) => void): void {
  // The encoder fills in what is missing, in the packet itself: the same one goes out on several interfaces.
  if (packet.type === 'query') mdns.query({ ...packet } as multicastDns.QueryOutgoingPacket, done)
  else mdns.respond({ ...packet } as multicastDns.ResponseOutgoingPacket, done)
}

function shut(link: Link): Promise<void> {
  link.state = 'closed'
  return new Promise(resolve => link.mdns.destroy(resolve))
}
