import { EventEmitter } from 'node:events'
import type { Clock, Millis } from '../base/clock.js'
import { ChatError, reasonOf } from '../base/errors.js'
import { type Draft, draftOf, plainTextOf } from '../chat/kinds/kinds.js'
import type { Message } from '../chat/kinds/message.js'
import type { Present } from '../chat/presence/present.js'
import type { AuthorId, Seq } from '../log/format/author.js'
import type { Digest } from '../log/format/heads.js'
import { millisOf } from '../log/format/hybrid-clock.js'
import type { ReadOptions } from '../log/options.js'
import type { ConnectionSummary } from '../node/connection-summary.js'
import type { Room } from '../node/room.js'
import { messagesOf, type RoomApi } from '../node/room-api.js'
import type { Replicas } from '../sync/receipts.js'
import { type Attached, Parted } from './attached.js'
import { Resumption } from './resumption.js'

/** Where this process takes part: it keeps the chat running, or is a window of one that does. */
export type Seat =
  | { readonly kind: 'host'; readonly hosted: Room; readonly others: () => number; close(): Promise<void> }
  | { readonly kind: 'window'; readonly hosted: Attached; readonly others: () => number; close(): Promise<void> }

/** How to take part. */
export interface Seats {
  /** Opens the logs and the network, as the process before did. Rejects with LOG_LOCKED while another process has them. */
  host(before: Attached | undefined, onChange: () => void): Promise<Seat>
  /** Becomes a window of the running chat; undefined where none answers. */
  window(): Promise<Seat | undefined>
  readonly onInfo: (line: string) => void
  readonly onWarning: (line: string) => void
}

interface SharedEvents {
  /** Who is linked or tried, who holds the own lines, or how many windows there are, is not the same any more. */
  change: []
  /** Who is there, away or typing is not the same any more. */
  presence: []
  /** The last own line is held by others than before. */
  custody: [Replicas]
}

interface Line {
  readonly draft: Draft
  /** When it was handed on, and how far the own log went then; undefined where it waits for that. */
  sent: { readonly atMs: Millis; readonly after: Seq } | undefined
  readonly onStored: () => void
  readonly onRefused: (error: unknown) => void
}

/** How often a chat is tried that is locked and does not answer: it may be starting, or ending. */
const START_TRIES = 10
const MOVE_TRIES = 300
const TRY_MS = 100

/**
 * A conversation in several windows, each a process of its own. The first keeps it running, and serves the others; when it
 * ends, however it ends, one of them opens the logs and goes on. What was typed and not yet confirmed is then looked for in
 * the own log, and said again where it is not there.
 */
export class SharedConversation extends EventEmitter<SharedEvents> implements RoomApi {
  readonly #seats: Seats
  readonly #clock: Clock
  #seat: Seat
  /** Resolves when a seat is taken again; rejects where none can be. */
  #moving: Promise<void> | undefined
  readonly #lines = new Set<Line>()
  /** Lines that turn out to be stored. */
  readonly #found: Line[] = []
  #hasSpoken = false
  #isClosed = false

  private constructor(seats: Seats, clock: Clock, seat: Seat) {
    super()
    this.#seats = seats
    this.#clock = clock
    this.#seat = seat
  }

  /** Opens the chat, or becomes another window of the one that runs. Rejects with a ChatError. */
  static async open(seats: Seats, clock: Clock): Promise<SharedConversation> {
    let shared: SharedConversation | undefined
    const onChange = (): void => void shared?.emit('change')
    const seat = await take(seats, clock, START_TRIES, undefined, onChange)
    shared = new SharedConversation(seats, clock, seat)
    shared.#sit(seat)
    return shared
  }

  /** Whether this process keeps the chat running. */
  get isHost(): boolean {
    return this.#seat.kind === 'host'
  }

  /** How many windows there are besides this one: where there are any, the chat goes on without it. */
  get others(): number {
    return this.#seat.others()
  }

  get me(): string {
    return this.#seat.hosted.me
  }

  get id(): AuthorId {
    return this.#seat.hosted.id
  }

  get room(): string {
    return this.#seat.hosted.room
  }

  get heads(): readonly Digest[] {
    return this.#seat.hosted.heads
  }

  get connectionSummary(): ConnectionSummary {
    return this.#seat.hosted.connectionSummary
  }

  get presence(): readonly Present[] {
    return this.#seat.hosted.presence
  }

  get unsavedCount(): number {
    return this.#seat.kind === 'host' && this.#moving === undefined ? this.#seat.hosted.unsavedCount : this.#lines.size
  }

  /** Whether anything was said in this window. */
  get hasSpoken(): boolean {
    return this.#hasSpoken
  }

  /** The place of the last own entry; 0 where there is none. */
  get ownEnd(): Seq {
    return this.heads.find(({ author }) => author === this.id)?.seq ?? 0
  }

  /** Where the last own line is held besides here; undefined where there is none. */
  get kept(): Replicas | undefined {
    const seq = this.ownEnd
    return seq === 0 ? undefined : this.replicasOf(seq)
  }

  replicasOf(seq: Seq): Replicas {
    return this.#seat.hosted.replicasOf(seq)
  }

