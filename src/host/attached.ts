import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import { ChatError, isErrorCode } from '../base/errors.js'
import { FrameReader, frame } from '../base/wire/frames.js'
import { type Draft, draftOf, plainTextOf } from '../chat/kinds/kinds.js'
import type { Message } from '../chat/kinds/message.js'
import type { Present } from '../chat/presence/present.js'
import type { AuthorId, Seq } from '../log/format/author.js'
import type { Digest } from '../log/format/heads.js'
import { ENTRY_BYTES_MAX } from '../log/limits.js'
import type { ReadOptions } from '../log/options.js'
import type { ConnectionSummary } from '../node/connection-summary.js'
import { namedPeer } from '../node/peer-name.js'
import { type HostedRoom, messagesOf, type RoomEntry } from '../node/room-api.js'
import { type ReplicaHeads, type Replicas, replicasIn } from '../sync/receipts.js'
import {
  jsonBody,
  type QuestionId,
  readWindowFrame,
  WINDOW_FRAME_BYTES_MAX,
  type WindowFrame,
} from './window-frames.js'
import { digestsOf } from './window-session.js'

/** The process that kept the chat running is gone. */
export class Parted extends Error {}

interface AttachedEvents {
  info: [string]
  warning: [string]
  change: []
  presence: []
  custody: [Replicas]
  /** The process that kept the chat running is gone. */
  parted: []
}

/** Who a window is at, as it is told first. */
export interface Hello {
  readonly me: string
  readonly id: AuthorId
  readonly room: string
  readonly address: string
  /** How the other process was started. */
  readonly setup: Readonly<Record<string, unknown>>
}

type Part = Exclude<WindowFrame, { kind: 'json' }> | { readonly kind: 'item'; readonly value: unknown }

/** A question that waits for its answer, whole or in parts. */
interface Question {
  readonly onPart: (part: Part) => void
  readonly onEnd: (error: Error | undefined) => void
}

/** A conversation that another process of the same user keeps running. */
export class Attached extends EventEmitter<AttachedEvents> implements HostedRoom {
  readonly #socket: Duplex
  readonly #hello: Hello
  readonly #questions = new Map<QuestionId, Question>()
  readonly #heads = new Map<AuthorId, Seq>()
  readonly #saying = new Set<Promise<void>>()
  #next: QuestionId = 1
  #held: ReplicaHeads = { connected: [], left: [], differing: [] }
  #standing: ConnectionSummary = { connected: [], dialing: [] }
  #presence: readonly Present[] = []
  #others = 0
  #isParted = false

  private constructor(socket: Duplex, hello: Hello) {
    super()
    this.#socket = socket
    this.#hello = hello
  }

  /** Rejects with `Parted` where nobody answers as a running chat does. */
  static async over(socket: Duplex): Promise<Attached> {
    const reader = new FrameReader(WINDOW_FRAME_BYTES_MAX)
    return new Promise((resolve, reject) => {
      let attached: Attached | undefined
      let isReady = false
      const take = (value: Readonly<Record<string, unknown>>): boolean => {
        if (attached === undefined) {
          const hello = helloOf(value)
          if (hello !== undefined) attached = new Attached(socket, hello)
          return hello !== undefined
        }
        const known = attached
        known.#told(value)
        if (!isReady && value['is'] === 'state') {
          isReady = true
          resolve(known)
        }
        return true
      }
      socket.on('data', bytes => {
        reader.push(bytes)
        for (let next = reader.next(); next.kind !== 'more'; next = reader.next()) {
          const read = next.kind === 'frame' ? readWindowFrame(next.body) : undefined
          if (read?.kind === 'json' ? !take(read.value) : read === undefined) return void socket.destroy()
          if (read !== undefined && read.kind !== 'json' && attached !== undefined)
            attached.#questions.get(read.id)?.onPart(read)
        }
      })
      socket.on('error', () => socket.destroy())
      socket.once('close', () => {
        reject(new Parted())
        if (attached !== undefined) attached.#part()
      })
    })
  }

  get me(): string {
    return this.#hello.me
  }

  get id(): AuthorId {
    return this.#hello.id
  }

  get room(): string {
    return this.#hello.room
  }

  get address(): string {
    return this.#hello.address
  }

  get setup(): Hello['setup'] {
    return this.#hello.setup
  }

  /** How many windows there are besides this one. */
  get others(): number {
    return this.#others
  }

  get isParted(): boolean {
    return this.#isParted
  }

