import { retryDelayMs } from '../../base/backoff.js'
import type { Millis } from '../../base/clock.js'
import { shuffled } from '../../base/random.js'
import { TokenBucket } from '../../base/token-bucket.js'
import { type Address, formatAddress } from '../lan/address.js'
import {
  CONTACTS_PER_FRAME_MAX,
  PASSIVE_VIEW_MAX,
  PROBES_PER_HOST_PER_MINUTE_MAX,
  PROBES_PER_SECOND_MAX,
} from './limits.js'
import { type Contact, dialableAddress } from './pex-codec.js'
import { scopeOf } from './scope.js'

/** Head start of the peer with the lower key when two peers learn of each other, so that only one of them dials. */
const HEAD_START_MS = 1_000
/** Head start of discovery: contacts that are announced on the local network are dialled by LanAutodial first. */
const DISCOVERY_HEAD_START_MS = 5_000
/** Dials before a contact learned from others is given up. Former peers are retried for FORMER_PEER_MS_MAX. */
const TRIES_OF_LEARNED_MAX = 2
const FORMER_PEER_MS_MAX = 3_600_000
const MINUTE_MS = 60_000
const DIALS_AT_ONCE_MAX = 4
/** Time after which a dial without a result is forgotten. */
const DIAL_MS_MAX = 20_000
/** Failed dials after which the wait no longer grows. */
const TRIES_MAX = 16

interface PeerAddress {
  readonly id: string
  readonly address: Address
}

interface Entry extends PeerAddress {
  /** The neighbour that it was learned from; undefined for a former peer, which has proven its key at this address. */
  readonly learnedFrom: string | undefined
  readonly since: Millis
  /** Whether it is a former peer whose connection was lost, not dropped. */
  readonly isLost: boolean
  tries: number
  dueAt: Millis
}

/**
 * HyParView's passive view: addresses of peers that are not connected, learned from neighbours or from former connections. Addresses from
 * strangers are only hints: the book stores few of them, limits those of each neighbour, and they are dialled slowly.
 */
export class AddressBook {
  readonly #me: string
  readonly #random: () => number
  readonly #entries = new Map<string, Entry>()
  /** Short keys being dialled, and since when. */
  readonly #dialling = new Map<string, Millis>()
  /** Short keys announced on the local network, and since when. */
  readonly #discovered = new Map<string, Millis>()
  #probes: TokenBucket | undefined
  /** Probes of the current minute, by host and by address. */
  readonly #probesOfMinute = new Map<string, number>()
  #minuteAt: Millis = 0
  /** Contacts learned since the last shuffle, which resets it. */
  newCount = 0

  /** `me` is our short key. */
  constructor(me: string, random: () => number) {
    this.#me = me
    this.#random = random
  }

  get size(): number {
    return this.#entries.size
  }

