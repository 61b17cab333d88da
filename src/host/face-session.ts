import type { Duplex } from 'node:stream'
import type { Clock } from '../base/clock.js'
import { ChatError, reasonOf } from '../base/errors.js'
import { FRAME_BYTES_MAX, type FrameReader, frame } from '../base/wire/frames.js'
import { readDraft } from '../chat/kinds/kinds.js'
import type { Seq } from '../log/format/author.js'
import { SEQ_MAX } from '../log/limits.js'
import type { ReadOptions } from '../log/options.js'
import type { Outcome } from '../node/outbox.js'
import type { Room } from '../node/room.js'
import type { Replicas } from '../sync/receipts.js'
import {
  bytesBody,
  CALL_ID_MAX,
  type CallId,
  digestsOf,
  entriesBodies,
  type Fields,
  isCount,
  isFields,
  jsonBody,
  readHostFrame,
} from './codec.js'
import type { FaceEvent } from './events.js'
import { UNACKNOWLEDGED_MAX } from './limits.js'
import { PacedStream } from './paced-stream.js'
import type { RequestDesk } from './request-desk.js'

/** Unanswered calls of one face, apart from its lines; an honest face has a few. */
const CALLS_MAX = 64
/** A face with more unread bytes is sent only what it has requested; a `resync` replaces the rest. */
const UNREAD_BYTES_MAX = 1024 * 1024
/** Changes within this time are sent together. */
const SETTLE_MS = 30

/** What a session needs besides the room and its socket. */
export interface SessionContext {
  readonly clock: Clock
  readonly desk: RequestDesk
  /** How many other faces the room has. */
  readonly others: () => number
  /** Called when the face says goodbye. */
  readonly onGoodbye: () => void
}

/** The node's side of one face: answers its calls. A malformed frame ends this session only. */
export class FaceSession {
  readonly #peer: Room
  readonly #socket: Duplex
  readonly #reader: FrameReader
  readonly #context: SessionContext
  readonly #streams = new Map<CallId, PacedStream>()
  readonly #ended = new AbortController()
  readonly #sentState = new Map<string, string>()
  readonly #sentHeads = new Map<string, Seq>()
  #calls = 0
  #lines = 0
  #isSendingSoon = false
  /** Whether events or states were left out because the face did not read. */
  #owesResync = false
  #isClosed = false