  get heads(): readonly Digest[] {
    return [...this.#heads].map(([author, seq]) => ({ author, seq }))
  }

  get unsavedCount(): number {
    return this.#saying.size
  }

  get connectionSummary(): ConnectionSummary {
    return this.#standing
  }

  get presence(): readonly Present[] {
    return this.#presence
  }

  get ownReplicas(): ReplicaHeads {
    return this.#held
  }

  replicasOf(seq: Seq): Replicas {
    return replicasIn(this.#held, seq)
  }

  /** Rejects with `Parted` where it is not known whether it was stored. */
  say(said: Draft | string): Promise<void> {
    const draft = draftOf(said)
    if (Buffer.byteLength(plainTextOf(draft)) > ENTRY_BYTES_MAX)
      return Promise.reject(new ChatError('BAD_MESSAGE', 'the message is longer than an entry may be'))
    const stored = this.#ask({ do: 'say', draft })
    this.#saying.add(stored)
    const done = (): void => void this.#saying.delete(stored)
    stored.then(done, done)
    return stored
  }

  async flushed(): Promise<void> {
    await Promise.allSettled(this.#saying)
  }

  delivered(): Promise<void> {
    return this.#ask({ do: 'stored' })
  }

  /** Resolves when the other process answers; rejects with `Parted` when it is gone. */
  ping(): Promise<void> {
    return this.#ask({ do: 'ping' })
  }

  async *batches(options: ReadOptions, isWanted?: (entry: Uint8Array) => boolean): AsyncGenerator<readonly Message[]> {
    for await (const entries of this.entries(options)) yield messagesOf(entries, isWanted)
  }

  async *entries({ signal, since, ...options }: ReadOptions): AsyncGenerator<readonly RoomEntry[]> {
    const heads = since?.map(({ author, seq }) => [author, seq])
    for await (const part of this.#parts({ do: 'read', options: { ...options, since: heads } }, signal)) {
      if (part.kind !== 'entries') continue
      for (const { author, seq } of part.entries) this.#reached(author, seq)
      yield part.entries
    }
  }

  connect(peer: string): void {
    namedPeer(peer, this, this.address)
    this.#send({ do: 'link', peer })
  }

  disconnect(peer: string): boolean {
    const { connected, dialing } = this.#standing
    this.#send({ do: 'unlink', peer })
    return connected.includes(peer) || dialing.some(({ name }) => name === peer)
  }

  setAway(text: string | undefined): void {
    this.#send({ do: 'away', text })
  }

  typing(): void {
    this.#send({ do: 'typing' })
  }

  async *verify(): ReturnType<HostedRoom['verify']> {
    type Verdict = { readonly author: AuthorId; readonly last: Seq; readonly fault: string | undefined }
    for await (const part of this.#parts({ do: 'verify' })) if (part.kind === 'item') yield part.value as Verdict
  }

  async *archive(): AsyncGenerator<Uint8Array> {
    for await (const part of this.#parts({ do: 'archive' })) if (part.kind === 'bytes') yield part.bytes
  }

  /** Lets go of the running chat, which goes on. */
  async close(): Promise<void> {
    if (this.#isParted) return
    await new Promise<void>(resolve => {
      this.#socket.once('close', resolve)
      this.#socket.destroy()
    })
  }

  #told(value: Readonly<Record<string, unknown>>): void {
    const { is, id } = value
    const question = typeof id === 'number' ? this.#questions.get(id) : undefined
    if (is === 'done') {
      if (typeof value['own'] === 'number') this.#reached(this.id, value['own'])
      question?.onEnd(undefined)
    } else if (is === 'failed') question?.onEnd(errorOf(value))
    else if (is === 'item') question?.onPart({ kind: 'item', value: value['value'] })
    else if (is === 'custody') this.emit('custody', value['holders'] as Replicas)
    else if (is === 'notice') this.emit(value['kind'] === 'info' ? 'info' : 'warning', String(value['line']))
    else if (is === 'state') this.#stands(value)
  }

  #stands({ heads, standing, presence, held, others }: Readonly<Record<string, unknown>>): void {
    this.#others = typeof others === 'number' ? others : 0
    for (const { author, seq } of digestsOf(heads) ?? []) this.#heads.set(author, seq)
    // What the user's own process says of itself is taken as it is.
    if (isRecord(held)) this.#held = held as unknown as ReplicaHeads
    if (isRecord(standing)) this.#standing = standing as unknown as ConnectionSummary
    if (Array.isArray(presence)) this.#presence = presence
    this.emit('change')
    if (presence !== undefined) this.emit('presence')
  }

  #reached(author: AuthorId, seq: Seq): void {
    if (seq > (this.#heads.get(author) ?? 0)) this.#heads.set(author, seq)
  }

  #part(): void {
    this.#isParted = true
    const error = new Parted('the process that kept the chat running is gone')
    for (const { onEnd } of [...this.#questions.values()]) onEnd(error)
    this.emit('parted')
  }

  #send(value: object): void {
    if (!this.#isParted) this.#socket.write(frame(jsonBody(value)))
  }

  #ask(question: object): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#open(question, { onPart: () => {}, onEnd: error => (error === undefined ? resolve() : reject(error)) })
    })
  }

  #open(question: object, { onPart, onEnd }: Question): QuestionId {
    const id = this.#next++
    if (this.#isParted) onEnd(new Parted())
    else {
      this.#questions.set(id, {
        onPart,
        onEnd: error => {
          this.#questions.delete(id)
          onEnd(error)
        },
      })
      this.#send({ ...question, id })
    }
    return id
  }

  /** An answer in parts: a few are sent ahead, and one more for each that was read. */
  async *#parts(question: object, signal?: AbortSignal): AsyncGenerator<Part> {
    const waiting: Part[] = []
    let end: { readonly error: Error | undefined } | undefined
    let wake = (): void => {}
    const id = this.#open(question, {
      onPart: part => {
        waiting.push(part)
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
        const part = waiting.shift()
        if (part !== undefined) {
          this.#send({ do: 'more', id })
          yield part
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
      if (end === undefined) this.#send({ do: 'stop', id })
    }
  }
}

const isRecord = (value: unknown): value is object => typeof value === 'object' && value !== null

function helloOf({ is, me, id, room, address, setup }: Readonly<Record<string, unknown>>): Hello | undefined {
  const isHello = is === 'hello' && [me, id, room, address].every(each => typeof each === 'string')
  return isHello && typeof setup === 'object' && setup !== null
    ? ({ me, id, room, address, setup } as Hello)
    : undefined
}

function errorOf({ code, message, hint }: Readonly<Record<string, unknown>>): Error {
  const text = String(message)
  return isErrorCode(code) ? new ChatError(code, text, typeof hint === 'string' ? { hint } : {}) : new Error(text)
}
