import { setMaxListeners } from 'node:events'
import type { Cancel, Clock, Millis } from '../base/clock.js'
import type { KeyPair } from '../base/crypto/signing.js'
import type { Random } from '../base/random.js'
import { hexOf } from '../base/wire/bytes.js'
import { STRANGER_ROOMS_MAX } from './channels/limits.js'
import type { Multiplexer } from './channels/multiplexer.js'
import { dialFailureOf } from './dial-failure.js'
import type { DialAttempt } from './dial-target.js'
import type { CloseReason, NetEvent } from './events.js'
import type { Address } from './lan/address.js'
import { BROKEN_CHANNEL_MS } from './limits.js'
import { PeerConnection } from './peer-connection.js'
import type { Listener, PeerSource } from './peer-source.js'
import type { ChannelCarrier, RoomChannels } from './room-channels.js'
import { type ConnectionId, Topology, type TopologyEffect } from './topology.js'
import { type Dialled, type Opened, type PlainPolicy, type ProvenPeer, Upgrader } from './upgrader.js'

export interface ConnectionsOptions {
  /** Our address, as announced to peers. */
  readonly me: string
  /** The key that is proven to every native peer. */
  readonly keys: KeyPair
  readonly plain: PlainPolicy
  /** Whether the user knows a key, in hex. Default: none. */
  readonly isKnown?: ((key: string) => boolean) | undefined
  readonly source: PeerSource
  readonly clock: Clock
  readonly random: Random
}

/** Prefix of the name of a probe. No user's name begins with it. */
const PROBE = '@'

/**
 * The connections of a node, shared by its rooms: dials and redials, accepts, runs handshakes and heartbeats, closes duplicates. The frames
 * of a room go through its `RoomChannels`.
 */
export class Connections implements ChannelCarrier {
  readonly clock: Clock
  readonly #options: ConnectionsOptions
  readonly #topology: Topology
  readonly #upgrader: Upgrader
  readonly #rooms = new Map<string, RoomChannels>()
  /** The same rooms by the ids of their file channels. */
  readonly #files = new Map<string, RoomChannels>()
  /** Rooms that are closed here but watched: `onWanted` runs when a peer opens one. */
  readonly #watched = new Set<{ readonly room: Uint8Array; readonly onWanted: () => void }>()
  readonly #open = new Map<ConnectionId, PeerConnection>()
  readonly #retries = new Map<string, Cancel>()
  readonly #dials = new AbortController()
  readonly #probes = new Set<string>()
  #listener: Listener | undefined
  #nextId: ConnectionId = 1
  #me: string
  #isClosed = false
  #onProven: ((peer: ProvenPeer) => void) | undefined

