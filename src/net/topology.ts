import type { Millis } from '../base/clock.js'
import { evictionFor } from './admission/slots.js'
import type { DialFailure } from './dial-failure.js'
import { type DialAttempt, DialTarget } from './dial-target.js'
import type { CloseReason, DialEvent } from './events.js'
import type { Remote } from './handshake/effects.js'
import { type Address, formatAddress } from './lan/address.js'
import { HEARTBEAT_MS } from './limits.js'

/** Attempt number after which the wait before a redial no longer grows. */
const ATTEMPTS_MAX = 16

export type ConnectionId = number

/** An open connection, as the topology uses it. */
export interface OpenConnection {
  readonly id: ConnectionId
  readonly remote: Remote
  /** Name of the peer that we dialled; undefined for an inbound connection and for a probe. */
  readonly dialled: string | undefined
  /** Name of the probe that opened it. */
  readonly probed?: string | undefined
  /** Network address of the other end. */
  readonly remoteAddress: string
}

export type TopologyEffect =
  | { readonly kind: 'dial'; readonly peer: string; readonly address: Address }
  | { readonly kind: 'retry'; readonly peer: string; readonly delayMs: Millis }
  | { readonly kind: 'cancel-retry'; readonly peer: string }
  | { readonly kind: 'close'; readonly connection: ConnectionId; readonly reason: CloseReason }
  | { readonly kind: 'connected'; readonly connection: ConnectionId }
  /** Send a ping over this connection, and call `answered`. */
  | { readonly kind: 'ping'; readonly connection: ConnectionId }
  | { readonly kind: 'probe-failed'; readonly peer: string }
  | { readonly kind: 'report'; readonly event: DialEvent }

/**
 * Decides whom to dial, when to redial, and which of several connections to one peer to keep. docs/protocol/wire.md §2.4.
 *
 * Both sides redial a lost connection. Of two connections between the same native peers, the side with the lower key closes one. It closes
 * the newer connection if the peer answers over the older. Otherwise it closes the older, because then the other side has lost it. So a man
 * in the middle who forwards connections cannot replace a connection that works. A scuttleup peer closes duplicate connections itself.
 */
export class Topology {
  readonly #instance: string
  readonly #key: string
  readonly #random: () => number
  readonly #isKnown: (key: string) => boolean
  readonly #targets = new Map<string, DialTarget>()
  readonly #connections = new Map<ConnectionId, OpenConnection>()
  /** Connections with an unanswered ping. */
  readonly #pinged = new Set<ConnectionId>()

  /** `instance` and `key` identify this process, as hex; `isKnown` says whether the user knows a key. */
  constructor(instance: string, key: string, random: () => number, isKnown: (key: string) => boolean = () => false) {
    this.#instance = instance
    this.#key = key
    this.#random = random
    this.#isKnown = isKnown
  }

