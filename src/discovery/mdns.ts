import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { networkInterfaces } from 'node:os'
import multicastDns from 'multicast-dns'
import type { Cancel, Clock, Millis } from '../base/clock.js'
import { systemCode } from '../base/errors.js'
import { Allowance } from './allowance.js'
import { answerTo, goodbyeOf, hostOf } from './answers.js'
import { isWorthDecoding, labelMark } from './datagrams.js'
import { Faults } from './faults.js'
import {
  interfaceKey,
  interfaceOf,
  isLoopback,
  type LocalInterface,
  type NetworkInterfaces,
  usableInterfaces,
} from './interfaces.js'
import { Lookups } from './lookups.js'

const MDNS_PORT = 5353

/** How often interfaces are looked at: node tells nobody when they change. */
const SCAN_MS = 2_000

const LOOKUP_MS = 3_000

/** How long closing waits for goodbyes to leave, and then for sockets to close. */
const CLOSING_MS_MAX = 100

/** Answers on one interface. A flood of questions gets no more out of us than this. */
const ANSWERS_PER_S_MAX = 100

/** Datagrams decoded on one interface, for the decoder may take half a millisecond for a hostile one. */
const DECODED_PER_S_MAX = 250

export interface DiscoveryOptions {
  readonly clock: Clock
  /** Gets one line for a person when something stops working, and again only after it worked in between. */
  readonly onWarning: (line: string) => void
  /** The interfaces of this machine are no longer the same: what could not be reached may now be. */
  readonly onChange?: (() => void) | undefined
  /** For tests: instead of the system's interfaces, and of port 5353. */
  readonly networkInterfaces?: (() => NetworkInterfaces) | undefined
  readonly port?: number | undefined
}

/** Names on the local network, by multicast DNS. Nothing here rejects, throws, or stops the process. */
export interface Discovery {
  /** From now on `<name>.local` is answered with our addresses, until closed or given another name. */
  announce(name: string): void
  /** Addresses of `<name>.local`, as anyone on the local network answers: hints. [] where nobody does in time. */
  lookup(host: string, timeoutMs?: Millis): Promise<string[]>
  /** Where we are heard right now. */
  readonly interfaces: readonly { readonly name: string; readonly address: string }[]
  /** Says goodbye, and ends lookups with what they have. Takes at most 200 ms, and leaves nothing open. */
  close(): Promise<void>
}

export function openDiscovery(options: DiscoveryOptions): Discovery {
  return new MulticastDiscovery(options)
}

type Link = {
  /** The interface as last seen. */
  at: LocalInterface
  /** A failed link sends nothing more; the next scan opens it anew. */
  state: 'opening' | 'open' | 'failed' | 'closed'
  readonly mdns: multicastDns.MulticastDNS
  readonly answers: Allowance
  readonly decoded: Allowance
}

class MulticastDiscovery implements Discovery {
  readonly #options: DiscoveryOptions
  readonly #clock: Clock
  readonly #port: number
  readonly #faults: Faults
  readonly #lookups: Lookups
  readonly #links = new Map<string, Link>()
  #announced: { readonly host: string; readonly mark: string } | undefined
  #cancelScan: Cancel
  #closing: Promise<void> | undefined

  constructor(options: DiscoveryOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#port = options.port ?? MDNS_PORT
    this.#faults = new Faults(options.onWarning)
    this.#lookups = new Lookups(options.clock, host => this.#ask(host))
    this.#cancelScan = this.#clock.after(SCAN_MS, () => this.#scan())
    this.#followInterfaces()
  }

