import type { Millis } from '../../base/clock.js'
import { TokenBucket } from '../../base/token-bucket.js'
import { type AuthorId, authorOfKey } from '../../log/format/author.js'
import {
  checkOf,
  DIGEST_TYPE,
  type DigestEntry,
  DigestReader,
  DigestWriter,
  encodeStatusRequest,
  readStatusRequest,
  type ShortKey,
  STATUS_REQUEST_TYPE,
  shortKeyOfAuthor,
} from './digest-codec.js'
import { KnownAuthor } from './known-author.js'
import {
  DIGESTS_PER_SECOND_MAX,
  STATUS_HOPS_MAX,
  STATUS_MS_MAX,
  STATUS_REQUEST_MAX,
  STATUSES_MAX,
  STATUSES_PER_SECOND_MAX,
} from './limits.js'
import { OwnStatus, type OwnStatusOptions } from './own-status.js'
import { isGenuineStatus, type ReceivedStatus, readStatus, statusFrame } from './status-codec.js'
import { StatusRequests } from './status-requests.js'

/** Digests go out in rounds: over a quarter of the links each time, and over three at least. */
const DIGEST_MS = 5_000
const DIGEST_ROUNDS = 4
const DIGEST_LINKS_MIN = 3
/** Evidence older than this is not repeated to others. */
const REPEATED_MS = 100_000
/** Those who are not there any more, and are remembered. */
const LEFT_MAX = 64

export type RosterConnectionId = number

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
  | { readonly kind: 'send'; readonly link: RosterConnectionId; readonly frame: Uint8Array }
  /** Who is there is not the same any more. */
  | { readonly kind: 'change' }

/** Who is at the other end of a link. */
export interface ConnectedPeer {
  /** Undefined for an original. */
  readonly author: AuthorId | undefined
  readonly name: string
  /** How far his clock is ahead. */
  readonly aheadMs: Millis
  /** How many bytes have arrived over the link: where the number grows, the peer is alive. */
  readonly bytesRead: () => number
}

interface Link extends ConnectedPeer {
  readonly allowance: TokenBucket
  readonly answers: TokenBucket
  readonly digests: TokenBucket
  readonly writer: DigestWriter
  readonly reader: DigestReader
  bytes: number
}

export interface RosterOptions extends OwnStatusOptions {
  /** Whether an author has written in the room: of others fewer statuses are remembered. */
  readonly hasWritten: (author: AuthorId) => boolean
}

/**
 * Decides what is known of who is there, and what is said of it: own statuses, and those of others that are passed on.
 * docs/protocol/presence.md §5.6. `tick` is to be called at `nextAt`.
 */
export class Roster {
  readonly #options: RosterOptions
  readonly #me: AuthorId
  readonly #myKey: ShortKey
  readonly #links = new Map<RosterConnectionId, Link>()
  readonly #known = new Map<AuthorId, KnownAuthor>()
  readonly #byShortKey = new Map<ShortKey, AuthorId>()
  readonly #requests = new StatusRequests()
  readonly #own: OwnStatus
  #digestAt: Millis = 0
  /** How many links got their digest in earlier rounds: the next one in order is next. */
  #turn = 0

  constructor(options: RosterOptions) {
    this.#options = options
    this.#own = new OwnStatus(options)
    this.#me = authorOfKey(options.keys.publicKey)
    this.#myKey = shortKeyOfAuthor(this.#me)
  }