  /** Whether it has a former peer whose connection was lost. */
  get hasLost(): boolean {
    for (const { isLost } of this.#entries.values()) if (isLost) return true
    return false
  }

  /** When the next entry is to be dialled, or a dial without a result is forgotten. */
  get nextAt(): Millis {
    let nextAt = Number.POSITIVE_INFINITY
    for (const { id, dueAt } of this.#entries.values()) {
      const since = this.#dialling.get(id)
      nextAt = Math.min(nextAt, since === undefined ? dueAt : since + DIAL_MS_MAX)
    }
    return nextAt
  }

  /** Whether more than `count` peers other than `members` are known, not counting peers whose dials failed. */
  hasMoreThan(count: number, members: ReadonlySet<string>): boolean {
    let found = 0
    for (const { id, tries } of this.#entries.values())
      if (tries === 0 && !members.has(id) && ++found > count) return true
    for (const id of this.#discovered.keys())
      if (!members.has(id) && !this.#entries.has(id) && ++found > count) return true
    return false
  }

  /** A neighbour sent a contact that is not connected. */
  learn(contact: Contact, from: { readonly id: string; readonly host: string }, now: Millis): void {
    const { id } = contact
    const before = this.#entries.get(id)
    const isBetter = before === undefined || (before.learnedFrom !== undefined && before.tries > 0)
    if (!isBetter || this.#dialling.has(id)) return
    const address = dialableAddress(contact, from.host)
    if (address === undefined) return
    if (before === undefined) {
      this.newCount++
      this.#makeRoom(from.id)
    }
    const discoveredAt = this.#discovered.get(id)
    const waitMs = Math.max(
      this.#me < id ? 0 : HEAD_START_MS,
      discoveredAt === undefined ? 0 : discoveredAt + DISCOVERY_HEAD_START_MS - now,
    )
    this.#entries.set(id, {
      id,
      address,
      learnedFrom: from.id,
      since: now,
      isLost: false,
      tries: 0,
      dueAt: now + waitMs,
    })
  }

  connected(id: string): void {
    this.#entries.delete(id)
    this.#dialling.delete(id)
  }

  /** A connection ended. `cooldownMs` is 0 if it was lost; if it was dropped, the peer is not dialled during the cooldown. */
  disconnected({ id, address }: PeerAddress, cooldownMs: Millis, now: Millis): void {
    this.#makeRoom(undefined)
    const dueAt = now + cooldownMs + retryDelayMs(0, this.#random)
    this.#entries.set(id, {
      id,
      address,
      learnedFrom: undefined,
      since: now,
      isLost: cooldownMs === 0,
      tries: 0,
      dueAt,
    })
  }

  dialFailed(id: string, now: Millis): void {
    this.#dialling.delete(id)
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    entry.tries++
    entry.dueAt = now + retryDelayMs(Math.min(entry.tries, TRIES_MAX), this.#random)
    const isGivenUp =
      entry.learnedFrom === undefined ? now - entry.since > FORMER_PEER_MS_MAX : entry.tries >= TRIES_OF_LEARNED_MAX
    if (isGivenUp) this.#entries.delete(id)
  }

  discovered(id: string, now: Millis): void {
    if (!this.#discovered.has(id)) this.#discovered.set(id, now)
  }

  lost(id: string): void {
    this.#discovered.delete(id)
  }

  /** Whether a discovered peer may be dialled: not while the overlay dials it, or during its cooldown. */
  mayDial(id: string, now: Millis): boolean {
    const entry = this.#entries.get(id)
    if (this.#dialling.has(id)) return false
    return entry === undefined || entry.tries > 0 || entry.learnedFrom !== undefined || entry.dueAt <= now
  }

  /** Selects entries to dial now, so that at most `count` are being dialled. */
  takeDue(count: number, now: Millis): PeerAddress[] {
    for (const [id, since] of this.#dialling) if (now - since > DIAL_MS_MAX) this.#dialling.delete(id)
    const dialled: PeerAddress[] = []
    const most = Math.min(count, DIALS_AT_ONCE_MAX)
    if (this.#dialling.size >= most) return dialled
    const due = this.#shuffled(entry => entry.dueAt <= now && !this.#dialling.has(entry.id))
    due.sort((a, b) => a.tries - b.tries)
    for (const entry of due) {
      if (this.#dialling.size >= most) break
      if (this.#mayProbe(entry, now)) dialled.push(this.#dial(entry, now))
    }
    return dialled
  }

  /** Selects a former peer to dial now, but none that other peers report as present. */
  takeFormerPeer(isPresent: (id: string) => boolean, now: Millis): PeerAddress | undefined {
    if (this.#dialling.size > 0) return undefined
    const [entry] = this.#shuffled(({ id, isLost, dueAt }) => isLost && dueAt <= now && !isPresent(id))
    return entry && this.#dial(entry, now)
  }

  /** Random entries, without entries whose dials failed. */
  sample(count: number): PeerAddress[] {
    return this.#shuffled(({ tries }) => tries === 0).slice(0, count)
  }

  #dial({ id, address }: Entry, now: Millis): PeerAddress {
    this.#dialling.set(id, now)
    return { id, address }
  }

  /** Whether the limits on dials that strangers cause allow one more. If so, counts the dial. */
  #mayProbe({ learnedFrom, address }: Entry, now: Millis): boolean {
    if (learnedFrom === undefined) return true
    if (Math.abs(now - this.#minuteAt) >= MINUTE_MS) {
      this.#minuteAt = now
      this.#probesOfMinute.clear()
    }
    const { host } = address
    const key = formatAddress(address)
    const ofHost = this.#probesOfMinute.get(host) ?? 0
    const isThisMachine = scopeOf(host) === 'machine'
    if (this.#probesOfMinute.has(key)) return false
    if (ofHost >= PROBES_PER_HOST_PER_MINUTE_MAX && !isThisMachine) return false
    this.#probes ??= new TokenBucket(PROBES_PER_SECOND_MAX, now)
    if (!this.#probes.take(now)) return false
    this.#probesOfMinute.set(host, ofHost + 1)
    this.#probesOfMinute.set(key, 1)
    return true
  }

  /** Forgets an entry if the neighbour has used up its share, or the book is full. */
  #makeRoom(learnedFrom: string | undefined): void {
    const ofNeighbour =
      learnedFrom === undefined ? [] : [...this.#entries.values()].filter(entry => entry.learnedFrom === learnedFrom)
    if (ofNeighbour.length >= CONTACTS_PER_FRAME_MAX) this.#forgetOneOf(ofNeighbour)
    else if (this.#entries.size >= PASSIVE_VIEW_MAX) {
      const learned = [...this.#entries.values()].filter(entry => entry.learnedFrom !== undefined)
      this.#forgetOneOf(learned.length > 0 ? learned : [...this.#entries.values()])
    }
  }

  #forgetOneOf(entries: readonly Entry[]): void {
    const idle = entries.filter(({ id }) => !this.#dialling.has(id))
    const entry = idle[Math.floor(this.#random() * idle.length)]
    if (entry !== undefined) this.#entries.delete(entry.id)
  }

  #shuffled(isSuitable: (entry: Entry) => boolean): Entry[] {
    return shuffled([...this.#entries.values()].filter(isSuitable), this.#random)
  }
}
