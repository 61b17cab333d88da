import type { Millis } from '../../base/clock.js'
import { TokenBucket } from '../../base/token-bucket.js'
import type { Address } from '../lan/address.js'
import type { ConnectionId } from '../topology.js'
import { AddressBook } from './address-book.js'
import {
  ACTIVE_VIEW_MAX,
  ACTIVE_VIEW_TARGET,
  CONTACTS_PER_FRAME_MAX,
  JOIN_HOPS_MAX,
  PEX_FRAMES_PER_SECOND_MAX,
} from './limits.js'
import { type Contact, contactFilterFor, dialableAddress, type OutgoingPexFrame, type PexFrame } from './pex-codec.js'

/** Who has fewer links than this is let in where there is no room. */
const URGENT_LINKS = 2
/** Who has fewer links than this, or has had his for a shorter time, is not sent away for somebody else. */
const SPARED_LINKS = 4
const SPARED_MS = 5_000
/** How long a peer that had no room is left in peace; one that the user named is asked more seldom, for all ask him. */
const REST_MS = 60_000
const REST_NAMED_MS = 1_800_000
/** How long somebody who is sent away has to read that, and to close the link himself. */
const PART_MS = 1_000
/** How often somebody is asked who else is there: the longer nobody is new, the more seldom. */
const QUESTION_MS_MIN = 15_000
const QUESTION_MS_MAX = 240_000
/** How often somebody is tried who was linked once, though there are enough connections: the net may have been parted. */
const PROBE_MS = 20_000
/** How often it is said that there is nobody at all. */
const ALONE_MS = 5_000
/** Of each kind, in a question. */
const SAMPLE = 4

export type HyParViewEffect =
  | { readonly kind: 'send'; readonly link: ConnectionId; readonly frame: OutgoingPexFrame }
  | { readonly kind: 'dial'; readonly id: string; readonly address: Address }
  /** There is no room for this link: it is closed, after so long, and its peer then left in peace. */
  | {
      readonly kind: 'part'
      readonly link: ConnectionId
      readonly id: string
      readonly delayMs: Millis
      readonly restMs: Millis
    }
  /** Nobody is linked: whoever was left in peace is to be tried. */
  | { readonly kind: 'alone' }

/** A link of ours as it opens. */
export interface HyParViewConnection {
  readonly connection: ConnectionId
  /** The first 16 hex digits of the other's key. */
  readonly id: string
  /** Its address on the network. */
  readonly host: string
  /** Whether the user named it: such a link is never sent away. */
  readonly isNamed: boolean
}

interface Neighbour extends HyParViewConnection {
  readonly openedAt: Millis
  readonly allowance: TokenBucket
  /** Where it can be dialled; undefined until it has said that it meets others. */
  port: number | undefined
  /** How many links it had when it said so. */
  links: number
  /** Whether one of the two has no room for the other. */
  isParting: boolean
}

export interface HyParViewOptions {
  /** The first 16 hex digits of the own key. */
  readonly id: string
  /** Where this peer can be dialled. */
  readonly port: number
  /** Whether somebody who is not linked is there for certain, by way of others: then the net is not in two parts. */
  readonly isPresent: (id: string) => boolean
  readonly random: () => number
}

/**
 * Decides with whom of a room this peer is linked: with all where they are few, else with some at random, after HyParView
 * (Leitão, Pereira and Rodrigues, 2007). Links are the active view, acquaintances the passive one. PROTOCOL.md §5.7.
 */
export class HyParView {
  readonly #options: HyParViewOptions
  readonly #links = new Map<ConnectionId, Neighbour>()
  readonly #acquaintances: AddressBook
  #questionMs = QUESTION_MS_MIN
  #questionAt: Millis = 0
  #probeAt: Millis = 0
  #aloneAt: Millis = 0

  constructor(options: HyParViewOptions) {
    this.#options = options
    this.#acquaintances = new AddressBook(options.id, options.random)
  }

  /** How many peers who meet others are linked. */
  get size(): number {
    return this.#members().size
  }

  /** How many are known who are not linked. */
  get passiveSize(): number {
    return this.#acquaintances.size
  }

  /** Whether a link is about to be closed because there is no room for it. */
  isClosing(link: ConnectionId): boolean {
    return this.#links.get(link)?.isParting ?? false
  }

