import { retryDelayMs } from '../base/backoff.js'
import type { Millis } from '../base/clock.js'
import type { Remote } from './handshake/handshake.js'
import { type Address, formatAddress } from './lan/address.js'
import { CONNECTIONS_MAX, HEARTBEAT_MS } from './limits.js'

export type ConnectionId = number

/** An open link, as the topology sees it. */
export interface OpenConnection {
  readonly id: ConnectionId
  readonly remote: Remote
  /** The peer that was dialled; undefined where the other side dialled, or it is a visit. */
  readonly dialled: string | undefined
  /** The visit that was paid. */
  readonly probed?: string | undefined
  /** The other end's network address. */
  readonly remoteAddress: string
}

export type TopologyEffect =
  | { readonly kind: 'dial'; readonly peer: string; readonly address: Address }
  | { readonly kind: 'retry'; readonly peer: string; readonly delayMs: Millis }
  | { readonly kind: 'cancel-retry'; readonly peer: string }
  | { readonly kind: 'close'; readonly link: ConnectionId; readonly reason: string }
  | { readonly kind: 'linked'; readonly link: ConnectionId }
  /** A visit came to nothing. */
  | { readonly kind: 'missed'; readonly peer: string }
  /** One line for the user; the same state of a peer is told once. */
  | { readonly kind: 'tell'; readonly line: string }

/** Different reasons that the user is told of one peer before they are only counted. */
const REASONS_MAX = 16

/** A peer that is not linked, though it should be. */
export interface DialAttempt {
  readonly name: string
  readonly address: Address
  /** How often in a row it came to nothing, and why the last time. */
  readonly tries: number
  readonly reason: string
}

/** A peer that the user named, or that was found. */
interface Peer {
  readonly name: string
  /** Dialled once, and not missed: one that somebody else told of. */
  readonly isVisit: boolean
  readonly address: Address
  state:
    | { readonly kind: 'dialling'; readonly attempt: number }
    | { readonly kind: 'waiting'; readonly attempt: number }
    | { readonly kind: 'linked'; readonly attempt: number }
    | { readonly kind: 'self' }
  /** Who answered there last, and from which network address. */
  identity: string | undefined
  remoteAddress: string | undefined
  /** Dials in a row that came to nothing, why, and of which reasons the user was told. */
  tries: number
  reason: string
  readonly told: Set<string>
  /** How long it is to be left in peace when its link closes. */
  restMs: Millis
  isResting: boolean
}

/**
 * Decides whom to dial, when to try again, and which of several links to one peer to keep. PROTOCOL.md §2.4.
 * Whichever side has the higher address dials again: both do, and of two links between ours the side with the lower
 * key closes the older one. Duplicates with an original are the original's to close.
 */
export class Topology {
  readonly #instance: string
  readonly #key: string
  readonly #random: () => number
  readonly #peers = new Map<string, Peer>()
  readonly #links = new Map<ConnectionId, OpenConnection>()

  /** `instance` and `key` are this process's own, as hex. */
  constructor(instance: string, key: string, random: () => number) {
    this.#instance = instance
    this.#key = key
    this.#random = random
  }

