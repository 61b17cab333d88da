import type { Millis } from '../base/clock.js'
import {
  STATUS_HOPS_MAX,
  STATUS_MS_MAX,
  STATUSES_MAX,
  STATUSES_OF_AUTHOR_PER_SECOND_MAX,
  STATUSES_PER_SECOND_MAX,
} from '../base/limits.js'
import { Allowance } from '../discovery/allowance.js'
import { type AuthorId, authorOfKey } from '../log/author.js'
import { OwnStatus, type OwnStatusOptions } from './own-status.js'
import { type HeardStatus, isGenuineStatus, readStatus, statusFrame } from './status.js'

/** Statuses of others that a new link is told at once, the latest. */
const FIRST_MAX = 48
/** How long somebody has to say by way of others that he is there still, after a link with him was lost. */
const LOST_MS = 2_000
/** Those who are not there any more, and are remembered. */
const LEFT_MAX = 64

export type RosterLink = number

/** Somebody else in the room. */
export interface Present {
  /** His key; undefined for a peer of the original program, which has none. */
  readonly author: AuthorId | undefined
  /** As he says it. */
  readonly name: string
  /** Linked with this peer; heard of through others; or not there any more. */
  readonly state: 'linked' | 'heard' | 'left'
  /** Why he is away; it may be empty. Undefined where he is not. */
  readonly away: string | undefined
  readonly isTyping: boolean
  /** When he was heard of last, by the own clock. */
  readonly lastHeardMs: Millis
  /** How many links lead to him, as far as is known. */
  readonly hops: number
}

export type RosterEffect =
  | { readonly kind: 'send'; readonly link: RosterLink; readonly frame: Uint8Array }
  /** Who is there is not the same any more. */
  | { readonly kind: 'change' }

/** Who is at the other end of a link. */
export interface LinkedPeer {
  /** Undefined for an original. */
  readonly author: AuthorId | undefined
  readonly name: string
  /** How far his clock is ahead. */
  readonly aheadMs: Millis
}

interface Link extends LinkedPeer {
  readonly allowance: Allowance
}

/** What is known of an author. */
interface Known {
  status: HeardStatus | undefined
  name: string
  heardAt: Millis
  hops: number
  /** By the own clock. */
  until: Millis
  typingUntil: Millis
  /** Since when a link with him is lost, and nothing was heard of him; 0 where that is not so. */
  lostAt: Millis
  hasLeft: boolean
  readonly allowance: Allowance
}

export interface RosterOptions extends OwnStatusOptions {
  /** Whether an author has written in the room: of others fewer statuses are remembered. */
  readonly hasWritten: (author: AuthorId) => boolean
}

/**
 * Decides what is known of who is there, and what is said of it: own statuses, and those of others that are passed on.
 * PROTOCOL.md §5.6. `tick` is to be called at `nextAt`.
 */
export class Roster {
  readonly #options: RosterOptions
  readonly #me: AuthorId
  readonly #links = new Map<RosterLink, Link>()
  readonly #known = new Map<AuthorId, Known>()
  readonly #own: OwnStatus

  constructor(options: RosterOptions) {
    this.#options = options
    this.#own = new OwnStatus(options)
    this.#me = authorOfKey(options.keys.publicKey)
  }