  announce(name: string): void {
    if (this.#closing !== undefined) return
    const host = hostOf(name)
    this.#announced = host === undefined ? undefined : { host, mark: labelMark(host) }
  }

  lookup(host: string, timeoutMs: Millis = LOOKUP_MS): Promise<string[]> {
    return this.#lookups.find(host, timeoutMs)
  }

  get interfaces(): readonly { readonly name: string; readonly address: string }[] {
    const open = [...this.#links.values()].filter(({ state }) => state === 'open')
    return open.map(({ at: { name, address } }) => ({ name, address }))
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const host = this.#announced?.host
    this.#announced = undefined
    this.#cancelScan()
    this.#lookups.close()
    const links = [...this.#links.values()]
    this.#links.clear()
    const heard = host === undefined ? [] : links.filter(({ state }) => state === 'open')
    await this.#inTime(heard.map(({ at, mdns }) => sendGoodbye(mdns, host ?? '', at)))
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
    if (this.#followInterfaces()) this.#options.onChange?.()
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
    const socket = createSocket({ type: 'udp4', reuseAddr: true })
    const mdns = multicastDns({ socket, port: this.#port, interface: at.address, bind: '0.0.0.0' })
    const now = this.#clock.now()
    const answers = new Allowance(ANSWERS_PER_S_MAX, now)
    const link: Link = { at, state: 'opening', mdns, answers, decoded: new Allowance(DECODED_PER_S_MAX, now) }
    guard(socket, (bytes, from) => this.#admits(link, bytes, from))
    mdns.on('query', query => this.#answer(link, query))
    mdns.on('response', response => this.#lookups.hear(response, isLoopback(link.at)))
    mdns.on('ready', () => this.#faults.works('port'))
    mdns.on('networkInterface', () => this.#joined(link))
    mdns.on('error', error => this.#failed(link, error))
    mdns.on('warning', error => this.#failed(link, error))
    return link
  }

  /** Every socket hears every link: a datagram counts once, on the link of its sender's subnet, if it matters at all. */
  #admits(link: Link, bytes: Buffer, from: RemoteInfo): boolean {
    if (link.state === 'closed' || !isWorthDecoding(bytes, this.#marks())) return false
    const at = interfaceOf(from.address, this.#interfacesSeen())
    return at === link.at && link.decoded.take(this.#clock.now())
  }

  *#marks(): Iterable<string> {
    if (this.#announced !== undefined) yield this.#announced.mark
    yield* this.#lookups.marks()
  }

  *#interfacesSeen(): Iterable<LocalInterface> {
    for (const { at } of this.#links.values()) yield at
  }

  #answer(link: Link, query: unknown): void {
    if (this.#announced === undefined) return
    const answers = answerTo(query, this.#announced.host, link.at)
    if (answers === undefined || !link.answers.take(this.#clock.now())) return
    link.mdns.respond({ answers }, error => this.#sent(link, error))
  }

  #ask(host: string): void {
    for (const link of this.#links.values()) {
      if (link.state === 'failed') continue
      link.mdns.query({ questions: [{ name: host, type: 'A' }] }, error => this.#sent(link, error))
    }
  }

  #joined(link: Link): void {
    if (link.state !== 'opening') return
    link.state = 'open'
    this.#faults.works(`join ${link.at.address}`)
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
    const { name, address } = link.at
    if (error.syscall === 'bind') {
      this.#faults.fails('port', `UDP port ${this.#port} is not to be had (${reason}): ${SO}`)
    } else if (this.#isMissed(link)) {
      const step = error.syscall === 'send' ? 'send' : 'join'
      this.#faults.fails(`${step} ${address}`, `No multicast on ${name}, ${address} (${reason}): ${SO}`)
    }
  }

  /** Not so an interface that is gone, as the next scan will find, nor loopback beside others: some systems have no multicast there. */
  #isMissed({ at }: Link): boolean {
    if (isLoopback(at) && this.#links.size > 1) return false
    return this.#readInterfaces().some(({ address }) => address === at.address)
  }
}

/** What follows from every fault, for the line that a person reads. */
const SO = 'until that changes, peers there are found by address only, not by name.'

/** Lets multicast-dns decode only what `admits`: its own listener is taken off, and called from ours. */
function guard(socket: Socket, admits: (bytes: Buffer, from: RemoteInfo) => boolean): void {
  const decoders = socket.listeners('message')
  socket.removeAllListeners('message')
  socket.on('message', (bytes, from) => {
    if (admits(bytes, from)) for (const decode of decoders) decode.call(socket, bytes, from)
  })
}

const sendGoodbye = (mdns: multicastDns.MulticastDNS, host: string, at: LocalInterface): Promise<void> =>
  new Promise(resolve => mdns.respond({ answers: goodbyeOf(host, at) }, () => resolve()))

function shut(link: Link): Promise<void> {
  link.state = 'closed'
  return new Promise(resolve => link.mdns.destroy(resolve))
}
