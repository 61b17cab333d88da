import { EventEmitter } from 'node:events'
import { type Clock, type Millis, systemClock } from '../../base/clock.js'
import type { FileDraft } from '../../chat/kinds/file.js'
import type { Draft } from '../../chat/kinds/kinds.js'
import type { Message } from '../../chat/kinds/message.js'
import type { Target } from '../../chat/kinds/target.js'
import type { LineLabels } from '../../chat/line-labels.js'
import type { Present } from '../../chat/presence/present.js'
import type { AuthorId, LogId, Seq } from '../../log/format/author.js'
import { withContent } from '../../log/format/gap.js'
import type { Digest } from '../../log/format/heads.js'
import type { PlaceRange } from '../../log/format/places.js'
import type { ReadMark, ReadOptions } from '../../log/options.js'
import { namedPeer } from '../../node/connections/peer-name.js'
import type { ConnectionSummary } from '../../node/events.js'
import type { KnownSet, PinSource } from '../../node/people/pin.js'
import {
  type Companion,
  type GetFileOptions,
  messagesOf,
  type RoomApi,
  type SendFileOptions,
} from '../../node/room-api.js'
import type { Holder, OwnPlace, Reach, Replicas } from '../../sync/receipts.js'
import { type Fields, readMarkPairs } from '../protocol/codec.js'
import type { FaceEvent } from '../protocol/events.js'
import type { RoomOptions } from '../protocol/options.js'
import { FaceMarks } from './face-marks.js'
import { FaceOutbox } from './face-outbox.js'
import { type FaceEnd, Failover } from './failover.js'
import { NodeCalls } from './node-calls.js'
import type { NodeConnection } from './node-connection.js'
import { Resumption } from './resumption.js'
import { NodeWatch } from './silence.js'

/** How long a face waits for the node to close its databases. */
const GOODBYE_MS_MAX = 3_000

export interface FaceParts {
  readonly clock?: Clock
  readonly onEvent: (event: FaceEvent) => void
  /**
   * Attaches to the room's node; may start one if `mayStart`. `before` are the options of the lost node: the next one
   * runs with the same options, whichever face starts it. Rejects with a ChatError.
   */
  connect(before: RoomOptions | undefined, mayStart: boolean): Promise<NodeConnection>
}

interface FaceEvents {
  /** Connections, dial attempts, delivery status or the number of faces changed, or the node is lost or back. */
  change: []
  presence: []
  /** The user has read each log up to these marks, in another face. */
  marks: [readonly ReadMark[]]
  /** The log of a stranger is gone. */
  forgotten: [LogId]
  /** The peers that have stored the user's last line changed. */
  delivery: [Replicas]
  /** Somebody wrote in a direct room that no face shows. */
  news: [room: string]
  /** Messages that were read earlier have been withdrawn. */
  withdrawn: [Extract<FaceEvent, { readonly kind: 'lines-withdrawn' }>]
}

/**
 * The room API for a face outside of the node's process. If the node is lost, the face attaches to the next one,
 * repeats its unanswered requests and resumes reading.
 */
export class Face extends EventEmitter<FaceEvents> implements RoomApi {
  readonly #parts: FaceParts
  readonly #clock: Clock
  readonly #outbox = new FaceOutbox()
  readonly #marks: FaceMarks
  #connection: NodeConnection
  #watch: NodeWatch | undefined
  readonly #failover: Failover
  readonly #calls: NodeCalls
  /** The reason that the node gave for ending. */
  #reason: string | undefined
  #hasSpoken = false
  #isLooking = true
  /** The away message that this face has announced; undefined if the user is not away. */
  #away: string | undefined
  #isSilent = false

