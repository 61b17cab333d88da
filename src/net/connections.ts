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
import { startHeartbeat } from './heartbeat.js'
import type { Address } from './lan/address.js'
import { BROKEN_CHANNEL_MS, PONG_MS_MAX, READING_CHECK_MS, ROOMLESS_MS_MAX } from './limits.js'
import type { Listener, PeerSource } from './peer-source.js'
import type { ChannelCarrier, RoomChannels } from './room-channels.js'
import { type ConnectionId, type OpenConnection, Topology, type TopologyEffect } from './topology.js'
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

/** One proven connection to one peer, whatever network brought it. */
interface PeerConnection extends OpenConnection {
  readonly opened: Opened
  readonly openedAt: Millis
  /** Why it closes, once that is known. */
  closeReason: CloseReason
  /** Whether the topology accepted it. */
  isConnected: boolean
  /** Cancels the timer that closes the connection while there is no room in common. */
  cancelEnd: Cancel
  /** Cancels the next check whether the peer reads. */
  cancelCheck: Cancel
}

/** Name of the probe of a peer. No user's name looks like this. */
const PROBE = '@'

/**
 * The connections of a node, shared by its rooms: dials and redials, accepts, runs handshakes and heartbeats, keeps one per peer.
 * The data of a room goes through its `RoomChannels`.
 */
export class Connections implements ChannelCarrier {
  readonly clock: Clock
  readonly #options: ConnectionsOptions
  readonly #topology: Topology
  readonly #upgrader: Upgrader
  readonly #rooms = new Map<string, RoomChannels>()
  /** Rooms that are closed here but watched: `onWanted` runs when a peer opens one. */
  readonly #listed = new Set<{ readonly room: Uint8Array; readonly onWanted: () => void }>()
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
    this.#upgrader.offer(room.id, room.admits)
    for (const connection of this.#open.values()) this.#offerOn(connection, room)
  }