  /** A link opened; `author` is undefined where an original is at the other end. */
  connected(id: RosterConnectionId, peer: ConnectedPeer, now: Millis): RosterEffect[] {
    const link: Link = {
      ...peer,
      allowance: new TokenBucket(STATUSES_PER_SECOND_MAX, now),
      answers: new TokenBucket(STATUSES_PER_SECOND_MAX, now),
      digests: new TokenBucket(DIGESTS_PER_SECOND_MAX, now),
      writer: new DigestWriter(),
      reader: new DigestReader(),
      bytes: peer.bytesRead(),
    }
    this.#links.set(id, link)
    if (link.author === undefined) return [{ kind: 'change' }]
    if (link.author !== this.#me) {
      const known = this.#of(link.author, now)
      if (known.name === '') known.name = link.name
      known.connections += 1
      known.heardAt = now
      known.hops = 1
      known.hasLeft = false
      known.active(now)
    }
    if (this.#own.isOld(now)) this.#own.sign(now)
    const { body } = this.#own
    return [
      ...(body ? [{ kind: 'send' as const, link: id, frame: statusFrame(body, 1) }] : []),
      this.#digestFor(id, link, now),
      { kind: 'change' },
    ]
  }

  /** A link closed. `isLost` where nobody meant it to. */
  disconnected(id: RosterConnectionId, isLost: boolean, now: Millis): RosterEffect[] {
    const link = this.#links.get(id)
    if (!this.#links.delete(id) || link === undefined) return []
    const known = link.author === undefined ? undefined : this.#known.get(link.author)
    if (known !== undefined) known.connections -= 1
    if (known === undefined || known.connections > 0) return [{ kind: 'change' }]
    known.heardAt = now
    if (isLost && !known.hasLeft) {
      known.lost(now)
      // Whoever was at the other end thinks the same of this peer: it says that it is there still.
      this.#own.changed(now)
    }
    this.#forget()
    return [{ kind: 'change' }]
  }

  /** What was to be sent over a link last may be lost: its digests begin anew. */
  undelivered(id: RosterConnectionId): void {
    this.#links.get(id)?.writer.restart()
  }

  /** A frame came over a link. `bad` where the link has to be closed. */
  receive(id: RosterConnectionId, body: Uint8Array, now: Millis): RosterEffect[] | 'bad' {
    const link = this.#links.get(id)
    if (link === undefined) return []
    if (body[0] === DIGEST_TYPE) return this.#receiveDigest(id, link, body, now)
    if (body[0] === STATUS_REQUEST_TYPE) return this.#answer(id, link, body, now)
    return this.#receiveStatus(id, link, body, now)
  }

  #receiveStatus(id: RosterConnectionId, link: Link, body: Uint8Array, now: Millis): RosterEffect[] | 'bad' {
    const status = readStatus(body)
    if (status === undefined) return 'bad'
    const { author, version, until } = status
    if (version <= (this.#known.get(author)?.status?.version ?? 0)) return []
    // Who is linked is judged by his own clock, which the link has told.
    const theirNow = link.author === author ? now + link.aheadMs : now
    if (until <= theirNow || until > theirNow + STATUS_MS_MAX || !link.allowance.take(now)) return []
    if (!isGenuineStatus(this.#options.room, status)) return 'bad'
    const toldAliveAt = this.#requests.answeredBy(shortKeyOfAuthor(author), id, version)
    if (author === this.#me) {
      // An earlier run said it, or another device: what this one says has to count again.
      if (toldAliveAt !== undefined && version > this.#own.version) this.#own.changed(now)
      this.#own.observedVersion(version)
      return []
    }
    const known = this.#of(author, now)
    // A goodbye is always heard: it is the last, and may follow another status at once.
    if (status.state !== 'left' && !known.allowance.take(now)) return []
    known.status = { ...status, body: Uint8Array.from(body) }
    known.name = status.name
    known.until = now + (until - theirNow)
    // A version is no less than the time it was said at: what a new link tells first may be said long ago.
    const typingMs = status.typingMs - Math.max(0, theirNow - version)
    known.typingUntil = typingMs <= 0 ? 0 : Math.min(known.until, now + typingMs)
    known.heardAt = now
    known.hasLeft = status.state === 'left'
    if (known.connections === 0) known.hops = status.hops
    if (toldAliveAt !== undefined) {
      // It may be minutes old, and the others ask for it as this peer did.
      known.alive(toldAliveAt)
      return [{ kind: 'change' }]
    }
    known.active(now)
    const onward = canGoOn(status) && isPlausible(status, now) ? [...this.#links].filter(([other]) => other !== id) : []
    return [
      ...onward.flatMap(([other, to]) =>
        to.author === undefined || to.author === author ? [] : [onwards(other, status)],
      ),
      { kind: 'change' },
    ]
  }

  /** Who is alive, as a neighbour knows it; asks for statuses that this peer lacks. */
  #receiveDigest(id: RosterConnectionId, link: Link, body: Uint8Array, now: Millis): RosterEffect[] | 'bad' {
    if (!link.digests.take(now)) return 'bad'
    const entries = link.reader.read(body)
    if (entries === undefined) return 'bad'
    const wanted: ShortKey[] = []
    let hasChanged = false
    for (const { id: key, check, ageMs, isNew } of entries) {
      if (ageMs === undefined) continue
      const aliveAt = now - ageMs
      const author = this.#byShortKey.get(key)
      const known = author === undefined ? undefined : this.#known.get(author)
      hasChanged = known?.alive(aliveAt) || hasChanged
      const isMe = key === this.#myKey
      // Others lag behind what this peer says of itself; only at first they may know of a later status, from an earlier run.
      if (isMe && !isNew) continue
      const held = isMe ? this.#own.version : known?.status?.version
      if (held !== undefined && checkOf(held) === check) continue
      if (wanted.length < STATUS_REQUEST_MAX && this.#requests.ask(key, { link: id, check, aliveAt }, now))
        wanted.push(key)
    }
    return [
      ...(wanted.length > 0 ? [{ kind: 'send' as const, link: id, frame: encodeStatusRequest(wanted) }] : []),
      ...(hasChanged ? [{ kind: 'change' as const }] : []),
    ]
  }

  /** A neighbour asks for statuses. */
  #answer(id: RosterConnectionId, link: Link, body: Uint8Array, now: Millis): RosterEffect[] | 'bad' {
    const keys = readStatusRequest(body)
    if (keys === undefined) return 'bad'
    return keys.flatMap(key => {
      const author = this.#byShortKey.get(key)
      const { status, hasLeft = true } = (author === undefined ? undefined : this.#known.get(author)) ?? {}
      if (status === undefined || hasLeft || status.hops >= STATUS_HOPS_MAX || !isPlausible(status, now)) return []
      return link.answers.take(now) ? [onwards(id, status)] : []
    })
  }

  /** Whether somebody said goodbye. */
  hasLeft(author: AuthorId): boolean {
    return this.#known.get(author)?.hasLeft ?? false
  }

  /** Whether somebody whose key begins so is there, and a link with him was not lost since. */
  isPresent(key: string, now: Millis): boolean {
    for (const [author, known] of this.#known) if (author.startsWith(key)) return known.isPresent(now)
    return false
  }

  /** Somebody's line came: he does not type it any more. */
  posted(author: AuthorId): RosterEffect[] {
    if (author === this.#me) {
      this.#own.posted()
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
    this.#own.sign(now, true)
    return this.#toAll()
  }

  tick(now: Millis): RosterEffect[] {
    const effects: RosterEffect[] = []
    if (this.#links.size > 0 && now >= this.#own.dueAt) {
      this.#own.sign(now)
      effects.push(...this.#toAll())
    }
    // Where the clock was set back, the next round is not hours away.
    this.#digestAt = Math.min(this.#digestAt, now + DIGEST_MS)
    if (this.#links.size > 0 && now >= this.#digestAt) effects.push(...this.#digestRound(now))
    let hasExpired = false
    for (const known of this.#known.values()) hasExpired = known.expire(now) || hasExpired
    if (hasExpired) this.#forget()
    return hasExpired ? [...effects, { kind: 'change' }] : effects
  }

  /** When there is something to do next; infinite where there is not. */
  get nextAt(): Millis {
    let next = this.#links.size > 0 ? Math.min(this.#own.dueAt, this.#digestAt) : Number.POSITIVE_INFINITY
    for (const known of this.#known.values()) next = Math.min(next, known.nextAt)
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
      const { status, name, heardAt, hops, typingUntil } = known
      const isLinked = known.connections > 0
      const state = known.state(now)
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

  /** Polls all links for signs of life, and sends digests over those whose turn it is. */
  #digestRound(now: Millis): RosterEffect[] {
    this.#digestAt = now + DIGEST_MS * (0.8 + this.#options.random() / 5)
    this.#requests.prune(now)
    const ours = [...this.#links].filter(([, { author }]) => author !== undefined)
    for (const [, link] of ours) {
      const bytes = link.bytesRead()
      if (bytes !== link.bytes && link.author !== undefined) this.#known.get(link.author)?.alive(now)
      link.bytes = bytes
    }
    const count = Math.min(ours.length, Math.max(DIGEST_LINKS_MIN, Math.ceil(ours.length / DIGEST_ROUNDS)))
    const from = this.#turn
    this.#turn += count
    return Array.from({ length: count }, (_, i) => ours[(from + i) % ours.length]).flatMap(each =>
      each === undefined ? [] : [this.#digestFor(...each, now)],
    )
  }

  #digestFor(id: RosterConnectionId, { writer }: Link, now: Millis): RosterEffect {
    const entries: DigestEntry[] = []
    for (const [author, { status, hasLeft, aliveAt }] of this.#known) {
      if (status === undefined || hasLeft || now - aliveAt > REPEATED_MS || !isPlausible(status, now)) continue
      entries.push({ id: shortKeyOfAuthor(author), check: checkOf(status.version), ageMs: Math.max(0, now - aliveAt) })
    }
    return { kind: 'send', link: id, frame: writer.next(entries) }
  }

  #of(author: AuthorId, now: Millis): KnownAuthor {
    let known = this.#known.get(author)
    if (known === undefined) {
      if (this.#known.size >= STATUSES_MAX) this.#giveUpOne()
      known = new KnownAuthor(now)
      this.#known.set(author, known)
      this.#byShortKey.set(shortKeyOfAuthor(author), author)
    }
    return known
  }

  /** Who is least missed: not linked; who has written nothing before who has; of those who was heard of longest ago. */
  #giveUpOne(): void {
    let worst: { readonly author: AuthorId; readonly hasWritten: boolean; readonly heardAt: Millis } | undefined
    for (const [author, { heardAt, connections }] of this.#known) {
      if (connections > 0) continue
      const hasWritten = this.#options.hasWritten(author)
      const isWorse =
        worst === undefined || (hasWritten === worst.hasWritten ? heardAt < worst.heardAt : worst.hasWritten)
      if (isWorse) worst = { author, hasWritten, heardAt }
    }
    if (worst !== undefined) this.#drop(worst.author)
  }

  /** Of those who are not there any more some are remembered. */
  #forget(): void {
    const gone = [...this.#known]
      .filter(([, { until, connections }]) => until === 0 && connections === 0)
      .sort(([, a], [, b]) => b.heardAt - a.heardAt)
    for (const [author] of gone.slice(LEFT_MAX)) this.#drop(author)
  }

  #drop(author: AuthorId): void {
    this.#known.delete(author)
    this.#byShortKey.delete(shortKeyOfAuthor(author))
  }
}

/** Whether others, who judge by their own clocks, are likely to take a status. */
const isPlausible = ({ until }: ReceivedStatus, now: Millis): boolean => until > now && until <= now + STATUS_MS_MAX

const canGoOn = ({ hops, reach }: ReceivedStatus): boolean => hops < Math.min(reach, STATUS_HOPS_MAX)

const onwards = (link: RosterConnectionId, { body, hops }: ReceivedStatus): RosterEffect => ({
  kind: 'send',
  link,
  frame: statusFrame(body, hops + 1),
})
