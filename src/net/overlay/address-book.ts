import { retryDelayMs } from '../../base/backoff.js'
import type { Millis } from '../../base/clock.js'
import { TokenBucket } from '../../base/token-bucket.js'
import { type Address, formatAddress } from '../lan/address.js'
import {
  CONTACTS_PER_FRAME_MAX,
  PASSIVE_VIEW_MAX,
  PROBES_PER_HOST_PER_MINUTE_MAX,
  PROBES_PER_SECOND_MAX,
} from './limits.js'
import { type Contact, dialableAddress, scopeOf } from './pex-codec.js'

/** Of two who hear of each other the one with the higher key leaves the other this time to dial. */
const COURTESY_MS = 1_000
/** Who is announced on the network is dialled as such; by what others tell only where that comes to nothing. */
const FOUND_MS = 5_000
/** Dials of somebody who was only heard of. Who was linked once is tried for longer. */
const TRIES_OF_HEARD_MAX = 2
const REMEMBERED_MS = 3_600_000
const MINUTE_MS = 60_000
const DIALS_AT_ONCE_MAX = 4
/** A dial of which nothing was heard for so long is over. */
const DIAL_MS_MAX = 20_000
/** Tries after which waiting does not get longer. */
const TRIES_MAX = 16

interface Place {
  readonly id: string
  readonly address: Address
}

interface Acquaintance extends Place {
  /** Who told of him; undefined for one who was linked once, and so has proven his key there. */
  readonly from: string | undefined
  readonly since: Millis
  /** Whether a link with him was lost, and not given up. */
  readonly isMissed: boolean
  tries: number
  dueAt: Millis
}

/**
 * Those who are not linked and might be: heard of over links, or linked before. What strangers tell is a hint: few of it
 * are kept, of each link a share, and dialled slowly, no host again and again.
 */
export class AddressBook {
  readonly #me: string
  readonly #random: () => number
  readonly #known = new Map<string, Acquaintance>()
  /** Who is being dialled, and since when. */
  readonly #dialling = new Map<string, Millis>()
  /** Who is announced on the network, and since when. */
  readonly #found = new Map<string, Millis>()
  #visits: TokenBucket | undefined
  /** Visits of this minute, by host and by address. */
  readonly #visited = new Map<string, number>()
  #minuteAt: Millis = 0
  /** Contacts that were new since this was set to 0. */
  newCount = 0

  constructor(me: string, random: () => number) {
    this.#me = me
    this.#random = random
  }

  get size(): number {
    return this.#known.size
  }

