import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import { ChatError } from '../../base/errors.js'
import { isCount, isFields } from '../../base/shape.js'
import { FrameReader } from '../../base/wire/frames.js'
import type { FileDraft } from '../../chat/kinds/file.js'
import { readDraft } from '../../chat/kinds/kinds.js'
import type { Target } from '../../chat/kinds/target.js'
import { LineLabels } from '../../chat/line-labels.js'
import type { Present } from '../../chat/presence/present.js'
import { type AuthorId, type LogId, logIdOf, logOf, type Run, type Seq } from '../../log/format/author.js'
import type { Entry } from '../../log/format/entry.js'
import type { Digest } from '../../log/format/heads.js'
import type { ReadMark, ReadOptions } from '../../log/options.js'
import type { ConnectionSummary } from '../../node/events.js'
import type { KnownSet } from '../../node/people/pin.js'
import type { Companion, GetFileOptions, HostedRoom, SendFileOptions } from '../../node/room-api.js'
import {
  type Holder,
  type OwnPlace,
  type Reach,
  type ReplicaHeads,
  type Replicas,
  reachIn,
  replicasIn,
} from '../../sync/receipts.js'
import {
  type CallId,
  type CodecVersion,
  digestsOf,
  FILES_MINOR,
  type Fields,
  type HostFrame,
  jsonBody,
  linesBody,
  NODE_FRAME_BYTES_MAX,
  readHostFrame,
  readMarkPairs,
  readMarksOf,
} from '../protocol/codec.js'
import { readEvent } from '../protocol/event-codec.js'
import type { FaceEvent } from '../protocol/events.js'
import { FrameWriter } from '../protocol/frame-writer.js'
import { READ_BYTES_MIN } from '../protocol/limits.js'
import { errorOf } from '../protocol/node-start.js'
import type { RoomOptions } from '../protocol/options.js'
import {
  isCompanions,
  isConnectionSummary,
  isHolders,
  isKnownSet,
  isPresent,
  isReplicaHeads,
  isReplicas,
  isVerdict,
} from '../protocol/state-codec.js'

/** The connection to the node ended before the answer arrived. */
export class NodeGone extends Error {
  constructor() {
    super('the node is gone')
  }
}

interface ConnectionEvents {
  event: [FaceEvent]
  change: []
  presence: []
  delivery: [Replicas]
  /** The node has stored the lines of these requests, or has rejected them. */
  answer: [first: number, last: number, error?: Error]
  /** The node reports these read marks. */
  marks: [readonly ReadMark[]]
  /** The log of a stranger is gone. */
  forgotten: [LogId]
  /** The node announces that it ends. */
  end: [reason: string]
  /** The node has closed the room in favour of another one. Any frame from the face opens it again. */
  parked: []
  gone: []
}

const olderNode = (me: string, lack: string): ChatError =>
  new ChatError('NODE_UNUSABLE', `${me} runs in an older version of persisted-chat, which ${lack}`, {
    hint: `persisted-chat stop ${me} ends it; start the chat again then.`,
  })

const unanswered = (): ChatError => new ChatError('NODE_UNUSABLE', 'the node did not answer')

/** What a node tells a face about its room. */
export interface Welcome {
  readonly me: string
  readonly id: AuthorId
  readonly room: string
  readonly address: string
  readonly pid: number
  /** The options that the node runs the room with. */
  readonly options: RoomOptions
  /** Whether the room stays open without faces. */
  readonly staysOpen: boolean
}

const NO_REPLICA_HEADS: ReplicaHeads = { connected: [], left: [], differing: [] }

type Part = Exclude<HostFrame, { kind: 'json' }> | { readonly kind: 'item'; readonly value: unknown }

/** A call that waits for its answer, whole or in parts. */
interface Call {
  readonly onPart: (part: Part, bytes: number) => void
  readonly onEnd: (error: Error | undefined) => void
}