  readmit(room: RoomChannels): void {
    if (this.#rooms.get(hexOf(room.id)) !== room) return
    for (const { remote, opened } of [...this.#open.values()])
      if (opened.kind === 'sealed' && !(remote.kind === 'native' && room.admits(remote.key)))
        opened.multiplexer.withdraw(room.id)
    this.#upgrader.offer(room.id, room.admits)
    for (const connection of [...this.#open.values()]) this.#offerOn(connection, room)
  }

  leave(room: RoomChannels): void {
    const isPlain = room === this.#plainRoom
    this.#rooms.delete(hexOf(room.id))
    this.#upgrader.withdraw(room.id)
    for (const connection of [...this.#open.values()]) {
      const { opened } = connection
      if (opened.kind === 'sealed') opened.multiplexer.withdraw(room.id)
      else if (isPlain) this.#close(connection, 'closed')
    }
  }

  /** Calls `onWanted` when a peer opens or recalls a room that is closed here. Returns a function that stops listening. */
  list(room: Uint8Array, onWanted: () => void): () => void {
    const listed = { room, onWanted }
    this.#listed.add(listed)
    return () => void this.#listed.delete(listed)
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
    for (const connection of connections) this.#offerOn(connection, room)
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
    const connection = this.#open.get(id)
    if (connection !== undefined) this.#offerOn(connection, room)
  }

  recall(room: RoomChannels, id: ConnectionId): void {
    const connection = this.#open.get(id)
    if (connection?.opened.kind !== 'sealed') return
    connection.opened.multiplexer.withdraw(room.id)
    this.#offerOn(connection, room)
  }

  withdraw(room: RoomChannels, id: ConnectionId, reason: CloseReason, cooldownMs: Millis): void {
    const connection = this.#open.get(id)
    if (connection === undefined) return
    const { opened } = connection
    if (opened.kind === 'sealed') {
      opened.multiplexer.withdraw(room.id)
      if (opened.multiplexer.size > 0) return
    }
    this.#topology.cooldown(id, cooldownMs)
    this.#close(connection, reason)
  }

  reconnect(id: ConnectionId): void {
    this.#open.get(id)?.opened.stream.destroy()
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
    for (const { opened } of this.#open.values()) opened.stream.destroy()
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

  /** Scuttleup peers know no rooms: they connect only while their room is open and, if we dialled, only if that room did. */
  #admitsPlain(dialled: string | undefined): boolean {
    const room = this.#plainRoom
    return room !== undefined && (dialled === undefined || room.dials(dialled))
  }

  get #plainRoom(): RoomChannels | undefined {
    const { room } = this.#options.plain
    return room && this.#rooms.get(hexOf(room))
  }

  #opened(opened: Opened, dialled: Dialled | undefined): void {
    const { remote, stream } = opened
    const connection: PeerConnection = {
      id: this.#nextId++,
      remote,
      dialled: dialled?.isProbe ? undefined : dialled?.name,
      probed: dialled?.isProbe ? dialled.name : undefined,
      remoteAddress: stream.remoteAddress,
      opened,
      openedAt: this.clock.now(),
      closeReason: 'closed',
      isConnected: false,
      cancelEnd: () => {},
      cancelCheck: () => {},
    }
    this.#open.set(connection.id, connection)
    stream.once('close', () => this.#closed(connection))
    if (opened.kind === 'sealed')
      opened.multiplexer
        .on('channel', room => this.#channelOpened(connection, this.#rooms.get(room)))
        .on('channel-broken', room => this.#channelBroke(connection, this.#rooms.get(room)))
        .on('channel-closed', room => this.#channelClosed(connection, this.#rooms.get(room)))
        .on('rooms', () => this.#update())
        .once('violation', () => this.#close(connection, 'protocol-violated'))
    this.#perform(this.#topology.opened(connection))
    if (stream.destroyed) return
    startHeartbeat(stream, remote, this.clock, reason => {
      connection.closeReason = reason
    })
    connection.cancelCheck = this.clock.after(READING_CHECK_MS, () => this.#checkReading(connection))
  }

  /** Whatever arrives counts as an answer: peers of earlier versions send no pong. */
  #ping({ id, opened }: PeerConnection): void {
    if (opened.kind !== 'sealed') return
    const { stream, multiplexer } = opened
    const { bytesRead } = stream
    const answered = (isAlive: boolean): void => {
      end()
      this.#perform(this.#topology.answered(id, isAlive))
    }
    const onPong = (): void => answered(true)
    const end = (): void => {
      cancel()
      multiplexer.off('pong', onPong).off('closed', end)
    }
    const cancel = this.clock.after(PONG_MS_MAX, () => answered(stream.bytesRead > bytesRead))
    multiplexer.on('pong', onPong).on('closed', end).ping()
  }

  /** Closes what the peer does not read: the connection, or one of several rooms on it. */
  #checkReading(connection: PeerConnection): void {
    const { id, opened } = connection
    if (opened.kind !== 'sealed') return
    for (const unread of opened.multiplexer.unreadAfter(READING_CHECK_MS)) {
      const room = this.#rooms.get(unread)
      if (room === undefined || opened.multiplexer.size === 1) return void this.#close(connection, 'not-reading')
      room.drop(id, 'not-reading', BROKEN_CHANNEL_MS)
    }
    connection.cancelCheck = this.clock.after(READING_CHECK_MS, () => this.#checkReading(connection))
  }

  /** The topology accepted a connection: its rooms may use it. */
  #connected(connection: PeerConnection): void {
    connection.isConnected = true
    for (const room of [...this.#rooms.values()]) this.#channelOpened(connection, room)
    if (connection.probed !== undefined) this.#probeEnded(connection.probed)
    for (const room of this.#rooms.values()) this.#offerOn(connection, room)
    this.#update()
  }

  #offerOn({ opened, remote }: PeerConnection, room: RoomChannels): void {
    if (opened.kind === 'sealed' && remote.kind === 'native' && room.admits(remote.key))
      opened.multiplexer.offer([room.id])
  }

  #roomsFor(key: string): Uint8Array[] {
    return [...this.#rooms.values()].filter(room => room.admits(key)).map(({ id }) => id)
  }

  #roomsNamed(multiplexer: Multiplexer): void {
    for (const { room, onWanted } of [...this.#listed]) if (multiplexer.isNewlyOffered(room)) onWanted()
  }

  #channelOpened(connection: PeerConnection, room: RoomChannels | undefined): void {
    const { id, remote, dialled, remoteAddress, opened, isConnected } = connection
    if (room === undefined || !isConnected) return
    const plain = opened.kind === 'plain' && room === this.#plainRoom ? opened.stream : undefined
    const stream = opened.kind === 'sealed' ? opened.multiplexer.channelOf(room.id) : plain
    if (stream === undefined) return
    connection.cancelEnd()
    room.opened({ id, remote, dialled, probed: connection.probed?.slice(PROBE.length), remoteAddress, stream })
  }

  /**
   * A room whose channel broke, for example by a malformed frame, cools down on this connection; other rooms are unaffected. If the
   * connection has no other room, it is closed, and a new one starts over.
   */
  #channelBroke(connection: PeerConnection, room: RoomChannels | undefined): void {
    const { id, opened } = connection
    const isAlone = opened.kind === 'sealed' && opened.multiplexer.size === 1
    if (room === undefined || isAlone) this.#close(connection, connection.closeReason)
    else room.drop(id, 'protocol-violated', BROKEN_CHANNEL_MS)
  }

  /** A connection without a room in common is kept for a while: the room may be opened again. */
  #channelClosed(connection: PeerConnection, room: RoomChannels | undefined): void {
    const { id, opened } = connection
    if (opened.kind === 'sealed' && opened.multiplexer.size === 0 && !opened.stream.destroyed) {
      connection.cancelEnd()
      connection.cancelEnd = this.clock.after(ROOMLESS_MS_MAX, () => this.#close(connection, 'closed'))
    }
    if (room === undefined) return
    room.closed(id, 'closed')
    if (opened.kind === 'sealed' && opened.multiplexer.offers(room.id)) room.left(id)
  }

  #close(connection: PeerConnection, reason: CloseReason): void {
    connection.closeReason = reason
    connection.opened.stream.destroy()
  }

  #closed(connection: PeerConnection): void {
    const { id, opened, closeReason, openedAt } = connection
    connection.cancelEnd()
    connection.cancelCheck()
    this.#open.delete(id)
    if (this.#isClosed) return
    const effects = this.#topology.closed(id, this.clock.now() - openedAt)
    const fault = opened.kind === 'sealed' ? opened.stream.fault : undefined
    for (const room of [...this.#rooms.values()]) {
      room.closed(id, closeReason === 'closed' ? (fault ?? 'closed') : closeReason)
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
      case 'close': {
        const connection = this.#open.get(effect.connection)
        if (connection !== undefined) this.#close(connection, effect.reason)
        break
      }
      case 'connected': {
        const connection = this.#open.get(effect.connection)
        if (connection !== undefined) this.#connected(connection)
        break
      }
      case 'ping': {
        const connection = this.#open.get(effect.connection)
        if (connection !== undefined) this.#ping(connection)
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
