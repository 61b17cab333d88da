import { EventEmitter } from 'node:events'
import type { Cancel, Clock, Millis } from '../base/clock.js'
import { HASH_BYTES, keyedHash } from '../base/crypto/hash.js'
import { utf8 } from '../base/wire/bytes.js'
import type { DialAttempt } from './dial-target.js'
import type { CloseReason, NetEvent } from './events.js'
import type { Remote } from './handshake/effects.js'
import type { Address } from './lan/address.js'
import { RECALL_MS } from './limits.js'
import type { RawConnection } from './peer-source.js'
import type { ConnectionId } from './topology.js'

/** A connection as one room uses it. */
export interface Connection {
  readonly id: ConnectionId
  readonly remote: Remote
  /** Name of the peer that we dialled; undefined for an inbound connection and for a probe. */
  readonly dialled: string | undefined
  /** Whether the dialled peer was discovered, and not named by the user in this room. */
  readonly isDiscovered?: boolean
  /** The id that this room probed for, if its probe opened the connection. */
  readonly probed?: string | undefined
  /** Network address of the other end, without a port. */
  readonly remoteAddress: string
  /**
   * The byte stream of the room: a channel of a sealed connection, or the plain connection to a scuttleup peer. Writers write whole frames,
   * and readers read whole frames. Destroying it closes the connection, or this room on it if other rooms use it.
   */
  readonly stream: RawConnection
}

export interface RoomChannelsEvents {
  /** The room's channel opened. The listener has to read its stream. */
  connection: [Connection]
  /** The file channel of a connection opened. The listener has to read it. */
  files: [Connection, RawConnection]
  /** The room's channel closed, and why. */
  disconnection: [Connection, CloseReason]
  /** Something to report to the user. */
  event: [NetEvent]
  /** A probe found nobody in the room. */
  'probe-failed': [string]
  /** Channels or dial attempts changed. */
  change: []
}

/** The connections that carry the channels of a room, as the room uses them. */
export interface ChannelCarrier {
  readonly me: string
  readonly clock: Clock
  /** Adds a room. Calls `opened` for every connection on which it has a channel, now and later. */
  enter(room: RoomChannels): void
  /** Removes a room, and closes its channels. */
  leave(room: RoomChannels): void
  /** Dials and redials a peer until no room dials it. */
  dial(name: string, address: Address): void
  /** Dials once, unless there is a connection to the peer whose key begins with `id`. Calls `probeEnded`. */
  probe(room: RoomChannels, id: string, address: Address): void
  /** Stops dialling a peer that no room dials any more. */
  undial(name: string): void
  retryNow(name: string): void
  attemptAt(name: string): DialAttempt | undefined
  /** The connections to a dialled peer that may be in a room. */
  connectionsTo(name: string, room: RoomChannels): readonly ConnectionId[]
  /** Offers a room on each connection to a peer that the room admits, and withdraws it from the others. */
  updateAdmission(room: RoomChannels): void
  /** Offers a room on a connection again. */
  offer(room: RoomChannels, id: ConnectionId): void
  /** Offers a room once more to a peer that has closed it. */
  recall(room: RoomChannels, id: ConnectionId): void
  /** Opens the file channel of a room on a connection, unless it is open. */
  openFiles(room: RoomChannels, id: ConnectionId): void
  /** Withdraws a room from a connection. Closes the connection if no other room uses it, and does not redial its peer for `cooldownMs`. */
  withdraw(room: RoomChannels, id: ConnectionId, reason: CloseReason, cooldownMs: Millis): void
  /** Closes a connection. A new connection replaces it if the peer is dialled. */
  reconnect(id: ConnectionId): void
  clearCooldowns(): void
}

const FILES = utf8('persisted-chat/files/1')

const filesIdOf = (room: Uint8Array): Uint8Array => keyedHash(room, HASH_BYTES, FILES)

/** A peer that a room dials. */
interface Target {
  readonly address: Address
  readonly isDiscovered: boolean
  /** Whether an event has reported that the peer is connected, but not in this room. */
  isReportedElsewhere: boolean
}

