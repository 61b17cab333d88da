import { systemClock } from '../../base/clock.js'
import type { KeyPair } from '../../base/crypto/signing.js'
import { ChatError } from '../../base/errors.js'
import { systemRandom } from '../../base/random.js'
import { addressOfName } from '../../compat/scuttleup/hashed-port.js'
import { authorOf, authorOfKey } from '../../log/format/author.js'
import { LOBBY, roomId } from '../../log/format/room-id.js'
import type { KnownPeople } from '../../log/known-people.js'
import { Connections } from '../../net/connections.js'
import { PROTOCOL_VERSION } from '../../net/handshake/hello.js'
import { formatAddress } from '../../net/lan/address.js'
import { Discovery } from '../../net/lan/mdns/discovery.js'
import { isReachableAt } from '../../net/lan/mdns/interfaces.js'
import { resolver } from '../../net/lan/mdns/resolve.js'
import { roomTag, type Service, serviceHost, shortKeyOf } from '../../net/lan/mdns/service-records.js'
import { TcpSource } from '../../net/lan/tcp.js'
import { DirectContacts, type DirectContactsHooks } from '../direct-rooms/direct-contacts.js'
import type { NodeEvent } from '../events.js'
import { Introductions } from '../private-rooms/introductions.js'
import { Announcement } from './announcement.js'
import { listeningPlace } from './peer-name.js'

/** How a node is reached. The room that opens first decides it for all rooms of the node. */
export interface NetworkOptions {
  /** `[host:]port`. Default: the port hashed from the name, or a free one if that is in use, on every interface. */
  readonly listen?: string | undefined
  /** Whether the name is announced, and names are looked up, on the local network. */
  readonly isDiscovering: boolean
  /** Whether scuttleup peers, which cannot encrypt, are refused. Default: they may connect in the lobby. */
  readonly isEncryptedOnly?: boolean | undefined
  /** The people whom the user knows. */
  readonly pins?: KnownPeople | undefined
}

/** A closed room that opens when a peer asks for it. */
export interface ClosedRoom {
  readonly room: Uint8Array
  /** Whether it is not announced, and only those who belong to it know its id. */
  readonly isSecret: boolean
}

/** A room on the network of its node. */
export interface NetworkedRoom {
  /** The announced tag; undefined for a private room, which is not announced. */
  readonly tag: string | undefined
  /** Something happened to the node as a whole. */
  onEvent(event: NodeEvent): void
  sighted(service: Service): void
  lost(service: Service, hasSaidGoodbye: boolean): void
  /** Whether discovery could still find a missing peer of this room. */
  readonly isMissingPeers: boolean
}

/** The connections of a node that listens, and its presence on the local network. */
export class OpenNetwork {
  readonly connections: Connections
  /** Introductions to private rooms. */
  readonly introductions = new Introductions(systemClock)
  /** The people of direct rooms. */
  readonly contacts: DirectContacts
  readonly discovery: Discovery | undefined
  readonly listen: string | undefined
  /** The latest events about how peers reach the node, repeated to rooms that are opened later. */
  readonly #lasting = new Map<string, NodeEvent>()
  /** Events that occurred before a room was open. */
  readonly #unseen: NodeEvent[] = []
  readonly #rooms = new Set<NetworkedRoom>()
  /** Closed rooms. */
  readonly #watched = new Set<{ readonly tag: string | undefined }>()
  readonly #host: string | undefined
  readonly #me: string
  readonly #service: Omit<Service, 'rooms' | 'port'>
  #isAnnounced = false
  #port: number