  opened(link: HyParViewConnection, now: Millis): HyParViewEffect[] {
    const links = this.size
    this.#links.set(link.connection, {
      ...link,
      openedAt: now,
      allowance: new TokenBucket(PEX_FRAMES_PER_SECOND_MAX, now),
      port: undefined,
      links: 0,
      isParting: false,
    })
    this.#acquaintances.connected(link.id)
    return [{ kind: 'send', link: link.connection, frame: { kind: 'neighbour', port: this.#options.port, links } }]
  }

  /** A link closed. `isGone` where its peer said goodbye. */
  closed(link: ConnectionId, isGone: boolean, now: Millis): HyParViewEffect[] {
    const neighbour = this.#links.get(link)
    if (!this.#links.delete(link) || neighbour?.port === undefined) return []
    if (this.#isLinked(neighbour.id)) return []
    this.#questionMs = QUESTION_MS_MIN
    const { id, host, port, isParting } = neighbour
    if (!isGone) this.#acquaintances.disconnected({ id, address: { host, port } }, isParting ? REST_MS : 0, now)
    return this.#fill(now)
  }

  /** A frame came over a link. `bad` where it has to be closed. */
  receive(link: ConnectionId, frame: PexFrame, now: Millis): HyParViewEffect[] | 'bad' {
    const neighbour = this.#links.get(link)
    if (frame.kind === 'bad') return 'bad'
    if (frame.kind === 'unknown') return []
    if (neighbour === undefined || !neighbour.allowance.take(now)) return []
    switch (frame.kind) {
      case 'neighbour':
        return neighbour.port === undefined ? this.#met(neighbour, frame.port, frame.links, now) : []
      case 'question':
        this.#learn(neighbour, frame.contacts, now)
        return [this.#answer(neighbour), ...this.#fill(now)]
      case 'answer':
        this.#learn(neighbour, frame.contacts, now)
        return this.#fill(now)
      case 'newcomer': {
        const { id } = frame.contact
        this.#learn(neighbour, [frame.contact], now)
        const place =
          frame.hops > 1 && id !== this.#options.id ? dialableAddress(frame.contact, neighbour.host) : undefined
        const onward = place && this.#pick(other => other.id !== id && other.id !== neighbour.id)
        const [contact] = onward ? contactFilterFor(onward.host)({ id, ...place }) : []
        return [
          ...(onward && contact ? [send(onward, { kind: 'newcomer', hops: frame.hops - 1, contact })] : []),
          ...this.#fill(now),
        ]
      }
      case 'full':
        this.#learn(neighbour, frame.contacts, now)
        neighbour.isParting = true
        return [
          { kind: 'part', link, id: neighbour.id, delayMs: 0, restMs: neighbour.isNamed ? REST_NAMED_MS : REST_MS },
          ...this.#fill(now),
        ]
    }
  }

  /** Who is announced on the network, and is dialled by others than this. */
  discovered(id: string, now: Millis): void {
    this.#acquaintances.discovered(id, now)
  }

  lost(id: string): void {
    this.#acquaintances.lost(id)
  }

  /** Whether somebody who is announced is to be dialled, where so many others are already. */
  shouldDial(id: string, dialled: number, now: Millis): boolean {
    const members = this.#members()
    const isEnough = members.size + dialled >= this.#wished(members)
    return !isEnough && !this.#isLinked(id) && this.#acquaintances.mayDial(id, now)
  }

  /** A dial came to nothing, or led to somebody else. */
  dialFailed(id: string, now: Millis): HyParViewEffect[] {
    this.#acquaintances.dialFailed(id, now)
    return this.#fill(now)
  }

  /** To be called about every second. */
  tick(now: Millis): HyParViewEffect[] {
    const effects = this.#fill(now)
    if (now >= this.#questionAt) effects.push(...this.#ask(now))
    if (now >= this.#probeAt) {
      this.#probeAt = now + PROBE_MS * (0.75 + this.#options.random() / 2)
      const old = this.#acquaintances.takeFormerPeer(this.#options.isPresent, now)
      if (old !== undefined) effects.push({ kind: 'dial', ...old })
    }
    if (this.size === 0 && now >= this.#aloneAt) {
      this.#aloneAt = now + ALONE_MS
      effects.push({ kind: 'alone' })
    }
    return effects
  }

  /** The other side of a link meets others too. */
  #met(neighbour: Neighbour, port: number, links: number, now: Millis): HyParViewEffect[] {
    const isSecond = this.#members().has(neighbour.id)
    const others = this.#all().filter(({ id }) => id !== neighbour.id)
    neighbour.port = port
    neighbour.links = links
    if (isSecond) return []
    const effects: HyParViewEffect[] = [this.#answer(neighbour)]
    this.#questionMs = QUESTION_MS_MIN
    // Who has few links, and finds one more, may have found the way to all the others.
    const hops = links === 0 ? JOIN_HOPS_MAX : others.length < ACTIVE_VIEW_TARGET ? 1 : 0
    if (hops > 0) {
      for (const other of others) {
        const [contact] = contactFilterFor(other.host)({ id: neighbour.id, host: neighbour.host, port })
        if (contact !== undefined) effects.push(send(other, { kind: 'newcomer', hops, contact }))
      }
    }
    if (this.size > ACTIVE_VIEW_MAX) effects.push(...this.#makeRoom(neighbour, now))
    return effects
  }

  /** Somebody has to go: the newest, unless he has nobody else; then another, who has. */
  #makeRoom(newest: Neighbour, now: Millis): HyParViewEffect[] {
    const isUrgent = newest.links < URGENT_LINKS || newest.isNamed
    const other = isUrgent
      ? this.#pick(
          ({ id, isNamed, links, openedAt }) =>
            id !== newest.id && !isNamed && (links >= SPARED_LINKS || now - openedAt >= SPARED_MS),
        )
      : undefined
    if (newest.isNamed && other === undefined) return []
    const parted = (other ?? newest).id
    const effects: HyParViewEffect[] = []
    for (const neighbour of this.#all()) {
      if (neighbour.id !== parted) continue
      neighbour.isParting = true
      // Whoever had to go before has room, more likely than those who are linked.
      effects.push(
        send(neighbour, { kind: 'full', contacts: this.#contactsFor(neighbour, CONTACTS_PER_FRAME_MAX, 1 / 4) }),
      )
      effects.push({ kind: 'part', link: neighbour.connection, id: neighbour.id, delayMs: PART_MS, restMs: REST_MS })
    }
    return effects
  }

  #ask(now: Millis): HyParViewEffect[] {
    const before = this.#acquaintances.newCount
    this.#acquaintances.newCount = 0
    this.#questionMs = before > 0 ? QUESTION_MS_MIN : Math.min(QUESTION_MS_MAX, this.#questionMs * 2)
    this.#questionAt = now + this.#questionMs * (0.75 + this.#options.random() / 2)
    const asked = this.#pick(() => true)
    if (asked === undefined) return []
    return [send(asked, { kind: 'question', contacts: this.#contactsFor(asked, 2 * SAMPLE) })]
  }

  #answer(to: Neighbour): HyParViewEffect {
    return send(to, { kind: 'answer', contacts: this.#contactsFor(to, CONTACTS_PER_FRAME_MAX) })
  }

  /** Some who are linked, and some who are not: of the former so large a share, where enough of the others are known. */
  #contactsFor(to: Neighbour, count: number, share = 3 / 4): Contact[] {
    const tell = contactFilterFor(to.host)
    const known = this.#acquaintances.sample(count)
    const linked = this.#shuffled(this.#all().filter(({ id }) => id !== to.id))
    const some = linked.slice(0, Math.max(count - known.length, Math.ceil(count * share)))
    return [
      ...some.map(({ id, host, port = 0 }) => ({ id, host, port })),
      ...known.slice(0, count - some.length).map(({ id, address }) => ({ id, ...address })),
    ].flatMap(contact => (contact.id === to.id ? [] : tell(contact)))
  }

  /** Remembers those who can be dialled. */
  #learn(from: Neighbour, contacts: readonly Contact[], now: Millis): void {
    for (const contact of contacts)
      if (contact.id !== this.#options.id && !this.#isLinked(contact.id)) this.#acquaintances.learn(contact, from, now)
  }

  #fill(now: Millis): HyParViewEffect[] {
    if (this.#acquaintances.size === 0) return []
    const members = this.#members()
    const wished = this.#wished(members) - members.size
    return wished <= 0 ? [] : this.#acquaintances.takeDue(wished, now).map(one => ({ kind: 'dial', ...one }))
  }

  /** Links that there should be: with all where few are known, else so many that the net holds together. */
  #wished(members: ReadonlySet<string>): number {
    if (members.size >= ACTIVE_VIEW_MAX) return ACTIVE_VIEW_MAX
    return this.#acquaintances.hasMoreThan(ACTIVE_VIEW_MAX - members.size, members)
      ? ACTIVE_VIEW_TARGET
      : ACTIVE_VIEW_MAX
  }

  /** Links with peers who meet others, but those that are about to close. */
  #all(): Neighbour[] {
    return [...this.#links.values()].filter(({ port, isParting }) => port !== undefined && !isParting)
  }

  #members(): Set<string> {
    return new Set(this.#all().map(({ id }) => id))
  }

  #isLinked(id: string): boolean {
    for (const neighbour of this.#links.values()) if (neighbour.id === id && !neighbour.isParting) return true
    return false
  }

  #pick(isSuited: (neighbour: Neighbour) => boolean): Neighbour | undefined {
    const suited = this.#all().filter(isSuited)
    return suited[Math.floor(this.#options.random() * suited.length)]
  }

  #shuffled(neighbours: readonly Neighbour[]): Neighbour[] {
    return neighbours
      .map(neighbour => [this.#options.random(), neighbour] as const)
      .sort(([a], [b]) => a - b)
      .map(([, neighbour]) => neighbour)
  }
}

const send = ({ connection }: HyParViewConnection, frame: OutgoingPexFrame): HyParViewEffect => ({
  kind: 'send',
  link: connection,
  frame,
})

/** What a visit to somebody is called. No name of a user is so. */
export const probeName = (id: string): string => `@${id}`

/** Who was visited. */
export const idOfProbeName = (name: string): string => name.slice(1)
