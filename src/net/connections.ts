import { EventEmitter, setMaxListeners } from 'node:events'
import type { Cancel, Clock, Millis } from '../base/clock.js'
import type { KeyPair } from '../base/crypto/signing.js'
import { reasonOf } from '../base/errors.js'
import type { Random } from '../base/random.js'
import { hexOf } from '../base/wire/bytes.js'
import { AdmissionControl } from './admission.js'
import { Handshake, type HandshakeEffect, type Remote } from './handshake/handshake.js'
import { INSTANCE_ID_BYTES, NONCE_BYTES, PROTOCOL_VERSION } from './handshake/hello.js'
import { startHeartbeat } from './heartbeat.js'
import type { Address } from './lan/address.js'
import { HANDSHAKE_MS_MAX } from './limits.js'
import type { Listener, PeerSource, RawConnection } from './peer-source.js'
import { type ConnectionId, type DialAttempt, Topology, type TopologyEffect } from './topology.js'

export interface ConnectionsOptions {
  /** The own address, as it is said to peers. */
  readonly me: string
  readonly room: Uint8Array
  /** The key that every link of ours is proven with. */
  readonly keys: KeyPair
  /** Whether the original program may link: it knows no rooms, and so belongs in one alone. */
  readonly acceptsScuttleup: boolean
  readonly source: PeerSource
  readonly clock: Clock
  readonly random: Random
}

/** What is known of an open link. */
export interface Connection {
  readonly id: ConnectionId
  readonly remote: Remote
  /** The name by which the user named this peer, where it was dialled. */
  readonly dialled: string | undefined
  /** Whether it was found, and not named by the user. */
  readonly isDiscovered?: boolean
  /** The visit by which it was dialled. */
  readonly probed?: string | undefined
  readonly remoteAddress: string
  /** Whole frames may be written to it and come out of it. */
  readonly stream: RawConnection
}

export interface ConnectionsEvents {
  /** A link is open: whole frames may be written to the connection and come out of it. */
  connection: [Connection]
  /** A link that was open is not any more. */
  disconnection: [Connection, string]
  warning: [string]
  /** A visit came to nothing. */
  'probe-failed': [string]
  /** Who is linked or tried is not the same any more. */
  change: []
}

/** Links to the peers named and to those who dial in: opened, kept alive, one a peer, made again when they break. */
export class Connections extends EventEmitter<ConnectionsEvents> {
  readonly #options: ConnectionsOptions
  readonly #topology: Topology
  readonly #doorman = new AdmissionControl<RawConnection>()
  readonly #connections = new Set<RawConnection>()
  readonly #links = new Map<
    ConnectionId,
    { readonly connection: RawConnection; readonly info: Connection; reason: string; isTold: boolean }
  >()
  readonly #retries = new Map<string, Cancel>()
  readonly #instance: Uint8Array
  readonly #startedAt: number
  readonly #dials = new AbortController()
  #listener: Listener | undefined
  /** Names that the user did not name. */
  readonly #found = new Set<string>()
  /** Names that were dialled as visits. */
  readonly #visits = new Set<string>()
  #nextLink: ConnectionId = 1
  #me: string
  #isClosed = false

