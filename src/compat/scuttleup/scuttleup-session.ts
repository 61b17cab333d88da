import { HEADS_MAX } from '../../base/limits.js'
import { concat } from '../../base/wire/bytes.js'
import { FRAME_BYTES_MAX, FrameReader, frame } from '../../base/wire/frames.js'
import { type AuthorId, authorOf, isSigned, type Seq } from '../../log/format/author.js'
import { type Entry, withSignature } from '../../log/format/entry.js'
import type { Digest } from '../../log/format/heads.js'
import { decodeUnsignedEntry, encodeUnsignedEntry, type UnsignedEntry } from '../../log/format/unsigned-entry.js'
import { AUTHORS_MAX } from '../../log/limits.js'
import { type Effect, Ignored, IncomingBatcher } from '../../sync/effects.js'
import type { ReplicationSession } from '../../sync/replication.js'
import { decodeHandshake, encodeHandshake, type Mode } from './scuttleup-codec.js'
import { UnsignedBuffer } from './unsigned-buffer.js'

export interface ScuttleupSessionOptions {
  readonly id: AuthorId
  readonly head: readonly Digest[]
  readonly mode: Mode
}

/**
 * One replication with one peer in scuttleup's protocol, without IO: bytes in, effects out. PROTOCOL.md §5.1.
 * Each side says what it holds, then sends what the other lacks, then what is new. Entries of signed authors travel with
 * their signature as last member of the JSON.
 */
export class ScuttleupSession implements ReplicationSession {
  readonly #options: ScuttleupSessionOptions
  readonly #frames = new FrameReader(FRAME_BYTES_MAX)
  /** What the other side is known to hold. A Map, for ids are a stranger's. */
  readonly #theirs = new Map<AuthorId, Seq>()
  readonly #ignored = new Ignored(AUTHORS_MAX)
  readonly #held = new UnsignedBuffer()
  #state: 'opening' | 'open' | 'closed' = 'opening'

  constructor(options: ScuttleupSessionOptions) {
    this.#options = options
  }

  /** The first bytes of the session. */
  start(): Uint8Array {
    const { id, head, mode } = this.#options
    const heads = head.slice(0, HEADS_MAX).map(({ author, seq }) => ({ id: author, seq }))
    return frame(encodeHandshake({ id, head: heads, mode }))
  }

  /** Bytes came. Consecutive entries of one author come out as one offer. */
  receive(bytes: Uint8Array): Effect[] {
    const offers = new IncomingBatcher()
    if (this.#state !== 'closed') this.#frames.push(bytes)
    while (this.#state !== 'closed') {
      const read = this.#frames.next()
      if (read.kind === 'more') break
      if (read.kind === 'bad') this.#effect(offers, { kind: 'close', reason: read.reason })
      else if (this.#state === 'opening') this.#effect(offers, this.#handshake(read.body))
      else this.#change(offers, decodeUnsignedEntry(read.body))
    }
    return offers.take()
  }

  /** The bytes for entries of this side, without those that the other side has. */
  encode(entries: readonly Entry[]): Uint8Array | undefined {
    const frames: Uint8Array[] = []
    for (const { author, seq, entry, signature } of entries) {
      if (seq <= (this.#theirs.get(author) ?? 0)) continue
      this.#theirs.set(author, seq)
      frames.push(
        frame(
          encodeUnsignedEntry({
            id: author,
            seq,
            entry: signature === undefined ? entry : withSignature(entry, signature),
          }),
        ),
      )
    }
    return frames.length === 0 ? undefined : concat(frames)
  }

  /** The log did not take what this link brought of `author`: nothing more of that log is taken from it. */
  refused(author: AuthorId, reason: string): Effect[] {
    return this.#ignored.has(author) ? [] : [this.#ignored.add(author, reason)]
  }

  #change(offers: IncomingBatcher, change: UnsignedEntry | undefined): void {
    if (change === undefined) {
      this.#effect(offers, { kind: 'close', reason: 'a frame that is no entry' })
      return
    }
    const { id, seq, entry } = change
    if (this.#ignored.has(id)) return
    const author = authorOf(id)
    if (author === undefined) {
      this.#effect(offers, this.#ignored.add(id, 'an author id that cannot be one'))
      return
    }
    this.#theirs.set(author, Math.max(seq, this.#theirs.get(author) ?? 0))
    if (!isSigned(author)) {
      offers.add(author, seq, entry)
      return
    }
    const run = this.#held.add(author, seq, entry)
    if (run === 'full') this.#effect(offers, this.#ignored.add(id, 'too much of it came without a signature'))
    else if (run !== 'held') offers.addSigned(author, run)
  }

  #handshake(body: Uint8Array): Effect {
    const handshake = decodeHandshake(body)
    if (handshake === undefined) return { kind: 'close', reason: 'a first frame that is no handshake' }
    if (handshake.head.length > HEADS_MAX) return { kind: 'close', reason: `heads of over ${HEADS_MAX} authors` }
    this.#state = 'open'
    const since: Digest[] = []
    for (const { id, seq } of handshake.head) {
      const author = authorOf(id)
      if (author === undefined) continue
      this.#theirs.set(author, seq)
      since.push({ author, seq })
    }
    const isSending = this.#options.mode !== 'pull' && handshake.mode !== 'push'
    return { kind: isSending ? 'serve' : 'end', since }
  }

  #effect(offers: IncomingBatcher, effect: Effect): void {
    offers.effect(effect)
    if (effect.kind === 'close') this.#state = 'closed'
  }
}
