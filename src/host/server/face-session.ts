import type { Duplex } from 'node:stream'
import type { Clock, Millis } from '../../base/clock.js'
import { reasonOf } from '../../base/errors.js'
import { isCount } from '../../base/shape.js'
import type { FrameReader } from '../../base/wire/frames.js'
import { type Draft, readDraft } from '../../chat/kinds/kinds.js'
import { authorOf, authorOfLog, type LogId, type Seq } from '../../log/format/author.js'
import { SEQ_MAX } from '../../log/limits.js'
import type { ReadMark } from '../../log/options.js'
import type { Outcome } from '../../node/outbox.js'
import { PIN_SOURCES } from '../../node/people/pin.js'
import type { Room } from '../../node/room.js'
import type { Replicas } from '../../sync/receipts.js'
import { type Fields, pairsOf, readHostFrame, readMarkPairs, readMarksOf } from '../protocol/codec.js'
import type { FaceEvent } from '../protocol/events.js'
import { UNANSWERED_BYTES_MAX } from '../protocol/limits.js'
import { faultOf } from '../protocol/node-start.js'
import { FaceCalls, type RunCommand } from './face-calls.js'
import { FaceOutput } from './face-output.js'
import type { WaitingFace } from './parked-rooms.js'
import type { ReadMarks } from './read-marks.js'
import type { RequestDeduplicator } from './request-deduplicator.js'

/** Changes within this time are sent together. */
const SETTLE_MS = 30

/** What a session needs besides the room and its socket. */
export interface SessionContext {
  readonly clock: Clock
  readonly requests: RequestDeduplicator
  readonly marks: ReadMarks
  /** How many other faces the room has. */
  readonly others: () => number
  readonly command: RunCommand
  /** The minor version of the face's codec. */
  readonly minor: number
  /** Called when the face says goodbye. */
  readonly onGoodbye: () => void
  /** Called when the face uses the room, for example by sending a line or showing it. */
  readonly onUsed: () => void
}

/** The node's side of one face: its lines, its calls, and the state of the room. A malformed frame ends this session only. */
export class FaceSession {
  readonly #peer: Room
  readonly #socket: Duplex
  readonly #reader: FrameReader
  readonly #context: SessionContext
  readonly #output: FaceOutput
  readonly #calls: FaceCalls
  readonly #sentState = new Map<string, string>()
  /** Number of log numbers that were sent to the face. */
  #sentLabels = 0
  #sentOpenedAt: Millis | undefined
  readonly #sentHeads = new Map<LogId, Seq>()
  /** Bytes of the frames whose lines are unanswered. */
  #unanswered = 0
  #isSendingSoon = false
  #isLooking = true
  #isClosed = false