/** One room on the connections of its node: its channels, and the peers that it dials. Closing it leaves the connections to other rooms. */
export class RoomChannels extends EventEmitter<RoomChannelsEvents> {
  readonly id: Uint8Array
  /** Names the file channel of the room, as `id` names its channel. */
  readonly filesId: Uint8Array
  readonly admits: (key: string) => boolean
  readonly #carrier: ChannelCarrier
  readonly #open = new Map<ConnectionId, Connection>()
  readonly #targets = new Map<string, Target>()
  readonly #probes = new Set<string>()
  /** Connections from which the room is withdrawn for a while. */
  readonly #cooldowns = new Map<ConnectionId, Cancel>()
  /** Connections whose other side has closed the room. */
  readonly #left = new Set<ConnectionId>()
  #recalls: 'no' | 'just-done' | 'again' = 'no'
  #cancelRecall: Cancel = () => {}

  /** `admits` decides by key whether a peer may learn of the room. Default: everyone may. */
  constructor(id: Uint8Array, carrier: ChannelCarrier, admits: (key: string) => boolean = () => true) {
    super()
    this.id = id
    this.filesId = filesIdOf(id)
    this.admits = admits
    this.#carrier = carrier
  }

  /** Our address, as announced to peers. */
  get me(): string {
    return this.#carrier.me
  }