  constructor(options: ConnectionsOptions) {
    this.#options = options
    this.clock = options.clock
    this.#me = options.me
    setMaxListeners(0, this.#dials.signal)
    this.#upgrader = new Upgrader({
      ...options,
      plain: { ...options.plain, admits: dialled => this.#admitsPlain(dialled) },
      rooms: key => this.#roomsFor(key).slice(0, STRANGER_ROOMS_MAX),
      onProven: peer => this.#onProven?.(peer),
      onOpened: (opened, dialled) => this.#opened(opened, dialled),
      onRooms: multiplexer => this.#roomsNamed(multiplexer),
      onRoomless: ({ name }) => this.#perform(this.#topology.roomless(name)),
      onDialFailed: ({ name }, reason, remoteAddress) =>
        this.#perform(this.#topology.failed(name, { reason }, remoteAddress)),
      onOlderVersion: address => this.#report({ kind: 'older-version', address }),
    })
    const { instance } = this.#upgrader
    this.#topology = new Topology(
      hexOf(instance),
      hexOf(options.keys.publicKey),
      () => options.random.number(),
      options.isKnown,
    )
  }

  /** Our address, as announced to peers. */
  get me(): string {
    return this.#me
  }

  /**
   * Accepts connections. Rejects with SWARM_PORT_TAKEN or SWARM_LISTEN_FAILED. Resolves with the port; port 0 picks a free one, which
   * then replaces the port in our address.
   */
  async listen(host: string | undefined, port: number): Promise<number> {
    this.#listener = await this.#options.source.listen(host, port, raw => this.#upgrader.accept(raw, this.#me))
    if (port === 0) this.#me = this.#me.replace(/\d+$/, String(this.#listener.port))
    return this.#listener.port
  }

  /** Calls `listener` with every peer that proves its key from now on, before rooms are named. */
  onProven(listener: (peer: ProvenPeer) => void): void {
    this.#onProven = listener
  }

  enter(room: RoomChannels): void {
    this.#rooms.set(hexOf(room.id), room)
    this.#files.set(hexOf(room.filesId), room)
    this.#upgrader.offer(room.id, room.admits)
    for (const connection of this.#open.values()) connection.offer(room)
  }

  updateAdmission(room: RoomChannels): void {
    if (this.#rooms.get(hexOf(room.id)) !== room) return
    for (const connection of [...this.#open.values()]) if (!connection.isAdmittedTo(room)) connection.withdraw(room)
    this.#upgrader.offer(room.id, room.admits)
    for (const connection of [...this.#open.values()]) connection.offer(room)
  }

  leave(room: RoomChannels): void {
    const isPlain = room === this.#plainRoom
    this.#rooms.delete(hexOf(room.id))
    this.#files.delete(hexOf(room.filesId))
    this.#upgrader.withdraw(room.id)
    for (const connection of [...this.#open.values()]) {
      connection.withdraw(room)
      if (isPlain && connection.multiplexer === undefined) connection.close('closed')
    }
  }

  /** Calls `onWanted` when a peer opens or recalls a room that is closed here. Returns a function that stops listening. */
  watch(room: Uint8Array, onWanted: () => void): () => void {
    const watched = { room, onWanted }
    this.#watched.add(watched)
    return () => void this.#watched.delete(watched)
  }

  dial(name: string, address: Address): void {
    this.#perform(this.#topology.add(name, address))
  }

  probe(room: RoomChannels, id: string, address: Address): void {
    const connections = [...this.#open.values()].filter(
      ({ remote }) => remote.kind === 'native' && remote.key.startsWith(id),
    )
    if (connections.length === 0) {
      this.#probes.add(PROBE + id)
      this.#perform(this.#topology.probe(PROBE + id, address))
      return
    }
    for (const connection of connections) connection.offer(room)
    room.probeEnded(id)
  }

  undial(name: string): void {
    if (![...this.#rooms.values()].some(room => room.dials(name))) this.#perform(this.#topology.remove(name))
  }

  retryNow(name: string): void {
    this.#perform(this.#topology.retryNow(name))
  }

  attemptAt(name: string): DialAttempt | undefined {
    return this.#topology.attemptAt(name)
  }

  connectionsTo(name: string, { admits }: RoomChannels): readonly ConnectionId[] {
    return this.#topology.connectionsTo(name).filter(id => {
      const remote = this.#open.get(id)?.remote
      return remote?.kind !== 'native' || admits(remote.key)
    })
  }

  offer(room: RoomChannels, id: ConnectionId): void {
    this.#open.get(id)?.offer(room)
  }

  recall(room: RoomChannels, id: ConnectionId): void {
    const connection = this.#open.get(id)
    connection?.withdraw(room)
    connection?.offer(room)
  }

  openFiles(room: RoomChannels, id: ConnectionId): void {
    this.#open.get(id)?.offerFiles(room)
  }

  withdraw(room: RoomChannels, id: ConnectionId, reason: CloseReason, cooldownMs: Millis): void {
    const connection = this.#open.get(id)
    if (connection === undefined) return
    const { multiplexer } = connection
    connection.withdraw(room)
    if (multiplexer !== undefined && multiplexer.size > 0) return
    this.#topology.cooldown(id, cooldownMs)
    connection.close(reason)
  }

  reconnect(id: ConnectionId): void {
    this.#open.get(id)?.stream.destroy()
  }

  /** Redials all peers that are cooling down. */
  clearCooldowns(): void {
    this.#perform(this.#topology.clearCooldowns())
  }

  /** Redials all waiting peers. */
  networkChanged(): void {
    this.#perform(this.#topology.networkChanged())
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const cancel of this.#retries.values()) cancel()
    this.#dials.abort()
    this.#upgrader.close()
    for (const { stream } of this.#open.values()) stream.destroy()
    await this.#listener?.close()
  }

  async #dial(dialled: Dialled): Promise<void> {
    try {
      const raw = await this.#options.source.dial(dialled.address, this.#dials.signal)
      if (this.#isClosed) raw.destroy()
      else this.#upgrader.upgrade(raw, this.#me, dialled)
    } catch (error) {
      this.#perform(this.#topology.failed(dialled.name, dialFailureOf(error)))
    }
  }

  /** Scuttleup peers know no rooms: they connect only while their room is open and, if we dialled them, only if that room dialled. */
  #admitsPlain(dialled: string | undefined): boolean {
    const room = this.#plainRoom
    return room !== undefined && (dialled === undefined || room.dials(dialled))
  }

  get #plainRoom(): RoomChannels | undefined {
    const { room } = this.#options.plain
    return room && this.#rooms.get(hexOf(room))
  }

  #opened(opened: Opened, dialled: Dialled | undefined): void {
    const connection = new PeerConnection(this.#nextId++, opened, dialled, this.clock)
    const { id, stream, multiplexer } = connection
    this.#open.set(id, connection)
    stream.once('close', () => this.#closed(connection))
    multiplexer
      ?.on('channel', (room, channel) => {
        if (this.#files.has(room)) this.#files.get(room)?.filesOpened(id, channel)
        else this.#channelOpened(connection, this.#rooms.get(room))
      })
      .on('channel-broken', room => {
        if (this.#files.has(room)) connection.refuseFiles(this.#files.get(room))
        else this.#channelBroke(connection, this.#rooms.get(room))
      })
      .on('channel-closed', room => {
        if (!this.#files.has(room)) this.#channelClosed(connection, this.#rooms.get(room))
        else if (multiplexer.size === 0 && !stream.destroyed) connection.closeSoon()
      })
      .on('rooms', () => {
        this.#openOfferedFiles(connection)
        this.#update()
      })
      .once('violation', () => connection.close('protocol-violated'))
    this.#perform(this.#topology.opened(connection))
    if (stream.destroyed) return
    connection.watch(unread => {
      const room = this.#rooms.get(unread)
      if (this.#files.has(unread)) connection.refuseFiles(this.#files.get(unread))
      else if (room === undefined) connection.close('not-reading')
      else room.drop(id, 'not-reading', BROKEN_CHANNEL_MS)
    })
  }

  /** The topology accepted a connection: rooms may use it now. */
  #connected(connection: PeerConnection): void {
    connection.isConnected = true
    for (const room of [...this.#rooms.values()]) this.#channelOpened(connection, room)
    if (connection.probed !== undefined) this.#probeEnded(connection.probed)
    for (const room of this.#rooms.values()) connection.offer(room)
    this.#update()
  }

  #roomsFor(key: string): Uint8Array[] {
    return [...this.#rooms.values()].filter(room => room.admits(key)).map(({ id }) => id)
  }

  #roomsNamed(multiplexer: Multiplexer): void {
    for (const { room, onWanted } of [...this.#watched]) if (multiplexer.isNewlyOffered(room)) onWanted()
  }

  #channelOpened(connection: PeerConnection, room: RoomChannels | undefined): void {
    const { id, remote, dialled, remoteAddress, multiplexer, isConnected } = connection
    if (room === undefined || !isConnected) return
    const plain = multiplexer === undefined && room === this.#plainRoom ? connection.stream : undefined
    const stream = multiplexer?.channelOf(room.id) ?? plain
    if (stream === undefined) return
    connection.keep()
    room.opened({ id, remote, dialled, probed: connection.probed?.slice(PROBE.length), remoteAddress, stream })
    connection.openOfferedFiles(room)
  }

  /** The other side named its rooms: opens the file channels that it has opened. */
  #openOfferedFiles(connection: PeerConnection): void {
    for (const room of this.#rooms.values()) connection.openOfferedFiles(room)
  }

  /**
   * A room whose channel broke, for example by a malformed frame, cools down on this connection; other rooms are unaffected. If the
   * connection has no other room, it is closed and redialled.
   */
  #channelBroke(connection: PeerConnection, room: RoomChannels | undefined): void {
    if (room === undefined || connection.multiplexer?.size === 1) connection.close()
    else room.drop(connection.id, 'protocol-violated', BROKEN_CHANNEL_MS)
  }

  #channelClosed(connection: PeerConnection, room: RoomChannels | undefined): void {
    const { id, stream, multiplexer } = connection
    if (multiplexer?.size === 0 && !stream.destroyed) connection.closeSoon()
    if (room === undefined) return
    multiplexer?.withdraw(room.filesId)
    room.closed(id, 'closed')
    if (multiplexer?.offers(room.id)) room.left(id)
  }

  #closed(connection: PeerConnection): void {
    const { id, ageMs, closeReason } = connection
    this.#open.delete(id)
    if (this.#isClosed) return
    const effects = this.#topology.closed(id, ageMs)
    for (const room of [...this.#rooms.values()]) {
      room.closed(id, closeReason)
      room.ended(id)
    }
    this.#perform(effects)
  }

  #probeEnded(name: string): void {
    this.#probes.delete(name)
    for (const room of [...this.#rooms.values()]) room.probeEnded(name.slice(PROBE.length))
  }

  #report(event: NetEvent, isFor: (room: RoomChannels) => boolean = () => true): void {
    for (const room of [...this.#rooms.values()]) if (isFor(room)) room.emit('event', event)
  }

  #update(): void {
    for (const room of [...this.#rooms.values()]) room.update()
  }

  #perform(effects: readonly TopologyEffect[]): void {
    if (this.#isClosed) return
    for (const effect of effects) this.#performOne(effect)
    if (effects.length > 0) this.#update()
  }

  #performOne(effect: TopologyEffect): void {
    switch (effect.kind) {
      case 'dial':
        void this.#dial({ name: effect.peer, address: effect.address, isProbe: this.#probes.has(effect.peer) })
        break
      case 'retry': {
        const { peer, delayMs } = effect
        this.#retries.set(
          peer,
          this.clock.after(delayMs, () => this.#perform(this.#topology.due(peer))),
        )
        break
      }
      case 'cancel-retry':
        this.#retries.get(effect.peer)?.()
        break
      case 'close':
        this.#open.get(effect.connection)?.close(effect.reason)
        break
      case 'connected': {
        const connection = this.#open.get(effect.connection)
        if (connection !== undefined) this.#connected(connection)
        break
      }
      case 'ping': {
        const id = effect.connection
        this.#open.get(id)?.ping(isAlive => this.#perform(this.#topology.answered(id, isAlive)))
        break
      }
      case 'probe-failed':
        this.#probeEnded(effect.peer)
        break
      case 'report': {
        const { event } = effect
        this.#report(event, room => room.dials(event.name))
      }
    }
  }
}