  constructor(options: ConnectionsOptions) {
    super()
    this.#options = options
    this.#me = options.me
    setMaxListeners(0, this.#dials.signal)
    this.#instance = options.random.bytes(INSTANCE_ID_BYTES)
    this.#startedAt = options.clock.now()
    this.#topology = new Topology(hexOf(this.#instance), hexOf(options.keys.publicKey), () => options.random.number())
  }

  /** How long this swarm has been running. */
  get ageMs(): number {
    return this.#options.clock.now() - this.#startedAt
  }

  /** The own address, as it is said to peers. */
  get me(): string {
    return this.#me
  }

  /** Open links, but those that are closed as soon as it is known whom they lead to. */
  get connections(): readonly Connection[] {
    return [...this.#links.values()].filter(link => link.isTold).map(link => link.info)
  }

  /** Those who are tried in vain. */
  get dialAttempts(): readonly DialAttempt[] {
    return this.#topology.dialAttempts
  }

  /**
   * Waits for connections. Rejects with SWARM_PORT_TAKEN or SWARM_LISTEN_FAILED. Gives the port; for 0 it is a free one,
   * which peers are then told as the own.
   */
  async listen(host: string | undefined, port: number): Promise<number> {
    this.#listener = await this.#options.source.listen(host, port, connection => this.#accept(connection))
    if (port === 0) this.#me = this.#me.replace(/\d+$/, String(this.#listener.port))
    return this.#listener.port
  }

  /** Keeps a link to the peer from now on. `name` is what the user calls it, or, where it was found, what it calls itself. */
  add(name: string, address: Address, isFound = false): void {
    if (isFound) this.#found.add(name)
    else this.#found.delete(name)
    this.#perform(this.#topology.add(name, address))
  }

  /** Dials once. Where nobody is there that is told as missed, and when the link closes it is not made again. */
  probe(name: string, address: Address): void {
    this.#visits.add(name)
    this.#perform(this.#topology.probe(name, address))
  }

  /** Closes a link; a peer that it leads to is not dialled for a while. */
  drop(id: ConnectionId, reason: string, restMs: Millis): void {
    this.#topology.cooldown(id, restMs)
    this.#perform([{ kind: 'close', link: id, reason }])
  }

  /** Whoever is left in peace is dialled all the same. */
  clearCooldowns(): void {
    this.#perform(this.#topology.clearCooldowns())
  }

  /** Does not try the peer again; a link that it has stays. */
  remove(name: string): void {
    this.#found.delete(name)
    this.#perform(this.#topology.remove(name))
  }

  /** Tries the peer now, if it is waiting to be tried again. */
  retryNow(name: string): void {
    this.#perform(this.#topology.retryNow(name))
  }

  /** Closes links, all of them without `which`; those to the peers named are made again at once. */
  reconnect(which: (link: Connection) => boolean = () => true): void {
    for (const { connection, info } of [...this.#links.values()]) if (which(info)) connection.destroy()
  }

  networkChanged(): void {
    this.#perform(this.#topology.networkChanged())
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const cancel of this.#retries.values()) cancel()
    this.#dials.abort()
    for (const connection of this.#connections) connection.destroy()
    await this.#listener?.close()
  }

  #accept(connection: RawConnection): void {
    this.#doorman.admit(connection, connection.remoteAddress)?.destroy()
    if (!connection.destroyed) this.#open(connection, undefined)
  }

  async #dial(name: string, address: Address): Promise<void> {
    try {
      const connection = await this.#options.source.dial(address, this.#dials.signal)
      if (this.#isClosed) connection.destroy()
      else this.#open(connection, name)
    } catch (error) {
      this.#perform(this.#topology.failed(name, reasonOf(error)))
    }
  }

  /** Runs the opening on a fresh connection, within HANDSHAKE_MS_MAX. */
  #open(connection: RawConnection, dialled: string | undefined): void {
    const { room, clock, keys, random } = this.#options
    const hello = {
      version: PROTOCOL_VERSION,
      room,
      instance: this.#instance,
      key: keys.publicKey,
      nonce: random.bytes(NONCE_BYTES),
      ageMs: this.ageMs,
      nowMs: clock.now(),
    }
    const opening = new Handshake({ role: dialled === undefined ? 'listener' : 'dialler', me: this.#me, hello, keys })
    let failure = 'it closed the connection'
    this.#connections.add(connection)

    const fail = (reason: string): void => {
      failure = reason
      connection.destroy()
    }
    const cancel = clock.after(HANDSHAKE_MS_MAX, () => fail('it does not answer'))
    const settle = (): void => {
      cancel()
      this.#doorman.release(connection)
      connection.removeListener('data', onData)
      connection.removeListener('end', onEnd)
      connection.removeListener('close', onClose)
    }
    const onData = (bytes: Buffer): void => perform(opening.receive(bytes))
    const onEnd = (): void => fail('it closed the connection')
    const onClose = (): void => {
      settle()
      this.#connections.delete(connection)
      if (dialled !== undefined && !this.#isClosed)
        this.#perform(this.#topology.failed(dialled, failure, connection.remoteAddress))
    }
    const perform = (effects: readonly HandshakeEffect[]): void => {
      for (const effect of effects) {
        if (effect.kind === 'send') connection.write(effect.bytes)
        if (effect.kind === 'failed') fail(effect.reason)
        if (effect.kind === 'opened' && effect.remote.kind === 'scuttleup' && !this.#options.acceptsScuttleup) {
          fail('it is the original program, which belongs in the lobby')
        } else if (effect.kind === 'opened') {
          settle()
          connection.pause()
          if (effect.rest.length > 0) connection.unshift(effect.rest)
          this.#opened(connection, effect.remote, dialled)
        }
      }
    }
    connection.on('data', onData)
    connection.once('end', onEnd)
    connection.once('close', onClose)
    // Of what broke on its way here nothing is heard any more.
    if (connection.destroyed) onClose()
    else perform(opening.start())
  }

  #opened(connection: RawConnection, remote: Remote, dialled: string | undefined): void {
    const isVisit = dialled !== undefined && this.#visits.has(dialled)
    const info: Connection = {
      id: this.#nextLink++,
      remote,
      dialled: isVisit ? undefined : dialled,
      isDiscovered: dialled !== undefined && this.#found.has(dialled),
      probed: isVisit ? dialled : undefined,
      remoteAddress: connection.remoteAddress,
      stream: connection,
    }
    const link = { connection, info, reason: 'the connection closed', isTold: false }
    const openedAt = this.#options.clock.now()
    this.#links.set(info.id, link)
    connection.once('close', () => {
      this.#connections.delete(connection)
      this.#links.delete(info.id)
      if (info.probed !== undefined) this.#visits.delete(info.probed)
      if (this.#isClosed) return
      const effects = this.#topology.closed(info.id, this.#options.clock.now() - openedAt)
      if (link.isTold) this.emit('disconnection', info, link.reason)
      this.#perform(effects)
    })
    this.#perform(this.#topology.opened(info))
    if (connection.destroyed) return
    startHeartbeat(connection, remote, this.#options.clock, reason => {
      link.reason = reason
    })
  }

  #perform(effects: readonly TopologyEffect[]): void {
    if (this.#isClosed) return
    for (const effect of effects) {
      switch (effect.kind) {
        case 'dial':
          void this.#dial(effect.peer, effect.address)
          break
        case 'retry':
          this.#retries.set(
            effect.peer,
            this.#options.clock.after(effect.delayMs, () => this.#perform(this.#topology.due(effect.peer))),
          )
          break
        case 'cancel-retry':
          this.#retries.get(effect.peer)?.()
          break
        case 'close': {
          const link = this.#links.get(effect.link)
          if (link !== undefined) {
            link.reason = effect.reason
            link.connection.destroy()
          }
          break
        }
        case 'linked': {
          const link = this.#links.get(effect.link)
          if (link === undefined) break
          link.isTold = true
          this.emit('connection', link.info)
          break
        }
        case 'missed':
          this.#visits.delete(effect.peer)
          this.emit('probe-failed', effect.peer)
          break
        case 'tell':
          this.emit('warning', effect.line)
      }
    }
    if (effects.length > 0) this.emit('change')
  }
}
