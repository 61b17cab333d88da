import { EventEmitter, setMaxListeners } from 'node:events'
import type { Cancel, Clock, Millis } from '../base/clock.js'
import type { KeyPair } from '../base/crypto/signing.js'
import type { Random } from '../base/random.js'
import { hexOf } from '../base/wire/bytes.js'
import { dialFailureOf } from './dial-failure.js'
import type { DialAttempt } from './dial-target.js'
import type { CloseReason, NetEvent } from './events.js'
import type { Remote } from './handshake/effects.js'
import { startHeartbeat } from './heartbeat.js'
import type { Address } from './lan/address.js'
import type { Listener, PeerSource, RawConnection } from './peer-source.js'
import { type ConnectionId, Topology, type TopologyEffect } from './topology.js'
import { type Dialled, type Opened, type PlainPolicy, Upgrader } from './upgrader.js'

export interface ConnectionsOptions {
  /** Our address, as announced to peers. */
  readonly me: string
  readonly room: Uint8Array
  /** The key that is proven to every native peer. */
  readonly keys: KeyPair
  readonly plain: PlainPolicy
  readonly source: PeerSource
  readonly clock: Clock
  readonly random: Random
}

/** One proven connection to one peer, whatever network brought it. */
export interface Connection {
  readonly id: ConnectionId
  readonly remote: Remote
  /** Name of the peer that we dialled; undefined for an inbound connection and for a probe. */
  readonly dialled: string | undefined
  /** Whether the dialled peer was discovered, and not named by the user. */
  readonly isDiscovered?: boolean
  /** Name of the probe that opened it. */
  readonly probed?: string | undefined
  /** Network address of the other end, without a port. */
  readonly remoteAddress: string
  /**
   * The byte stream of the room: a channel of a sealed connection, or the plain connection to a scuttleup peer. Whole frames have to
   * be written to it, and come out of it. Destroying it closes the connection.
   */
  readonly stream: RawConnection
}

export interface ConnectionsEvents {
  /** A connection opened. The listener has to read its stream. */
  connection: [Connection]
  /** A connection closed, and why. */
  disconnection: [Connection, CloseReason]
  /** Something to report to the user. */
  event: [NetEvent]
  /** A probe found nobody: its name. */
  'probe-failed': [string]
  /** Connections or dial attempts changed. */
  change: []
}

interface OpenEntry {
  readonly connection: Connection
  readonly opened: Opened
  /** Why it closes, once that is known. */
  closeReason: CloseReason
  /** Whether the topology accepted it, and `connection` was emitted. */
  isConnected: boolean
}

/** Keeps connections to peers: dials, accepts, runs handshakes and heartbeats, one connection per peer, redials. */
export class Connections extends EventEmitter<ConnectionsEvents> {
  readonly #options: ConnectionsOptions
  readonly #topology: Topology
  readonly #upgrader: Upgrader
  readonly #open = new Map<ConnectionId, OpenEntry>()
  readonly #retries = new Map<string, Cancel>()
  readonly #dials = new AbortController()
  #listener: Listener | undefined
  /** Names of dialled peers that the user did not name. */
  readonly #discovered = new Set<string>()
  readonly #probes = new Set<string>()
  #nextId: ConnectionId = 1
  #me: string
  #isClosed = false

