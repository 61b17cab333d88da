import type { Clock, Millis } from '../../../base/clock.js'
import { equalsIgnoringCase } from '../../../base/names.js'
import { ServiceBrowser } from './browser.js'
import type { LocalInterface, NetworkInterfaces } from './interfaces.js'
import { Lookups } from './lookups.js'
import { answerTo, goodbyeOf, hostOf } from './name-answers.js'
import { type DnsRecord, fieldsOf, type Packet } from './packets.js'
import { labelMark } from './prefilter.js'
import { Responder } from './responder.js'
import { fullNameOf, requestedName, SERVICE, type Service } from './service-records.js'
import { MulticastSockets } from './sockets.js'

const LOOKUP_MS = 3_000

/** How long is waited for the address of a name where a service of that name is known already. */
const KNOWN_LOOKUP_MS = 300

export interface DiscoveryOptions {
  readonly clock: Clock
  readonly random: () => number
  /** Gets one line for a person when something stops working, and again only after it worked in between. */
  readonly onWarning: (line: string) => void
  /** The interfaces of this machine are no longer the same: what could not be reached may now be. */
  readonly onChange?: (() => void) | undefined
  /** The own service is announced from now on: under this name, or on other interfaces than before. */
  readonly onAnnounced?: ((instance: string) => void) | undefined
  /** Somebody says that he is there: for the first time, or again. */
  readonly onSighted?: ((service: Service) => void) | undefined
  /** Somebody has said goodbye, or was not heard of for long. */
  readonly onLost?: ((service: Service, hasSaidGoodbye: boolean) => void) | undefined
  /** For tests: instead of the system's interfaces, and of port 5353. */
  readonly networkInterfaces?: (() => NetworkInterfaces) | undefined
  readonly port?: number | undefined
}

/** What is announced. */
interface Announcement {
  /** `<name>.local` is answered with our addresses: so originals find us. */
  readonly name: string
  /** What peers of ours find; `instance` is as wished. */
  readonly service?: Service | undefined
  /** Where all that is said; everywhere without it. */
  readonly isOn?: ((at: LocalInterface) => boolean) | undefined
}

/** A host and a port, to be dialled. */
export interface Place {
  readonly host: string
  readonly port: number
}

/** Peers on the local network, by multicast DNS. Nothing here rejects, throws, or stops the process. */
export interface Discovery {
  /** What is said from now on, until closed or given something else. */
  announce(announcement: Announcement): void
  /** Starts to ask who is there, and goes on. */
  browse(): void
  /** Whether somebody is missing who may be back any moment: who is there is then asked for more often. */
  setMissing(isMissing: boolean): void
  /** Addresses of `<name>.local`, as anyone on the local network answers: hints. [] where nobody does in time. */
  lookup(host: string, timeoutMs?: Millis): Promise<string[]>
  /** Where peers of that name can be dialled: in the own room at the ports that they announce, else at the port given. */
  resolve(place: Place): Promise<Place[]>
  /** Who is there, as they say, in whatever room. */
  readonly services: readonly Service[]
  /** Where one of them says that it can be dialled. */
  addressesOf(service: Service): readonly Place[]
  /** Where we are heard right now. */
  readonly interfaces: readonly { readonly name: string; readonly address: string }[]
  /** Says goodbye, and ends lookups with what they have. Takes at most 200 ms, and leaves nothing open. */
  close(): Promise<void>
}

export function openDiscovery(options: DiscoveryOptions): Discovery {
  return new MulticastDiscovery(options)
}

const SERVICE_MARK = labelMark(SERVICE)

class MulticastDiscovery implements Discovery {
  readonly #options: DiscoveryOptions
  readonly #lookups: Lookups
  readonly #services: ServiceBrowser
  readonly #multicast: MulticastSockets
  #host: { readonly name: string; readonly mark: string } | undefined
  #isOn: (at: LocalInterface) => boolean = () => true
  #announcer: Responder | undefined
  #closing: Promise<void> | undefined

