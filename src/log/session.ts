import { concat } from '../base/bytes.js'
import { FrameReader, frame } from '../base/frames.js'
import { AUTHORS_MAX, FRAME_BYTES_MAX } from '../base/limits.js'
import { type AuthorId, type Seq, unsignedAuthor } from './author.js'
import type { Entry } from './entry.js'
import type { Digest } from './head.js'
import { decodeChange, decodeHandshake, encodeChange, encodeHandshake, type Mode } from './messages.js'

/** Consecutive entries of one author, as a peer sent them. Nothing in them is checked but their size. */
export interface Run {
  readonly author: AuthorId
  readonly first: Seq
  readonly entries: readonly Uint8Array[]
}

/** What a session asks of its surroundings. */
export type Effect =
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  /** Entries arrived: offer them to the log, and say with `refused` what it does not take. */
  | { readonly kind: 'offer'; readonly run: Run }
  /** The other side holds `since`: hand over with `encode` what it lacks. */
  | { readonly kind: 'serve'; readonly since: readonly Digest[] }
  /** Nothing will be sent by this side. */
  | { readonly kind: 'end' }
  /** Worth telling the user, once. */
  | { readonly kind: 'warn'; readonly reason: string }
  /** The other side broke the protocol: close this one link. */
  | { readonly kind: 'close'; readonly reason: string }

export interface SessionOptions {
  readonly id: AuthorId
  readonly head: readonly Digest[]
  readonly mode: Mode
}

/**
 * One replication with one peer in scuttleup's protocol, without IO: bytes in, effects out. PROTOCOL.md §5.1.
 * Each side says what it holds, then sends what the other lacks, then what is new.
 */
export class Session {
  readonly #options: SessionOptions
  readonly #frames = new FrameReader(FRAME_BYTES_MAX)
  /** What the other side is known to hold. A Map, for ids are a stranger's. */
  readonly #theirs = new Map<AuthorId, Seq>()
  /** Authors of whom this link brings nothing more, because what it brought could not be taken. */
  readonly #ignored = new Set<string>()
  #state: 'opening' | 'open' | 'closed' = 'opening'

  constructor(options: SessionOptions) {
    this.#options = options
  }

  /** The first bytes of the session. */
  start(): Uint8Array {
    const { id, head, mode } = this.#options
    return frame(encodeHandshake({ id, head: head.map(({ author, seq }) => ({ id: author, seq })), mode }))
  }

  /** Bytes came. Consecutive entries of one author come out as one run. */
  receive(bytes: Uint8Array): Effect[] {
    const effects: Effect[] = []
    if (this.#state === 'closed') return effects
    this.#frames.push(bytes)
    let run: { author: AuthorId; first: Seq; entries: Uint8Array[] } | undefined
    const flush = (): void => {
      if (run !== undefined) effects.push({ kind: 'offer', run })
      run = undefined
    }
    for (;;) {
      const read = this.#frames.next()
      if (read.kind === 'more') break
      if (read.kind === 'bad') {
        flush()
        return [...effects, this.#close(read.reason)]
      }
      if (this.#state === 'opening') {
        effects.push(...this.#handshake(read.body))
        if (this.#isClosed()) return effects
        continue
      }
      const change = decodeChange(read.body)
      if (change === undefined) {
        flush()
        return [...effects, this.#close('a frame that is no entry')]
      }
      if (this.#ignored.has(change.id)) continue
      const author = unsignedAuthor(change.id)
      if (author === undefined) {
        effects.push(this.#ignore(change.id, 'an author id that cannot be one'))
        if (this.#isClosed()) return effects
        continue
      }
      this.#theirs.set(author, Math.max(change.seq, this.#theirs.get(author) ?? 0))
      if (run?.author === author && run.first + run.entries.length === change.seq) {
        run.entries.push(change.entry)
      } else {
        flush()
        run = { author, first: change.seq, entries: [change.entry] }
      }
    }
    flush()
    return effects
  }

  /** The bytes for entries of this side, without those that the other side has. */
  encode(entries: readonly Entry[]): Uint8Array | undefined {
    const frames: Uint8Array[] = []
    for (const { author, seq, entry } of entries) {
      if (seq <= (this.#theirs.get(author) ?? 0)) continue
      this.#theirs.set(author, seq)
      frames.push(frame(encodeChange({ id: author, seq, entry })))
    }
    return frames.length === 0 ? undefined : concat(frames)
  }

  /** The log did not take what this link brought of `author`: nothing more of that log is taken from it. */
  refused(author: AuthorId, reason: string): Effect[] {
    return this.#ignored.has(author) ? [] : [this.#ignore(author, reason)]
  }

  #handshake(body: Uint8Array): Effect[] {
    const handshake = decodeHandshake(body)
    if (handshake === undefined) return [this.#close('a first frame that is no handshake')]
    if (handshake.head.length > AUTHORS_MAX) return [this.#close(`over ${AUTHORS_MAX} authors`)]
    this.#state = 'open'
    const since: Digest[] = []
    for (const { id, seq } of handshake.head) {
      const author = unsignedAuthor(id)
      if (author === undefined) continue
      this.#theirs.set(author, seq)
      since.push({ author, seq })
    }
    const isSending = this.#options.mode !== 'pull' && handshake.mode !== 'push'
    return [isSending ? { kind: 'serve', since } : { kind: 'end' }]
  }

  #ignore(id: string, reason: string): Effect {
    // Bounded by closing: a link that brings nothing but what cannot be taken is of no use.
    if (this.#ignored.size >= AUTHORS_MAX) return this.#close('too many entries that cannot be taken')
    this.#ignored.add(id)
    return { kind: 'warn', reason: `entries of ${id} are not taken: ${reason}` }
  }

  #close(reason: string): Effect {
    this.#state = 'closed'
    return { kind: 'close', reason }
  }

  #isClosed(): boolean {
    return this.#state === 'closed'
  }
}