  /** Connections with a channel of this room, without duplicates that are about to be closed. */
  get connections(): readonly Connection[] {
    return [...this.#open.values()]
  }

  /** Peers that are dialled without success, or are connected but not in this room. */
  get dialAttempts(): readonly DialAttempt[] {
    return [...this.#targets].flatMap(([name, { address }]) => {
      if (!this.#isElsewhere(name)) return this.#carrier.attemptAt(name) ?? []
      return { name, address, tries: 1, reason: 'other-room' as const }
    })
  }

  /** Opens its channels. */
  open(): void {
    this.#carrier.enter(this)
  }

  /** Whether it dials the peer of a name. */
  dials(name: string): boolean {
    return this.#targets.has(name)
  }

  /** Whether the user named any peer in this room. */
  get hasNamed(): boolean {
    return [...this.#targets.values()].some(({ isDiscovered }) => !isDiscovered)
  }

  /** Whether the user named a peer in this room. */
  isNamed(name: string): boolean {
    return this.#targets.get(name)?.isDiscovered === false
  }

  /** Dials a peer and redials it until it is removed. `name` is the user's name for it, or its announced name. */
  add(name: string, address: Address, isDiscovered = false): void {
    const known = this.#targets.get(name)
    this.#targets.set(name, { address, isDiscovered, isReportedElsewhere: known?.isReportedElsewhere ?? false })
    this.#carrier.dial(name, address)
    for (const id of this.#carrier.connectionsTo(name, this)) this.#endCooldown(id)
    this.update()
  }

  /** Dials once. A failure is emitted as `probe-failed`. A connection that it opens is not redialled. */
  probe(id: string, address: Address): void {
    this.#probes.add(id)
    this.#carrier.probe(this, id, address)
  }

  /** Stops dialling a peer. An open channel stays open. */
  remove(name: string): void {
    if (this.#targets.delete(name)) this.#carrier.undial(name)
  }

  /** Redials a waiting peer at once. */
  retryNow(name: string): void {
    this.#carrier.retryNow(name)
  }

  /** Closes the room's channel of a connection, and does not open it again for a while. */
  drop(id: ConnectionId, reason: CloseReason, cooldownMs: Millis): void {
    if (!this.#open.has(id)) return
    this.#cooldowns.get(id)?.()
    this.#cooldowns.set(
      id,
      this.#carrier.clock.after(cooldownMs, () => this.#endCooldown(id)),
    )
    this.#carrier.withdraw(this, id, reason, cooldownMs)
  }

  /** Ends all cooldowns, and redials the peers that are cooling down. */
  clearCooldowns(): void {
    for (const id of [...this.#cooldowns.keys()]) this.#endCooldown(id)
    this.#carrier.clearCooldowns()
  }

  /** Closes the room's channels of some connections. A connection that no other room uses is closed. */
  disconnect(which: (connection: Connection) => boolean): void {
    for (const connection of this.connections)
      if (which(connection)) this.#carrier.withdraw(this, connection.id, 'closed', 0)
  }

  /** Opens the file channel of each connection to a native peer. The other side opens it too, unless its version has none. */
  openFiles(): void {
    for (const { id } of this.connections) this.#carrier.openFiles(this, id)
  }

  /** The room has new entries: asks peers that closed it in favour of another room to open it again. */
  recall(): void {
    if (this.#left.size === 0) return
    if (this.#recalls !== 'no') {
      this.#recalls = 'again'
      return
    }
    for (const id of this.#left) this.#carrier.recall(this, id)
    this.#recalls = 'just-done'
    this.#cancelRecall = this.#carrier.clock.after(RECALL_MS, () => {
      const isDue = this.#recalls === 'again'
      this.#recalls = 'no'
      if (isDue) this.recall()
    })
  }

  /** Closes connections, by default all. Peers that are dialled are redialled at once. */
  reconnect(which: (connection: Connection) => boolean = () => true): void {
    for (const connection of this.connections) if (which(connection)) this.#carrier.reconnect(connection.id)
  }

  /** The admitted peers changed: opens the channels of newly admitted peers, and closes the channels of the others at once. */
  updateAdmission(): void {
    this.#carrier.updateAdmission(this)
  }

  /** Closes all channels. The connections stay open for other rooms. */
  close(): void {
    for (const cancel of this.#cooldowns.values()) cancel()
    this.#cooldowns.clear()
    this.#left.clear()
    this.#cancelRecall()
    this.#open.clear()
    this.#carrier.leave(this)
    const names = [...this.#targets.keys()]
    this.#targets.clear()
    for (const name of names) this.#carrier.undial(name)
  }

  // The methods below are called by the carrier.

  /** A channel opened on a connection. `dialled` and `probed` may come from another room. */
  opened(connection: Omit<Connection, 'isDiscovered'>): void {
    const { id, dialled, probed } = connection
    if (this.#open.has(id)) return
    const isProbed = probed !== undefined && this.#probes.delete(probed)
    const target = dialled === undefined ? undefined : this.#targets.get(dialled)
    const opened = {
      ...connection,
      isDiscovered: dialled !== undefined && (target?.isDiscovered ?? true),
      probed: isProbed ? probed : undefined,
    }
    if (target !== undefined) target.isReportedElsewhere = false
    this.#open.set(id, opened)
    this.#left.delete(id)
    this.emit('connection', opened)
    this.emit('change')
  }

  /** The file channel of a connection opened. Without a listener it is closed. */
  filesOpened(id: ConnectionId, stream: RawConnection): void {
    const connection = this.#open.get(id)
    if (connection === undefined || !this.emit('files', connection, stream)) stream.destroy()
  }

  /** The channel of a connection closed, with the connection or without. */
  closed(id: ConnectionId, reason: CloseReason): void {
    const connection = this.#open.get(id)
    if (connection === undefined) return
    this.#open.delete(id)
    const target = this.#targets.get(connection.dialled ?? '')
    if (target !== undefined) target.isReportedElsewhere = true
    this.emit('disconnection', connection, reason)
    this.emit('change')
  }

  /** The other side closed the channel of a connection, and not the connection. */
  left(id: ConnectionId): void {
    this.#left.add(id)
  }

  /** A connection closed. */
  ended(id: ConnectionId): void {
    this.#left.delete(id)
    this.#cooldowns.get(id)?.()
    this.#cooldowns.delete(id)
  }

  /** A probe of any room is over; it may have opened the room's channel before. */
  probeEnded(id: string): void {
    if (this.#probes.delete(id)) this.emit('probe-failed', id)
  }

  /** Reports dialled peers that are connected but not in this room: each peer once, and none that was in it before. */
  update(): void {
    for (const [name, target] of this.#targets) {
      const { address } = target
      if (target.isReportedElsewhere || !this.#isElsewhere(name)) continue
      target.isReportedElsewhere = true
      this.emit('event', { kind: 'dial-failed', name, address, tries: 1, reason: 'other-room' })
    }
    this.emit('change')
  }

  /** Whether a dialled peer is connected, but not in this room. */
  #isElsewhere(name: string): boolean {
    const connections = this.#carrier.connectionsTo(name, this)
    return connections.length > 0 && !connections.some(id => this.#open.has(id) || this.#cooldowns.has(id))
  }

  #endCooldown(id: ConnectionId): void {
    this.#cooldowns.get(id)?.()
    this.#cooldowns.delete(id)
    this.#carrier.offer(this, id)
  }
}