  /** A link opened; `author` is undefined where an original is at the other end. */
  linked(id: RosterLink, link: LinkedPeer, now: Millis): RosterEffect[] {
    this.#links.set(id, { ...link, allowance: new Allowance(STATUSES_PER_SECOND_MAX, now) })
    if (link.author === undefined) return [{ kind: 'change' }]
    if (link.author !== this.#me) {
      const known = this.#of(link.author, now)
      if (known.name === '') known.name = link.name
      known.heardAt = now
      known.hops = 1
      known.lostAt = 0
      known.hasLeft = false
    }
    if (this.#own.isOld(now)) this.#own.say(now)
    const others = [...this.#known.values()]
      .filter(({ status, until, lostAt }) => until > now && lostAt === 0 && status?.author !== link.author)
      .sort((a, b) => b.heardAt - a.heardAt)
      .slice(0, FIRST_MAX)
    return [
      ...(this.#own.body ? [{ kind: 'send' as const, link: id, frame: statusFrame(this.#own.body, 1) }] : []),
      ...others.flatMap(({ status }) => (status && canGoOn(status) ? [onwards(id, status)] : [])),
      { kind: 'change' },
    ]
  }

  /** A link closed. `isLost` where nobody meant it to. */
  unlinked(id: RosterLink, isLost: boolean, now: Millis): RosterEffect[] {
    const link = this.#links.get(id)
    if (!this.#links.delete(id) || link === undefined) return []
    const known = link.author === undefined ? undefined : this.#known.get(link.author)
    if (known === undefined || this.#isLinked(link.author)) return [{ kind: 'change' }]
    known.heardAt = now
    if (isLost && !known.hasLeft) {
      known.lostAt = now
      // Whoever was at the other end thinks the same of this peer: it says that it is there still.
      this.#own.changed(now)
    }
    this.#forget()
    return [{ kind: 'change' }]
  }

  /** A frame came over a link. `bad` where it has to be closed. */
  receive(id: RosterLink, body: Uint8Array, now: Millis): RosterEffect[] | 'bad' {
    const link = this.#links.get(id)
    const status = readStatus(body)
    if (status === undefined) return 'bad'
    const { author, version, until } = status
    if (link === undefined || version <= (this.#known.get(author)?.status?.version ?? 0)) return []
    // Who is linked is judged by his own clock, which the link has told.
    const theirNow = link.author === author ? now + link.aheadMs : now
    if (until <= theirNow || until > theirNow + STATUS_MS_MAX || !link.allowance.take(now)) return []
    if (!isGenuineStatus(this.#options.room, status)) return 'bad'
    if (author === this.#me) {
      this.#own.saidElsewhere(version)
      return []
    }
    const known = this.#of(author, now)
    if (!known.allowance.take(now)) return []
    known.status = { ...status, body: Uint8Array.from(body) }
    known.name = status.name
    known.until = now + (until - theirNow)
    // A version is no less than the time it was said at: what a new link tells first may be said long ago.
    const typingMs = status.typingMs - Math.max(0, theirNow - version)
    known.typingUntil = typingMs <= 0 ? 0 : Math.min(known.until, now + typingMs)
    known.heardAt = now
    known.lostAt = 0
    known.hasLeft = status.state === 'left'
    if (!this.#isLinked(author)) known.hops = status.hops
    // Others would not take what the own clock does not.
    const isPassedOn = canGoOn(status) && until > now && until <= now + STATUS_MS_MAX
    const onward = isPassedOn ? [...this.#links].filter(([other]) => other !== id) : []
    return [
      ...onward.flatMap(([other, to]) =>
        to.author === undefined || to.author === author ? [] : [onwards(other, status)],
      ),
      { kind: 'change' },
    ]
  }

  /** Whether somebody said goodbye. */
  hasLeft(author: AuthorId): boolean {
    return this.#known.get(author)?.hasLeft ?? false
  }

  /** Whether somebody whose key begins so is there, and a link with him was not lost since. */
  isHeardOf(key: string, now: Millis): boolean {
    for (const [author, { until, lostAt, hasLeft }] of this.#known)
      if (author.startsWith(key)) return until > now && lostAt === 0 && !hasLeft
    return false
  }

  /** Somebody's line came: he does not type it any more. */
  spoke(author: AuthorId): RosterEffect[] {
    if (author === this.#me) {
      this.#own.spoke()
      return []
    }
    const known = this.#known.get(author)
    if (known === undefined || known.typingUntil === 0) return []
    known.typingUntil = 0
    return [{ kind: 'change' }]
  }

  /** The user is away, or back. */
  setAway(text: string | undefined, now: Millis): void {
    this.#own.setAway(text, now)
  }

  /** The user types. */
  typing(now: Millis): void {
    this.#own.typing(now)
  }

  /** The own peer ends: that is told at once. */
  leave(now: Millis): RosterEffect[] {
    this.#own.say(now, true)
    return this.#toAll()
  }

  tick(now: Millis): RosterEffect[] {
    const effects: RosterEffect[] = []
    if (this.#links.size > 0 && now >= this.#own.dueAt) {
      this.#own.say(now)
      effects.push(...this.#toAll())
    }
    let hasExpired = false
    for (const known of this.#known.values()) {
      if (known.typingUntil !== 0 && known.typingUntil <= now) {
        known.typingUntil = 0
        hasExpired = true
      }
      if (known.until !== 0 && known.until <= now) {
        known.until = 0
        hasExpired = true
      }
      if (known.lostAt !== 0 && known.lostAt + LOST_MS <= now) {
        known.lostAt = 0
        known.until = 0
        hasExpired = true
      }
    }
    if (hasExpired) this.#forget()
    return hasExpired ? [...effects, { kind: 'change' }] : effects
  }

  /** When there is something to do next; infinite where there is not. */
  get nextAt(): Millis {
    let next = this.#links.size > 0 ? this.#own.dueAt : Number.POSITIVE_INFINITY
    for (const { until, typingUntil, lostAt } of this.#known.values()) {
      if (lostAt !== 0) next = Math.min(next, lostAt + LOST_MS)
      if (until !== 0) next = Math.min(next, until)
      if (typingUntil !== 0) next = Math.min(next, typingUntil)
    }
    return next
  }

  /** Who is there, and who was: those who are linked first, each by name. */
  list(now: Millis): Present[] {
    const present: Present[] = []
    for (const { author, name } of this.#links.values()) {
      if (author !== undefined) continue
      present.push({ author, name, state: 'linked', away: undefined, isTyping: false, lastHeardMs: now, hops: 1 })
    }
    for (const [author, known] of this.#known) {
      const { status, name, heardAt, hops, until, typingUntil, hasLeft } = known
      const isLinked = this.#isLinked(author)
      const state = hasLeft ? 'left' : isLinked ? 'linked' : until > now ? 'heard' : 'left'
      present.push({
        author,
        name,
        state,
        away: status?.state === 'away' && state !== 'left' ? status.text : undefined,
        isTyping: state !== 'left' && typingUntil > now,
        lastHeardMs: isLinked ? now : heardAt,
        hops: isLinked ? 1 : hops,
      })
    }
    const order = ['linked', 'heard', 'left']
    return present.sort(
      (a, b) => order.indexOf(a.state) - order.indexOf(b.state) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
    )
  }

  #toAll(): RosterEffect[] {
    const { body } = this.#own
    if (body === undefined) return []
    return [...this.#links].flatMap(([link, { author }]) =>
      author === undefined ? [] : [{ kind: 'send', link, frame: statusFrame(body, 1) }],
    )
  }

  #isLinked(author: AuthorId | undefined): boolean {
    for (const link of this.#links.values()) if (link.author === author) return true
    return false
  }

  #of(author: AuthorId, now: Millis): Known {
    let known = this.#known.get(author)
    if (known === undefined) {
      if (this.#known.size >= STATUSES_MAX) this.#giveUpOne()
      known = {
        status: undefined,
        name: '',
        heardAt: now,
        hops: 1,
        until: 0,
        typingUntil: 0,
        lostAt: 0,
        hasLeft: false,
        allowance: new Allowance(STATUSES_OF_AUTHOR_PER_SECOND_MAX, now),
      }
      this.#known.set(author, known)
    }
    return known
  }

  /** Who is least missed: not linked; who has written nothing before who has; of those who was heard of longest ago. */
  #giveUpOne(): void {
    let worst: { readonly author: AuthorId; readonly hasWritten: boolean; readonly heardAt: Millis } | undefined
    for (const [author, { heardAt }] of this.#known) {
      if (this.#isLinked(author)) continue
      const hasWritten = this.#options.hasWritten(author)
      const isWorse =
        worst === undefined || (hasWritten === worst.hasWritten ? heardAt < worst.heardAt : worst.hasWritten)
      if (isWorse) worst = { author, hasWritten, heardAt }
    }
    if (worst !== undefined) this.#known.delete(worst.author)
  }

  /** Of those who are not there any more some are remembered. */
  #forget(): void {
    const gone = [...this.#known]
      .filter(([author, { until }]) => until === 0 && !this.#isLinked(author))
      .sort(([, a], [, b]) => b.heardAt - a.heardAt)
    for (const [author] of gone.slice(LEFT_MAX)) this.#known.delete(author)
  }
}

const canGoOn = ({ hops, reach }: HeardStatus): boolean => hops < Math.min(reach, STATUS_HOPS_MAX)

const onwards = (link: RosterLink, { body, hops }: HeardStatus): RosterEffect => ({
  kind: 'send',
  link,
  frame: statusFrame(body, hops + 1),
})
