import { EventEmitter } from 'node:events'
import { pipeline } from 'node:stream'
import type { Clock, Millis } from '../../base/clock.js'
import type { KeyPair } from '../../base/crypto/signing.js'
import type { Random } from '../../base/random.js'
import type { Presence } from '../../chat/presence/presence.js'
import { authorOf, logIdOf, unsignedLog } from '../../log/format/author.js'
import type { Log } from '../../log/log.js'
import type { Introducer } from '../../log/stranger-quota.js'
import { addressBlock } from '../../net/admission/address-block.js'
import type { DialAttempt } from '../../net/dial-target.js'
import type { CloseReason, NetEvent } from '../../net/events.js'
import { PeerExchange } from '../../net/overlay/peer-exchange.js'
import type { Connection, RoomChannels } from '../../net/room-channels.js'
import type { OpenSideChannel } from '../../net/side-channel.js'
import type { Replicator } from '../../sync/replicator.js'
import type { Circle } from '../circle.js'
import type { ConnectionSummary, NodeEvent } from '../events.js'
import { Meetings } from '../people/meetings.js'
import type { Pins } from '../people/pins.js'
import { StrangerNotices } from '../people/stranger-notices.js'
import { MembershipBarrier } from '../private-rooms/membership-barrier.js'
import type { RoomMembers } from '../private-rooms/room-members.js'
import { ConnectionEvents, isSamePeer } from './connection-events.js'
import { ConnectionNames } from './connection-names.js'
import { ConnectionSummaries } from './connection-summaries.js'
import { namedPeer } from './peer-name.js'
import { createReplicationStream } from './replication.js'

interface RoomConnectionsEvents {
  event: [NodeEvent]
  /** Connections or dial attempts changed. */
  change: []
  /** A connection is being closed because the view is full. The argument is the start of the peer's key. */
  dropped: [string]
}

export interface RoomConnectionsOptions {
  readonly me: string
  readonly log: Log
  readonly replicator: Replicator
  readonly connections: RoomChannels
  readonly presence: Presence
  /** The members, if the room is private. */
  readonly members?: RoomMembers | undefined
  /** The two people, if the room is direct. */
  readonly direct?: Circle | undefined
  readonly clock: Clock
  readonly random: Pick<Random, 'number'>
  readonly keys: KeyPair
  readonly hasPeerExchange: boolean
  readonly pins: Pins
  /** The name under which the peer with this key is announced on the local network; undefined if it is not announced. */
  readonly announcedAs?: ((key: string) => string | undefined) | undefined
}

const isKnownKey = (pins: Pins, key: string): boolean => {
  const author = authorOf(key)
  return author !== undefined && pins.isKnown(author)
}

/** The introducer of entries that arrive over a connection, for the strangers' quota. */
function introducerOf({ remote, remoteAddress }: Connection): Introducer {
  const id = remote.kind === 'native' ? remote.key : remote.address
  const author = remote.kind === 'native' ? authorOf(remote.key) : unsignedLog(/^(.*)\.local:\d+$/.exec(id)?.[1] ?? '')
  return { id, block: addressBlock(remoteAddress) ?? id, author: author && logIdOf(author) }
}

/** The connections of a room: replicates its log over each of them, with presence and peer exchange beside it. */
export class RoomConnections extends EventEmitter<RoomConnectionsEvents> {
  /** Finds further peers through the connected ones. */
  readonly peerExchange: PeerExchange | undefined
  readonly #options: RoomConnectionsOptions
  readonly #names: ConnectionNames
  readonly #events: ConnectionEvents
  readonly #summaries: ConnectionSummaries
  readonly #meetings: Meetings
  readonly #strangers: StrangerNotices
  #openedAt: Millis | undefined

