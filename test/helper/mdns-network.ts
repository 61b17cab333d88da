import { ServiceBrowser } from '../../src/net/lan/mdns/browser.js'
import type { LocalInterface } from '../../src/net/lan/mdns/interfaces.js'
import type { Packet } from '../../src/net/lan/mdns/packets.js'
import { Responder } from '../../src/net/lan/mdns/responder.js'
import type { Service } from '../../src/net/lan/mdns/service-records.js'
import { VirtualClock } from './virtual-clock.js'

export const ROOM = '00112233445566aa'

/** The interface of host `number` of 10.0.0.0/24. */
export const interfaceOfHost = (number: number): LocalInterface => ({
  name: 'eth0',
  family: 'IPv4',
  address: `10.0.0.${number}`,
  netmask: '255.255.255.0',
  ipv6: [],
})

export const serviceOf = (instance: string, number: number): Service => ({
  instance,
  host: `persisted-chat-${String(number).padStart(16, '0')}.local`,
  port: 4_000 + number,
  version: 1,
  rooms: [ROOM],
  key: String(number).padStart(16, '0'),
})

/** A host that announces a service and browses, in virtual time. */
export interface Host {
  readonly responder: Responder
  readonly browser: ServiceBrowser
  /** Announced names, in order. */
  readonly named: string[]
  readonly sighted: string[]
  readonly lost: string[]
  isCut: boolean
}

/** Hosts on one network: every packet reaches all others at once. */
export class MdnsNetwork {
  readonly clock = new VirtualClock(0)
  readonly sent: { readonly from: number; readonly atMs: number; readonly packet: Packet }[] = []
  readonly #hosts = new Map<number, Host>()

  join(instance: string, number: number, random = 0.5): Host {
    const at = interfaceOfHost(number)
    const service = serviceOf(instance, number)
    const named: string[] = []
    const [sighted, lost]: [string[], string[]] = [[], []]
    const responder = new Responder(service, {
      clock: this.clock,
      random: () => random,
      send: make => this.send(number, make(at)),
      onNamed: name => named.push(name),
    })
    const browser = new ServiceBrowser({
      clock: this.clock,
      send: make => this.send(number, make()),
      onSighted: seen => sighted.push(seen.instance),
      onLost: (gone, hasSaidGoodbye) => lost.push(`${gone.instance} ${hasSaidGoodbye ? 'goodbye' : 'silence'}`),
      isOwn: ({ host }) => host === service.host,
    })
    const host = { responder, browser, named, sighted, lost, isCut: false }
    this.#hosts.set(number, host)
    return host
  }

  /** Sends a packet to all other hosts. */
  send(from: number, packet: unknown): void {
    if (packet === undefined || this.#hosts.get(from)?.isCut) return
    this.sent.push({ from, atMs: this.clock.now(), packet: packet as Packet })
    for (const [number, host] of this.#hosts) {
      if (number === from || host.isCut) continue
      const at = interfaceOfHost(number)
      if ((packet as Packet).type === 'query') {
        const answers = host.responder.answerTo(packet, at)
        if (answers.length > 0) this.send(number, { type: 'response', answers })
      } else {
        host.responder.receive(packet)
        host.browser.receive(packet, at, `10.0.0.${from}`)
      }
    }
  }

  leave(number: number): void {
    const host = this.#hosts.get(number)
    host?.responder.close()
    host?.browser.close()
    this.send(number, { type: 'response', answers: host?.responder.goodbye(interfaceOfHost(number)) })
    this.#hosts.delete(number)
  }
}
