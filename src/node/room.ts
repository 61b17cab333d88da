import { EventEmitter } from 'node:events'
import path from 'node:path'
import type { Millis } from '../base/clock.js'
import { ChatError, reasonOf } from '../base/errors.js'
import { isName } from '../base/names.js'
import { isCounted } from '../chat/kinds/counted.js'
import type { FileDraft } from '../chat/kinds/file.js'
import type { EntryFields } from '../chat/kinds/kind.js'
import type { Draft } from '../chat/kinds/kinds.js'
import { type Message, messageOf } from '../chat/kinds/message.js'
import type { Target } from '../chat/kinds/target.js'
import { LineLabels } from '../chat/line-labels.js'
import { Presence } from '../chat/presence/presence.js'
import type { Present } from '../chat/presence/present.js'
import { type AuthorId, authorOfLog, isSigned, logOf, runOf } from '../log/format/author.js'
import type { Entry } from '../log/format/entry.js'
import type { Digest } from '../log/format/heads.js'
import { LOBBY, roomId } from '../log/format/room-id.js'
import type { Log } from '../log/log.js'
import type { ReadOptions } from '../log/options.js'
import type { RequestId } from '../log/request-id.js'
import type { Requests } from '../log/requests.js'
import { roomLabel } from '../membership/format/room.js'
import type { PeerExchange } from '../net/overlay/peer-exchange.js'
import type { Query } from '../search/query.js'
import { currentMessage, type FoundLine, type SearchOptions } from '../search/search.js'
import type { IndexProgress } from '../search/word-index.js'
import { archiveOf } from '../sync/archive.js'
import {
  type Holder,
  type OwnPlace,
  type Reach,
  type Receipts,
  type ReplicaHeads,
  type Replicas,
  reachIn,
} from '../sync/receipts.js'
import type { Circle } from './circle.js'
import { RoomConnections } from './connections/room-connections.js'
import { DeliveryWatch } from './delivery-watch.js'
import type { DirectRoom } from './direct-rooms/direct-room.js'
import type { ConnectionSummary, NodeEvent } from './events.js'
import { lineName } from './files/file-lines.js'
import type { RoomFiles } from './files/room-files.js'
import { LineSearch, queryIn } from './line-search.js'
import { marksBefore } from './marks-before.js'
import type { Outcome } from './outbox.js'
import { databaseNameOf } from './paths.js'
import type { KnownSet, PinSource } from './people/pin.js'
import { Pins } from './people/pins.js'
import { Renewals } from './people/renewals.js'
import { StrangerNotices } from './people/stranger-notices.js'
import type { Withdrawn } from './private-rooms/chat-places.js'
import { MembershipEvents } from './private-rooms/membership-events.js'
import { nameIn, type RoomMembers } from './private-rooms/room-members.js'
import { withdrawnLines } from './private-rooms/withdrawn-lines.js'
import type { Retention } from './retention/retention.js'
import {
  type Companion,
  type GetFileOptions,
  type HostedRoom,
  messagesOf,
  type RoomApi,
  type SayOptions,
  type SendFileOptions,
} from './room-api.js'
import type { RoomEvents, RoomParts } from './room-parts.js'
import { RoomWriter } from './room-writer.js'

/** A signal that never aborts. */
const NEVER = new AbortController().signal

/** Time for a goodbye to reach peers before the connections are closed. */
const GOODBYE_MS = 150

/** Delay between the start and the check of the whole log. */
const INSPECTION_MS = 2_000

/** One conversation: its log, outbox, presence and delivery. */
export class Room extends EventEmitter<RoomEvents> implements HostedRoom {
  /** Which peers have stored our latest entry. */
  readonly delivery: DeliveryWatch
  /** The people whom the user knows. */
  readonly pins: Pins
  readonly #parts: RoomParts
  readonly #writer: RoomWriter
  readonly #connections: RoomConnections
  readonly #presence: Presence
  readonly #membershipEvents: MembershipEvents | undefined
  readonly #strangers: StrangerNotices
  readonly #renewals: Renewals
  readonly #labels: LineLabels
  readonly #search: LineSearch
  #closing: Promise<void> | undefined

