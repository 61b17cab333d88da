import { EventEmitter } from 'node:events'
import { pipeline } from 'node:stream'
import type { Cancel, Clock, Millis } from '../base/clock.js'
import type { KeyPair } from '../base/crypto/signing.js'
import { ChatError, reasonOf } from '../base/errors.js'
import { NEW_AUTHORS_PER_HOUR_MAX } from '../base/limits.js'
import type { Random } from '../base/random.js'
import { sanitise } from '../base/safe-text.js'
import { shortKey } from '../chat/display-names.js'
import type { Message } from '../chat/kinds/message.js'
import { Presence } from '../chat/presence/presence.js'
import type { Present } from '../chat/presence/roster.js'
import { isPlainName, shownName, shownPlace } from '../chat/shown-name.js'
import { skeletonOf } from '../chat/skeleton.js'
import { addressOfName } from '../compat/scuttleup/hashed-port.js'
import { type AuthorId, authorOf, authorOfKey, type Seq } from '../log/format/author.js'
import type { Digest } from '../log/format/heads.js'
import { AHEAD_MS_MAX } from '../log/format/hybrid-clock.js'
import { LOBBY, roomId } from '../log/format/room-id.js'
import type { Log } from '../log/log.js'
import type { OpenAside, ReadOptions } from '../log/options.js'
import type { Connection, Connections } from '../net/connections.js'
import { formatAddress } from '../net/lan/address.js'
import { requestedName } from '../net/lan/mdns/service-records.js'
import { PeerExchange } from '../net/overlay/peer-exchange.js'
import type { RawConnection } from '../net/peer-source.js'
import { archiveOf } from '../sync/archive.js'
import type { Held, Replicas } from '../sync/receipts.js'
import { ConnectionSummaries, type ConnectionSummary } from './connection-summary.js'
import { DeliveryWatch } from './delivery-watch.js'
import { Outbox } from './outbox.js'
import { namedPeer } from './peer-name.js'
import { type Extras, type HostedRoom, messagesOf, type RoomApi, type ToldEntry } from './room-api.js'

export interface RoomEvents {
  /** One line on where things stand. */
  info: [string]
  /** One line on what is not as it should be. */
  warning: [string]
  /** Who is linked or tried, or who holds the own lines, is not the same any more. */
  change: []
  /** Who is there, away or typing is not the same any more. */
  presence: []
  /** Some log goes further. */
  heads: []
  /** A link is closed because there are enough: the first digits of the other's key. */
  parted: [string]
}

/** What a peer is wired from; it closes them in the end. */
export interface RoomParts {
  /** The user's name, as it stands in every message. */
  readonly me: string
  /** The room, if it is another than the lobby: the ports of its peers are hashed with it. */
  readonly room?: string | undefined
  readonly log: Log
  readonly swarm: Connections
  /** Names on the local network, if any are used. */
  readonly discovery: { close(): Promise<void> } | undefined
  readonly clock: Clock
  readonly random: Pick<Random, 'number'>
  /** The key that the own log is signed with. */
  readonly keys: KeyPair
  /** Whether further peers are met by way of those who are linked. */
  readonly isMeeting: boolean
  /** Whether other peers may hold more of the own log than this disk, as after a restored backup. */
  readonly mayBeAhead: boolean
}

/** How long a peer waits, before it writes for the first time, for somebody to tell how much of its log he holds. */
const FIRST_WORD_MS = 3_000

/** How long a goodbye has to leave before the links are closed. */
const GOODBYE_MS = 150

/** How soon a lost connection has to be replaced for nobody to be bothered with it. */
const REPLACED_MS = 300

/** How long after the start the logs are looked through. */
const INSPECTION_MS = 2_000

/** One running participant: its logs, its links, and what is said in them. */
export class Room extends EventEmitter<RoomEvents> implements HostedRoom {
  /** Who has stored the last own line. */
  readonly keeping: DeliveryWatch
  readonly #parts: RoomParts
  readonly #speaker: Outbox
  readonly #standings: ConnectionSummaries
  readonly #presence: Presence
  /** Where further peers are met by way of those who are linked. */
  readonly meeting: PeerExchange | undefined
  /** Told by the first link, or by time: nothing is written before. */
  #heard = (): void => {}
  /** A device with the own key that was there before. Its lines are not held here: writing now would fork the log. */
  #elder: string | undefined
  #hasSpoken = false
  /** Connections that were lost a moment ago. */
  readonly #lost = new Set<{ readonly link: Connection; readonly cancel: Cancel }>()

