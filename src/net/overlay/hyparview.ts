import type { Millis } from '../../base/clock.js'
import type { Address } from '../lan/address.js'
import type { ConnectionId } from '../topology.js'
import { ActiveView, type HyParViewConnection, type Neighbour } from './active-view.js'
import { AddressBook } from './address-book.js'
import { ACTIVE_VIEW_MAX, ACTIVE_VIEW_TARGET, CONTACTS_PER_FRAME_MAX, JOIN_HOPS_MAX } from './limits.js'
import { type Contact, contactFilterFor, dialableAddress, type OutgoingPexFrame, type PexFrame } from './pex-codec.js'

/** A peer with fewer connections is accepted even if the view is full. */
const URGENT_CONNECTIONS = 2
/**
 * Two limits below which a neighbour is not dropped for another peer: its number of connections, and the time that it has been connected.
 */
const SPARED_CONNECTIONS = 4
const SPARED_MS = 5_000
/** Time during which a peer whose view is full is not redialled. Longer for a named peer, which many peers dial. */
const COOLDOWN_MS = 60_000
const COOLDOWN_NAMED_MS = 1_800_000
/** Time for a dropped neighbour to read Full and close the connection itself. */
const CLOSING_MS = 1_000
/** Shortest and longest time between two shuffle requests. It doubles while they bring nothing new. */
const SHUFFLE_MS_MIN = 15_000
const SHUFFLE_MS_MAX = 240_000
/** Contacts of a shuffle request: half connected, half from the address book. */
const SHUFFLE_CONTACTS = 8
/** Time between two dials of former peers while the view is full: the network may have been partitioned. */
const FORMER_PEER_MS = 20_000
/**
 * Time between two `isolated` effects. It doubles while there is no neighbour. It restarts at the minimum when a connection closes, because
 * the peer may be cooling down then.
 */
const ISOLATED_MS_MIN = 5_000
const ISOLATED_MS_MAX = 300_000
/** Share of connected peers among the contacts of a frame; lower in a Full frame, whose receiver needs peers with room. */
const CONNECTED_SHARE = 3 / 4
const CONNECTED_SHARE_IF_FULL = 1 / 4

export type HyParViewEffect =
  | { readonly kind: 'send'; readonly connection: ConnectionId; readonly frame: OutgoingPexFrame }
  /** Dial a peer once. */
  | { readonly kind: 'dial'; readonly id: string; readonly address: Address }
  /** Close a connection after `delayMs`, because a view is full, and do not redial its peer for `cooldownMs`. */
  | {
      readonly kind: 'drop'
      readonly connection: ConnectionId
      readonly id: string
      readonly delayMs: Millis
      readonly cooldownMs: Millis
    }
  /** There is no neighbour: redial peers that are cooling down. */
  | { readonly kind: 'isolated' }

export interface HyParViewOptions {
  /** Our short key. */
  readonly id: string
  /** The port we can be dialled at. */
  readonly port: number
  /** Whether other peers report that a peer is present, so that the network is not partitioned from it. */
  readonly isPresent: (id: string) => boolean
  readonly random: () => number
}

/**
 * Decides which peers of a room to connect to: in a small room all peers, in a larger room some at random, after HyParView (Leitão,
 * Pereira, Rodrigues: "HyParView: a membership protocol for reliable gossip-based broadcast", DSN 2007). The active view is the set of
 * connections, the passive view the address book. docs/protocol/discovery.md §5.7.
 *
 * Pure: call `tick` when `nextAt` is reached, at most about every second, and perform the effects.
 */
export class HyParView {
  readonly #options: HyParViewOptions
  readonly #active: ActiveView
  readonly #addressBook: AddressBook
  #shuffleMs = SHUFFLE_MS_MIN
  #shuffleAt: Millis = 0
  #formerPeerAt: Millis = 0
  #isolatedAt: Millis = 0
  #isolatedMs = ISOLATED_MS_MIN