  constructor(parts: RoomParts) {
    super()
    this.#parts = parts
    const { me, log, clock, keys, random } = parts
    this.#labels = parts.labels?.labels ?? new LineLabels()
    this.#presence = new Presence(clock, {
      keys,
      room: this.#id,
      me,
      isKnown: author => this.#isKnown(author),
      isListed: author => this.#circle?.isMember(author) !== false,
      hasWritten: author => log.head.some(head => authorOfLog(head.author) === author),
      random: () => random.number(),
    })
    this.pins = parts.pins ?? new Pins()
    const { chatPlaces } = parts
    const counted = chatPlaces && ((entries: readonly Entry[]) => chatPlaces.counted(log, entries))
    this.#search = new LineSearch({ ...parts, counted, pins: this.pins })
    this.#writer = new RoomWriter({ ...parts, room: this.room, pins: this.pins })
    this.#strangers = new StrangerNotices(clock, event => this.emit('event', event))
    this.#connections = new RoomConnections({ ...parts, presence: this.#presence, pins: this.pins })
    this.delivery = new DeliveryWatch({
      log,
      receipts: parts.replicator.receipts,
      clock,
      hasNamed: () => this.#connections.hasNamed,
      askScuttleupPeers: () => this.#connections.reconnectScuttleup(),
    })
    clock.after(INSPECTION_MS, () => void this.#inspect())
    this.#membershipEvents =
      parts.members &&
      new MembershipEvents(
        parts.members,
        clock,
        event => this.emit('event', event),
        author => this.pins.namesOf(author)[0],
        () => [this.me, ...this.pins.all.map(({ name }) => name)],
      )
    parts.chatPlaces?.on('withdrawn', withdrawn => void this.#withdraw(withdrawn).catch(() => {})) // the log was closed
    const onEvent = (event: NodeEvent): boolean => this.emit('event', event)
    this.#renewals = new Renewals({ log, me: this.me, pins: this.pins, clock, onEvent })
    this.#follow()
  }

  /** Our author id. */
  get id(): AuthorId {
    return this.#parts.log.author
  }

  get me(): string {
    return this.#parts.me
  }

  get room(): string {
    return this.#parts.room ?? LOBBY
  }

  get address(): string {
    return this.#connections.address
  }

  /** The name of its database. */
  get label(): string {
    const circle = this.#circle
    return circle === undefined ? databaseNameOf(this.room) : roomLabel(circle.id)
  }

  /** Where the logs of an author end on this disk. */
  endsOf(author: AuthorId): ReturnType<Log['endsOf']> {
    return this.#parts.log.endsOf(author)
  }

  /** The two people, if the room is direct. */
  get direct(): DirectRoom | undefined {
    return this.#parts.direct
  }

  /** What this disk keeps of the room. */
  get retention(): Retention | undefined {
    return this.#parts.retention
  }

  /** The members of a private room. */
  get members(): RoomMembers | undefined {
    return this.#parts.members
  }

  /** The logs, for read marks. */
  get logs(): Pick<Log, 'head' | 'contents' | 'chainAt' | 'marksNow' | 'on' | 'off'> {
    return this.#parts.log
  }

  get heads(): readonly Digest[] {
    return this.#parts.log.head
  }

  get connectionSummary(): ConnectionSummary {
    return this.#connections.summary
  }

  /** When the newest connection opened, unless it replaced another one to its peer. */
  get openedAt(): Millis | undefined {
    return this.#connections.openedAt
  }

  /** Finds further peers through the connected ones. */
  get peerExchange(): PeerExchange | undefined {
    return this.#connections.peerExchange
  }

  get presence(): readonly Present[] {
    return this.#presence.list
  }

  /** Whether anything was said since the start. */
  get hasSpoken(): boolean {
    return this.#writer.hasSpoken
  }

  /** The people whom the user knows: in a private or direct room, its people too. */
  get people(): KnownSet {
    const { addressed, ...known } = this.pins.known
    return { ...known, addressed: [...addressed, ...(this.#circle?.authors ?? [])] }
  }

  get labels(): LineLabels {
    return this.#labels
  }

  get unsavedCount(): number {
    return this.#writer.pending
  }

  get ownReplicas(): Readonly<Record<string, ReplicaHeads>> {
    const { log, replicator } = this.#parts
    const ours = log.head.filter(({ author }) => log.isOurs(author))
    return Object.fromEntries(ours.map(({ author }) => [runOf(author), replicator.receipts.headsOf(author)]))
  }

  get lastPlace(): OwnPlace | undefined {
    const { log } = this.#parts
    const head = log.head.find(({ author }) => author === log.id)
    return head && { run: runOf(head.author), seq: head.seq }
  }

  replicasOf({ run, seq }: OwnPlace): Replicas {
    return this.#parts.replicator.receipts.of({ author: logOf(this.id, run), seq })
  }

  reachOf({ run, seq }: OwnPlace): Reach {
    const { log, replicator } = this.#parts
    const place = log.placeOf({ author: logOf(this.id, run), seq })
    return reachIn(replicator.receipts.headsOf(place.author), place.seq)
  }

  /** What other peers have persisted. */
  get receipts(): Receipts {
    return this.#parts.replicator.receipts
  }

  holdersOf(place: Digest): Promise<readonly Holder[]> {
    return this.#parts.replicator.receipts.holdersOf(place)
  }

  /** Reports what happened to the node. */
  report(event: NodeEvent): void {
    this.emit('event', event)
  }

  connect(peer: string): void {
    this.#connections.connect(peer)
  }

  disconnect(peer: string): boolean {
    return this.#connections.disconnect(peer)
  }

  setAway(text: string | undefined): void {
    this.#presence.setAway(text)
  }

  typing(): void {
    this.#presence.typing()
  }

  addressed(author: AuthorId): void {
    if (author !== this.id && isSigned(author)) this.pins.address(author)
  }

  showAll(author: string): void {
    const { quota } = this.#parts.log
    for (const log of [...(quota?.stopped.keys() ?? [])]) if (log.startsWith(author)) quota?.lift(log)
  }

  async companionsOf(authors: readonly AuthorId[]): Promise<readonly Companion[]> {
    const { quota } = this.#parts.log
    return authors.flatMap(of => (quota?.companionsOf(of) ?? []).map(author => ({ author, of })))
  }

  pin(name: string, key: AuthorId, how: PinSource): void {
    if (isName(name) && key !== this.id && isSigned(key))
      this.pins.pin({ name, key, since: this.#parts.clock.now(), how })
  }

  forget(name: string): void {
    this.pins.forget(name)
  }

  say(said: Draft | string, options?: SayOptions): Promise<void> {
    return this.#writer.say(said, options)
  }

  erase(place: OwnPlace): Promise<void> {
    return this.#writer.erase(place)
  }

  async storeFile(file: string, options: SendFileOptions = {}): Promise<FileDraft> {
    const { signal = NEVER, onProgress = () => {}, isRaw = false } = options
    const work = { signal, onProgress: (bytes: number, of: number) => onProgress({ bytes, of, holders: 0 }) }
    const found = await this.#files.add(file, work, isRaw)
    return { kind: 'file', name: path.basename(file), ...found }
  }

  async sendFile(file: string, options: SendFileOptions = {}): Promise<void> {
    return this.say(await this.storeFile(file, options), options)
  }

  async getFile(line: Target, directory: string, options: GetFileOptions = {}): Promise<string> {
    const place = this.#parts.log.placeOf({ author: logOf(line.author, line.run), seq: line.seq })
    const entry = await this.#parts.log.entry(place.author, place.seq)
    const message = entry && messageOf(entry)
    if (message?.kind !== 'file')
      throw new ChatError('FILE_UNUSABLE', 'not fetched: this line is not here, or sends no file')
    const { signal = NEVER, onProgress = () => {}, isConfirmed = false } = options
    return this.#files.get(
      { root: message.root, size: message.size },
      lineName(place),
      { directory, name: message.name },
      { signal, onProgress, isConfirmed },
    )
  }

  get #files(): RoomFiles {
    const { files } = this.#parts
    if (files === undefined) throw new ChatError('FILE_UNUSABLE', 'this room has no files')
    return files
  }

  /** Appends the entry of a client's request, and the request in the same commit; resolves with the outcome. */
  post(fields: EntryFields, request: RequestId): Promise<Outcome> {
    return this.#writer.post(fields, request)
  }

  /** Which requests of clients are answered already. */
  get requests(): Requests {
    return this.#parts.log.requests
  }

  flushed(): Promise<void> {
    return this.#writer.settled()
  }

  delivered(options?: Parameters<DeliveryWatch['delivered']>[0]): Promise<void> {
    return this.delivery.delivered(options)
  }

  /**
   * The messages: the history in conversation order and then, with `live`, each one as it arrives, until `signal` is
   * aborted or the room is closed.
   */
  async *messages(options: ReadOptions = {}): AsyncGenerator<Message> {
    for await (const batch of this.batches(options)) yield* batch
  }

  async *batches(
    options: ReadOptions,
    isWanted: (entry: Uint8Array) => boolean = () => true,
  ): AsyncGenerator<readonly Message[]> {
    for await (const entries of this.entries(options)) yield messagesOf(entries, isWanted, this.labels)
  }

  async *entries(options: ReadOptions): AsyncGenerator<readonly Entry[]> {
    const { log, chatPlaces, labels } = this.#parts
    for await (const entries of log.read({ ...options, isCounted })) {
      await labels?.cover(entries)
      yield chatPlaces === undefined ? entries : chatPlaces.counted(log, entries)
    }
  }

  /**
   * The lines that match a query such as `from:bob since:mon apples`, newest first. docs/using.md. Rejects with
   * BAD_USAGE if the query is malformed.
   */
  async *search(text: string, options?: SearchOptions): AsyncGenerator<Message> {
    const query = queryIn(text, this.#parts.clock.now())
    for await (const line of this.#search.lines(query, options)) yield currentMessage(line)
  }

  /** Like `search`, for a parsed query; yields the entries too. */
  found(query: Query, options?: SearchOptions): AsyncGenerator<FoundLine> {
    return this.#search.lines(query, options)
  }

  /** How many of the entries that can be indexed are indexed for searches. */
  indexProgress(): Promise<IndexProgress> {
    return this.#search.progress()
  }

  async before(place: Digest, count: number): Promise<readonly Digest[]> {
    return marksBefore(this.#parts.log, place, count)
  }

  async *verify(): ReturnType<RoomApi['verify']> {
    yield* this.#parts.log.verifyAll(undefined)
  }

  archive(): AsyncIterable<Uint8Array> {
    return archiveOf(this.#parts.log, this.#id)
  }

  /** The address that the room listens on, as peers know it; undefined if it does not listen. */
  get listensOn(): string | undefined {
    return this.#parts.listensOn
  }

  /** Says goodbye to the peers, then closes the connections and the log. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #id(): Uint8Array {
    return this.#circle?.id ?? roomId(this.room)
  }

  /** The people of a room that is not public. */
  get #circle(): Circle | undefined {
    return this.#parts.members ?? this.#parts.direct
  }

  async #close(): Promise<void> {
    const { log, network, clock } = this.#parts
    this.#membershipEvents?.close()
    this.#renewals.close()
    this.#search.close()
    this.#strangers.close()
    this.#connections.quiet()
    this.#presence.close()
    if (this.#connections.hasNative) await new Promise<void>(resolve => void clock.after(GOODBYE_MS, resolve))
    this.#connections.close()
    await network?.close()
    await this.#parts.members?.close()
    await this.#parts.erasures?.close()
    await this.#parts.files?.close()
    await this.#parts.retention?.close()
    await log.close()
    this.pins.off('change', this.#onPeople).off('known', this.#onPeople)
    this.emit('close')
  }

  /** Checks the whole log, so that entries that the disk has silently lost are fetched again from peers. */
  async #inspect(): Promise<void> {
    try {
      await this.#parts.log.inspect()
    } catch (error) {
      this.emit('event', { kind: 'database-damaged', detail: reasonOf(error) })
    }
  }

  /** Reports lines that were shown and are now withdrawn. */
  async #withdraw(withdrawn: Withdrawn): Promise<void> {
    const { log, members } = this.#parts
    const event = members && (await withdrawnLines(log, withdrawn, author => nameIn(members, author)))
    if (event !== undefined) this.emit('event', event)
  }

  #isKnown(author: AuthorId): boolean {
    return this.pins.isKnown(author) || this.#circle?.isMember(author) === true
  }

  readonly #onPeople = (): void => {
    this.delivery.changed()
    this.emit('change')
  }

  #follow(): void {
    const { log } = this.#parts
    this.#connections
      .on('event', event => this.emit('event', event))
      .on('change', () => this.emit('change'))
      .on('dropped', key => this.emit('dropped', key))
    this.#presence.on('change', () => this.emit('presence'))
    this.pins.on('change', this.#onPeople).on('known', this.#onPeople)
    this.#parts.replicator.receipts.on('receipt', (_replica, author) => {
      if (log.isOurs(author)) this.emit('change')
    })
    log.on('event', event => {
      // Anyone can fork a log of their own, or write more than fits.
      const isTheirs = (event.kind === 'fork-proven' && !event.isOurs) || event.kind === 'log-stopped'
      if (isTheirs && !this.#isKnown(authorOfLog(event.author))) this.#strangers.report(event)
      else this.emit('event', event)
    })
    log.on('entries', ({ author }) => {
      this.#presence.posted(authorOfLog(author))
      this.#connections.recall()
      this.emit('heads')
    })
    const { members, retention } = this.#parts
    let keep = members?.membership.keep
    members?.on('change', () => {
      if (keep === members.membership.keep) return
      keep = members.membership.keep
      retention?.changed()
    })
    retention?.on('excess', (bytes, bytesMax) => this.emit('event', { kind: 'disk-bound-exceeded', bytes, bytesMax }))
    // Peers learn the heads of our logs when a connection opens.
    log.on('lost', () => this.#connections.reconnect())
  }
}