  constructor(parts: RoomParts) {
    super()
    this.#parts = parts
    const { log, swarm, clock, mayBeAhead } = parts
    const mayWrite = new Promise<void>(resolve => {
      this.#heard = resolve
      if (mayBeAhead) clock.after(FIRST_WORD_MS, resolve)
      else resolve()
    })
    this.#speaker = new Outbox(log, mayWrite, ({ message }, error) => {
      this.emit('warning', sanitise(`${error.toLine()} It began: ${message.slice(0, 40)}`))
    })
    this.keeping = new DeliveryWatch(log, clock, () => swarm.reconnect(({ remote }) => remote.kind === 'scuttleup'))
    // Behind the first screen: what the disk has lost without a word is found, and fetched again.
    clock.after(INSPECTION_MS, () => void log.inspect().catch(error => this.emit('warning', sanitise(reasonOf(error)))))
    swarm.on('connection', link => this.#replicate(link.stream, link))
    swarm.on('disconnection', (link, reason) => {
      this.#tellOfEnd(link, sanitise(reason))
    })
    const standings = new ConnectionSummaries(
      clock,
      () => this.connectionSummary,
      line => this.emit('info', `now ${line}`),
    )
    this.#standings = standings
    swarm.on('change', () => {
      standings.update()
      this.emit('change')
    })
    log.custody.on('told', (_holder, author) => {
      if (author === log.id) this.emit('change')
    })
    this.#presence = new Presence(clock, {
      keys: parts.keys,
      room: roomId(this.room),
      me: parts.me,
      hasWritten: author => log.reach(author) > 0,
      random: () => parts.random.number(),
    })
    if (parts.isMeeting) {
      const { random, keys } = parts
      const onDropped = (id: string): void => void this.emit('parted', id)
      this.meeting = new PeerExchange({
        connections: swarm,
        clock,
        random,
        key: keys.publicKey,
        isPresent: id => this.#presence.isPresent(id),
        onDropped,
      })
    }
    this.#presence.on('change', () => this.emit('presence'))
    log.on('entries', ({ author }) => {
      this.#presence.posted(author)
      this.emit('heads')
    })
    swarm.on('warning', line => this.emit('warning', sanitise(line)))
    log.on('warning', line => this.emit('warning', sanitise(line)))
    log.on('read-only', reason =>
      this.emit('warning', `nothing can be stored until the disk answers: ${sanitise(reason)}`),
    )
    log.on('writable', () => this.emit('info', 'the disk answers again: what is written is stored'))
    // Peers are told how far the logs go when a link opens: so it is opened again.
    log.on('lost', () => swarm.reconnect())
    log.on('recovered', entry =>
      this.emit('info', `entry ${entry.seq}, which was reported as not stored, is stored after all`),
    )
    log.on('fork', ({ segments: [{ key }], place }) => {
      const author = authorOfKey(key)
      this.emit(
        'warning',
        author === log.id
          ? `your log has forked: two devices wrote entry ${place} with your key, or one did after a backup was restored. Peers take nothing more from either: stop, run \`persisted-chat renew\` with your name on one of them, and use each key on one device only`
          : `the key ${shortKey(author)}… signed two histories: from entry ${place} on they are disputed`,
      )
    })
  }

  /** The own author id. */
  get id(): AuthorId {
    return this.#parts.log.id
  }

  get me(): string {
    return this.#parts.me
  }

  get room(): string {
    return this.#parts.room ?? LOBBY
  }

  get links(): readonly Connection[] {
    return this.#parts.swarm.connections
  }

  get connectionSummary(): ConnectionSummary {
    const { connections, dialAttempts: trials } = this.#parts.swarm
    const heard = this.presence.filter(({ state }) => state === 'heard').length
    return { linked: [...new Set(connections.map(link => this.#nameOf(link)))], trials, heard }
  }

  get presence(): readonly Present[] {
    return this.#presence.list
  }

  setAway(text: string | undefined): void {
    this.#presence.setAway(text)
  }

  typing(): void {
    this.#presence.typing()
  }

  get heads(): readonly Digest[] {
    return this.#parts.log.head
  }

  replicasOf(seq: Seq): Replicas {
    return this.#parts.log.custody.of({ author: this.id, seq })
  }

  connect(peer: string): void {
    const { name, address } = namedPeer(peer, this, this.#parts.swarm.me)
    this.#parts.swarm.add(name, address)
  }

  disconnect(peer: string): boolean {
    const { swarm } = this.#parts
    const isIt = (link: Connection): boolean => link.dialled === peer || this.#nameOf(link) === peer
    const names = new Set([peer, ...swarm.connections.filter(isIt).flatMap(({ dialled }) => dialled ?? [])])
    const isKnown = swarm.connections.some(isIt) || swarm.dialAttempts.some(({ name }) => name === peer)
    for (const name of names) swarm.remove(name)
    swarm.reconnect(isIt)
    return isKnown
  }

  async *verify(): ReturnType<RoomApi['verify']> {
    const { log } = this.#parts
    yield* log.verifyAll(undefined)
  }

  archive(): AsyncIterable<Uint8Array> {
    return archiveOf(this.#parts.log, roomId(this.room))
  }

  async say(message: string, extras: Extras = {}): Promise<void> {
    if (this.#elder !== undefined) {
      throw new ChatError('LOG_READ_ONLY', `not said: another device with your key was there first (${this.#elder})`, {
        hint: 'Write there; or stop it, and start this one again.',
      })
    }
    this.#hasSpoken = true
    await this.#speaker.say({ username: this.#parts.me, message, ...extras })
  }

  flushed(): Promise<void> {
    return this.#speaker.settled()
  }

  /** Whether anything was said in this run. */
  get hasSpoken(): boolean {
    return this.#hasSpoken
  }

  get unsavedCount(): number {
    return this.#speaker.pending
  }

  async *messages(
    options: ReadOptions,
    isWanted: (entry: Uint8Array) => boolean = () => true,
  ): AsyncGenerator<readonly Message[]> {
    for await (const entries of this.entries(options)) yield messagesOf(entries, isWanted)
  }

  async *entries(options: ReadOptions): AsyncGenerator<readonly ToldEntry[]> {
    const { log } = this.#parts
    for await (const entries of log.read(options))
      yield entries.map(entry => ({ ...entry, isDisputed: log.isDisputed(entry) }))
  }

  get held(): Held {
    return this.#parts.log.custody.held(this.id)
  }

  get address(): string {
    return this.#parts.swarm.me
  }

  stored(signal?: AbortSignal): Promise<void> {
    return this.keeping.stored(signal)
  }

  async close(): Promise<void> {
    const { log, swarm, discovery, clock } = this.#parts
    this.#heard()
    for (const { cancel } of this.#lost) cancel()
    this.#standings.close()
    this.meeting?.close()
    this.#presence.close()
    if (this.links.some(({ remote }) => remote.kind === 'native'))
      await new Promise<void>(resolve => void clock.after(GOODBYE_MS, resolve))
    await Promise.all([swarm.close(), discovery?.close()])
    await log.close()
  }

  #nameOf(link: Connection): string {
    return nameIn(this.#parts.room, link)
  }

  /** The one idea of the program: on every connection, pipe the socket through the log's replication stream. */
  #replicate(socket: RawConnection, link: Connection): void {
    const { remote } = link
    if (remote.kind === 'native' && remote.key === this.id && remote.isOlder) this.#elder = this.#nameOf(link)
    const isStranger = link.dialled === undefined && remote.kind === 'scuttleup'
    const replication = this.#parts.log.createReplicationStream({
      live: true,
      dialect: remote.kind,
      holder: remote.kind === 'native' ? remote.key : remote.address,
      peer: remote.kind === 'native' ? authorOf(remote.key) : undefined,
      onHeads: () => this.#heard(),
      onWarning: line => this.emit('warning', sanitise(`${this.#nameOf(link)}: ${line}`)),
      ...(isStranger && { newAuthorsPerHourMax: NEW_AUTHORS_PER_HOUR_MAX }),
      ...(remote.kind === 'native' && {
        aside: this.#aside(link, remote.key, remote.aheadMs, () => socket.bytesRead),
      }),
    })
    if (remote.kind === 'scuttleup') {
      const original = this.#presence.scuttleup(this.#nameOf(link))
      replication.once('close', () => original.close())
    }
    // However it ends, the connection goes with it; the swarm tells of that and dials again.
    pipeline(socket, replication, socket, () => socket.destroy())
    const isNew = this.links.filter(other => isSamePeer(other, link)).length === 1
    if (isNew && !this.#isBackAtOnce(link)) this.#tellOf(link)
  }

  /** A connection ended: the peer said goodbye, or it was lost. One that is replaced at once is not told. */
  #tellOfEnd(link: Connection, reason: string): void {
    if (this.links.some(other => isSamePeer(other, link)) || this.#isParting(link)) return
    const author = link.remote.kind === 'native' ? authorOf(link.remote.key) : undefined
    const hasLeft = (): boolean => author !== undefined && this.#presence.hasLeft(author)
    if (hasLeft()) {
      this.emit('info', `${this.#personOf(link)} left`)
      return
    }
    const tell = (): void => {
      this.#lost.delete(lost)
      // A goodbye can come late, by way of others.
      if (hasLeft()) this.emit('info', `${this.#personOf(link)} left`)
      else this.emit('info', `lost the connection to ${this.#personOf(link)}: ${reason}`)
    }
    const lost = { link, cancel: this.#parts.clock.after(REPLACED_MS, tell) }
    this.#lost.add(lost)
  }

  /** Whether the peer was lost a moment ago, and that was not told. */
  #isBackAtOnce(link: Connection): boolean {
    const before = [...this.#lost].filter(lost => isSamePeer(lost.link, link))
    for (const lost of before) {
      lost.cancel()
      this.#lost.delete(lost)
    }
    return before.length > 0
  }

  /** Who is at the other end, by the name that their key was heard with; as the connection is called where none was. */
  #personOf(link: Connection): string {
    if (link.remote.kind !== 'native') return this.#nameOf(link)
    const author = authorOf(link.remote.key)
    const { presence } = this
    const name = presence.find(one => one.author === author)?.name
    if (author === undefined || name === undefined || name === '') return this.#nameOf(link)
    const isShared = presence.some(one => one.author !== author && skeletonOf(one.name) === skeletonOf(name))
    const isOdd = !isPlainName(name) || skeletonOf(name) === skeletonOf(this.me)
    return isShared || isOdd ? `${shownName(name)} (${shortKey(author)})` : name
  }

  /** What is said on a link of ours besides logs. */
  #aside(link: Connection, key: string, aheadMs: Millis, bytesRead: () => number): OpenAside {
    const author = authorOf(key)
    const hasLeft = (): boolean => author !== undefined && this.#presence.hasLeft(author)
    const openPresence = this.#presence.sideChannel(
      { author, name: this.#nameOf(link), aheadMs, bytesRead },
      () => !this.#isParting(link),
    )
    const openMeeting = this.meeting?.sideChannel(link, hasLeft)
    return send => {
      const presence = openPresence(send)
      const meeting = openMeeting?.(send)
      return {
        receive: body => presence.receive(body) ?? meeting?.receive(body),
        close: () => {
          presence.close()
          meeting?.close()
        },
      }
    }
  }

  #isParting(link: Connection): boolean {
    return this.meeting?.isClosing(link) ?? false
  }

  #tellOf(link: Connection): void {
    const { remote } = link
    this.emit('info', `linked with ${this.#nameOf(link)}${remote.kind === 'scuttleup' ? ' (original program)' : ''}`)
    if (remote.kind === 'scuttleup') return
    if (remote.key === this.id)
      this.emit('warning', `${this.#nameOf(link)} is another device with your key: the later of the two only reads`)
    if (Math.abs(remote.aheadMs) > AHEAD_MS_MAX) {
      const hours = Math.round(Math.abs(remote.aheadMs) / 3_600_000)
      const whose =
        remote.aheadMs > 0
          ? `the clock of ${this.#nameOf(link)} is ${hours} hours ahead of yours`
          : `your clock is ${hours} hours ahead of that of ${this.#nameOf(link)}`
      this.emit('warning', `${whose}: lines written by it stand at the end`)
    }
  }
}

/** What a link is called in a line for the user: as he called it, else by the name that its address is made from. */
function nameIn(room: string | undefined, { dialled, remote }: Connection): string {
  const name = /^(.*)\.local:\d+$/.exec(remote.address)?.[1] ?? ''
  const isHashed = name !== '' && formatAddress(addressOfName(name, room)) === remote.address
  const called = dialled ?? (isHashed ? name : remote.address)
  // As it is announced where somebody else has that name: `alice (2)`.
  return isPlainName(requestedName(called)) ? called : shownPlace(called)
}

function isSamePeer(a: Connection, b: Connection): boolean {
  if (a.remote.kind === 'native' && b.remote.kind === 'native')
    return a.remote.instance === b.remote.instance && a.remote.key === b.remote.key
  return a.remote.kind === b.remote.kind && a.remote.address === b.remote.address
}
