import type { Duplex } from 'node:stream'
import type { Clock } from '../base/clock.js'
import { ChatError, reasonOf } from '../base/errors.js'
import { EMPTY } from '../base/wire/bytes.js'
import { FRAME_BYTES_MAX, FrameReader, frame } from '../base/wire/frames.js'
import { readDraft } from '../chat/kinds/kinds.js'
import { authorOf, type Seq } from '../log/format/author.js'
import type { Digest } from '../log/format/heads.js'
import type { ReadOptions } from '../log/options.js'
import type { Room } from '../node/room.js'
import type { Replicas } from '../sync/receipts.js'
import { bytesBody, entriesBodies, jsonBody, type QuestionId, readWindowFrame } from './window-frames.js'

/** Answers that a window gets before it has read the first of them. */
const AHEAD_MAX = 4
/** Questions of one window, besides lines to say, that wait for their answers; an honest one has a few open. */
const QUESTIONS_MAX = 64
/** Lines of one window that wait for the disk before no more are read. */
const LINES_MAX = 256
/** What may wait for a window that does not read before it is not told any more where things stand. */
const WAITING_BYTES_MAX = 1024 * 1024
/** Changes that follow each other closely are told together. */
const SETTLE_MS = 30

type Asked = Readonly<Record<string, unknown>>

/** An answer in parts, at the pace at which they are read. */
class Stream {
  readonly over = new AbortController()
  #credit = AHEAD_MAX
  #wake: () => void = () => {}

  /** Resolves when another part may be sent. False: no more are wanted. */
  async mayGoOn(): Promise<boolean> {
    while (this.#credit === 0 && !this.over.signal.aborted)
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    this.#credit--
    return !this.over.signal.aborted
  }

  more(): void {
    this.#credit = Math.min(AHEAD_MAX, this.#credit + 1)
    this.#wake()
  }

  stop(): void {
    this.over.abort()
    this.#wake()
  }
}

/** What a window has to do with besides the peer. */
export interface SessionParts {
  readonly clock: Clock
  /** How this process was started, for the one that goes on when it ends. */
  readonly setup: object
  /** How many windows there are besides the one that asks. */
  readonly others: () => number
}

/** One window in another process, at the peer that runs. What it asks is answered; what is no question ends it, and nothing else. */
export class WindowSession {
  readonly #peer: Room
  readonly #socket: Duplex
  readonly #clock: Clock
  readonly #others: () => number
  readonly #reader = new FrameReader(FRAME_BYTES_MAX)
  readonly #streams = new Map<QuestionId, Stream>()
  readonly #over = new AbortController()
  #open = 0
  #lines = 0
  readonly #told = new Map<string, string>()
  readonly #toldHeads = new Map<string, Seq>()
  #isTelling = false
  #isClosed = false

