import type { Millis } from '../../base/clock.js'
import { type AuthorId, authorOfKey } from '../../log/format/author.js'
import {
  checkOf,
  DIGEST_TYPE,
  type DigestEntry,
  encodeStatusRequest,
  readStatusRequest,
  type ShortKey,
  STATUS_REQUEST_TYPE,
  shortKeyOfAuthor,
} from './digest-codec.js'
import { DigestRounds } from './digest-rounds.js'
import { KnownAuthors, type Standing } from './known-authors.js'
import { STATUS_HOPS_MAX, STATUS_MS_MAX, STATUS_REQUEST_MAX } from './limits.js'
import { OwnStatus, type OwnStatusOptions } from './own-status.js'
import { byStateAndName, type Present } from './present.js'
import { type ConnectedPeer, RosterConnection } from './roster-connection.js'
import { isGenuineStatus, type ReceivedStatus, readStatus, statusFrame } from './status-codec.js'
import { StatusRequests } from './status-requests.js'

/** Age of evidence at which it is no longer repeated to others. */
const REPEATED_MS = 100_000

export type RosterConnectionId = number

export type RosterEffect =
  | { readonly kind: 'send'; readonly connection: RosterConnectionId; readonly frame: Uint8Array }
  /** The list of present people changed. */
  | { readonly kind: 'change' }

export type RosterOptions = OwnStatusOptions & Standing

/**
 * Decides who is shown as present, and which statuses and digests to send: our own status, and those of others that are relayed.
 * docs/protocol/presence.md §5.6. Pure: call `tick` at `nextAt`, and perform the effects.
 */
export class Roster {
  readonly #options: RosterOptions
  readonly #me: AuthorId
  readonly #myKey: ShortKey
  readonly #connections = new Map<RosterConnectionId, RosterConnection>()
  readonly #known: KnownAuthors
  readonly #requests = new StatusRequests()
  readonly #own: OwnStatus
  readonly #rounds: DigestRounds

  constructor(options: RosterOptions) {
    this.#options = options
    this.#known = new KnownAuthors(options)
    this.#own = new OwnStatus(options)
    this.#rounds = new DigestRounds(options.random)
    this.#me = authorOfKey(options.keys.publicKey)
    this.#myKey = shortKeyOfAuthor(this.#me)
  }