/** A face's connection to its room at a node. All calls reject with `NodeGone` if the connection ends before the answer. */
export class NodeConnection extends EventEmitter<ConnectionEvents> {
  readonly welcome: Welcome
  readonly #version: CodecVersion
  /** The labels of the lines that the node has sent. */
  readonly labels = new LineLabels()
  readonly #socket: Duplex
  readonly #writer: FrameWriter
  readonly #reader: FrameReader
  readonly #calls = new Map<CallId, Call>()
  readonly #heads = new Map<LogId, Seq>()
  #next: CallId = 1
  /** Replicas of each of our logs, by run. */
  #replicas: Readonly<Record<string, ReplicaHeads>> = {}
  #people: KnownSet = { pins: [], addressed: [] }
  /** The run to which our lines are appended. */
  #run: Run = 0
  #connections: ConnectionSummary = { connected: [], dialing: [] }
  #presence: readonly Present[] = []
  #others = 0
  #isGone = false
  #isParked = false
  #onState = (): void => {}
  /** Resolves when the node has sent the state of the room; rejects with `NodeGone`. */
  readonly ready: Promise<void>

  /** `reader` comes from `NodeConnection.reader()`, and may contain frames that arrived with the welcome. */
  constructor(socket: Duplex, reader: FrameReader, welcome: Welcome, version: CodecVersion) {
    super()
    this.#socket = socket
    this.#writer = new FrameWriter(socket)
    this.#reader = reader
    this.welcome = welcome
    this.#version = version
    this.ready = new Promise((resolve, reject) => {
      this.#onState = resolve
      this.once('gone', () => reject(new NodeGone()))
    })
    this.ready.catch(() => {}) // its callers handle a rejection
    socket.on('error', () => socket.destroy())
    socket.once('close', () => this.#lost())
  }

  /** Sends a call that has no answer. */
  send(call: object): void {
    this.#write(jsonBody(call))
  }

  /** Resolves when the node has answered a call. */
  call(call: object): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#open(call, { onPart: () => {}, onEnd: error => (error === undefined ? resolve() : reject(error)) })
    })
  }

  static reader(): FrameReader {
    return new FrameReader(NODE_FRAME_BYTES_MAX)
  }

  /** Starts reading. Add the listeners first. */
  start(): void {
    this.#socket.on('data', bytes => {
      this.#reader.push(bytes)
      this.#receive()
    })
    this.#socket.resume()
    this.#receive()
  }

  /** How many other faces the room has. */
  get others(): number {
    return this.#others
  }

  get isGone(): boolean {
    return this.#isGone
  }

  get isParked(): boolean {
    return this.#isParked
  }

  get heads(): readonly Digest[] {
    return [...this.#heads].map(([author, seq]) => ({ author, seq }))
  }

  /** Our latest entry; undefined if there is none. */
  get lastPlace(): OwnPlace | undefined {
    const seq = this.#heads.get(logOf(this.welcome.id, this.#run)) ?? 0
    return seq === 0 ? undefined : { run: this.#run, seq }
  }

  get connectionSummary(): ConnectionSummary {
    return this.#connections
  }

  get presence(): readonly Present[] {
    return this.#presence
  }

  get people(): KnownSet {
    return this.#people
  }

  replicasOf({ run, seq }: OwnPlace): Replicas {
    return replicasIn(this.#replicas[run] ?? NO_REPLICA_HEADS, seq)
  }

  /** How many of the other peers have dropped an erased line of ours. */
  reachOf({ run, seq }: OwnPlace): Reach {
    return reachIn(this.#replicas[run] ?? NO_REPLICA_HEADS, seq)
  }

  /**
   * Requests that the node append lines, which are drafts as JSON, numbered from `first`; 'answer' reports the outcomes.
   * Acknowledges the answers up to `acknowledged`.
   */
  say(first: number, acknowledged: number, drafts: readonly string[]): void {
    this.#write(linesBody(first, acknowledged, drafts))
  }

  acknowledge(acknowledged: number): void {
    this.send({ do: 'acknowledge', acknowledged })
  }

  /** Resolves when the node answers, or closes the room: it then answers nothing until the face attaches again. */
  ping(): Promise<void> {
    return new Promise((resolve, reject) => {
      const onEnd = (error?: Error): void => {
        this.off('parked', onEnd)
        if (error === undefined) resolve()
        else reject(error)
      }
      this.on('parked', onEnd)
      this.#open({ do: 'ping' }, { onPart: () => {}, onEnd })
    })
  }

  async *entries({ signal, since, ...options }: ReadOptions): AsyncGenerator<readonly Entry[]> {
    const marks = since && readMarkPairs(since)
    // Entries that arrived together are yielded together, so that a reader notes all their names before it labels any
    // author.
    for await (const parts of this.#parts({ do: 'read', options: { ...options, since: marks } }, signal)) {
      const entries = parts.flatMap(part => (part.kind === 'entries' ? part.entries : []))
      for (const { author, seq, gap } of entries) this.#reached(author, seq + (gap?.count ?? 1) - 1)
      if (entries.length > 0) yield entries
    }
  }

  async *verify(): ReturnType<HostedRoom['verify']> {
    for await (const parts of this.#parts({ do: 'verify' }))
      for (const part of parts) {
        if (part.kind !== 'item') continue
        if (!isVerdict(part.value)) throw new Error('the node reports a fault that this version does not know')
        yield part.value
      }
  }

  async companionsOf(authors: readonly AuthorId[]): Promise<readonly Companion[]> {
    const found: Companion[] = []
    for await (const parts of this.#parts({ do: 'companions', authors }))
      for (const part of parts) if (part.kind === 'item' && isCompanions(part.value)) found.push(...part.value)
    return found
  }

  /** What each peer says about an entry. */
  async holdersOf({ author, seq }: Digest): Promise<readonly Holder[]> {
    const found: Holder[] = []
    for await (const parts of this.#parts({ do: 'where', log: author, seq }))
      for (const part of parts) if (part.kind === 'item' && isHolders(part.value)) found.push(...part.value)
    return found
  }

  /** Has the node copy a file. Resolves with the draft of its line. */
  async storeFile(file: string, { signal, onProgress, isRaw }: SendFileOptions): Promise<FileDraft> {
    for await (const value of this.#fileParts({ do: 'store-file', file, isRaw }, signal, onProgress)) {
      const draft = isFields(value['draft']) ? readDraft(value['draft']) : undefined
      if (draft?.kind === 'file') return draft
    }
    throw unanswered()
  }

  /** Has the node fetch and save the file of a line. Resolves with its path. */
  async getFile(line: Target, directory: string, options: GetFileOptions): Promise<string> {
    const { signal, onProgress, isConfirmed } = options
    const call = { do: 'get-file', line, directory, isConfirmed }
    for await (const { path } of this.#fileParts(call, signal, onProgress)) if (typeof path === 'string') return path
    throw unanswered()
  }

  /** Reports the progress in an answer, and yields its other parts. Rejects with the reason of the signal. */
  async *#fileParts(
    call: object,
    signal: AbortSignal | undefined,
    onProgress: SendFileOptions['onProgress'],
  ): AsyncGenerator<Fields> {
    // An older node would close the connection, and the call would be repeated forever.
    if (this.#version.minor < FILES_MINOR) throw olderNode(this.welcome.me, 'sends and fetches no files')
    for await (const parts of this.#parts(call, signal))
      for (const part of parts) {
        if (part.kind !== 'item' || !isFields(part.value)) continue
        const { bytes, of, holders } = part.value
        if (isCount(bytes) && isCount(of) && isCount(holders)) onProgress?.({ bytes, of, holders })
        else yield part.value
      }
    signal?.throwIfAborted()
  }

  async before({ author, seq }: Digest, count: number): Promise<readonly Digest[]> {
    const marks: Digest[] = []
    for await (const parts of this.#parts({ do: 'before', log: author, seq, count }))
      for (const part of parts) if (part.kind === 'item') marks.push(...(digestsOf(part.value) ?? []))
    return marks
  }

  /** Runs a command on private rooms; yields its answer in parts. */
  async *command(command: Fields): AsyncGenerator<Fields> {
    for await (const parts of this.#parts({ do: 'command', command }))
      for (const part of parts) if (part.kind === 'item' && isFields(part.value)) yield part.value
  }

  async *archive(): AsyncGenerator<Uint8Array> {
    for await (const parts of this.#parts({ do: 'archive' }))
      for (const part of parts) if (part.kind === 'bytes') yield part.bytes
  }

  /** Leaves. Resolves when the node has closed the connection: for the last face, when its databases are closed. */
  async goodbye(): Promise<void> {
    if (this.#isGone) return
    const gone = new Promise<void>(resolve => void this.once('gone', resolve))
    this.send({ do: 'goodbye' })
    await gone
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #receive(): void {
    for (let next = this.#reader.next(); next.kind !== 'more'; next = this.#reader.next()) {
      const read = next.kind === 'frame' ? readHostFrame(next.body) : undefined
      if (next.kind === 'bad' || read === undefined) return void this.#socket.destroy()
      if (read.kind === 'json') this.#receiveJson(read.value, next.body.length)
      else this.#calls.get(read.id)?.onPart(read, next.body.length)
    }
  }

  #receiveJson(value: Fields, bytes: number): void {
    const { is, id, number, numbers } = value
    const call = typeof id === 'number' ? this.#calls.get(id) : undefined
    if (is === 'stored' && Array.isArray(numbers)) {
      const [first, last]: unknown[] = numbers
      for (const { author, seq } of digestsOf(value['own']) ?? []) this.#reached(author, seq)
      if (isCount(first) && isCount(last)) this.emit('answer', first, last)
    } else if (is === 'refused-line' && isCount(number)) this.emit('answer', number, number, errorOf(value))
    else if (is === 'done') call?.onEnd(undefined)
    else if (is === 'failed') call?.onEnd(errorOf(value))
    else if (is === 'item') call?.onPart({ kind: 'item', value: value['value'] }, bytes)
    else if (is === 'delivery' && isReplicas(value['replicas'])) this.emit('delivery', value['replicas'])
    else if (is === 'marks') this.emit('marks', readMarksOf(value['marks']) ?? [])
    else if (is === 'labels') {
      for (const { author, seq: number } of digestsOf(value['labels']) ?? []) this.labels.set(author, number)
    } else if (is === 'forgotten') this.#forget(logIdOf(String(value['log'])))
    else if (is === 'event') this.#receiveEvent(value['event'])
    else if (is === 'end') this.emit('end', String(value['reason']))
    else if (is === 'parked') {
      this.#isParked = true
      this.emit('parked')
    } else if (is === 'state') this.#receiveState(value)
  }

  #forget(log: LogId | undefined): void {
    if (log === undefined) return
    this.#heads.delete(log)
    this.labels.delete(log)
    this.emit('forgotten', log)
  }

  #receiveEvent(value: unknown): void {
    const event = readEvent(value)
    if (event !== undefined) this.emit('event', event)
  }

  #receiveState({ heads, connections, presence, replicas, people, others, run }: Fields): void {
    this.#others = isCount(others) ? others : 0
    for (const { author, seq } of digestsOf(heads) ?? []) this.#heads.set(author, seq)
    if (isCount(run)) this.#run = run
    if (isKnownSet(people)) this.#people = people
    if (isReplicaHeads(replicas)) this.#replicas = replicas
    if (isConnectionSummary(connections)) this.#connections = connections
    if (Array.isArray(presence)) this.#presence = presence.filter(isPresent)
    this.#onState()
    this.emit('change')
    if (presence !== undefined) this.emit('presence')
  }

  #reached(author: LogId, seq: Seq): void {
    if (seq > (this.#heads.get(author) ?? 0)) this.#heads.set(author, seq)
  }

  #lost(): void {
    this.#isGone = true
    for (const { onEnd } of [...this.#calls.values()]) onEnd(new NodeGone())
    this.emit('gone')
  }

  #write(body: Uint8Array): void {
    if (!this.#isGone) this.#writer.write(body)
  }

  #open(call: object, { onPart, onEnd }: Call): CallId {
    const id = this.#next++
    if (this.#isGone) onEnd(new NodeGone())
    else {
      const end = (error: Error | undefined): void => {
        this.#calls.delete(id)
        onEnd(error)
      }
      this.#calls.set(id, { onPart, onEnd: end })
      this.send({ ...call, id })
    }
    return id
  }

  /** Receives an answer in parts. Flow control: the node sends some parts ahead, and more as they are read. */
  async *#parts(call: object, signal?: AbortSignal): AsyncGenerator<readonly Part[]> {
    const waiting: Part[] = []
    let bytes = 0
    let end: { readonly error: Error | undefined } | undefined
    let wake = (): void => {}
    const id = this.#open(call, {
      onPart: (part, size) => {
        waiting.push(part)
        bytes += size
        wake()
      },
      onEnd: error => {
        end = { error }
        wake()
      },
    })
    const abort = (): void => wake()
    signal?.addEventListener('abort', abort)
    try {
      while (signal?.aborted !== true) {
        const parts = waiting.splice(0)
        if (parts.length > 0) {
          if (bytes >= READ_BYTES_MIN) {
            this.send({ do: 'more', id, bytes })
            bytes = 0
          }
          yield parts
        } else if (end !== undefined) {
          if (end.error !== undefined) throw end.error
          return
        } else
          await new Promise<void>(resolve => {
            wake = resolve
          })
      }
    } finally {
      signal?.removeEventListener('abort', abort)
      if (end === undefined) this.send({ do: 'stop', id })
    }
  }
}
