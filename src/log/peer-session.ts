import { concat } from '../base/bytes.js'
import { FrameReader } from '../base/frames.js'
import { AUTHORS_MAX, FRAME_BYTES_MAX, HEADS_MAX } from '../base/limits.js'
import { type AuthorId, authorOfKey, type Seq, unsignedAuthor } from './author.js'
import { type Effect, Ignored, Offers } from './effects.js'
import {
  decodeFrame,
  encodeFork,
  encodeHeads,
  encodeLoose,
  encodeSegments,
  encodeWant,
  type PeerFrame,
} from './frames.js'
import type { Digest } from './head.js'
import type { Relayed } from './relay.js'
import { lastOf } from './segment.js'

/**
 * One replication between two peers of ours, without IO. Each side says how far its logs go, then sends the segments that
 * the other lacks as they are stored, then what is new. PROTOCOL.md §5.2.
 */
export class PeerSession {
  readonly #head: readonly Digest[]
  readonly #frames = new FrameReader(FRAME_BYTES_MAX)
  readonly #theirs = new Map<AuthorId, Seq>()
  readonly #ignored = new Ignored(AUTHORS_MAX)
  /** The place asked for last, an author: each time it must be an earlier one. */
  readonly #wants = new Map<AuthorId, Seq>()
  #state: 'opening' | 'open' | 'closed' = 'opening'

  constructor(head: readonly Digest[]) {
    this.#head = head
  }

  start(): Uint8Array {
    return encodeHeads(this.#head.slice(0, HEADS_MAX))
  }

  receive(bytes: Uint8Array): Effect[] {
    const offers = new Offers()
    if (this.#state !== 'closed') this.#frames.push(bytes)
    while (this.#state !== 'closed') {
      const read = this.#frames.next()
      if (read.kind === 'more') break
      this.#frame(offers, read.kind === 'bad' ? read : decodeFrame(read.body))
    }
    return offers.take()
  }

  /** The bytes for what this side relays, without what the other side has. */
  encode(relayed: Relayed): Uint8Array | undefined {
    if (relayed.kind === 'segments') {
      const { author, segments, last } = relayed
      if (last <= (this.#theirs.get(author) ?? 0)) return undefined
      this.#theirs.set(author, last)
      return encodeSegments(segments)
    }
    if (relayed.kind === 'fork') return encodeFork(relayed.proof)
    const frames: Uint8Array[] = []
    for (const { author, seq, entry } of relayed.entries) {
      if (seq <= (this.#theirs.get(author) ?? 0)) continue
      this.#theirs.set(author, seq)
      frames.push(encodeLoose({ id: author, seq, entry }))
    }
    return frames.length === 0 ? undefined : concat(frames)
  }

  /** The bytes that ask for what stands at (author, seq); undefined where that was asked for already. */
  want(author: AuthorId, seq: Seq): Uint8Array | undefined {
    if (seq < 1 || seq >= (this.#wants.get(author) ?? Number.POSITIVE_INFINITY)) return undefined
    this.#wants.set(author, seq)
    return encodeWant({ author, seq })
  }

  refused(author: AuthorId, reason: string): Effect[] {
    return this.#ignored.has(author) ? [] : [this.#ignored.add(author, reason)]
  }

  #frame(offers: Offers, frame: PeerFrame): void {
    switch (frame.kind) {
      case 'bad':
        this.#effect(offers, { kind: 'close', reason: frame.reason })
        return
      case 'heads':
        this.#heads(offers, frame.heads)
        return
      case 'segments':
        for (const { key, ...run } of frame.segments) {
          const author = authorOfKey(key)
          if (this.#ignored.has(author)) continue
          this.#hear(author, lastOf(run))
          offers.addSigned(author, run)
        }
        return
      case 'loose': {
        const { id, seq, entry } = frame.change
        if (this.#ignored.has(id)) return
        const author = unsignedAuthor(id)
        if (author === undefined) {
          this.#effect(offers, this.#ignored.add(id, 'an author id that cannot be one'))
          return
        }
        this.#hear(author, seq)
        offers.add(author, seq, entry)
        return
      }
      case 'fork':
        offers.effect({ kind: 'fork', segments: frame.segments })
        return
      case 'want':
        offers.effect({ kind: 'wanted', want: frame.want })
        return
      case 'unknown':
    }
  }

  #heads(offers: Offers, heads: readonly Digest[]): void {
    if (heads.length > HEADS_MAX) {
      this.#effect(offers, { kind: 'close', reason: `heads of over ${HEADS_MAX} authors` })
      return
    }
    for (const { author, seq } of heads) this.#hear(author, seq)
    // Heads may come again; what is missing is sent after the first.
    if (this.#state === 'opening') offers.effect({ kind: 'serve', since: heads })
    this.#state = 'open'
  }

  /** A hint, which saves sending: beyond what an honest peer can hold it is passed over. */
  #hear(author: AuthorId, seq: Seq): void {
    if (this.#theirs.size >= 2 * HEADS_MAX && !this.#theirs.has(author)) return
    this.#theirs.set(author, Math.max(seq, this.#theirs.get(author) ?? 0))
  }

  #effect(offers: Offers, effect: Effect): void {
    offers.effect(effect)
    if (effect.kind === 'close') this.#state = 'closed'
  }
}
