import type { Clock, Millis } from '../../../base/clock.js'
import { equalsIgnoringCase } from '../../../base/names.js'
import type { NetEvent } from '../../events.js'
import { type Address, formatAddress } from '../address.js'
import { ServiceBrowser } from './browser.js'
import type { LocalInterface, NetworkInterfaces } from './interfaces.js'
import { Lookups } from './lookups.js'
import { answerTo, goodbyeOf, hostOf } from './name-answers.js'
import { type DnsRecord, fieldsOf, type Packet } from './packets.js'
import { labelPattern } from './prefilter.js'
import { Responder } from './responder.js'
import { fullNameOf, requestedName, SERVICE, type Service } from './service-records.js'
import { MulticastSockets } from './sockets.js'

const LOOKUP_MS = 3_000

/** The first version of the protocol whose connections are encrypted. */
const ENCRYPTED_SINCE = 2

/** Timeout of a lookup if a service of that name is already known. */
const KNOWN_LOOKUP_MS = 300

export interface DiscoveryOptions {
  readonly clock: Clock
  readonly random: () => number
  /** Called once per fault, and again only if the operation has succeeded in between. */
  readonly onEvent: (event: NetEvent) => void
  /** The interfaces of this machine changed. */
  readonly onChange?: (() => void) | undefined
  /** Our service is announced under this name, or on other interfaces than before. */
  readonly onAnnounced?: ((instance: string) => void) | undefined
  /** A service was announced, for the first time or again. */
  readonly onSighted?: ((service: Service) => void) | undefined
  /** A service said goodbye, or its announcement expired. */
  readonly onLost?: ((service: Service, hasSaidGoodbye: boolean) => void) | undefined
  /** For tests: replace the system's interfaces, and port 5353. */
  readonly networkInterfaces?: (() => NetworkInterfaces) | undefined
  readonly port?: number | undefined
}

/** What to announce. */
interface Announcement {
  /** `<name>.local` resolves to our addresses, so that scuttleup peers find us. */
  readonly name: string
  /** The service for native peers, with the requested instance name. */
  readonly service?: Service | undefined
  /** The interfaces to announce on; all by default. */
  readonly isOn?: ((at: LocalInterface) => boolean) | undefined
}

const SERVICE_MARK = labelPattern(SERVICE)

/** Finds peers on the local network by multicast DNS, and announces us. Nothing rejects or throws. */
export class Discovery {
  readonly #options: DiscoveryOptions
  readonly #lookups: Lookups
  readonly #browser: ServiceBrowser
  readonly #multicast: MulticastSockets
  #host: { readonly name: string; readonly mark: string } | undefined
  #isOn: (at: LocalInterface) => boolean = () => true
  #responder: Responder | undefined
  #closing: Promise<void> | undefined