  constructor(options: DiscoveryOptions) {
    this.#options = options
    const { clock, onWarning, networkInterfaces, port } = options
    this.#lookups = new Lookups(clock, host => this.#ask(host))
    this.#services = new ServiceBrowser({
      clock,
      send: make => this.#multicast.send(make),
      onSighted: service => options.onSighted?.(service),
      onLost: (service, hasSaidGoodbye) => options.onLost?.(service, hasSaidGoodbye),
      isOwn: ({ host }) => host === this.#announcer?.service.host,
    })
    let isOpen = false
    this.#multicast = new MulticastSockets({
      clock,
      onWarning,
      onPacket: (packet, at, sender) => this.#hear(packet, at, sender),
      onOpened: () => isOpen && this.#opened(),
      onChange: () => options.onChange?.(),
      marks: () => this.#marks(),
      networkInterfaces,
      port,
    })
    isOpen = true
  }

  announce({ name, service, isOn = () => true }: Announcement): void {
    if (this.#closing !== undefined) return
    const host = hostOf(name)
    this.#host = host === undefined ? undefined : { name: host, mark: labelMark(host) }
    this.#isOn = isOn
    this.#announcer?.close()
    if (service === undefined || hostOf(service.instance) === undefined) return
    this.#announcer = new Responder(service, {
      clock: this.#options.clock,
      random: this.#options.random,
      send: (make, only) => this.#multicast.send(at => (this.#isOn(at) ? make(at) : undefined), only),
      onNamed: instance => this.#options.onAnnounced?.(instance),
    })
  }

  browse(): void {
    if (this.#closing === undefined) this.#services.browse()
  }

  setMissing(isMissing: boolean): void {
    this.#services.setMissing(isMissing)
  }

  lookup(host: string, timeoutMs: Millis = LOOKUP_MS): Promise<string[]> {
    return this.#lookups.find(host, timeoutMs)
  }

  async resolve({ host, port }: Place): Promise<Place[]> {
    const name = host.replace(/\.local$/i, '')
    const known = this.#placesIn(name)
    const addresses = isUserName(name) ? await this.lookup(host, known.length > 0 ? KNOWN_LOOKUP_MS : LOOKUP_MS) : []
    const places = [...this.#placesIn(name), ...addresses.map(address => ({ host: address, port }))]
    return [...new Map(places.map(place => [`${place.host} ${place.port}`, place])).values()]
  }

  get services(): readonly Service[] {
    return this.#services.all
  }

  addressesOf({ instance }: Service): readonly Place[] {
    return this.#services.addressesOf(instance)
  }

  get interfaces(): readonly { readonly name: string; readonly address: string }[] {
    return this.#multicast.interfaces
      .filter(at => this.#isOn(at))
      .map(({ name, family, address }) => ({ name, address: family === 'IPv4' ? address : `${address}%${name}` }))
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const host = this.#host?.name
    const announcer = this.#announcer
    this.#host = undefined
    this.#announcer = undefined
    announcer?.close()
    this.#services.close()
    this.#lookups.close()
    await this.#multicast.close(at => {
      if (!this.#isOn(at)) return undefined
      return responseOf([...(host === undefined ? [] : goodbyeOf(host, at)), ...(announcer?.goodbye(at) ?? [])])
    })
  }

  /** What services of the own room say of a name, also where they had to take another, or where its case differs. */
  #placesIn(name: string): Place[] {
    const room = this.#announcer?.service.room
    const called = this.#services.all.filter(
      ({ room: theirs, instance }) =>
        theirs === room && (equalsIgnoringCase(requestedName(instance), name) || equalsIgnoringCase(instance, name)),
    )
    const exact = called.filter(({ instance }) => requestedName(instance) === name || instance === name)
    return (exact.length > 0 ? exact : called).flatMap(({ instance }) => this.#services.addressesOf(instance))
  }

  #opened(): void {
    this.#announcer?.interfacesChanged()
    if (this.#announcer?.isAnnounced) this.#options.onAnnounced?.(this.#announcer.service.instance)
    this.#services.askAgain()
  }

  #hear(packet: unknown, at: LocalInterface, sender: string): void {
    const { type } = fieldsOf(packet)
    if (type === 'query') this.#answer(packet, at)
    if (type !== 'response') return
    this.#lookups.receive(packet, at)
    this.#announcer?.receive(packet)
    this.#services.receive(packet, at, sender)
  }

  #answer(query: unknown, at: LocalInterface): void {
    if (!this.#isOn(at)) return
    const forHost = this.#host === undefined ? [] : (answerTo(query, this.#host.name, at) ?? [])
    const response = responseOf([...forHost, ...(this.#announcer?.answerTo(query, at) ?? [])])
    if (response !== undefined) this.#multicast.answer(at, response)
  }

  /** For the address, as originals answer it, and for the port, which ours announce. */
  #ask(host: string): void {
    const instance = host.replace(/\.local$/i, '')
    const location = { name: fullNameOf(instance), type: 'SRV' as const }
    const questions = [{ name: host, type: 'A' as const }, ...(isUserName(instance) ? [location] : [])]
    this.#multicast.send(() => ({ type: 'query', questions }))
  }

  *#marks(): Iterable<string> {
    yield SERVICE_MARK
    if (this.#host !== undefined) yield this.#host.mark
    if (this.#announcer !== undefined) yield labelMark(this.#announcer.service.host)
    yield* this.#lookups.marks()
  }
}

const isUserName = (name: string): boolean => !/[ .]/.test(name)

const responseOf = (answers: readonly DnsRecord[]): Packet | undefined =>
  answers.length === 0 ? undefined : { type: 'response', answers }