  say(said: Draft | string): Promise<void> {
    this.#hasSpoken = true
    return new Promise((onStored, onRefused) => {
      const line: Line = { draft: draftOf(said), sent: undefined, onStored, onRefused }
      this.#lines.add(line)
      if (this.#moving === undefined) this.#hand(line)
      else this.#moving.catch(error => this.#drop(line, error))
    })
  }

  async flushed(): Promise<void> {
    while (this.#moving !== undefined) await this.#moving.catch(() => {})
    await this.#seat.hosted.flushed()
    if (this.#moving !== undefined) await this.flushed()
  }

  /** Resolves when some peer has stored the last own line of now. */
  async stored(): Promise<void> {
    await this.#again(() => this.#seat.hosted.delivered())
  }

  async *batches(options: ReadOptions, isWanted?: (entry: Uint8Array) => boolean): AsyncGenerator<readonly Message[]> {
    const resumption = new Resumption(options, this.heads)
    for (let now = options; ; now = resumption.options(this.heads)) {
      const { hosted } = this.#seat
      try {
        for await (const entries of hosted.entries(now)) {
          const fresh = resumption.fresh(entries)
          if (fresh.length > 0) yield messagesOf(fresh, isWanted)
        }
        return
      } catch (error) {
        if (!(error instanceof Parted) || this.#isClosed) throw error
        await this.#moving
      }
    }
  }

  connect(peer: string): void {
    this.#seat.hosted.connect(peer)
  }

  disconnect(peer: string): boolean {
    return this.#seat.hosted.disconnect(peer)
  }

  setAway(text: string | undefined): void {
    this.#seat.hosted.setAway(text)
  }

  typing(): void {
    this.#seat.hosted.typing()
  }

  verify(): ReturnType<RoomApi['verify']> {
    return this.#seat.hosted.verify()
  }

  archive(): AsyncIterable<Uint8Array> {
    return this.#seat.hosted.archive()
  }

  /** Leaves. Where other windows are open one of them goes on. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#moving?.catch(() => {})
    await this.#seat.close()
  }

  #sit(seat: Seat): void {
    this.#seat = seat
    const onChange = (): void => void this.emit('change')
    const onPresence = (): void => void this.emit('presence')
    const onCustody = (holders: Replicas): void => void this.emit('custody', holders)
    if (seat.kind === 'host') {
      seat.hosted.on('change', onChange).on('presence', onPresence)
      seat.hosted.delivery.on('change', onCustody)
      return
    }
    seat.hosted.on('change', onChange).on('presence', onPresence).on('custody', onCustody)
    seat.hosted.on('info', this.#seats.onInfo).on('warning', this.#seats.onWarning)
    const onParted = (): void => {
      if (this.#isClosed) return
      this.#moving = this.#move(seat.hosted)
      this.#moving.catch(error => this.#seats.onWarning(reasonOf(error)))
    }
    if (seat.hosted.isParted) onParted()
    else seat.hosted.once('parted', onParted)
  }

  /** Whoever kept the chat running is gone: this process goes on, or is a window of the one that does. */
  async #move(before: Attached): Promise<void> {
    try {
      const seat = await this.#takeAgain(before)
      const how = seat.kind === 'host' ? 'this one keeps the chat running' : 'another one keeps the chat running'
      this.#seats.onInfo(`the window that kept the chat running is gone: ${how} now`)
      this.#moving = undefined
      this.#sit(seat)
      for (const line of this.#found.splice(0)) line.onStored()
      // A window may be gone again at once; then they wait for the next.
      for (const line of this.#lines) if (this.#moving === undefined) this.#hand(line)
      this.emit('change')
    } catch (error) {
      for (const line of [...this.#lines]) this.#drop(line, error)
      throw error
    }
  }

  async #takeAgain(before: Attached): Promise<Seat> {
    for (;;) {
      const seat = await take(this.#seats, this.#clock, MOVE_TRIES, before, () => void this.emit('change'))
      try {
        await this.#findSent(seat)
        return seat
      } catch (error) {
        if (!(error instanceof Parted)) throw error
      }
    }
  }

  /** Lines that were handed on and are in the own log were stored, though nobody could say so any more. */
  async #findSent({ hosted }: Seat): Promise<void> {
    const sent = [...this.#lines].flatMap(line => (line.sent === undefined ? [] : { line, ...line.sent }))
    if (sent.length === 0) return
    const after = Math.min(...sent.map(each => each.after))
    const others = hosted.heads.filter(({ author }) => author !== hosted.id)
    for await (const batch of hosted.batches({ since: [...others, { author: hosted.id, seq: after }] })) {
      for (const { author, seq, message, at } of batch) {
        if (author !== hosted.id) continue
        const found = sent.findIndex(
          each => plainTextOf(each.line.draft) === message && seq > each.after && millisOf(at) >= each.atMs,
        )
        for (const { line } of found === -1 ? [] : sent.splice(found, 1)) {
          this.#lines.delete(line)
          this.#found.push(line)
        }
      }
    }
  }

  /** Hands a line on. Where it is not known what became of it, it waits for whoever goes on. */
  #hand(line: Line): void {
    line.sent = { atMs: this.#clock.now(), after: this.ownEnd }
    this.#seat.hosted.say(line.draft).then(
      () => {
        this.#lines.delete(line)
        line.onStored()
      },
      error => {
        if (!(error instanceof Parted) || this.#isClosed) this.#drop(line, error)
      },
    )
  }

  #drop(line: Line, error: unknown): void {
    this.#lines.delete(line)
    line.onRefused(error)
  }

  async #again<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof Parted) || this.#isClosed) throw error
        await this.#moving
      }
    }
  }
}

async function take(
  seats: Seats,
  clock: Clock,
  triesMax: number,
  before: Attached | undefined,
  onChange: () => void,
): Promise<Seat> {
  for (let tries = 1; ; tries++) {
    try {
      return await seats.host(before, onChange)
    } catch (error) {
      if (!(error instanceof ChatError) || error.code !== 'LOG_LOCKED') throw error
      const window = await seats.window()
      if (window !== undefined) return window
      if (tries >= triesMax) throw error
    }
    await new Promise<void>(resolve => void clock.after(TRY_MS, resolve))
  }
}