  constructor(options: HyParViewOptions) {
    this.#options = options
    this.#active = new ActiveView(options.random)
    this.#addressBook = new AddressBook(options.id, options.random)
  }

  /** Size of the active view. */
  get size(): number {
    return this.#active.members().size
  }

  get passiveSize(): number {
    return this.#addressBook.size
  }

  /** Whether a connection is about to be closed because a view is full. */
  isClosing(connection: ConnectionId): boolean {
    return this.#active.get(connection)?.isClosing ?? false
  }

  opened(connection: HyParViewConnection, now: Millis): HyParViewEffect[] {
    const connections = this.size
    this.#isolatedMs = ISOLATED_MS_MIN
    this.#active.add(connection, now)
    this.#addressBook.connected(connection.id)
    return [send(connection, { kind: 'neighbour', port: this.#options.port, connections })]
  }

  /** A connection closed. `isGone`: its peer said goodbye. */
  closed(connection: ConnectionId, isGone: boolean, now: Millis): HyParViewEffect[] {
    const neighbour = this.#active.delete(connection)
    this.#expectIsolation(now)
    if (neighbour?.port === undefined || this.#active.isConnected(neighbour.id)) return []
    this.#shuffleMs = SHUFFLE_MS_MIN
    const { id, host, port, isClosing } = neighbour
    if (!isGone) this.#addressBook.disconnected({ id, address: { host, port } }, isClosing ? COOLDOWN_MS : 0, now)
    return this.#fill(now)
  }

  /** A frame arrived. `bad`: the connection has to be closed. */
  receive(connection: ConnectionId, frame: PexFrame, now: Millis): HyParViewEffect[] | 'bad' {
    const neighbour = this.#active.get(connection)
    if (frame.kind === 'bad') return 'bad'
    if (frame.kind === 'unknown') return []
    if (neighbour === undefined || !neighbour.frames.take(now)) return []
    switch (frame.kind) {
      case 'neighbour':
        return neighbour.port === undefined ? this.#joined(neighbour, frame.port, frame.connections, now) : []
      case 'shuffle-request':
        this.#learn(neighbour, frame.contacts, now)
        return [this.#shuffleReply(neighbour), ...this.#fill(now)]
      case 'shuffle-reply':
        this.#learn(neighbour, frame.contacts, now)
        return this.#fill(now)
      case 'forward-join':
        return this.#forwardJoin(neighbour, frame, now)
      case 'full': {
        this.#learn(neighbour, frame.contacts, now)
        neighbour.isClosing = true
        const cooldownMs = neighbour.isNamed ? COOLDOWN_NAMED_MS : COOLDOWN_MS
        return [{ kind: 'drop', connection, id: neighbour.id, delayMs: 0, cooldownMs }, ...this.#fill(now)]
      }
    }
  }

  /** A peer is announced on the local network; it is dialled outside of the overlay. */
  discovered(id: string, now: Millis): void {
    this.#addressBook.discovered(id, now)
  }

  /** A peer is no longer announced. */
  lost(id: string): void {
    this.#addressBook.lost(id)
  }

  /** Whether to dial a discovered peer while `pending` other discovered peers are being dialled. */
  shouldDial(id: string, pending: number, now: Millis): boolean {
    const members = this.#active.members()
    const isEnough = members.size + pending >= this.#target(members)
    return !isEnough && !this.#active.isConnected(id) && this.#addressBook.mayDial(id, now)
  }

  /** A dial failed, or another peer answered. */
  dialFailed(id: string, now: Millis): HyParViewEffect[] {
    this.#addressBook.dialFailed(id, now)
    return this.#fill(now)
  }

  tick(now: Millis): HyParViewEffect[] {
    const effects = this.#fill(now)
    if (now >= this.#shuffleAt) effects.push(...this.#shuffle(now))
    if (now >= this.#formerPeerAt) {
      this.#formerPeerAt = now + FORMER_PEER_MS * (0.75 + this.#options.random() / 2)
      const former = this.#addressBook.takeFormerPeer(this.#options.isPresent, now)
      if (former !== undefined) effects.push({ kind: 'dial', ...former })
    }
    if (this.size === 0 && now >= this.#isolatedAt) {
      this.#isolatedAt = now + this.#isolatedMs
      this.#isolatedMs = Math.min(ISOLATED_MS_MAX, this.#isolatedMs * 2)
      effects.push({ kind: 'isolated' })
    }
    return effects
  }

  /** When to call `tick` next, unless something else happens before. */
  get nextAt(): Millis {
    const dialAt = this.#missing > 0 ? this.#addressBook.nextAt : Number.POSITIVE_INFINITY
    const formerPeerAt = this.#addressBook.hasLost ? this.#formerPeerAt : Number.POSITIVE_INFINITY
    return Math.min(dialAt, formerPeerAt, this.size > 0 ? this.#shuffleAt : this.#isolatedAt)
  }

  /** A connection closed. Its peer may be cooling down, so check for isolation soon. */
  #expectIsolation(now: Millis): void {
    this.#isolatedMs = ISOLATED_MS_MIN
    this.#isolatedAt = Math.min(this.#isolatedAt, now + ISOLATED_MS_MIN)
  }

  /** The peer at the other end of a connection takes part in the overlay. */
  #joined(neighbour: Neighbour, port: number, connections: number, now: Millis): HyParViewEffect[] {
    const isDuplicate = this.#active.members().has(neighbour.id)
    const others = this.#active.all().filter(({ id }) => id !== neighbour.id)
    neighbour.port = port
    neighbour.connections = connections
    if (isDuplicate) return []
    const effects: HyParViewEffect[] = [this.#shuffleReply(neighbour)]
    this.#shuffleMs = SHUFFLE_MS_MIN
    // If we have few neighbours, the new neighbour may connect two parts of a network: our neighbours learn of it too.
    const hops = connections === 0 ? JOIN_HOPS_MAX : others.length < ACTIVE_VIEW_TARGET ? 1 : 0
    if (hops > 0) {
      for (const other of others) {
        const [contact] = contactFilterFor(other.host)({ id: neighbour.id, host: neighbour.host, port })
        if (contact !== undefined) effects.push(send(other, { kind: 'forward-join', hops, contact }))
      }
    }
    if (this.size > ACTIVE_VIEW_MAX) effects.push(...this.#makeRoom(neighbour, now))
    return effects
  }

  /** Remembers a joining peer, and forwards the news to one neighbour while hops are left. */
  #forwardJoin(
    neighbour: Neighbour,
    { contact, hops }: Extract<PexFrame, { readonly kind: 'forward-join' }>,
    now: Millis,
  ): HyParViewEffect[] {
    const { id } = contact
    this.#learn(neighbour, [contact], now)
    const address = hops > 1 && id !== this.#options.id ? dialableAddress(contact, neighbour.host) : undefined
    const next = address && this.#active.pick(other => other.id !== id && other.id !== neighbour.id)
    const [forwarded] = next ? contactFilterFor(next.host)({ id, ...address }) : []
    return [
      ...(next && forwarded ? [send(next, { kind: 'forward-join', hops: hops - 1, contact: forwarded })] : []),
      ...this.#fill(now),
    ]
  }

  /** Drops the newest neighbour. If the newest is urgent (few connections, named or known), drops another neighbour that is not. */
  #makeRoom(newest: Neighbour, now: Millis): HyParViewEffect[] {
    const isUrgent = newest.connections < URGENT_CONNECTIONS || newest.isNamed || newest.isKnown === true
    // Anyone can claim to have no neighbours, so the longest connected half is never dropped for such a claim.
    const spared = this.#active.longest(ACTIVE_VIEW_MAX / 2)
    const other = isUrgent
      ? this.#active.pick(
          ({ id, isNamed, isKnown, connections, openedAt }) =>
            id !== newest.id &&
            !isNamed &&
            !isKnown &&
            !spared.has(id) &&
            (connections >= SPARED_CONNECTIONS || now - openedAt >= SPARED_MS),
        )
      : undefined
    if ((newest.isNamed || newest.isKnown) && other === undefined) return []
    const droppedId = (other ?? newest).id
    const effects: HyParViewEffect[] = []
    for (const neighbour of this.#active.all()) {
      const { connection, id } = neighbour
      if (id !== droppedId) continue
      neighbour.isClosing = true
      // Peers that were dropped before are more likely to have room than our neighbours are.
      const contacts = this.#contactsFor(neighbour, CONTACTS_PER_FRAME_MAX, CONNECTED_SHARE_IF_FULL)
      effects.push(send(neighbour, { kind: 'full', contacts }))
      effects.push({ kind: 'drop', connection, id, delayMs: CLOSING_MS, cooldownMs: COOLDOWN_MS })
    }
    return effects
  }

  #shuffle(now: Millis): HyParViewEffect[] {
    const learned = this.#addressBook.newCount
    this.#addressBook.newCount = 0
    this.#shuffleMs = learned > 0 ? SHUFFLE_MS_MIN : Math.min(SHUFFLE_MS_MAX, this.#shuffleMs * 2)
    this.#shuffleAt = now + this.#shuffleMs * (0.75 + this.#options.random() / 2)
    const neighbour = this.#active.pick(() => true)
    if (neighbour === undefined) return []
    return [send(neighbour, { kind: 'shuffle-request', contacts: this.#contactsFor(neighbour, SHUFFLE_CONTACTS) })]
  }

  #shuffleReply(to: Neighbour): HyParViewEffect {
    return send(to, { kind: 'shuffle-reply', contacts: this.#contactsFor(to, CONTACTS_PER_FRAME_MAX) })
  }

  /** A random sample of both views. `share` of it are connected peers, or more if the address book has few. */
  #contactsFor(to: Neighbour, count: number, share = CONNECTED_SHARE): Contact[] {
    const filter = contactFilterFor(to.host)
    const passive = this.#addressBook.sample(count)
    const connected = this.#active.shuffled(({ id }) => id !== to.id)
    const chosen = connected.slice(0, Math.max(count - passive.length, Math.ceil(count * share)))
    return [
      ...chosen.map(({ id, host, port = 0 }) => ({ id, host, port })),
      ...passive.slice(0, count - chosen.length).map(({ id, address }) => ({ id, ...address })),
    ].flatMap(contact => (contact.id === to.id ? [] : filter(contact)))
  }

  #learn(from: Neighbour, contacts: readonly Contact[], now: Millis): void {
    for (const contact of contacts)
      if (contact.id !== this.#options.id && !this.#active.isConnected(contact.id))
        this.#addressBook.learn(contact, from, now)
  }

  /** Dials contacts while the active view is below its target. */
  #fill(now: Millis): HyParViewEffect[] {
    if (this.#addressBook.size === 0) return []
    const missing = this.#missing
    return missing <= 0 ? [] : this.#addressBook.takeDue(missing, now).map(entry => ({ kind: 'dial', ...entry }))
  }

  /** How many more connections the active view should have. */
  get #missing(): number {
    const members = this.#active.members()
    return this.#target(members) - members.size
  }

  /** Size that the active view should have: everyone in a small room, ACTIVE_VIEW_TARGET in a larger one. */
  #target(members: ReadonlySet<string>): number {
    if (members.size >= ACTIVE_VIEW_MAX) return ACTIVE_VIEW_MAX
    const isLarge = this.#addressBook.hasMoreThan(ACTIVE_VIEW_MAX - members.size, members)
    return isLarge ? ACTIVE_VIEW_TARGET : ACTIVE_VIEW_MAX
  }
}

const send = ({ connection }: HyParViewConnection, frame: OutgoingPexFrame): HyParViewEffect => ({
  kind: 'send',
  connection,
  frame,
})