  /** `reader` may contain frames that arrived with the hello. */
  constructor(peer: Room, socket: Duplex, reader: FrameReader, context: SessionContext) {
    this.#peer = peer
    this.#socket = socket.setMaxListeners(0) // each stream waits for 'drain' here
    this.#reader = reader
    this.#context = context
    socket.on('data', bytes => {
      reader.push(bytes)
      this.#receive()
    })
    socket.on('drain', () => this.#resync())
    socket.once('close', () => this.close())
  }

  /** Sends the state of the room, and starts answering calls. */
  start(): void {
    this.#sendState()
    this.#receiveOn()
  }

  event(event: FaceEvent): void {
    this.#sendIfRead({ is: 'event', event })
  }

  /** The peers that have stored the user's last line changed. */
  custody(holders: Replicas): void {
    this.#sendIfRead({ is: 'custody', holders })
  }

  /** The room is closing: accepts no more calls. The socket stays open until the database is closed. */
  close(): void {
    this.#isClosed = true
    this.#ended.abort()
    for (const stream of this.#streams.values()) stream.stop()
    this.#streams.clear()
  }

  /** The state of the room has changed. */
  sendStateSoon(): void {
    if (this.#isSendingSoon) return
    this.#isSendingSoon = true
    this.#context.clock.after(SETTLE_MS, () => {
      this.#isSendingSoon = false
      if (this.#isUnread) this.#owesResync = true
      else this.#sendState()
    })
  }

  #receive(): void {
    while (!this.#isClosed && this.#lines < UNACKNOWLEDGED_MAX && !this.#isUnread) {
      const next = this.#reader.next()
      if (next.kind === 'more') return
      const read = next.kind === 'frame' ? readHostFrame(next.body) : undefined
      if (read?.kind !== 'json' || !this.#call(read.value)) return void this.#socket.destroy()
    }
    // Stop reading from a face that neither reads nor waits for its answers.
    if (!this.#isClosed) this.#socket.pause()
  }

  #receiveOn(): void {
    if (this.#isClosed || this.#socket.destroyed) return
    this.#socket.resume()
    this.#receive()
  }

  /** Handles a call. Returns false if it is malformed or exceeds a limit. */
  #call(asked: Fields): boolean {
    const { do: what, id } = asked
    if (what === 'typing') this.#peer.typing()
    else if (what === 'away') this.#peer.setAway(typeof asked['text'] === 'string' ? asked['text'] : undefined)
    else if (what === 'link' || what === 'unlink') return this.#turnTo(what, asked['peer'])
    else if (what === 'say') return this.#say(asked)
    else if (what === 'acknowledge') return this.#acknowledge(asked['acknowledged'])
    else if (what === 'goodbye') this.#context.onGoodbye()
    else if (!isCount(id) || id > CALL_ID_MAX) return false
    else if (what === 'more') this.#streams.get(id)?.more()
    else if (what === 'stop') this.#streams.get(id)?.stop()
    else if (this.#calls >= CALLS_MAX || this.#streams.has(id)) return false
    else if (what === 'ping') this.#ping(id, asked['isForState'] === true)
    else if (what === 'stored') this.#answer(id, this.#stored())
    else if (what === 'read') return this.#read(id, asked['options'])
    else if (what === 'verify') this.#verify(id)
    else if (what === 'archive') this.#archive(id)
    else return false
    return true
  }

  #turnTo(what: 'link' | 'unlink', peer: unknown): boolean {
    if (typeof peer !== 'string') return false
    try {
      if (what === 'link') this.#peer.connect(peer)
      else this.#peer.disconnect(peer)
    } catch (error) {
      this.event({ kind: 'connect-refused', peer, detail: reasonOf(error) })
    }
    return true
  }

  #say({ number, acknowledged, draft }: Fields): boolean {
    if (!isCount(number) || number < 1 || number > SEQ_MAX) return false
    const read = readDraft(draft)
    if (read === undefined) return false
    if (acknowledged !== undefined && !this.#acknowledge(acknowledged)) return false
    const answer = this.#context.desk.ask(number, read)
    if (answer === undefined) return false
    this.#lines++
    void answer.then(outcome => {
      this.#tellOutcome(number, outcome)
      this.#lines--
      if (this.#lines === UNACKNOWLEDGED_MAX - 1) this.#receiveOn()
    })
    return true
  }

  #acknowledge(upTo: unknown): boolean {
    if (!isCount(upTo) || upTo > SEQ_MAX) return false
    this.#context.desk.acknowledge(upTo)
    return true
  }

  #tellOutcome(number: number, outcome: Outcome): void {
    if (outcome.kind === 'stored') this.#send({ is: 'stored', number, own: this.#ownHead, seq: outcome.seq })
    else if (outcome.kind === 'refused') this.#send({ is: 'refused-line', number, ...faultOf(outcome.error) })
    // If the log was closed, there is no outcome: the face repeats the request to the next node.
  }

  #ping(id: CallId, isForState: boolean): void {
    if (isForState) this.#sendState()
    this.#answer(id, Promise.resolve())
  }