  /** Whether more than so many are known who were not tried in vain, besides some. */
  hasMoreThan(most: number, members: ReadonlySet<string>): boolean {
    let count = 0
    for (const { id, tries } of this.#known.values()) if (tries === 0 && !members.has(id) && ++count > most) return true
    for (const id of this.#found.keys()) if (!members.has(id) && !this.#known.has(id) && ++count > most) return true
    return false
  }

  /** Somebody told of a contact who is not linked. */
  learn(contact: Contact, from: { readonly id: string; readonly host: string }, now: Millis): void {
    const { id } = contact
    const before = this.#known.get(id)
    const isBetter = before === undefined || (before.from !== undefined && before.tries > 0)
    if (!isBetter || this.#dialling.has(id)) return
    const place = dialableAddress(contact, from.host)
    if (place === undefined) return
    if (before === undefined) {
      this.newCount++
      this.#makeRoom(from.id)
    }
    const found = this.#found.get(id)
    const waitMs = Math.max(this.#me < id ? 0 : COURTESY_MS, found === undefined ? 0 : found + FOUND_MS - now)
    this.#known.set(id, {
      id,
      address: place,
      from: from.id,
      since: now,
      isMissed: false,
      tries: 0,
      dueAt: now + waitMs,
    })
  }

  connected(id: string): void {
    this.#known.delete(id)
    this.#dialling.delete(id)
  }

  /** The link with somebody was lost; or given up, and he is to be left in peace for so long. */
  disconnected({ id, address }: Place, restMs: Millis, now: Millis): void {
    this.#makeRoom(undefined)
    const dueAt = now + restMs + retryDelayMs(0, this.#random)
    this.#known.set(id, { id, address, from: undefined, since: now, isMissed: restMs === 0, tries: 0, dueAt })
  }

  dialFailed(id: string, now: Millis): void {
    this.#dialling.delete(id)
    const one = this.#known.get(id)
    if (one === undefined) return
    one.tries++
    one.dueAt = now + retryDelayMs(Math.min(one.tries, TRIES_MAX), this.#random)
    const isOver = one.from === undefined ? now - one.since > REMEMBERED_MS : one.tries >= TRIES_OF_HEARD_MAX
    if (isOver) this.#known.delete(id)
  }

  discovered(id: string, now: Millis): void {
    if (!this.#found.has(id)) this.#found.set(id, now)
  }

  lost(id: string): void {
    this.#found.delete(id)
  }

  /** Whether somebody who is announced may be dialled: not while he is to be left in peace. */
  mayDial(id: string, now: Millis): boolean {
    const one = this.#known.get(id)
    return !this.#dialling.has(id) && (one === undefined || one.tries > 0 || one.from !== undefined || one.dueAt <= now)
  }

  /** Whom to dial now, at most so many with those who are being dialled. */
  takeDue(wished: number, now: Millis): Place[] {
    for (const [id, since] of this.#dialling) if (now - since > DIAL_MS_MAX) this.#dialling.delete(id)
    const places: Place[] = []
    const most = Math.min(wished, DIALS_AT_ONCE_MAX)
    if (this.#dialling.size >= most) return places
    const due = this.#shuffled(one => one.dueAt <= now && !this.#dialling.has(one.id))
    due.sort((a, b) => a.tries - b.tries)
    for (const one of due) {
      if (this.#dialling.size >= most) break
      if (this.#mayVisit(one, now)) places.push(this.#dial(one, now))
    }
    return places
  }

  /** One whose link was lost, and who may be tried now; but none of whom is heard otherwise. */
  takeFormerPeer(isHeardOf: (id: string) => boolean, now: Millis): Place | undefined {
    if (this.#dialling.size > 0) return undefined
    const [one] = this.#shuffled(({ id, isMissed, dueAt }) => isMissed && dueAt <= now && !isHeardOf(id))
    return one && this.#dial(one, now)
  }

  /** Some who were not tried in vain. */
  sample(count: number): Place[] {
    return this.#shuffled(({ tries }) => tries === 0).slice(0, count)
  }

  #dial({ id, address }: Acquaintance, now: Millis): Place {
    this.#dialling.set(id, now)
    return { id, address }
  }

  /** Whether he may be visited as far as strangers' word goes; counts it. */
  #mayVisit({ from, address }: Acquaintance, now: Millis): boolean {
    if (from === undefined) return true
    if (Math.abs(now - this.#minuteAt) >= MINUTE_MS) {
      this.#minuteAt = now
      this.#visited.clear()
    }
    const { host } = address
    const place = formatAddress(address)
    const ofHost = this.#visited.get(host) ?? 0
    const isOwn = scopeOf(host) === 'machine'
    if (this.#visited.has(place) || (ofHost >= PROBES_PER_HOST_PER_MINUTE_MAX && !isOwn)) return false
    this.#visits ??= new TokenBucket(PROBES_PER_SECOND_MAX, now)
    if (!this.#visits.take(now)) return false
    this.#visited.set(host, ofHost + 1)
    this.#visited.set(place, 1)
    return true
  }

  /** Of one link no more than its share is remembered, and no more than there is room for. */
  #makeRoom(from: string | undefined): void {
    const told = from === undefined ? [] : [...this.#known.values()].filter(one => one.from === from)
    if (told.length >= CONTACTS_PER_FRAME_MAX) this.#forget(told)
    else if (this.#known.size >= PASSIVE_VIEW_MAX) {
      const heard = [...this.#known.values()].filter(one => one.from !== undefined)
      this.#forget(heard.length > 0 ? heard : [...this.#known.values()])
    }
  }

  #forget(some: readonly Acquaintance[]): void {
    const idle = some.filter(({ id }) => !this.#dialling.has(id))
    const one = idle[Math.floor(this.#random() * idle.length)]
    if (one !== undefined) this.#known.delete(one.id)
  }

  #shuffled(isSuited: (one: Acquaintance) => boolean): Acquaintance[] {
    return [...this.#known.values()]
      .filter(isSuited)
      .map(one => [this.#random(), one] as const)
      .sort(([a], [b]) => a - b)
      .map(([, one]) => one)
  }
}