  private constructor(parts: FaceParts, connection: NodeConnection) {
    super()
    this.#parts = parts
    this.#clock = parts.clock ?? systemClock
    this.#connection = connection
    this.#marks = new FaceMarks(this.#clock, marks =>
      this.#connection.send({ do: 'mark', marks: readMarkPairs(marks) }),
    )
    this.#failover = new Failover({
      me: () => this.me,
      clock: this.#clock,
      reason: () => this.#reason,
      connect: mayStart => parts.connect(this.#connection.welcome.options, mayStart),
      use: next => this.#use(next),
      onMissing: sinceMs => this.#tellSilence(sinceMs),
      onChange: () => void this.emit('change'),
    })
    this.#calls = new NodeCalls(this.#failover, () => this.#connection)
  }

  static async open(parts: FaceParts): Promise<Face> {
    const connection = await parts.connect(undefined, true)
    const face = new Face(parts, connection)
    face.#use(connection)
    await connection.ready.catch(() => face.#failover.moved)
    return face
  }

  /** How many other faces the room has. */
  get others(): number {
    return this.#connection.others
  }

  /** Whether the room stays open when this face leaves. */
  get goesOn(): boolean {
    return this.others > 0 || this.#connection.welcome.staysOpen
  }

  get me(): string {
    return this.#connection.welcome.me
  }

  get id(): AuthorId {
    return this.#connection.welcome.id
  }

  get room(): string {
    return this.#connection.welcome.room
  }

  get heads(): readonly Digest[] {
    return this.#connection.heads
  }

  /** Up to where the user has read each log, in any face. */
  get readMarks(): ReadonlyMap<LogId, Seq> {
    return this.#marks.all
  }

  /** Places up to the marks that had no content when the mark passed them. */
  get passed(): ReadonlyMap<LogId, readonly PlaceRange[]> {
    return this.#marks.passed
  }

  /** The user has read each log up to these places. */
  markRead(marks: readonly Digest[]): void {
    this.#marks.read(marks)
  }

  get labels(): LineLabels {
    return this.#connection.labels
  }

  get connectionSummary(): ConnectionSummary {
    return this.#connection.connectionSummary
  }

  get presence(): readonly Present[] {
    return this.#connection.presence
  }

  get unsavedCount(): number {
    return this.#outbox.size
  }

  /** The first line that the node has rejected or, if there is none, not answered yet. */
  get firstUnsaid(): string | undefined {
    return this.#outbox.firstUnstored
  }

  /** How many lines the node has rejected, or not answered yet. */
  get unstored(): number {
    return this.#outbox.unstored
  }

  /** Why the face cannot continue; undefined while it can. */
  get end(): FaceEnd | undefined {
    return this.#failover.end
  }

  /** Resolves when the face cannot continue. */
  get ended(): Promise<FaceEnd> {
    return this.#failover.ended
  }

  /** Whether the node is lost, and the face looks for the next one, or starts it. */
  get isLost(): boolean {
    return this.#failover.isMoving
  }

  /** Whether the node does not answer. The user has been notified. */
  get isSilent(): boolean {
    return this.#isSilent
  }

  /** Whether the node has closed the room in favour of another one. Nothing arrives until the room is open again. */
  get isParked(): boolean {
    return this.#connection.isParked
  }

  /** Whether the face shows the room. The node may close a hidden room in favour of another one; showing it opens it again. */
  look(isLooking: boolean): void {
    this.#isLooking = isLooking
    this.#connection.send({ do: 'look', isLooking })
    if (isLooking) this.#watch?.start()
    else this.#watch?.pause()
  }

  /** Whether anything was said through this face. */
  get hasSpoken(): boolean {
    return this.#hasSpoken
  }

  /** Which peers have stored the user's last line; undefined if there is none. */
  get kept(): Replicas | undefined {
    const { lastPlace } = this
    return lastPlace && this.replicasOf(lastPlace)
  }

  get lastPlace(): OwnPlace | undefined {
    return this.#connection.lastPlace
  }

  replicasOf(place: OwnPlace): Replicas {
    return this.#connection.replicasOf(place)
  }

  holdersOf(place: Digest): Promise<readonly Holder[]> {
    return this.#connection.holdersOf(place)
  }

  before(place: Digest, count: number): Promise<readonly Digest[]> {
    return this.#connection.before(place, count)
  }

  reachOf(place: OwnPlace): Reach {
    return this.#connection.reachOf(place)
  }

  say(said: Draft | string): Promise<void> {
    this.#hasSpoken = true
    return this.#outbox.add(said)
  }

  /** Erases one of the user's lines, as `RoomApi.erase` does. Repeating an erasure has no effect. */
  erase({ run, seq }: OwnPlace): Promise<void> {
    return this.#calls.repeat(connection => connection.call({ do: 'erase', run, seq }))
  }

  /** Sends a file. If the node is lost meanwhile, the next node copies the file again; the line is sent once. */
  async sendFile(file: string, options: SendFileOptions = {}): Promise<void> {
    return this.say(await this.storeFile(file, options))
  }

  storeFile(file: string, options: SendFileOptions = {}): Promise<FileDraft> {
    return this.#calls.repeat(connection => connection.storeFile(file, options))
  }

  /** Fetches the file of a line. If the node is lost meanwhile, the next node continues the fetch. */
  getFile(line: Target, directory: string, options: GetFileOptions = {}): Promise<string> {
    return this.#calls.repeat(connection => connection.getFile(line, directory, options))
  }

  /** Resolves when every line is answered. */
  async flushed(): Promise<void> {
    await Promise.race([this.#outbox.emptied(), this.ended])
  }

  /** Resolves when the user's last line at the time of the call is delivered, as in `DeliveryWatch.delivered`. */
  delivered({ to }: { readonly to?: AuthorId | undefined } = {}): Promise<void> {
    return this.#calls.repeat(connection => connection.call({ do: 'stored', to }))
  }

  async *batches(options: ReadOptions, isWanted?: (entry: Uint8Array) => boolean): AsyncGenerator<readonly Message[]> {
    const resumption = new Resumption(options, this.heads)
    const onForgotten = (log: LogId): void => resumption.forget(log)
    this.on('forgotten', onForgotten)
    try {
      for await (const entries of this.#calls.read(options, resumption)) {
        const fresh = options.gaps ? entries : withContent(entries)
        if (fresh.length > 0) yield messagesOf(fresh, isWanted, this.labels)
      }
    } finally {
      this.off('forgotten', onForgotten)
    }
  }

  /** Resolves when the state of the room is up to date, or the connection is lost. */
  async refreshed(): Promise<void> {
    await this.#connection.call({ do: 'ping', isForState: true }).catch(() => {})
  }

  connect(peer: string): void {
    namedPeer(peer, this.me, this.#connection.welcome.address)
    this.#calls.send({ do: 'link', peer })
  }

  disconnect(peer: string): boolean {
    const { connected, dialing } = this.connectionSummary
    this.#calls.send({ do: 'unlink', peer })
    return connected.includes(peer) || dialing.some(({ name }) => name === peer)
  }

  setAway(text: string | undefined): void {
    this.#away = text
    this.#connection.send({ do: 'away', text })
  }

  typing(): void {
    this.#connection.send({ do: 'typing' })
  }

  get people(): KnownSet {
    return this.#connection.people
  }

  pin(name: string, key: AuthorId, how: PinSource): void {
    this.#calls.send({ do: 'pin', name, key, how })
  }

  forget(name: string): void {
    this.#calls.send({ do: 'forget', name })
  }

  addressed(author: AuthorId): void {
    this.#calls.send({ do: 'addressed', author })
  }

  showAll(author: string): void {
    this.#calls.send({ do: 'show-all', author })
  }

  companionsOf(authors: readonly AuthorId[]): Promise<readonly Companion[]> {
    return this.#connection.companionsOf(authors)
  }

  verify(): ReturnType<RoomApi['verify']> {
    return this.#connection.verify()
  }

  /** Runs a command in the node; yields its answer in parts. Only some are repeated to the next node. Rejects with a ChatError. */
  command(command: Fields): AsyncIterable<Fields> {
    return this.#calls.command(command)
  }

  archive(): AsyncIterable<Uint8Array> {
    return this.#connection.archive()
  }

  /**
   * Leaves the room. For the last face, resolves when the node has closed its databases, or with false after
   * GOODBYE_MS_MAX; the node then ends by itself.
   */
  async close(): Promise<boolean> {
    this.#failover.close()
    if (this.#failover.isMoving) return true
    this.#marks.flush()
    this.#outbox.acknowledge()
    const awake = setTimeout(() => {}, GOODBYE_MS_MAX + 1)
    let cancel = (): void => {}
    const late = new Promise<boolean>(resolve => {
      cancel = this.#clock.after(GOODBYE_MS_MAX, () => resolve(false))
    })
    const isDone = await Promise.race([this.#connection.goodbye().then(() => true), late])
    cancel()
    clearTimeout(awake)
    this.#connection.destroy()
    return isDone
  }

  /** Uses this connection from now on. */
  #use(connection: NodeConnection): void {
    this.#connection = connection
    this.#reason = undefined
    connection.on('change', () => void this.emit('change'))
    connection.on('presence', () => void this.emit('presence'))
    connection.on('delivery', replicas => void this.emit('delivery', replicas))
    connection.on('marks', marks => {
      const moved = this.#marks.known(marks)
      if (moved.length > 0) this.emit('marks', moved)
    })
    connection.on('forgotten', log => {
      this.#marks.forget(log)
      this.emit('forgotten', log)
    })
    connection.on('event', event => {
      this.#parts.onEvent(event)
      if (event.kind === 'direct-message') this.emit('news', event.room)
      if (event.kind === 'lines-withdrawn') this.emit('withdrawn', event)
    })
    connection.on('answer', (first, last, error) => this.#outbox.answered(first, last, error))
    connection.on('end', reason => {
      this.#reason = reason
    })
    connection.on('parked', () => void this.emit('change'))
    connection.once('gone', () => {
      if (this.#failover.isClosed) return
      this.#outbox.disconnected()
      this.#failover.start()
      this.emit('change')
    })
    this.#watch?.pause()
    this.#watch = new NodeWatch(connection, this.#clock, since => this.#tellSilence(since, connection.welcome.pid))
    connection.start()
    if (this.#isLooking) this.#watch.start()
    else connection.send({ do: 'look', isLooking: false })
    if (this.#away !== undefined) connection.send({ do: 'away', text: this.#away })
    this.#outbox.connected(connection)
    this.#marks.reportAll()
  }

  /** Reports that the node does not answer, and since when, or that it answers again. */
  #tellSilence(sinceMs: Millis | undefined, pid?: number): void {
    if (this.#failover.isClosed || (sinceMs === undefined && !this.#isSilent)) return
    this.#isSilent = sinceMs !== undefined
    if (sinceMs === undefined) this.#parts.onEvent({ kind: 'node-answers' })
    else this.#parts.onEvent({ kind: 'node-silent', name: this.me, pid, sinceMs })
  }
}
