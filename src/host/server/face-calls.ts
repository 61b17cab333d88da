import { isCount, isFields } from '../../base/shape.js'
import { FRAME_BYTES_MAX } from '../../base/wire/frames.js'
import { type AuthorId, authorOf } from '../../log/format/author.js'
import type { Digest } from '../../log/format/heads.js'
import type { ReadOptions } from '../../log/options.js'
import type { Room } from '../../node/room.js'
import {
  bytesBody,
  CALL_ID_MAX,
  type CallId,
  digestsOf,
  entriesBodies,
  type Fields,
  jsonBody,
  pairsOf,
  readMarksOf,
  textsOf,
} from '../protocol/codec.js'
import { faultOf } from '../protocol/node-start.js'
import type { FaceOutput } from './face-output.js'
import { fileWork } from './file-work.js'
import { PacedStream } from './paced-stream.js'

/** Largest number of unanswered calls of one face, apart from its lines; an honest face has a few. */
const CALLS_MAX = 64

type Open<T> = (signal: AbortSignal) => AsyncIterable<T>

/** Runs a command on private rooms. */
export type RunCommand = (command: Fields, onItem: (item: Fields) => void, signal: AbortSignal) => Promise<void>

export interface CallContext {
  /** Sends the changes of the room's state. */
  readonly sendState: () => void
  /** Sends the numbers of logs that the labels of the next entries need. */
  readonly sendLabels: () => void
  readonly command: RunCommand
  /** The minor version of the face's codec. */
  readonly minor: number
}

/** The calls of one face that get a response by call id, whole or streamed. */
export class FaceCalls {
  readonly #peer: Room
  readonly #output: FaceOutput
  readonly #context: CallContext
  readonly #streams = new Map<CallId, PacedStream>()
  readonly #ended = new AbortController()
  #unanswered = 0

  constructor(peer: Room, output: FaceOutput, context: CallContext) {
    this.#peer = peer
    this.#output = output
    this.#context = context
  }

  close(): void {
    this.#ended.abort()
    for (const stream of this.#streams.values()) stream.stop()
    this.#streams.clear()
  }

  /** Returns false if the call is malformed or exceeds a limit. */
  receive(call: Fields): boolean {
    const { do: name, id, bytes, command } = call
    if (!isCount(id) || id > CALL_ID_MAX) return false
    if (name === 'more') this.#streams.get(id)?.more(isCount(bytes) ? bytes : 0)
    else if (name === 'stop') this.#streams.get(id)?.stop()
    else {
      if (this.#unanswered >= CALLS_MAX || this.#streams.has(id)) return false
      const work = name === 'command' && isFields(command) ? this.#runCommand(id, command) : this.#work(id, call)
      if (work === undefined) return false
      void this.#answer(id, work)
    }
    return true
  }

  #work(id: CallId, call: Fields): Promise<void> | undefined {
    const { do: name, options, isForState, to, authors, run, seq, log, count } = call
    const peer = this.#peer
    switch (name) {
      case 'ping':
        if (isForState === true) this.#context.sendState()
        return Promise.resolve()
      case 'stored':
        return this.#stored(typeof to === 'string' ? authorOf(to) : undefined)
      case 'erase':
        return isCount(run) && isCount(seq) ? peer.erase({ run, seq }) : undefined
      case 'where': {
        const [place] = digestsOf([[log, seq]]) ?? []
        return place && this.#holders(id, place)
      }
      case 'before': {
        const [place] = digestsOf([[log, seq]]) ?? []
        return place && isCount(count) ? this.#before(id, place, count) : undefined
      }
      case 'read': {
        const read = isFields(options) ? readOptionsOf(options) : undefined
        const open: Open<Parameters<typeof entriesBodies>[1]> = signal => peer.entries({ ...read, signal })
        const bodiesOf = (entries: Parameters<typeof entriesBodies>[1]): Iterable<Uint8Array> => {
          this.#context.sendLabels()
          return entriesBodies(id, entries, this.#context.minor)
        }
        return read && this.#stream(id, open, bodiesOf)
      }
      case 'companions': {
        const asked = textsOf(authors)?.flatMap(each => authorOf(each) ?? [])
        return asked && this.#companions(id, asked)
      }
      case 'store-file':
      case 'get-file': {
        const open = fileWork(peer, call)
        return open && this.#stream(id, open, value => [jsonBody({ is: 'item', id, value })])
      }
      case 'verify':
        return this.#stream(
          id,
          () => peer.verify(),
          value => [jsonBody({ is: 'item', id, value })],
        )
      case 'archive':
        return this.#stream(
          id,
          () => peer.archive(),
          bytes => chunksOf(bytes).map(chunk => bytesBody(id, chunk)),
        )
      default:
        return undefined
    }
  }

  async #companions(id: CallId, authors: readonly AuthorId[]): Promise<void> {
    this.#output.send({ is: 'item', id, value: await this.#peer.companionsOf(authors) })
  }

  async #holders(id: CallId, place: Digest): Promise<void> {
    this.#output.send({ is: 'item', id, value: await this.#peer.holdersOf(place) })
  }

  async #before(id: CallId, place: Digest, count: number): Promise<void> {
    this.#output.send({ is: 'item', id, value: pairsOf(await this.#peer.before(place, count)) })
  }

  async #runCommand(id: CallId, command: Fields): Promise<void> {
    const onItem = (value: Fields): void => this.#output.send({ is: 'item', id, value })
    // Other commands have effects, and continue even if the face does not wait for them.
    if (command['do'] !== 'search') return this.#context.command(command, onItem, this.#ended.signal)
    const stream = new PacedStream()
    this.#streams.set(id, stream)
    try {
      await this.#context.command(command, onItem, stream.ended.signal)
    } finally {
      this.#streams.delete(id)
    }
  }

  /** Resolves when our last line is delivered, after sending the state that lists its replicas. */
  async #stored(to: AuthorId | undefined): Promise<void> {
    await this.#peer.delivered({ to, signal: this.#ended.signal })
    this.#context.sendState()
  }

  async #stream<T>(id: CallId, open: Open<T>, bodiesOf: (part: T) => Iterable<Uint8Array>): Promise<void> {
    const stream = new PacedStream()
    this.#streams.set(id, stream)
    try {
      for await (const part of open(stream.ended.signal))
        for (const body of bodiesOf(part)) {
          if (!(await stream.mayContinue(body.length))) return
          this.#output.write(body)
          await this.#output.drained()
        }
    } finally {
      this.#streams.delete(id)
    }
  }

  async #answer(id: CallId, work: Promise<void>): Promise<void> {
    this.#unanswered++
    try {
      await work
      this.#output.send({ is: 'done', id })
    } catch (error) {
      this.#output.send({ is: 'failed', id, ...faultOf(error) })
    }
    this.#unanswered--
  }
}

function readOptionsOf({ live, tail, gaps, last, since }: Fields): ReadOptions | undefined {
  const digests = since === undefined ? undefined : readMarksOf(since)
  if (since !== undefined && digests === undefined) return undefined
  return {
    live: live === true,
    tail: tail === true,
    gaps: gaps === true,
    ...(isCount(last) && { last }),
    ...(digests !== undefined && { since: digests }),
  }
}

function chunksOf(bytes: Uint8Array): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += FRAME_BYTES_MAX / 2)
    chunks.push(bytes.subarray(at, at + FRAME_BYTES_MAX / 2))
  return chunks
}