  constructor(peer: Room, socket: Duplex, { clock, setup, others }: SessionParts) {
    this.#peer = peer
    this.#socket = socket.setMaxListeners(0) // each stream waits here
    this.#clock = clock
    this.#others = others
    const { me, id, room, address } = peer
    this.#send({ is: 'hello', me, id, room, address, setup })
    this.#tellState()
    socket.on('data', bytes => this.#receive(bytes))
    socket.on('error', () => socket.destroy())
    socket.once('close', () => this.close())
  }

  /** Something that the program says. */
  notice(kind: 'info' | 'alarm', line: string): void {
    this.#send({ is: 'notice', kind, line })
  }

  /** The last own line is held by others than before. */
  custody(holders: Replicas): void {
    this.#send({ is: 'custody', holders })
  }

  /** Nothing is said for it any more; it is let go when the database is closed, for it may open it then. */
  close(): void {
    this.#isClosed = true
    this.#over.abort()
    for (const stream of this.#streams.values()) stream.stop()
    this.#streams.clear()
  }

  #receive(bytes: Uint8Array): void {
    this.#reader.push(bytes)
    while (!this.#isClosed && this.#lines < LINES_MAX) {
      const next = this.#reader.next()
      if (next.kind === 'more') return
      const read = next.kind === 'frame' ? readWindowFrame(next.body) : undefined
      if (read?.kind !== 'json' || !this.#ask(read.value)) return void this.#socket.destroy()
    }
  }

  /** False where it is no question. */
  #ask(asked: Asked): boolean {
    const { do: what, id } = asked
    if (what === 'typing') this.#peer.typing()
    else if (what === 'away') this.#peer.setAway(typeof asked['text'] === 'string' ? asked['text'] : undefined)
    else if (what === 'link' || what === 'unlink') return this.#turnTo(what, asked['peer'])
    else if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 0 || id > 2 ** 31) return false
    else if (what === 'more') this.#streams.get(id)?.more()
    else if (what === 'stop') this.#streams.get(id)?.stop()
    else if (this.#open >= QUESTIONS_MAX || this.#streams.has(id)) return false
    else if (what === 'say') return this.#say(id, asked)
    else if (what === 'ping') this.#answer(id, Promise.resolve())
    else if (what === 'stored') this.#answer(id, this.#stored())
    else if (what === 'read') return this.#read(id, asked)
    else if (what === 'verify')
      this.#answer(
        id,
        this.#stream(
          id,
          () => this.#peer.verify(),
          value => [jsonBody({ is: 'item', id, value })],
        ),
      )
    else if (what === 'archive')
      this.#answer(
        id,
        this.#stream(
          id,
          () => this.#peer.archive(),
          bytes => chunksOf(bytes).map(chunk => bytesBody(id, chunk)),
        ),
      )
    else return false
    return true
  }

  #turnTo(what: 'link' | 'unlink', peer: unknown): boolean {
    if (typeof peer !== 'string') return false
    try {
      what === 'link' ? this.#peer.connect(peer) : this.#peer.disconnect(peer)
    } catch (error) {
      this.#send({ is: 'notice', kind: 'alarm', line: reasonOf(error) })
    }
    return true
  }

  #say(id: QuestionId, asked: Asked): boolean {
    const draft = readDraft(asked['draft'])
    if (draft === undefined) return false
    this.#lines++
    if (this.#lines >= LINES_MAX) this.#socket.pause()
    const said = this.#peer.say(draft).then(() => ({ own: this.#ownHead }))
    this.#tellEnd(id, said).finally(() => {
      this.#lines--
      if (this.#lines !== LINES_MAX - 1) return
      this.#socket.resume()
      this.#receive(EMPTY)
    })
    return true
  }

  /** Who has stored it is told before that somebody has. */
  async #stored(): Promise<void> {
    await this.#peer.delivered(this.#over.signal)
    this.#tellState()
  }

  #read(id: QuestionId, { options }: Asked): boolean {
    const read = isObject(options) ? readOptionsOf(options) : undefined
    if (read === undefined) return false
    this.#answer(
      id,
      this.#stream(
        id,
        signal => this.#peer.entries({ ...read, signal }),
        entries => entriesBodies(id, entries),
      ),
    )
    return true
  }

  async #stream<T>(
    id: QuestionId,
    open: (signal: AbortSignal) => AsyncIterable<T>,
    bodiesOf: (part: T) => Iterable<Uint8Array>,
  ): Promise<void> {
    const stream = new Stream()
    this.#streams.set(id, stream)
    try {
      for await (const part of open(stream.over.signal))
        for (const body of bodiesOf(part)) {
          if (!(await stream.mayGoOn())) return
          this.#write(body)
          await this.#drained()
        }
    } finally {
      this.#streams.delete(id)
    }
  }

  #answer(id: QuestionId, work: Promise<void>): void {
    this.#open++
    void this.#tellEnd(
      id,
      work.then(() => undefined),
    ).finally(() => {
      this.#open--
    })
  }

  /** How far the own log goes: up to there nothing is to be looked for that is said later. */
  get #ownHead(): Seq {
    return this.#peer.heads.find(({ author }) => author === this.#peer.id)?.seq ?? 0
  }

  #tellEnd(id: QuestionId, work: Promise<object | undefined>): Promise<void> {
    return work.then(
      news => this.#send({ is: 'done', id, ...news }),
      error => this.#send({ is: 'failed', id, ...faultOf(error) }),
    )
  }

  /** Where things stand is not the same any more. */
  tellSoon(): void {
    if (this.#isTelling) return
    this.#isTelling = true
    this.#clock.after(SETTLE_MS, () => {
      this.#isTelling = false
      if (this.#socket.writableLength > WAITING_BYTES_MAX) this.tellSoon()
      else this.#tellState()
    })
  }

  /** What is not as it was told last. */
  #tellState(): void {
    const { connectionSummary, presence, ownReplicas, heads } = this.#peer
    const changed = Object.entries({ standing: connectionSummary, presence, held: ownReplicas }).filter(
      ([member, value]) => {
        const text = JSON.stringify(value)
        if (this.#told.get(member) === text) return false
        this.#told.set(member, text)
        return true
      },
    )
    const news = heads.filter(({ author, seq }) => this.#toldHeads.get(author) !== seq)
    for (const { author, seq } of news) this.#toldHeads.set(author, seq)
    const pairs = news.map(({ author, seq }) => [author, seq])
    this.#send({ is: 'state', ...Object.fromEntries(changed), heads: pairs, others: this.#others() })
  }

  /** Resolves when little enough waits for the window, or it is gone. */
  async #drained(): Promise<void> {
    if (this.#socket.writableLength <= WAITING_BYTES_MAX || this.#socket.destroyed) return
    await new Promise<void>(resolve => {
      const done = (): void => {
        this.#socket.off('drain', done).off('close', done)
        resolve()
      }
      this.#socket.on('drain', done).on('close', done)
    })
  }

  #send(value: object): void {
    this.#write(jsonBody(value))
  }

  #write(body: Uint8Array): void {
    if (this.#isClosed || this.#socket.destroyed) return
    // One that does not read gets no end of notices; what it asked for comes at its own pace anyway.
    if (this.#socket.writableLength > 2 * WAITING_BYTES_MAX) this.#socket.destroy()
    else this.#socket.write(frame(body))
  }
}

const isObject = (value: unknown): value is Asked =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function readOptionsOf({ live, tail, last, since }: Asked): ReadOptions | undefined {
  const digests = since === undefined ? undefined : digestsOf(since)
  if (since !== undefined && digests === undefined) return undefined
  const isCount = typeof last === 'number' && Number.isSafeInteger(last) && last >= 0
  return {
    live: live === true,
    tail: tail === true,
    ...(isCount && { last }),
    ...(digests !== undefined && { since: digests }),
  }
}

/** Heads as pairs of an author and a seq; undefined for anything else. */
export function digestsOf(value: unknown): Digest[] | undefined {
  if (!Array.isArray(value)) return undefined
  const digests: Digest[] = []
  for (const pair of value) {
    const [name, seq]: unknown[] = Array.isArray(pair) ? pair : []
    const author = typeof name === 'string' ? authorOf(name) : undefined
    if (author === undefined || typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 0) return undefined
    digests.push({ author, seq })
  }
  return digests
}

const faultOf = (error: unknown): object =>
  error instanceof ChatError
    ? { code: error.code, message: error.message, hint: error.hintTemplate }
    : { message: reasonOf(error) }

function chunksOf(bytes: Uint8Array): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += FRAME_BYTES_MAX / 2)
    chunks.push(bytes.subarray(at, at + FRAME_BYTES_MAX / 2))
  return chunks
}