  get connections(): readonly OpenConnection[] {
    return [...this.#connections.values()]
  }

  /** A peer that is dialled without success, unless it is a probe or has dialled us. */
  attemptAt(name: string): DialAttempt | undefined {
    const target = this.#targets.get(name)
    return target === undefined || target.isProbe || this.#isInbound(target) ? undefined : target.failing
  }

  /** The connections that lead to a peer that is dialled. */
  connectionsTo(name: string): readonly ConnectionId[] {
    const target = this.#targets.get(name)
    return target === undefined ? [] : this.connections.filter(each => leadsTo(each, target)).map(({ id }) => id)
  }

  /** Dials a peer, and redials it until it is removed. */
  add(name: string, address: Address): TopologyEffect[] {
    return this.#add(new DialTarget(name, address, false))
  }

  /** Dials a peer once. */
  probe(name: string, address: Address): TopologyEffect[] {
    return this.#add(new DialTarget(name, address, true))
  }

  #add(target: DialTarget): TopologyEffect[] {
    const { name, address } = target
    if (this.#targets.has(name)) return []
    this.#targets.set(name, target)
    return [{ kind: 'dial', peer: name, address }]
  }

  /** Stops dialling a peer. An open connection stays open. */
  remove(name: string): TopologyEffect[] {
    const isWaiting = this.#targets.get(name)?.state.kind === 'waiting'
    this.#targets.delete(name)
    return isWaiting ? [{ kind: 'cancel-retry', peer: name }] : []
  }

  /** Redials a waiting peer at once: something suggests that it is reachable now. */
  retryNow(name: string): TopologyEffect[] {
    if (this.#targets.get(name)?.state.kind !== 'waiting') return []
    return [{ kind: 'cancel-retry', peer: name }, ...this.due(name)]
  }

  /** The wait before a redial is over. */
  due(name: string): TopologyEffect[] {
    const target = this.#targets.get(name)
    if (target?.state.kind !== 'waiting') return []
    target.state = { kind: 'dialling', attempt: target.state.attempt }
    return [{ kind: 'dial', peer: name, address: target.address }]
  }

  /** A dial failed. With a `remoteAddress` it failed during the handshake, without it before the handshake. */
  failed(name: string, failure: DialFailure, remoteAddress?: string): TopologyEffect[] {
    const target = this.#targets.get(name)
    if (target?.state.kind !== 'dialling') return []
    if (target.isProbe) return this.#probeFailed(target)
    const { attempt } = target.state
    target.remoteAddress = remoteAddress ?? target.remoteAddress
    if (this.#isConnected(target)) {
      target.state = { kind: 'connected', attempt }
      return []
    }
    target.failed(failure)
    const attempted = this.#isInbound(target) ? undefined : target.report()
    const retry = this.#retry(target, attempt)
    if (attempted === undefined) return [retry]
    return [{ kind: 'report', event: { kind: 'dial-failed', ...attempted } }, retry]
  }

  /** A dialled peer has no room in common with us: the connection waits for one, and may still fail. */
  roomless(name: string): TopologyEffect[] {
    const target = this.#targets.get(name)
    if (target?.state.kind !== 'dialling') return []
    target.failed({ reason: 'other-room' })
    const attempted = this.#isInbound(target) ? undefined : target.report()
    return attempted === undefined ? [] : [{ kind: 'report', event: { kind: 'dial-failed', ...attempted } }]
  }

  /** A connection completed its handshake. */
  opened(connection: OpenConnection): TopologyEffect[] {
    const name = connection.dialled ?? connection.probed
    const target = name === undefined ? undefined : this.#targets.get(name)
    const { id, remote } = connection
    if (remote.kind === 'native' && remote.instance === this.#instance && remote.key === this.#key)
      return this.#openedToSelf(id, target)
    const duplicates = this.connections.filter(other => isSamePeer(other.remote, remote))
    const effects: TopologyEffect[] = []
    // The first duplicate is always accepted: one of the two is closed soon.
    const leaving = duplicates.length === 1 ? undefined : this.#evictionFor(connection)
    if (leaving === id) return this.#refuse(id, target)
    if (leaving !== undefined) effects.push(closeEffect(leaving, 'evicted'), ...this.closed(leaving, 0))
    if (remote.kind === 'native' && this.#key + this.#instance < identityOf(remote))
      for (const { id: older } of duplicates) effects.push(...this.#ping(older))
    this.#connections.set(id, connection)
    if (target !== undefined) {
      target.identity = remote.kind === 'native' ? identityOf(remote) : undefined
      target.remoteAddress = connection.remoteAddress
      target.succeeded()
    }
    return [...effects, ...this.#markConnected(target), { kind: 'connected', connection: id }]
  }

  /**
   * The peer answered a ping, or the ping timed out. If the older connection is alive, newer ones to the same peer are redundant; if not,
   * they replace it.
   */
  answered(id: ConnectionId, isAlive: boolean): TopologyEffect[] {
    const connection = this.#connections.get(id)
    if (!this.#pinged.delete(id) || connection === undefined) return []
    const same = this.connections.filter(({ remote }) => isSamePeer(remote, connection.remote))
    const newer = same.slice(same.indexOf(connection) + 1)
    if (isAlive) return newer.map(each => closeEffect(each.id, 'replaced'))
    return newer.length > 0 ? [closeEffect(id, 'replaced')] : []
  }

  /** A connection closed. If it was short, the backoff continues as if the dial had failed. */
  closed(id: ConnectionId, lastedMs: Millis): TopologyEffect[] {
    if (!this.#connections.delete(id)) return []
    this.#pinged.delete(id)
    const effects: TopologyEffect[] = []
    for (const target of this.#targets.values()) {
      if (target.state.kind !== 'connected' || this.#isConnected(target)) continue
      if (target.isProbe) this.#targets.delete(target.name)
      else effects.push(this.#retry(target, lastedMs < HEARTBEAT_MS ? target.state.attempt : 0))
    }
    return effects
  }

  /** The view of one of the two peers is full: once the connection is closed, the peer is not redialled for `cooldownMs`. */
  cooldown(id: ConnectionId, cooldownMs: Millis): void {
    const remote = this.#connections.get(id)?.remote
    if (remote?.kind !== 'native') return
    for (const target of this.#targets.values())
      if (target.identity === identityOf(remote)) target.cooldownMs = cooldownMs
  }

  /** Redials all peers that are cooling down. */
  clearCooldowns(): TopologyEffect[] {
    return [...this.#targets.values()].flatMap(({ name, isCoolingDown }) => (isCoolingDown ? this.retryNow(name) : []))
  }

  /** Redials all waiting peers: dials that failed before the network changed may succeed now. */
  networkChanged(): TopologyEffect[] {
    const effects: TopologyEffect[] = []
    for (const target of this.#targets.values()) {
      if (target.state.kind !== 'waiting') continue
      target.state = { kind: 'dialling', attempt: 0 }
      const { name, address } = target
      effects.push({ kind: 'cancel-retry', peer: name }, { kind: 'dial', peer: name, address })
    }
    return effects
  }

  #openedToSelf(id: ConnectionId, target: DialTarget | undefined): TopologyEffect[] {
    const close = closeEffect(id, 'connected-to-self')
    if (target === undefined) return [close]
    if (target.isProbe) return [close, ...this.#probeFailed(target)]
    // Anyone on the path can connect us to ourselves, so the peer is still redialled, at the longest interval.
    const effects = [close, this.#retry(target, ATTEMPTS_MAX)]
    const { name, address } = target
    return target.reportSelf()
      ? [...effects, { kind: 'report', event: { kind: 'dialled-self', name, address } }]
      : effects
  }

  #ping(connection: ConnectionId): TopologyEffect[] {
    if (!this.#connections.has(connection) || this.#pinged.has(connection)) return []
    this.#pinged.add(connection)
    return [{ kind: 'ping', connection }]
  }

  #refuse(id: ConnectionId, target: DialTarget | undefined): TopologyEffect[] {
    const close = closeEffect(id, 'connection-limit')
    if (target === undefined) return [close]
    return [close, ...(target.isProbe ? this.#probeFailed(target) : [this.#retry(target, ATTEMPTS_MAX)])]
  }

  /** Marks the target of a new connection as connected, and all waiting targets that the connection leads to. */
  #markConnected(target: DialTarget | undefined): TopologyEffect[] {
    const effects: TopologyEffect[] = []
    for (const other of this.#targets.values()) {
      const wasWaiting = other.state.kind === 'waiting'
      if (other !== target && !(wasWaiting && this.#isConnected(other))) continue
      if (wasWaiting) effects.push({ kind: 'cancel-retry', peer: other.name })
      other.state = { kind: 'connected', attempt: other.state.attempt }
    }
    return effects
  }

  #isConnected(target: DialTarget): boolean {
    return this.connections.some(each => leadsTo(each, target))
  }

  /** Whether a peer that claims the target's address has dialled us: then failed dials are not reported. */
  #isInbound({ address }: DialTarget): boolean {
    return this.connections.some(({ remote }) => remote.address === formatAddress(address))
  }

  /** The connection to evict for a new one; may be the new one itself. */
  #evictionFor(connection: OpenConnection): ConnectionId | undefined {
    const slotOf = ({ id, remote, remoteAddress, dialled }: OpenConnection) => ({
      id,
      remoteAddress,
      isStranger: dialled === undefined && !(remote.kind === 'native' && this.#isKnown(remote.key)),
      isScuttleup: remote.kind === 'scuttleup',
    })
    return evictionFor(slotOf(connection), this.connections.map(slotOf))?.id
  }

  #retry(target: DialTarget, attempt: number): TopologyEffect {
    return { kind: 'retry', peer: target.name, delayMs: target.wait(attempt, this.#random) }
  }

  #probeFailed({ name }: DialTarget): TopologyEffect[] {
    this.#targets.delete(name)
    return [{ kind: 'probe-failed', peer: name }]
  }
}

const closeEffect = (connection: ConnectionId, reason: CloseReason): TopologyEffect => ({
  kind: 'close',
  connection,
  reason,
})

/**
 * Whether a connection leads to the target: it dialled the target, leads to the same instance, or leads to a scuttleup peer that claims the
 * target's address and comes from where the target was last seen. A scuttleup peer's claim alone is only a hint.
 */
const leadsTo = ({ dialled, probed, remote, remoteAddress }: OpenConnection, target: DialTarget): boolean =>
  (dialled ?? probed) === target.name ||
  (remote.kind === 'native' && identityOf(remote) === target.identity) ||
  (remote.kind === 'scuttleup' &&
    remote.address === formatAddress(target.address) &&
    remoteAddress === target.remoteAddress)

/** A native peer's process. Anyone can claim an instance id, but the key is proven. */
const identityOf = ({ key, instance }: Extract<Remote, { kind: 'native' }>): string => key + instance

const isSamePeer = (a: Remote, b: Remote): boolean =>
  a.kind === 'native' && b.kind === 'native' && a.instance === b.instance && a.key === b.key