  /** `reader` may contain frames that arrived with the hello. */
  constructor(peer: Room, socket: Duplex, reader: FrameReader, context: SessionContext) {
    this.#peer = peer
    this.#socket = socket
    this.#reader = reader
    this.#context = context
    this.#output = new FaceOutput(socket)
    this.#calls = new FaceCalls(peer, this.#output, {
      sendState: () => this.#sendState(),
      sendLabels: () => this.#sendLabels(),
      command: context.command,
      minor: context.minor,
    })
    socket.on('data', bytes => {
      reader.push(bytes)
      this.#receive()
    })
    socket.on('drain', () => this.#resync())
    socket.once('close', () => this.close())
  }

  /** Sends the state of the room, and starts answering calls. */
  start(): void {
    this.marks(this.#context.marks.all)
    this.#sendLabels()
    this.#sendState()
    this.#receiveOn()
  }

  event(event: FaceEvent): void {
    if (!this.#output.mayNotify()) return
    // Send the state before the next entries. Whether entries are live depends on when the connection opened, and
    // whether lines of a renewed key are shown with the key depends on the pins.
    if (['connection-opened', 'key-renewed', 'key-renewed-twice'].includes(event.kind)) this.#sendState()
    this.#output.send({ is: 'event', event })
  }

  /** The replicas of the user's last line changed. */
  delivered(replicas: Replicas): void {
    if (this.#output.mayNotify()) this.#output.send({ is: 'delivery', replicas })
  }

  /** These read marks have moved. */
  marks(marks: readonly ReadMark[]): void {
    if (this.#output.mayNotify()) this.#output.send({ is: 'marks', marks: readMarkPairs(marks) })
  }

  /** Whether the user sees the room, or waits for the answer to a line. */
  get isLooking(): boolean {
    return this.#isLooking || this.#unanswered > 0
  }

  /** The room is being parked: returns the face, which waits at its socket. */
  park(): WaitingFace {
    this.#output.send({ is: 'parked' })
    this.close()
    return { socket: this.#socket, reader: this.#reader }
  }

  /** The room is closing: accepts no more calls. The socket stays open until the database is closed. */
  close(): void {
    this.#isClosed = true
    this.#output.close()
    this.#calls.close()
  }

  /** The state of the room has changed. */
  sendStateSoon(): void {
    // A new connection of a stranger may come without an event. Therefore the state is sent at once, as in `start`.
    const { openedAt } = this.#peer
    const isNew = openedAt !== this.#sentOpenedAt
    this.#sentOpenedAt = openedAt
    if (isNew && this.#output.mayNotify()) this.#sendState()
    if (this.#isSendingSoon) return
    this.#isSendingSoon = true
    this.#context.clock.after(SETTLE_MS, () => {
      this.#isSendingSoon = false
      if (this.#output.mayNotify()) this.#sendState()
    })
  }

  #receive(): void {
    while (!this.#isClosed && this.#unanswered < UNANSWERED_BYTES_MAX && !this.#output.isUnread) {
      const next = this.#reader.next()
      if (next.kind === 'more') return
      const read = next.kind === 'frame' ? readHostFrame(next.body) : undefined
      const isKnown = next.kind === 'frame' && read?.kind === 'json' && this.#call(read.value, next.body.length)
      if (!isKnown) return void this.#socket.destroy()
    }
    // Stop reading from a face that does not read its answers or has too many lines unanswered.
    if (!this.#isClosed) this.#socket.pause()
  }

  #receiveOn(): void {
    if (this.#isClosed || this.#socket.destroyed) return
    this.#socket.resume()
    this.#receive()
  }

  /** Handles a call. Returns false if it is malformed or exceeds a limit. */
  #call(call: Fields, bytes: number): boolean {
    if (call['do'] !== 'ping') this.#context.onUsed()
    switch (call['do']) {
      case 'say':
        return this.#say(call, bytes)
      case 'acknowledge':
        return this.#acknowledge(call['acknowledged'])
      case 'typing':
        this.#peer.typing()
        return true
      case 'away':
        this.#peer.setAway(typeof call['text'] === 'string' ? call['text'] : undefined)
        return true
      case 'look':
        this.#isLooking = call['isLooking'] !== false
        return true
      case 'addressed':
        return this.#addressed(call['author'])
      case 'show-all':
        return this.#showAll(call['author'])
      case 'pin':
        return this.#pin(call)
      case 'forget':
        if (typeof call['name'] === 'string') this.#peer.forget(call['name'])
        return true
      case 'link':
      case 'unlink':
        return this.#connect(call['peer'], call['do'] === 'link')
      case 'mark':
        return this.#mark(call['marks'])
      case 'goodbye':
        this.#context.onGoodbye()
        return true
      default:
        return this.#calls.receive(call)
    }
  }

  #connect(peer: unknown, isWanted: boolean): boolean {
    if (typeof peer !== 'string') return false
    try {
      if (isWanted) this.#peer.connect(peer)
      else this.#peer.disconnect(peer)
    } catch (error) {
      this.event({ kind: 'connect-refused', peer, detail: reasonOf(error) })
    }
    return true
  }

  #pin({ name, key, how }: Fields): boolean {
    const author = typeof key === 'string' ? authorOf(key) : undefined
    const source = PIN_SOURCES.find(each => each === how)
    if (typeof name !== 'string' || author === undefined || source === undefined) return false
    this.#peer.pin(name, author, source)
    return true
  }

  #addressed(value: unknown): boolean {
    const author = typeof value === 'string' ? authorOf(value) : undefined
    if (author !== undefined) this.#peer.addressed(author)
    return author !== undefined
  }

  #showAll(value: unknown): boolean {
    if (typeof value !== 'string') return false
    this.#peer.showAll(value)
    return true
  }

  #mark(value: unknown): boolean {
    const marks = readMarksOf(value)
    if (marks !== undefined) this.#context.marks.advance(marks)
    return marks !== undefined
  }

  #say({ first, acknowledged, drafts }: Fields, bytes: number): boolean {
    if (!isCount(first) || first < 1 || !Array.isArray(drafts) || first + drafts.length > SEQ_MAX) return false
    const read = drafts.map(draftIn)
    if (!read.every(draft => draft !== undefined) || !this.#acknowledge(acknowledged)) return false
    const answers = this.#context.requests.ask(first, read)
    if (answers === undefined) return false
    this.#unanswered += bytes
    void answers.then(outcomes => {
      this.#sendOutcomes(first, outcomes)
      const wasFull = this.#unanswered >= UNANSWERED_BYTES_MAX
      this.#unanswered -= bytes
      if (wasFull) this.#receiveOn()
    })
    return true
  }

  #acknowledge(upTo: unknown): boolean {
    if (!isCount(upTo) || upTo > SEQ_MAX) return false
    this.#context.requests.acknowledge(upTo)
    return true
  }

  /**
   * Lines without an outcome were not stored before the log was closed: the face repeats these requests to the next
   * node.
   */
  #sendOutcomes(first: number, outcomes: readonly Outcome[]): void {
    const ours = this.#peer.heads.filter(({ author }) => authorOfLog(author) === this.#peer.id)
    const own = pairsOf(ours)
    for (let at = 0; at < outcomes.length; ) {
      const outcome = outcomes[at]
      const from = at++
      if (outcome?.kind === 'refused')
        this.#output.send({ is: 'refused-line', number: first + from, ...faultOf(outcome.error) })
      if (outcome?.kind !== 'stored') continue
      while (outcomes[at]?.kind === 'stored') at++
      this.#output.send({ is: 'stored', numbers: [first + from, first + at - 1], own })
    }
  }

  /** A log is gone: the face forgets what it knows about it. */
  forgotten(log: LogId): void {
    if (this.#sentHeads.delete(log)) this.#output.send({ is: 'forgotten', log })
  }

  /** Sends the new numbers of logs, before the entries whose labels need them. */
  #sendLabels(): void {
    const { next } = this.#peer.labels
    const labels = this.#peer.labels.numbersFrom(this.#sentLabels)
    this.#sentLabels = next
    if (labels.length === 0) return
    this.#output.send({ is: 'labels', labels })
  }

  /** Sends the changes since the last state. */
  #sendState(): void {
    const { connectionSummary: connections, presence, ownReplicas: replicas, people, heads, lastPlace } = this.#peer
    const changed = Object.entries({ connections, presence, replicas, people }).filter(([member, value]) => {
      const text = JSON.stringify(value)
      if (this.#sentState.get(member) === text) return false
      this.#sentState.set(member, text)
      return true
    })
    const news = heads.filter(({ author, seq }) => this.#sentHeads.get(author) !== seq)
    for (const { author, seq } of news) this.#sentHeads.set(author, seq)
    const pairs = pairsOf(news)
    const others = this.#context.others()
    this.#output.send({
      is: 'state',
      ...Object.fromEntries(changed),
      heads: pairs,
      others,
      run: lastPlace?.run,
    })
  }

  /** The face has read enough: sends it the whole state instead of the omitted notices, and resumes reading from it. */
  #resync(): void {
    if (this.#output.resync()) {
      this.#sentState.clear()
      this.#sentHeads.clear()
      this.#sendState()
      this.marks(this.#context.marks.all)
    }
    this.#receiveOn()
  }
}

/** A draft as a face sends it: a string is a plain line. */
const draftIn = (value: unknown): Draft | undefined =>
  typeof value === 'string' ? { kind: 'text', text: value } : readDraft(value)