  constructor(options: RoomConnectionsOptions) {
    super()
    this.#options = options
    const { me, log, connections, presence, clock, pins, announcedAs = () => undefined } = options
    const isNamed = (name: string): boolean => connections.isNamed(name)
    this.#names = new ConnectionNames({ me, pins, presence: () => presence.list, isNamed })
    const onEvent = (event: NodeEvent): void => void this.emit('event', event)
    this.#strangers = new StrangerNotices(clock, onEvent)
    this.#meetings = new Meetings({ clock, me, pins, names: this.#names, announcedAs, onEvent })
    this.#events = new ConnectionEvents({
      clock,
      names: this.#names,
      ourId: log.author,
      hasLeft: author => presence.hasLeft(author),
      isKnown: connection => this.#isKnown(connection),
      strangers: this.#strangers,
      onEvent,
    })
    this.#summaries = new ConnectionSummaries(clock, () => this.summary, onEvent)
    this.peerExchange = options.hasPeerExchange ? this.#openPeerExchange(options) : undefined
    connections.on('connection', connection => this.#opened(connection))
    connections.on('disconnection', (connection, reason) => this.#closed(connection, reason))
    connections.on('event', event => {
      if (this.#isElsewhere(event)) return
      const isStrangers = event.kind === 'older-version' || ('name' in event && !isNamed(event.name))
      if (isStrangers) this.#strangers.report(event)
      else onEvent(event)
    })
    connections.on('change', () => {
      this.#summaries.update()
      this.emit('change')
    })
  }

  /** The room has new entries: asks peers that have closed the room to open it again. */
  recall(): void {
    this.#options.connections.recall()
  }

  /** Our address, as peers know it. */
  get address(): string {
    return this.#options.connections.me
  }

  /** When the newest connection opened, unless it replaced another one to its peer. */
  get openedAt(): Millis | undefined {
    return this.#openedAt
  }

  /** Whether the user named any peer. */
  get hasNamed(): boolean {
    return this.#options.connections.hasNamed
  }

  get hasNative(): boolean {
    return this.#options.connections.connections.some(({ remote }) => remote.kind === 'native')
  }

  get summary(): ConnectionSummary {
    const { connections, presence } = this.#options
    const indirect = presence.list.filter(({ state }) => state === 'indirect').length
    const namesOf = (which: readonly Connection[]): string[] => [
      ...new Set(which.map(connection => this.#names.nameOf(connection))),
    ]
    const connected = namesOf(connections.connections)
    const plain = namesOf(connections.connections.filter(({ remote }) => remote.kind === 'scuttleup'))
    const openedAt = this.#openedAt !== undefined && { openedAt: this.#openedAt }
    const dialing = connections.dialAttempts.filter(attempt => !this.#isElsewhere(attempt))
    return { connected, plain, dialing, indirect, ...openedAt }
  }

  /** Whether a connected person has not named our direct room. Not a failure: they may not have read our request yet. */
  #isElsewhere(event: NetEvent | DialAttempt): boolean {
    return this.#options.direct !== undefined && 'reason' in event && event.reason === 'other-room'
  }

  /** Keeps a connection to a peer, named as on the command line. Throws BAD_NAME, BAD_ADDRESS or BAD_USAGE. */
  connect(peer: string): void {
    const { connections, me } = this.#options
    const { name, address } = namedPeer(peer, me, connections.me)
    connections.add(name, address)
  }

  /** Closes the room's channel to a peer, and stops dialling the peer for it. False if it is neither connected nor dialled. */
  disconnect(peer: string): boolean {
    const { connections } = this.#options
    const isPeer = (connection: Connection): boolean =>
      this.#names.claimedBy(connection) === peer || this.#names.nameOf(connection) === peer
    const names = new Set([peer, ...connections.connections.filter(isPeer).flatMap(({ dialled }) => dialled ?? [])])
    const isKnown = connections.connections.some(isPeer) || connections.dialAttempts.some(({ name }) => name === peer)
    for (const name of names) connections.remove(name)
    connections.disconnect(isPeer)
    return isKnown
  }

  /** Closes the connections, so that the connections that replace them report our heads again. */
  reconnect(): void {
    this.#options.connections.reconnect()
  }

  /** Asks scuttleup peers again what they store. */
  reconnectScuttleup(): void {
    this.#options.connections.reconnect(({ remote }) => remote.kind === 'scuttleup')
  }

  /** Stops reporting events and looking for further peers. */
  quiet(): void {
    this.#events.close()
    this.#summaries.close()
    this.#strangers.close()
    this.peerExchange?.close()
  }

  close(): void {
    this.#options.connections.close()
  }

  #openPeerExchange({ connections, clock, random, keys, presence, pins }: RoomConnectionsOptions): PeerExchange {
    return new PeerExchange({
      connections,
      clock,
      random,
      key: keys.publicKey,
      isKnown: key => isKnownKey(pins, key),
      isPresent: id => presence.isPresent(id),
      onDropped: id => this.emit('dropped', id),
    })
  }

  #opened(connection: Connection): void {
    const isFirst = this.#toSamePeer(connection).length === 1
    if (isFirst) this.#openedAt = this.#options.clock.now()
    this.#meetings.opened(connection)
    this.#replicate(connection)
    if (isFirst) this.#events.opened(connection)
  }

  #closed(connection: Connection, reason: CloseReason): void {
    if (this.#toSamePeer(connection).length === 0 && !this.#isDropped(connection))
      this.#events.closed(connection, reason)
  }

  /** The central idea of the program: on every connection, pipe the room's channel through the log's replication stream. */
  #replicate(connection: Connection): void {
    const { replicator, presence, members } = this.#options
    const { remote, stream } = connection
    const peer = remote.kind === 'native' ? authorOf(remote.key) : undefined
    const replication = createReplicationStream(replicator, {
      dialect: remote.kind,
      replica: remote.kind === 'native' ? remote.key : remote.address,
      isKnown: () => this.#isKnown(connection),
      peer,
      ...(members !== undefined && peer !== undefined && { givenFrom: () => members.membership.linesFrom(peer) }),
      onEvent: event => {
        const reported = { ...event, peer: this.#names.nameOf(connection) }
        if (this.#isKnown(connection)) this.emit('event', reported)
        else this.#strangers.report(reported)
      },
      introducer: introducerOf(connection),
      ...(remote.kind === 'native' && {
        sideChannel: this.#sideChannel(connection, remote.key, remote.aheadMs, () => stream.bytesRead),
      }),
    })
    if (remote.kind === 'scuttleup') {
      const present = presence.scuttleup(this.#names.claimedBy(connection))
      replication.once('close', () => present.close())
    }
    const barrier = this.#barrier(connection)
    const through = barrier === undefined ? [replication] : [barrier.incoming, replication, barrier.outgoing]
    // However the replication ends, the connection ends with it; `connections` reports that and dials again.
    pipeline([stream, ...through, stream], () => stream.destroy())
  }

  /** In a private room: exchanges membership operations before any chat passes. */
  #barrier(connection: Connection): MembershipBarrier | undefined {
    const { members } = this.#options
    if (members === undefined) return undefined
    const report = (): void => {
      const peer = this.#names.nameOf(connection)
      this.emit('event', { kind: 'protocol-violated', violation: 'malformed-operations', peer })
    }
    return new MembershipBarrier(members, report)
  }

  /** What native peers exchange besides logs: presence, and addresses of further peers. */
  #sideChannel(connection: Connection, key: string, aheadMs: Millis, bytesRead: () => number): OpenSideChannel {
    const { presence } = this.#options
    const author = authorOf(key)
    const hasLeft = (): boolean => author !== undefined && presence.hasLeft(author)
    const openPresence = presence.sideChannel(
      { author, name: this.#names.claimedBy(connection), aheadMs, bytesRead },
      () => !this.#isDropped(connection),
    )
    const openPeerExchange = this.peerExchange?.sideChannel(connection, hasLeft)
    return send => {
      const statuses = openPresence(send)
      const addresses = openPeerExchange?.(send)
      return {
        receive: body => statuses.receive(body) ?? addresses?.receive(body),
        close: () => {
          statuses.close()
          addresses?.close()
        },
      }
    }
  }

  /** Whether the user knows the peer. A scuttleup peer has no key: it is known if the user named it. */
  #isKnown(connection: Connection): boolean {
    const { pins, log, members, direct } = this.#options
    const { remote } = connection
    const author = remote.kind === 'native' ? authorOf(remote.key) : undefined
    if (author === undefined) return this.#names.namedAs(connection) !== undefined
    return author === log.author || pins.isKnown(author) || (members ?? direct)?.isMember(author) === true
  }

  #toSamePeer(connection: Connection): readonly Connection[] {
    return this.#options.connections.connections.filter(other => isSamePeer(other, connection))
  }

  /** Whether a connection is being closed because the view is full. */
  #isDropped(connection: Connection): boolean {
    return this.peerExchange?.isClosing(connection) ?? false
  }
}