  constructor(
    me: string,
    keys: KeyPair,
    { listen, isDiscovering, isEncryptedOnly = false, pins }: NetworkOptions,
    hooks: DirectContactsHooks,
  ) {
    const { host, port, address } = listeningPlace(me, listen)
    this.#me = me
    this.#host = host
    this.#port = port
    this.listen = listen
    this.#service = {
      instance: me,
      host: serviceHost(systemRandom.bytes(8)),
      version: PROTOCOL_VERSION,
      key: shortKeyOf(keys.publicKey),
    }
    const discovery = isDiscovering ? this.#openDiscovery() : undefined
    this.discovery = discovery
    this.connections = new Connections({
      me: address,
      keys,
      plain: {
        room: roomId(LOBBY),
        encryptedOnly: isEncryptedOnly,
        isAnnouncedNative: each => discovery?.isAnnouncedNative(each) ?? false,
      },
      isKnown: key => {
        const author = authorOf(key)
        return author !== undefined && (pins?.isKnown(author) ?? false)
      },
      source: new TcpSource(systemClock, resolver(systemClock, discovery && (place => discovery.resolve(place)))),
      clock: systemClock,
      random: systemRandom,
    })
    this.contacts = new DirectContacts(authorOfKey(keys.publicKey), hooks)
    this.connections.onProven(peer => {
      this.introductions.proven(peer)
      this.contacts.proven(peer)
    })
  }

  /** Whether peers on other machines can reach this one, so that its address may be passed on. */
  get isPassedOn(): boolean {
    return this.discovery !== undefined && this.#host === undefined
  }

  /** Where it listens, as `host:port`. */
  get address(): string {
    return formatAddress({ host: this.#host ?? addressOfName(this.#me).host, port: this.#port })
  }

  /** Starts to listen. If the usual port is in use, listens on a free one: discovery tells peers which. */
  async start(): Promise<void> {
    const usual = this.#port
    try {
      this.#port = await this.connections.listen(this.#host, usual)
    } catch (error) {
      const canMove = this.listen === undefined && this.discovery !== undefined
      if (!canMove || !(error instanceof ChatError) || error.code !== 'SWARM_PORT_TAKEN') throw error
      this.#port = await this.connections.listen(this.#host, 0)
      this.#report({ kind: 'port-taken', port: usual, usedPort: this.#port })
    }
  }

  add(room: NetworkedRoom): void {
    this.#rooms.add(room)
    for (const event of [...this.#lasting.values(), ...this.#unseen.splice(0)])
      if (concerns(event, room)) room.onEvent(event)
  }

  remove(room: NetworkedRoom): void {
    this.#rooms.delete(room)
    if (this.#isAnnounced) this.discovery?.setRooms(this.#tags)
    this.updateMissing()
  }

  /** Announces the rooms. To be called again when a room was added. */
  announce(): void {
    const { discovery } = this
    if (discovery === undefined) return
    if (this.#isAnnounced) {
      discovery.setRooms(this.#tags)
      return
    }
    this.#isAnnounced = true
    const service = { ...this.#service, port: this.#port, rooms: this.#tags }
    discovery.announce({ name: this.#me, service, isOn: at => isReachableAt(this.#host, at) })
    discovery.browse()
  }

  /** Announces a closed room unless it is secret, and calls `onWanted` when a peer opens it. Returns a function that removes it. */
  watch({ room, isSecret }: ClosedRoom, onWanted: () => void): () => void {
    const watched = { tag: isSecret ? undefined : roomTag(room) }
    this.#watched.add(watched)
    const unwatch = this.connections.watch(room, onWanted)
    if (this.#isAnnounced) this.announce()
    return () => {
      unwatch()
      this.#watched.delete(watched)
      if (this.#isAnnounced) this.announce()
    }
  }

  updateMissing(): void {
    this.discovery?.setMissing([...this.#rooms].some(({ isMissingPeers }) => isMissingPeers))
  }

  async close(): Promise<void> {
    await this.connections.close()
    await this.discovery?.close()
  }

  get #tags(): string[] {
    return [...new Set([...this.#rooms, ...this.#watched].flatMap(({ tag }) => tag ?? []))]
  }

  #openDiscovery(): Discovery {
    const announcement = new Announcement(this.#me, event => this.#report(event))
    const discovery: Discovery = new Discovery({
      clock: systemClock,
      random: systemRandom.number,
      onEvent: event => this.#report(event),
      onChange: () => this.connections?.networkChanged(),
      onAnnounced: instance => announcement.update(instance, discovery.interfaces),
      onSighted: service => {
        this.contacts?.sighted(service)
        this.#toAll(room => room.sighted(service))
      },
      onLost: (service, hasSaidGoodbye) => this.#toAll(room => room.lost(service, hasSaidGoodbye)),
    })
    return discovery
  }

  #report(event: NodeEvent): void {
    if (event.kind === 'port-taken' || event.kind === 'announced') this.#lasting.set(event.kind, event)
    else if (this.#rooms.size === 0) this.#unseen.push(event)
    this.#toAll(room => {
      if (concerns(event, room)) room.onEvent(event)
    })
  }

  #toAll(tell: (room: NetworkedRoom) => void): void {
    for (const room of this.#rooms) tell(room)
  }
}

/** Whether an event concerns a room. Announcements do not concern a private room, which is not announced. */
const concerns = (event: NodeEvent, { tag }: NetworkedRoom): boolean => event.kind !== 'announced' || tag !== undefined

const NO_CONTACTS: DirectContactsHooks = {
  isContact: () => false,
  mayAsk: () => false,
  contacts: [],
  onWanted: () => {},
  onRequest: () => {},
}

/**
 * The network of a node: one listener, one set of connections and one presence on the local network for all of its
 * rooms. It opens with the first room and closes with the last.
 */
export class NodeNetwork {
  readonly #me: string
  readonly #hooks: DirectContactsHooks
  #open: Promise<OpenNetwork> | undefined
  #rooms = 0
  #closing: Promise<void> = Promise.resolve()

  /** Without `hooks`, the node has no direct rooms and drops message requests. */
  constructor(me: string, hooks: DirectContactsHooks = NO_CONTACTS) {
    this.#me = me
    this.#hooks = hooks
  }

  /**
   * Adds a room. The first one decides how the node is reached. Rejects with SWARM_PORT_TAKEN or SWARM_LISTEN_FAILED, and with
   * BAD_USAGE if the node already listens at another address than the given one.
   */
  async enter(room: NetworkedRoom, keys: KeyPair, options: NetworkOptions): Promise<OpenNetwork> {
    this.#rooms++
    try {
      await this.#closing
      this.#open ??= this.#start(keys, options)
      const open = await this.#open
      if (options.listen !== undefined && options.listen !== open.listen)
        throw new ChatError('BAD_USAGE', `${this.#me} already listens on ${open.connections.me}`, {
          hint: 'All rooms of a name share one port: leave the address out.',
        })
      open.add(room)
      return open
    } catch (error) {
      await this.leave(room)
      throw error
    }
  }

  /** The network while there is a room. */
  async opened(): Promise<OpenNetwork | undefined> {
    return this.#open?.catch(() => undefined)
  }

  /** Watches a closed room while other rooms are open. Returns a function that stops watching. */
  watch(closed: ClosedRoom, onWanted: () => void): () => void {
    let unwatch = (): void => {}
    let isOver = false
    const watched = this.#open?.then(open => {
      if (!isOver) unwatch = open.watch(closed, onWanted)
    })
    watched?.catch(() => {}) // the caller that opens the network reports the error
    return () => {
      isOver = true
      unwatch()
    }
  }

  /** Removes a room; with the last one the node stops listening. */
  async leave(room: NetworkedRoom): Promise<void> {
    const opening = this.#open?.catch(() => undefined)
    if (--this.#rooms > 0) return void (await opening)?.remove(room)
    this.#open = undefined
    this.#closing = Promise.resolve(opening).then(open => open?.close())
    await this.#closing
  }

  async #start(keys: KeyPair, options: NetworkOptions): Promise<OpenNetwork> {
    const open = new OpenNetwork(this.#me, keys, options, this.#hooks)
    try {
      await open.start()
      return open
    } catch (error) {
      this.#open = undefined
      await open.close()
      throw error
    }
  }
}
