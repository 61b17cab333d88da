import type { Duplex } from 'node:stream'
import { EMPTY } from '../../base/wire/bytes.js'
import { FRAME_BYTES_MAX, FrameReader } from '../../base/wire/frames.js'
import type { Bitmap } from '../format/bitmap.js'
import type { FileId, FileRoot } from '../format/hash-tree.js'
import { FILE_REQUESTS_MAX } from '../limits.js'
import {
  decodeFileFrame,
  encodeAbsent,
  encodeHolding,
  encodeQuery,
  encodeRequest,
  type Piece,
  partFrame,
} from './frames.js'

/** Allocates the space that the bytes of a piece are read into. */
export type SpaceFor = (length: number) => Uint8Array

/** The files that this side serves to a peer. */
export interface FileSource {
  /** Which chunks of a file are here; undefined: none. */
  holding(file: FileId): Promise<Bitmap | 'all' | undefined>
  /** A piece, in the space that `spaceFor` allocates; undefined if it is not here. */
  read(root: FileRoot, piece: Piece, spaceFor: SpaceFor): Promise<Uint8Array | undefined>
}

/** Receives the answers of the peer. */
export interface FileListener {
  holding(root: FileRoot, bitmap: Uint8Array | undefined): void
  part(root: FileRoot, piece: Piece, bytes: Uint8Array): void
  absent(root: FileRoot, piece: Piece): void
}

/** Pieces that are read from disk before the peer has read earlier ones. */
const ANSWERS_AHEAD_MAX = 8
/** Low-water mark: more are read only when no more than this many are left, so that several are read at once. */
const ANSWERS_AHEAD_MIN = 4

/** A question of the peer: which chunks this side has, or a request for a piece. */
type Question = { readonly file: FileId } | { readonly root: FileRoot; readonly piece: Piece }

/**
 * The file channel of a room to one peer: serves the peer's requests one by one with backpressure, and passes on the peer's answers. A peer
 * costs at most ANSWERS_AHEAD_MAX pieces in memory, and FILE_REQUESTS_MAX waiting requests. More requests, or a malformed frame, close the
 * channel.
 */
export class FileChannel {
  readonly #stream: Duplex
  readonly #source: FileSource
  readonly #listener: FileListener
  readonly #frames = new FrameReader(FRAME_BYTES_MAX)
  readonly #questions: Question[] = []
  #isServing = false
  /** Our requests that wait until fewer are unanswered. */
  readonly #waiting: Uint8Array[] = []
  #unanswered = 0

  constructor(stream: Duplex, source: FileSource, listener: FileListener) {
    this.#stream = stream
    this.#source = source
    this.#listener = listener
    stream.on('data', (bytes: Uint8Array) => this.#receive(bytes))
  }

  query(file: FileId): void {
    this.#askPeer(encodeQuery(file))
  }

  request(root: FileRoot, piece: Piece): void {
    this.#askPeer(encodeRequest(root, piece))
  }

  /** Closes the channel, and does not open it again on this connection: the peer broke the protocol. */
  break(): void {
    this.#stream.destroy()
  }

  #askPeer(frame: Uint8Array): void {
    if (this.#unanswered >= FILE_REQUESTS_MAX) this.#waiting.push(frame)
    else {
      this.#unanswered++
      this.#write(frame)
    }
  }

  /** The peer answered a request, which makes room for the next one. False if no request was open. */
  #answered(): boolean {
    if (this.#unanswered === 0) return false
    this.#unanswered--
    const next = this.#waiting.shift()
    if (next !== undefined) this.#askPeer(next)
    return true
  }

  #receive(bytes: Uint8Array): void {
    this.#frames.push(bytes)
    for (let read = this.#frames.next(); read.kind !== 'more'; read = this.#frames.next()) {
      if (this.#stream.destroyed) return
      if (read.kind === 'bad' || !this.#onFrame(read.body)) return void this.break()
    }
  }

  /** Returns false if the peer broke the protocol. */
  #onFrame(body: Uint8Array): boolean {
    const frame = decodeFileFrame(body)
    switch (frame?.kind) {
      case undefined:
        return false
      case 'query':
      case 'request':
        return this.#ask(frame)
      case 'holding':
        if (!this.#answered()) return false
        this.#listener.holding(frame.root, frame.bitmap)
        return true
      case 'part':
        if (!this.#answered()) return false
        this.#listener.part(frame.root, frame.piece, frame.bytes)
        return true
      case 'absent':
        if (!this.#answered()) return false
        this.#listener.absent(frame.root, frame.piece)
        return true
      case 'unknown':
        return true
    }
  }

  #ask(question: Question): boolean {
    if (this.#questions.length >= FILE_REQUESTS_MAX) return false
    this.#questions.push(question)
    if (!this.#isServing) void this.#serve()
    return true
  }

  async #serve(): Promise<void> {
    this.#isServing = true
    const answers: Promise<Uint8Array>[] = []
    for (;;) {
      if (answers.length <= ANSWERS_AHEAD_MIN)
        for (const question of this.#questions.splice(0, ANSWERS_AHEAD_MAX - answers.length))
          answers.push(this.#answerTo(question))
      const answer = await answers.shift()
      if (answer === undefined || this.#stream.destroyed) break
      if (!this.#write(answer)) await this.#drained()
    }
    this.#isServing = false
  }

  async #answerTo(question: Question): Promise<Uint8Array> {
    if ('file' in question) {
      // If the log of the line cannot be read, the peer is told that no chunk is here.
      const holding = await this.#source.holding(question.file).catch(() => undefined)
      return encodeHolding(question.file.root, holding === 'all' ? undefined : (holding?.bytes ?? EMPTY))
    }
    const { root, piece } = question
    let frame: Uint8Array | undefined
    const spaceFor = (length: number): Uint8Array => {
      const part = partFrame(root, piece, length)
      frame = part.frame
      return part.bytes
    }
    // If the disk fails, the peer is told that the piece is absent.
    const bytes = await this.#source.read(root, piece, spaceFor).catch(() => undefined)
    return bytes === undefined || frame === undefined ? encodeAbsent(root, piece) : frame
  }

  /** Returns whether the peer reads as fast as this side writes. */
  #write(frame: Uint8Array): boolean {
    return this.#stream.destroyed || this.#stream.write(frame)
  }

  #drained(): Promise<void> {
    if (this.#stream.destroyed) return Promise.resolve()
    return new Promise(resolve => {
      const done = (): void => {
        this.#stream.off('drain', done).off('close', done)
        resolve()
      }
      this.#stream.on('drain', done).on('close', done)
    })
  }
}