  /** Resolves when some peer has stored the last line, after sending the state that says which. */
  async #stored(): Promise<void> {
    await this.#peer.delivered(this.#ended.signal)
    this.#sendState()
  }

  #read(id: CallId, options: unknown): boolean {
    const read = isFields(options) ? readOptionsOf(options) : undefined
    if (read === undefined) return false
    const open = (signal: AbortSignal) => this.#peer.entries({ ...read, signal })
    this.#answer(
      id,
      this.#stream(id, open, entries => entriesBodies(id, entries)),
    )
    return true
  }

  #verify(id: CallId): void {
    const bodyOf = (value: unknown): Uint8Array[] => [jsonBody({ is: 'item', id, value })]
    this.#answer(
      id,
      this.#stream(id, () => this.#peer.verify(), bodyOf),
    )
  }

  #archive(id: CallId): void {
    const bodiesOf = (bytes: Uint8Array): Uint8Array[] => chunksOf(bytes).map(chunk => bytesBody(id, chunk))
    this.#answer(
      id,
      this.#stream(id, () => this.#peer.archive(), bodiesOf),
    )
  }

  async #stream<T>(
    id: CallId,
    open: (signal: AbortSignal) => AsyncIterable<T>,
    bodiesOf: (part: T) => Iterable<Uint8Array>,
  ): Promise<void> {
    const stream = new PacedStream()
    this.#streams.set(id, stream)
    try {
      for await (const part of open(stream.ended.signal))
        for (const body of bodiesOf(part)) {
          if (!(await stream.mayContinue())) return
          this.#write(body)
          await this.#drained()
        }
    } finally {
      this.#streams.delete(id)
    }
  }

  #answer(id: CallId, work: Promise<void>): void {
    this.#calls++
    const onEnd = (): void => {
      this.#calls--
    }
    work
      .then(
        () => this.#send({ is: 'done', id }),
        error => this.#send({ is: 'failed', id, ...faultOf(error) }),
      )
      .then(onEnd, onEnd)
  }

  get #ownHead(): Seq {
    return this.#peer.heads.find(({ author }) => author === this.#peer.id)?.seq ?? 0
  }

  get #isUnread(): boolean {
    return this.#socket.writableLength > UNREAD_BYTES_MAX
  }

  /** Sends the changes since the last state. */
  #sendState(): void {
    const { connectionSummary: standing, presence, ownReplicas: held, heads, isInDoubt } = this.#peer
    const changed = Object.entries({ standing, presence, held }).filter(([member, value]) => {
      const text = JSON.stringify(value)
      if (this.#sentState.get(member) === text) return false
      this.#sentState.set(member, text)
      return true
    })
    const news = heads.filter(({ author, seq }) => this.#sentHeads.get(author) !== seq)
    for (const { author, seq } of news) this.#sentHeads.set(author, seq)
    const pairs = news.map(({ author, seq }) => [author, seq])
    this.#send({ is: 'state', ...Object.fromEntries(changed), heads: pairs, others: this.#context.others(), isInDoubt })
  }

  /** The face has caught up: sends the whole state instead of what was omitted, and resumes reading from it. */
  #resync(): void {
    if (this.#owesResync) {
      this.#owesResync = false
      this.#sentState.clear()
      this.#sentHeads.clear()
      this.#send({ is: 'resync' })
      this.#sendState()
    }
    this.#receiveOn()
  }

  /** Resolves when the face has read enough or is gone. */
  async #drained(): Promise<void> {
    if (!this.#isUnread || this.#socket.destroyed) return
    await new Promise<void>(resolve => {
      const done = (): void => {
        this.#socket.off('drain', done).off('close', done)
        resolve()
      }
      this.#socket.on('drain', done).on('close', done)
    })
  }

  /** Sends something optional, or a `resync` later if the face does not read. */
  #sendIfRead(value: object): void {
    if (this.#isUnread) this.#owesResync = true
    else this.#send(value)
  }

  #send(value: object): void {
    this.#write(jsonBody(value))
  }

  #write(body: Uint8Array): void {
    if (!this.#isClosed && !this.#socket.destroyed) this.#socket.write(frame(body))
  }
}

function readOptionsOf({ live, tail, last, since }: Fields): ReadOptions | undefined {
  const digests = since === undefined ? undefined : digestsOf(since)
  if (since !== undefined && digests === undefined) return undefined
  return {
    live: live === true,
    tail: tail === true,
    ...(isCount(last) && { last }),
    ...(digests !== undefined && { since: digests }),
  }
}

/** An error as it is sent to a face. */
export const faultOf = (error: unknown): Fields =>
  error instanceof ChatError
    ? {
        code: error.code,
        message: error.message,
        ...(error.hintTemplate !== undefined && { hint: error.hintTemplate }),
      }
    : { message: reasonOf(error) }

function chunksOf(bytes: Uint8Array): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += FRAME_BYTES_MAX / 2)
    chunks.push(bytes.subarray(at, at + FRAME_BYTES_MAX / 2))
  return chunks
}