  constructor(options: DiscoveryOptions) {
    this.#options = options
    const { clock, onEvent, networkInterfaces, port } = options
    this.#lookups = new Lookups(clock, host => this.#query(host))
    this.#browser = new ServiceBrowser({
      clock,
      send: make => this.#multicast.send(make),
      onSighted: service => options.onSighted?.(service),
      onLost: (service, hasSaidGoodbye) => options.onLost?.(service, hasSaidGoodbye),
      isOwn: ({ host }) => host === this.#responder?.service.host,
    })
    let isOpen = false
    this.#multicast = new MulticastSockets({
      clock,
      onEvent,
      onPacket: (packet, at, sender) => this.#receive(packet, at, sender),
      onOpened: () => isOpen && this.#opened(),
      onChange: () => options.onChange?.(),
      marks: () => this.#marks(),
      networkInterfaces,
      port,
    })
    isOpen = true
  }

  /** Starts to announce us. Replaces an earlier announcement. */
  announce({ name, service, isOn = () => true }: Announcement): void {
    if (this.#closing !== undefined) return
    const host = hostOf(name)
    this.#host = host === undefined ? undefined : { name: host, mark: labelPattern(host) }
    this.#isOn = isOn
    this.#responder?.close()
    if (service === undefined || hostOf(service.instance) === undefined) return
    this.#responder = new Responder(service, {
      clock: this.#options.clock,
      random: this.#options.random,
      send: (make, only) => this.#multicast.send(at => (this.#isOn(at) ? make(at) : undefined), only),
      onNamed: instance => this.#options.onAnnounced?.(instance),
    })
  }

  /** Announces our public rooms again, by their tags, after they changed. */
  setRooms(rooms: readonly string[]): void {
    this.#responder?.setRooms(rooms)
  }

  browse(): void {
    if (this.#closing === undefined) this.#browser.browse()
  }

  /** `isMissing`: a missing peer may return at any moment, so queries are sent more often. */
  setMissing(isMissing: boolean): void {
    this.#browser.setMissing(isMissing)
  }

  /** Addresses of `<name>.local`. They are hints, because anyone on the local network can answer. None if nobody answers in time. */
  lookup(host: string, timeoutMs: Millis = LOOKUP_MS): Promise<string[]> {
    return this.#lookups.find(host, timeoutMs)
  }

  /** Addresses of the peers with a name: peers in our rooms with the ports that they announce, others with the given port. */
  async resolve({ host, port }: Address): Promise<Address[]> {
    const name = host.replace(/\.local$/i, '')
    const known = this.#announcedFor(name)
    const addresses = isUserName(name) ? await this.lookup(host, known.length > 0 ? KNOWN_LOOKUP_MS : LOOKUP_MS) : []
    const found = [...this.#announcedFor(name), ...addresses.map(address => ({ host: address, port }))]
    return [...new Map(found.map(address => [formatAddress(address), address])).values()]
  }

  /** Announced services, of any room. */
  get services(): readonly Service[] {
    return this.#browser.all
  }

  /** Whether a native peer that encrypts was announced at `host:port` within the time that announcements are valid: 120 s. */
  isAnnouncedNative(address: string): boolean {
    return this.#browser.all.some(
      ({ instance, host, port, version }) =>
        version >= ENCRYPTED_SINCE &&
        [...namesOf(instance), host, ...this.#browser.addressesOf(instance).map(each => each.host)].some(name =>
          equalsIgnoringCase(formatAddress({ host: name, port }), address),
        ),
    )
  }

  addressesOf({ instance }: Service): readonly Address[] {
    return this.#browser.addressesOf(instance)
  }

  /** Interfaces on which we are announced. */
  get interfaces(): readonly { readonly name: string; readonly address: string }[] {
    return this.#multicast.interfaces
      .filter(at => this.#isOn(at))
      .map(({ name, family, address }) => ({ name, address: family === 'IPv4' ? address : `${address}%${name}` }))
  }

  /** Says goodbye and ends all lookups, in at most 200 ms. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const host = this.#host?.name
    const responder = this.#responder
    this.#host = undefined
    this.#responder = undefined
    responder?.close()
    this.#browser.close()
    this.#lookups.close()
    await this.#multicast.close(at => {
      if (!this.#isOn(at)) return undefined
      return responseOf([...(host === undefined ? [] : goodbyeOf(host, at)), ...(responder?.goodbye(at) ?? [])])
    })
  }

  /** Addresses of the services in our rooms by name, ignoring case: the requested name, or the one assigned after a conflict. */
  #announcedFor(name: string): Address[] {
    const ours = this.#responder?.service.rooms ?? []
    const matching = this.#browser.all.filter(
      ({ rooms, instance }) =>
        rooms.some(room => ours.includes(room)) &&
        (equalsIgnoringCase(requestedName(instance), name) || equalsIgnoringCase(instance, name)),
    )
    const exact = matching.filter(({ instance }) => requestedName(instance) === name || instance === name)
    return (exact.length > 0 ? exact : matching).flatMap(({ instance }) => this.#browser.addressesOf(instance))
  }

  #opened(): void {
    this.#responder?.interfacesChanged()
    if (this.#responder?.isAnnounced) this.#options.onAnnounced?.(this.#responder.service.instance)
    this.#browser.restart()
  }

  #receive(packet: unknown, at: LocalInterface, sender: string): void {
    const { type } = fieldsOf(packet)
    if (type === 'query') this.#answer(packet, at)
    if (type !== 'response') return
    this.#lookups.receive(packet, at)
    this.#responder?.receive(packet)
    this.#browser.receive(packet, at, sender)
  }

  #answer(query: unknown, at: LocalInterface): void {
    if (!this.#isOn(at)) return
    const forHost = this.#host === undefined ? [] : (answerTo(query, this.#host.name, at) ?? [])
    const response = responseOf([...forHost, ...(this.#responder?.answerTo(query, at) ?? [])])
    if (response !== undefined) this.#multicast.answer(at, response)
  }

  /** Queries for the address, which scuttleup peers answer, and for the port, which native peers announce. */
  #query(host: string): void {
    const instance = host.replace(/\.local$/i, '')
    const location = { name: fullNameOf(instance), type: 'SRV' as const }
    const questions = [{ name: host, type: 'A' as const }, ...(isUserName(instance) ? [location] : [])]
    this.#multicast.send(() => ({ type: 'query', questions }))
  }

  *#marks(): Iterable<string> {
    yield SERVICE_MARK
    if (this.#host !== undefined) yield this.#host.mark
    if (this.#responder !== undefined) yield labelPattern(this.#responder.service.host)
    yield* this.#lookups.marks()
  }
}

/** The names that a service is dialled by. */
const namesOf = (instance: string): string[] => [`${instance}.local`, `${requestedName(instance)}.local`]

const isUserName = (name: string): boolean => !/[ .]/.test(name)

const responseOf = (answers: readonly DnsRecord[]): Packet | undefined =>
  answers.length === 0 ? undefined : { type: 'response', answers }