  constructor(options: ConnectionsOptions) {
    super()
    this.#options = options
    this.#me = options.me
    setMaxListeners(0, this.#dials.signal)
    this.#upgrader = new Upgrader({
      ...options,
      rooms: () => [options.room],
      onOpened: (opened, dialled) => this.#opened(opened, dialled?.name),
      onDialFailed: ({ name }, reason, remoteAddress) =>
        this.#perform(this.#topology.failed(name, { reason }, remoteAddress)),
      onOlderVersion: address => this.emit('event', { kind: 'older-version', address }),
    })
    const { instance } = this.#upgrader
    this.#topology = new Topology(hexOf(instance), hexOf(options.keys.publicKey), () => options.random.number())
  }

  /** How long this process has been running. */
  get ageMs(): Millis {
    return this.#upgrader.ageMs
  }

  /** Our address, as announced to peers. */
  get me(): string {
    return this.#me
  }

  /** Open connections, without duplicates that are about to be closed. */
  get connections(): readonly Connection[] {
    return [...this.#open.values()].filter(({ isConnected }) => isConnected).map(({ connection }) => connection)
  }

  /** Peers that are dialled without success. */
  get dialAttempts(): readonly DialAttempt[] {
    return this.#topology.dialAttempts
  }

  /**
   * Accepts connections. Rejects with SWARM_PORT_TAKEN or SWARM_LISTEN_FAILED. Gives the port: for port 0 a free one, which then
   * replaces the one in our address.
   */
  async listen(host: string | undefined, port: number): Promise<number> {
    this.#listener = await this.#options.source.listen(host, port, raw => this.#upgrader.accept(raw, this.#me))
    if (port === 0) this.#me = this.#me.replace(/\d+$/, String(this.#listener.port))
    return this.#listener.port
  }

  /** Dials a peer and redials it until it is removed. `name` is the user's name for it, or its announced name. */
  add(name: string, address: Address, isDiscovered = false): void {
    if (isDiscovered) this.#discovered.add(name)
    else this.#discovered.delete(name)
    this.#perform(this.#topology.add(name, address))
  }

  /** Dials once. A failure is emitted as `probe-failed`. A connection that it opens is not redialled. */
  probe(name: string, address: Address): void {
    this.#probes.add(name)
    this.#perform(this.#topology.probe(name, address))
  }

  /** Closes a connection, and does not redial its peer for a while. */
  drop(id: ConnectionId, reason: CloseReason, cooldownMs: Millis): void {
    this.#topology.cooldown(id, cooldownMs)
    this.#perform([{ kind: 'close', connection: id, reason }])
  }

  /** Redials all peers that are cooling down. */
  clearCooldowns(): void {
    this.#perform(this.#topology.clearCooldowns())
  }

  /** Stops dialling a peer. An open connection stays open. */
  remove(name: string): void {
    this.#discovered.delete(name)
    this.#perform(this.#topology.remove(name))
  }

  /** Redials a waiting peer at once. */
  retryNow(name: string): void {
    this.#perform(this.#topology.retryNow(name))
  }

  /** Closes connections, by default all. Peers that are dialled are redialled at once. */
  reconnect(which: (connection: Connection) => boolean = () => true): void {
    for (const { connection, opened } of [...this.#open.values()]) if (which(connection)) opened.stream.destroy()
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

  #opened(opened: Opened, dialled: string | undefined): void {
    const { remote } = opened
    const stream = opened.kind === 'plain' ? opened.stream : opened.multiplexer.channelOf(this.#options.room)
    if (stream === undefined) {
      opened.stream.destroy()
      return
    }
    const isProbe = dialled !== undefined && this.#probes.has(dialled)
    const connection: Connection = {
      id: this.#nextId++,
      remote,
      dialled: isProbe ? undefined : dialled,
      isDiscovered: dialled !== undefined && this.#discovered.has(dialled),
      probed: isProbe ? dialled : undefined,
      remoteAddress: opened.stream.remoteAddress,
      stream,
    }
    const entry: OpenEntry = { connection, opened, closeReason: 'closed', isConnected: false }
    const openedAt = this.#options.clock.now()
    this.#open.set(connection.id, entry)
    opened.stream.once('close', () => this.#closed(entry, openedAt))
    if (opened.kind === 'sealed')
      opened.multiplexer.once('violation', () => {
        entry.closeReason = 'protocol-violated'
        opened.stream.destroy()
      })
    this.#perform(this.#topology.opened(connection))
    if (opened.stream.destroyed) return
    startHeartbeat(opened.stream, remote, this.#options.clock, () => {
      entry.closeReason = 'silent'
    })
  }

  #closed({ connection, opened, closeReason, isConnected }: OpenEntry, openedAt: Millis): void {
    this.#open.delete(connection.id)
    if (connection.probed !== undefined) this.#probes.delete(connection.probed)
    if (this.#isClosed) return
    const effects = this.#topology.closed(connection.id, this.#options.clock.now() - openedAt)
    const fault = opened.kind === 'sealed' ? opened.stream.fault : undefined
    if (isConnected)
      this.emit('disconnection', connection, closeReason === 'closed' ? (fault ?? 'closed') : closeReason)
    this.#perform(effects)
  }

  #perform(effects: readonly TopologyEffect[]): void {
    if (this.#isClosed) return
    for (const effect of effects) this.#performOne(effect)
    if (effects.length > 0) this.emit('change')
  }

  #performOne(effect: TopologyEffect): void {
    switch (effect.kind) {
      case 'dial':
        void this.#dial({ name: effect.peer, address: effect.address })
        break
      case 'retry': {
        const { peer, delayMs } = effect
        this.#retries.set(
          peer,
          this.#options.clock.after(delayMs, () => this.#perform(this.#topology.due(peer))),
        )
        break
      }
      case 'cancel-retry':
        this.#retries.get(effect.peer)?.()
        break
      case 'close': {
        const entry = this.#open.get(effect.connection)
        if (entry === undefined) break
        entry.closeReason = effect.reason
        entry.opened.stream.destroy()
        break
      }
      case 'connected': {
        const entry = this.#open.get(effect.connection)
        if (entry === undefined) break
        entry.isConnected = true
        this.emit('connection', entry.connection)
        break
      }
      case 'probe-failed':
        this.#probes.delete(effect.peer)
        this.emit('probe-failed', effect.peer)
        break
      case 'report':
        this.emit('event', effect.event)
    }
  }
}