  connected(id: RosterConnectionId, peer: ConnectedPeer, now: Millis): RosterEffect[] {
    const connection = new RosterConnection(peer, now)
    this.#connections.set(id, connection)
    const { author, name } = peer
    if (author === undefined) return [{ kind: 'change' }]
    if (author !== this.#me) {
      const known = this.#known.getOrCreate(author, now)
      if (known.name === '') known.name = name
      known.connections += 1
      known.heardAt = now
      known.hops = 1
      known.hasLeft = false
      known.active(now)
    }
    if (this.#own.isOld(now)) this.#own.sign(now)
    const { body } = this.#own
    return [
      ...(body ? [sendEffect(id, statusFrame(body, 1))] : []),
      this.#digestFor(id, connection, now),
      { kind: 'change' },
    ]
  }

  /** A connection closed. `isLost`: neither side intended it. */
  disconnected(id: RosterConnectionId, isLost: boolean, now: Millis): RosterEffect[] {
    const connection = this.#connections.get(id)
    if (!this.#connections.delete(id) || connection === undefined) return []
    const known = connection.author === undefined ? undefined : this.#known.get(connection.author)
    if (known !== undefined) known.connections -= 1
    if (known === undefined || known.connections > 0) return [{ kind: 'change' }]
    known.heardAt = now
    if (isLost && !known.hasLeft) {
      known.lost(now)
      // The other side considers us lost as well: a new status shows that we are present.
      this.#own.changed(now)
    }
    this.#known.forgetAbsent()
    return [{ kind: 'change' }]
  }

  /** The last frame for a connection was not sent: its digests name all authors again. */
  undelivered(id: RosterConnectionId): void {
    this.#connections.get(id)?.writer.restart()
  }

  /** A frame arrived. `bad`: the connection has to be closed. */
  receive(id: RosterConnectionId, body: Uint8Array, now: Millis): RosterEffect[] | 'bad' {
    const connection = this.#connections.get(id)
    if (connection === undefined) return []
    if (body[0] === DIGEST_TYPE) return this.#receiveDigest(id, connection, body, now)
    if (body[0] === STATUS_REQUEST_TYPE) return this.#answerRequest(id, connection, body, now)
    return this.#receiveStatus(id, connection, body, now)
  }

  #receiveStatus(
    id: RosterConnectionId,
    connection: RosterConnection,
    body: Uint8Array,
    now: Millis,
  ): RosterEffect[] | 'bad' {
    const status = readStatus(body)
    if (status === undefined) return 'bad'
    const { author, version, until } = status
    if (version <= (this.#known.get(author)?.status?.version ?? 0)) return []
    // The times in the status of a connected author are compared with the author's clock, whose offset is known from
    // the handshake.
    const theirNow = connection.author === author ? now + connection.aheadMs : now
    if (until <= theirNow || until > theirNow + STATUS_MS_MAX || !connection.statuses.take(now)) return []
    if (!isGenuineStatus(this.#options.room, status)) return 'bad'
    const requestedAliveAt = this.#requests.answeredBy(shortKeyOfAuthor(author), id, version)
    if (author === this.#me) {
      // An earlier run or another device of ours sent it: our next status needs a greater version.
      if (requestedAliveAt !== undefined && version > this.#own.version) this.#own.changed(now)
      this.#own.observedVersion(version)
      return []
    }
    const known = this.#known.getOrCreate(author, now)
    // A goodbye is always accepted: it is the last status, and may follow another one at once.
    if (status.state !== 'left' && !known.statuses.take(now)) return []
    known.status = { ...status, body: Uint8Array.from(body) }
    known.name = status.name
    known.until = now + (until - theirNow)
    // The first status on a new connection may be old. A version is a time, never before the signing, so this subtracts at most its age.
    const typingMs = status.typingMs - Math.max(0, theirNow - version)
    known.typingUntil = typingMs <= 0 ? 0 : Math.min(known.until, now + typingMs)
    known.heardAt = now
    known.hasLeft = status.state === 'left'
    if (known.connections === 0) known.hops = status.hops
    if (requestedAliveAt !== undefined) {
      // A requested status may be minutes old. It is not relayed, because other peers request it themselves.
      known.alive(requestedAliveAt)
      return [{ kind: 'change' }]
    }
    known.active(now)
    return [...this.#relay(id, status, now), { kind: 'change' }]
  }

  /** Relays a new status over all connections but those to its sender and its author. */
  #relay(from: RosterConnectionId, status: ReceivedStatus, now: Millis): RosterEffect[] {
    if (!canRelay(status) || !isPlausible(status, now)) return []
    return [...this.#connections].flatMap(([id, { author }]) =>
      id === from || author === undefined || author === status.author ? [] : [relayed(id, status)],
    )
  }

  /** A neighbour reports who is alive. Requests the statuses that are missing here. */
  #receiveDigest(
    id: RosterConnectionId,
    connection: RosterConnection,
    body: Uint8Array,
    now: Millis,
  ): RosterEffect[] | 'bad' {
    if (!connection.digests.take(now)) return 'bad'
    const entries = connection.reader.read(body)
    if (entries === undefined) return 'bad'
    const requested: ShortKey[] = []
    let hasChanged = false
    for (const { id: key, check, ageMs, isNew } of entries) {
      if (ageMs === undefined) continue
      const aliveAt = now - ageMs
      const known = this.#known.byShortKey(key)
      hasChanged = known?.alive(aliveAt) || hasChanged
      const isMe = key === this.#myKey
      // Other peers usually have an older status of ours. Only a first digest may name a newer one, from an earlier
      // run.
      if (isMe && !isNew) continue
      const version = isMe ? this.#own.version : known?.status?.version
      if (version !== undefined && checkOf(version) === check) continue
      if (requested.length < STATUS_REQUEST_MAX && this.#requests.add(key, { connection: id, check, aliveAt }, now))
        requested.push(key)
    }
    return [
      ...(requested.length > 0 ? [sendEffect(id, encodeStatusRequest(requested))] : []),
      ...(hasChanged ? [{ kind: 'change' as const }] : []),
    ]
  }

  #answerRequest(
    id: RosterConnectionId,
    connection: RosterConnection,
    body: Uint8Array,
    now: Millis,
  ): RosterEffect[] | 'bad' {
    const keys = readStatusRequest(body)
    if (keys === undefined) return 'bad'
    return keys.flatMap(key => {
      const { status, hasLeft = true } = this.#known.byShortKey(key) ?? {}
      if (status === undefined || hasLeft || status.hops >= STATUS_HOPS_MAX || !isPlausible(status, now)) return []
      return connection.answers.take(now) ? [relayed(id, status)] : []
    })
  }

  /** Whether an author said goodbye. */
  hasLeft(author: AuthorId): boolean {
    return this.#known.get(author)?.hasLeft ?? false
  }

  /**
   * Whether the author whose key begins with `key` is present. Ignores signs of presence from before their connection was lost.
   */
  isPresent(key: string, now: Millis): boolean {
    for (const [author, known] of this.#known) if (author.startsWith(key)) return known.isPresent(now)
    return false
  }

  /** A message of an author arrived: they are no longer typing it. */
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

  /** The user is away, or back if `text` is undefined. */
  setAway(text: string | undefined, now: Millis): void {
    this.#own.setAway(text, now)
  }

  /** The user is typing. */
  typing(now: Millis): void {
    this.#own.typing(now)
  }

  /** Says goodbye. */
  leave(now: Millis): RosterEffect[] {
    this.#own.sign(now, true)
    return this.#sendOwnStatus()
  }

  tick(now: Millis): RosterEffect[] {
    const effects: RosterEffect[] = []
    if (this.#connections.size > 0 && now >= this.#own.dueAt) {
      this.#own.sign(now)
      effects.push(...this.#sendOwnStatus())
    }
    if (this.#rounds.isDue(now) && this.#connections.size > 0) effects.push(...this.#digestRound(now))
    return this.#known.expire(now) ? [...effects, { kind: 'change' }] : effects
  }

  /** When to call `tick` next; infinite if there is nothing to do. */
  get nextAt(): Millis {
    const sendAt = this.#connections.size > 0 ? Math.min(this.#own.dueAt, this.#rounds.dueAt) : Number.POSITIVE_INFINITY
    return Math.min(sendAt, this.#known.nextAt)
  }

  /** Everyone who is or was present. */
  list(now: Millis): Present[] {
    const present: Present[] = []
    for (const { author, name } of this.#connections.values()) {
      if (author !== undefined) continue
      present.push({ author, name, state: 'connected', away: undefined, isTyping: false, lastHeardMs: now, hops: 1 })
    }
    for (const [author, known] of this.#known) present.push(known.present(author, now))
    return present.sort(byStateAndName)
  }

  #sendOwnStatus(): RosterEffect[] {
    const { body } = this.#own
    if (body === undefined) return []
    return this.#native().map(([id]) => sendEffect(id, statusFrame(body, 1)))
  }

  /** Polls all connections for signs of life, and sends digests over those whose turn it is. */
  #digestRound(now: Millis): RosterEffect[] {
    this.#rounds.start(now)
    this.#requests.prune(now)
    const native = this.#native()
    for (const [, connection] of native) {
      if (connection.hasNewBytes() && connection.author !== undefined) this.#known.get(connection.author)?.alive(now)
    }
    return this.#rounds.pick(native).map(([id, connection]) => this.#digestFor(id, connection, now))
  }

  #digestFor(id: RosterConnectionId, { writer }: RosterConnection, now: Millis): RosterEffect {
    const entries: DigestEntry[] = []
    for (const [author, { status, hasLeft, aliveAt }] of this.#known) {
      if (status === undefined || hasLeft || now - aliveAt > REPEATED_MS || !isPlausible(status, now)) continue
      entries.push({ id: shortKeyOfAuthor(author), check: checkOf(status.version), ageMs: Math.max(0, now - aliveAt) })
    }
    return sendEffect(id, writer.next(entries))
  }

  /** Connections to native peers. */
  #native(): [RosterConnectionId, RosterConnection][] {
    return [...this.#connections].filter(([, { author }]) => author !== undefined)
  }
}

/** Whether other peers, which judge by their own clocks, are likely to accept a status. */
const isPlausible = ({ until }: ReceivedStatus, now: Millis): boolean => until > now && until <= now + STATUS_MS_MAX

const canRelay = ({ hops, reach }: ReceivedStatus): boolean => hops < Math.min(reach, STATUS_HOPS_MAX)

const sendEffect = (connection: RosterConnectionId, frame: Uint8Array): RosterEffect => ({
  kind: 'send',
  connection,
  frame,
})

const relayed = (connection: RosterConnectionId, { body, hops }: ReceivedStatus): RosterEffect =>
  sendEffect(connection, statusFrame(body, hops + 1))