  get connections(): readonly OpenConnection[] {
    return [...this.#links.values()]
  }

  /** Those who are tried in vain. */
  get dialAttempts(): readonly DialAttempt[] {
    return [...this.#peers.values()]
      .filter(peer => peer.tries > 0 && (peer.state.kind === 'waiting' || peer.state.kind === 'dialling'))
      .filter(peer => !peer.isVisit && !this.#isHere(peer))
      .map(({ name, address, tries, reason }) => ({ name, address, tries, reason }))
  }

  /** The user named a peer, or it was found. */
  add(name: string, address: Address): TopologyEffect[] {
    return this.#add(name, address, false)
  }

  /** Somebody may be there: he is dialled once, and when his link closes he is not dialled again. */
  probe(name: string, address: Address): TopologyEffect[] {
    return this.#add(name, address, true)
  }

  #add(name: string, address: Address, isVisit: boolean): TopologyEffect[] {
    if (this.#peers.has(name)) return []
    const peer: Peer = {
      name,
      address,
      isVisit,
      state: { kind: 'dialling', attempt: 0 },
      identity: undefined,
      remoteAddress: undefined,
      tries: 0,
      reason: '',
      told: new Set(),
      restMs: 0,
      isResting: false,
    }
    this.#peers.set(name, peer)
    return [{ kind: 'dial', peer: name, address }]
  }

  /** A peer is gone for good: it is not tried again. A link that it has stays. */
  remove(name: string): TopologyEffect[] {
    const isWaiting = this.#peers.get(name)?.state.kind === 'waiting'
    this.#peers.delete(name)
    return isWaiting ? [{ kind: 'cancel-retry', peer: name }] : []
  }

  /** There is reason to believe that a peer can be reached now. */
  retryNow(name: string): TopologyEffect[] {
    if (this.#peers.get(name)?.state.kind !== 'waiting') return []
    return [{ kind: 'cancel-retry', peer: name }, ...this.due(name)]
  }

  /** The time to try a peer again has come. */
  due(name: string): TopologyEffect[] {
    const peer = this.#peers.get(name)
    if (peer?.state.kind !== 'waiting') return []
    peer.state = { kind: 'dialling', attempt: peer.state.attempt }
    return [{ kind: 'dial', peer: name, address: peer.address }]
  }

  /** A dial came to nothing: within the opening where `remoteAddress` was reached, else before it. */
  failed(name: string, reason: string, remoteAddress?: string): TopologyEffect[] {
    const peer = this.#peers.get(name)
    if (peer?.state.kind !== 'dialling') return []
    if (peer.isVisit) return this.#missed(peer)
    const { attempt } = peer.state
    peer.remoteAddress = remoteAddress ?? peer.remoteAddress
    if (this.#isLinkedTo(peer)) {
      peer.state = { kind: 'linked', attempt }
      return []
    }
    peer.tries++
    peer.reason = reason
    return [...(this.#isHere(peer) ? [] : this.#tell(peer)), this.#retry(peer, attempt)]
  }

  /** A link opened. */
  opened(link: OpenConnection): TopologyEffect[] {
    const name = link.dialled ?? link.probed
    const peer = name === undefined ? undefined : this.#peers.get(name)
    const { remote } = link
    if (remote.kind === 'native' && remote.instance === this.#instance && remote.key === this.#key) {
      const close: TopologyEffect = { kind: 'close', link: link.id, reason: 'it is oneself' }
      if (peer === undefined) return [close]
      if (peer.isVisit) return [close, ...this.#missed(peer)]
      peer.state = { kind: 'self' }
      return [
        close,
        { kind: 'tell', line: `${peer.name} (${formatAddress(peer.address)}) is this very program: not tried again` },
      ]
    }
    const effects: TopologyEffect[] = []
    const isOnlySecond = this.connections.filter(other => isSame(other.remote, remote)).length === 1
    if (!isOnlySecond && this.#links.size >= CONNECTIONS_MAX) {
      const guest = this.#guestBefore(link)
      if (guest === undefined) {
        return [
          { kind: 'close', link: link.id, reason: `${CONNECTIONS_MAX} links are open already` },
          ...(peer?.isVisit ? this.#missed(peer) : peer ? [this.#retry(peer, 16)] : []),
        ]
      }
      effects.push({ kind: 'close', link: guest.id, reason: 'its place was needed' }, ...this.closed(guest.id, 0))
    }
    if (remote.kind === 'native' && this.#key + this.#instance < remote.key + remote.instance) {
      for (const other of this.#links.values()) {
        if (isSame(other.remote, remote))
          effects.push({ kind: 'close', link: other.id, reason: 'a newer link to the same peer' })
      }
    }
    this.#links.set(link.id, link)
    if (peer !== undefined) {
      peer.identity = remote.kind === 'native' ? remote.key + remote.instance : undefined
      peer.remoteAddress = link.remoteAddress
      peer.tries = 0
      peer.told.clear()
    }
    for (const other of this.#peers.values()) {
      const wasWaiting = other.state.kind === 'waiting'
      if (other !== peer && !(wasWaiting && this.#isLinkedTo(other))) continue
      if (other.state.kind === 'self') continue
      if (wasWaiting) effects.push({ kind: 'cancel-retry', peer: other.name })
      other.state = { kind: 'linked', attempt: other.state.attempt }
    }
    effects.push({ kind: 'linked', link: link.id })
    return effects
  }

  /** An open link closed. One that lasted but a moment is as good as none: it is tried again ever more slowly. */
  closed(id: ConnectionId, lastedMs: Millis): TopologyEffect[] {
    if (!this.#links.delete(id)) return []
    const effects: TopologyEffect[] = []
    for (const peer of this.#peers.values()) {
      if (peer.state.kind !== 'linked' || this.#isLinkedTo(peer)) continue
      if (peer.isVisit) this.#peers.delete(peer.name)
      else effects.push(this.#retry(peer, lastedMs < HEARTBEAT_MS ? peer.state.attempt : 0))
    }
    return effects
  }

  /** Whoever is at the other end has no room: those who are linked by it are left in peace for a while when it closes. */
  cooldown(id: ConnectionId, restMs: Millis): void {
    const remote = this.#links.get(id)?.remote
    if (remote?.kind !== 'native') return
    for (const peer of this.#peers.values()) if (peer.identity === remote.key + remote.instance) peer.restMs = restMs
  }

  /** Whoever is left in peace is tried all the same. */
  clearCooldowns(): TopologyEffect[] {
    return [...this.#peers.values()].flatMap(({ name, isResting }) => (isResting ? this.retryNow(name) : []))
  }

  /** The network changed: what failed before may work now. */
  networkChanged(): TopologyEffect[] {
    const effects: TopologyEffect[] = []
    for (const peer of this.#peers.values()) {
      if (peer.state.kind !== 'waiting') continue
      peer.state = { kind: 'dialling', attempt: 0 }
      effects.push({ kind: 'cancel-retry', peer: peer.name }, { kind: 'dial', peer: peer.name, address: peer.address })
    }
    return effects
  }

  /**
   * Whether some open link leads to the peer: the one that was dialled, one of the same instance, or an original's that
   * says the peer's address and comes from where the peer was last seen. What an original says alone is only a hint.
   */
  #isLinkedTo(peer: Peer): boolean {
    return this.connections.some(
      ({ dialled, probed, remote, remoteAddress }) =>
        (dialled ?? probed) === peer.name ||
        (remote.kind === 'native' && remote.key + remote.instance === peer.identity) ||
        (remote.kind === 'scuttleup' &&
          remote.address === formatAddress(peer.address) &&
          remoteAddress === peer.remoteAddress),
    )
  }

  /** Whether somebody who says that he is this peer has dialled in: then there is nothing to worry the user with. */
  #isHere({ address }: Peer): boolean {
    return this.connections.some(({ remote }) => remote.address === formatAddress(address))
  }

  /**
   * Who has to leave a full house for `link`, so that strangers cannot keep others out: for a peer that the user named
   * whoever he did not name, for one of ours an original that nobody can tell from a stranger; the oldest first.
   */
  #guestBefore(link: OpenConnection): OpenConnection | undefined {
    const guests = this.connections.filter(({ dialled }) => dialled === undefined)
    const original = guests.find(({ remote }) => remote.kind === 'scuttleup')
    if (link.dialled !== undefined) return original ?? guests[0]
    return link.remote.kind === 'native' ? original : undefined
  }

  #retry(peer: Peer, attempt: number): TopologyEffect {
    peer.state = { kind: 'waiting', attempt: attempt + 1 }
    const delayMs = Math.max(peer.restMs * (0.5 + this.#random() / 2), retryDelayMs(attempt, this.#random))
    peer.isResting = peer.restMs > 0
    peer.restMs = 0
    return { kind: 'retry', peer: peer.name, delayMs }
  }

  #missed({ name }: Peer): TopologyEffect[] {
    this.#peers.delete(name)
    return [{ kind: 'missed', peer: name }]
  }

  /** Each reason once, and then how often it came to nothing: at the tenth, the hundredth, … time. */
  #tell(peer: Peer): TopologyEffect[] {
    const { name, address, tries, reason, told } = peer
    const isRound = tries > 1 && /^10+$/.test(String(tries))
    if ((told.has(reason) || told.size >= REASONS_MAX) && !isRound) return []
    told.add(reason)
    const count = isRound ? `, ${tries} times` : ''
    return [{ kind: 'tell', line: `${name} (${formatAddress(address)}): ${reason}${count}; trying on` }]
  }
}

/** Whether both are one process of ours: an instance id alone is easily said, the key is proven. */
const isSame = (a: Remote, b: Remote): boolean =>
  a.kind === 'native' && b.kind === 'native' && a.instance === b.instance && a.key === b.key
