import { HEADS_AT_ONCE_MAX, HEADS_MAX, REFUSALS_MAX } from '../base/limits.js'
import { concat, EMPTY } from '../base/wire/bytes.js'
import { FRAME_BYTES_MAX, FrameReader } from '../base/wire/frames.js'
import { type AuthorId, authorOfKey, type Seq, unsignedAuthor } from '../log/format/author.js'
import type { Digest } from '../log/format/heads.js'
import { lastOf } from '../log/format/segment.js'
import { AUTHORS_MAX } from '../log/limits.js'
import type { Relayed, Way } from '../log/read/outgoing.js'
import type { SeqRange } from '../log/read/subscription.js'
import {
  decodeFrame,
  encodeFingerprints,
  encodeFork,
  encodeHeads,
  encodeNotes,
  encodeSegmentRequest,
  encodeSegments,
  encodeUnsigned,
  type Note,
  type PeerFrame,
} from './codec.js'
import { type Effect, Ignored, IncomingBatcher } from './effects.js'
import { comparedHeads, fingerprintsOf } from './fingerprints.js'
import type { ReplicationSession } from './replication.js'

/**
 * One replication between two peers of ours, without IO. Each side says how far its logs go, and from then on what it holds
 * more; it sends the entries that the other asks for, and those of its own log, as they are stored. PROTOCOL.md §5.2, §5.5.
 */
export class PeerSession implements ReplicationSession {
  readonly #head: readonly Digest[]
  readonly #sums: Uint8Array
  /** Whether all heads were said at the start, and not sums over them. */
  readonly #isBrief: boolean
  readonly #frames = new FrameReader(FRAME_BYTES_MAX)
  /** What the other side holds, or was sent. */
  readonly #theirs = new Map<AuthorId, Seq>()
  /** What the other side knows that is held here. */
  readonly #told = new Map<AuthorId, Seq>()
  /** The logs of which the other side wants what is new. */
  readonly #wanted = new Set<AuthorId>()
  readonly #ignored = new Ignored(AUTHORS_MAX)
  /** From where on logs are frozen at the other side. */
  readonly #frozen = new Map<AuthorId, Seq>()
  /** Heads on which both sides agree, as sums over them have shown. */
  #alike: readonly Digest[] = []
  /** The place asked for last, an author: each time it must be an earlier one. With it what was refused meanwhile. */
  readonly #wants = new Map<AuthorId, { readonly seq: Seq; refusals: number }>()
  #state: 'opening' | 'comparing' | 'open' | 'closed' = 'opening'

  /** `own` is the log that this side extends: what is new in it is wanted, unless the other side says otherwise. */
  constructor(own: AuthorId, head: readonly Digest[]) {
    this.#head = head.slice(0, HEADS_MAX)
    this.#sums = fingerprintsOf(this.#head)
    this.#isBrief = this.#head.length <= HEADS_AT_ONCE_MAX
    this.#wanted.add(own)
    for (const { author, seq } of this.#head) this.#told.set(author, seq)
  }

  start(): Uint8Array {
    return this.#isBrief ? encodeHeads(this.#head) : encodeFingerprints(this.#sums)
  }

  /** Whether the other side knows that two histories of an author are proven from a place on. */
  knowsFork(author: AuthorId, place: Seq): boolean {
    return (this.#frozen.get(author) ?? Number.POSITIVE_INFINITY) <= place
  }

  receive(bytes: Uint8Array): Effect[] {
    const offers = new IncomingBatcher()
    if (this.#state !== 'closed') this.#frames.push(bytes)
    while (this.#state !== 'closed') {
      const read = this.#frames.next()
      if (read.kind === 'more') break
      const frame = read.kind === 'bad' ? read : decodeFrame(read.body)
      if (read.kind === 'frame' && frame.kind === 'unknown') offers.effect({ kind: 'aside', body: read.body })
      else this.#frame(offers, frame)
    }
    return offers.take()
  }

  /** What is to be done with more of a log. What is sent is also told: it is held here durably. */
  way({ author, from, to }: SeqRange): Way {
    const theirs = this.#theirs.get(author) ?? 0
    const next = Math.max(from, theirs + 1)
    // What does not follow on what they hold would not be taken.
    if (this.#wanted.has(author) && next === theirs + 1 && next < to) return { kind: 'send', from: next }
    return { kind: to - 1 > (this.#told.get(author) ?? 0) ? 'tell' : 'none' }
  }

  /** The bytes of what is said about logs. */
  notes(notes: readonly Note[]): Uint8Array {
    for (const { kind, author, seq } of notes) if (kind !== 'ask') this.#told.set(author, seq)
    return encodeNotes(notes)
  }

  /** The bytes for what this side relays, without what the other side has. */
  encode(relayed: Exclude<Relayed, { readonly kind: 'note' }>): Uint8Array | undefined {
    if (relayed.kind === 'segments') {
      const { author, segments, last } = relayed
      if (last <= (this.#theirs.get(author) ?? 0)) return undefined
      this.#sent(author, last)
      return encodeSegments(segments)
    }
    if (relayed.kind === 'fork') return encodeFork(relayed.proof)
    const frames: Uint8Array[] = []
    for (const { author, seq, entry } of relayed.entries) {
      if (seq <= (this.#theirs.get(author) ?? 0)) continue
      this.#sent(author, seq)
      frames.push(encodeUnsigned({ id: author, seq, entry }))
    }
    return frames.length === 0 ? undefined : concat(frames)
  }

  /** The bytes that ask for what stands at (author, seq): none where an earlier place is asked for already; undefined where that is in vain. */
  requestSegment(author: AuthorId, seq: Seq): Uint8Array | undefined {
    if (seq < 1) return undefined
    const want = this.#wants.get(author)
    if (want !== undefined && seq >= want.seq) return this.#isAwaited(author) ? EMPTY : undefined
    this.#wants.set(author, { seq, refusals: want?.refusals ?? 0 })
    return encodeSegmentRequest({ author, seq })
  }

  /** What came of a log was not taken: nothing more of it is, unless what was asked for is still to come. */
  refused(author: AuthorId, reason: string): Effect[] {
    if (this.#isAwaited(author)) return []
    return this.#ignored.has(author) ? [] : [this.#ignored.add(author, reason)]
  }

  /** Whether a segment that was asked for may still come; not for ever, whatever comes instead. */
  #isAwaited(author: AuthorId): boolean {
    const want = this.#wants.get(author)
    if (want === undefined || want.refusals >= REFUSALS_MAX) return false
    want.refusals += 1
    return true
  }

  #frame(offers: IncomingBatcher, frame: PeerFrame): void {
    switch (frame.kind) {
      case 'bad':
        this.#effect(offers, { kind: 'close', reason: frame.reason })
        return
      case 'heads':
        this.#heads(offers, frame.heads)
        return
      case 'sums':
        this.#compare(offers, frame.sums)
        return
      case 'segments':
        for (const segment of frame.segments) {
          const author = authorOfKey(segment.key)
          if (this.#ignored.has(author)) continue
          this.#hear(author, lastOf(segment))
          offers.addSigned(author, segment)
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
      case 'clock':
        for (const note of frame.notes) this.#note(offers, note)
        offers.effect({ kind: 'told', heads: frame.notes.filter(({ kind }) => kind !== 'ask') })
        return
      case 'unknown':
    }
  }

  #note(offers: IncomingBatcher, { kind, author, seq }: Note): void {
    if (kind === 'stop') this.#wanted.delete(author)
    if (kind !== 'ask') {
      this.#hear(author, seq)
      return
    }
    if (this.#wanted.size >= 2 * HEADS_MAX) return
    this.#wanted.add(author)
    // What was sent before may not have been taken: only what it says itself counts.
    this.#theirs.delete(author)
    this.#hear(author, seq)
    offers.effect({ kind: 'asked', since: { author, seq } })
  }

  #sent(author: AuthorId, last: Seq): void {
    this.#theirs.set(author, last)
    this.#told.set(author, Math.max(last, this.#told.get(author) ?? 0))
  }

  #heads(offers: IncomingBatcher, heads: readonly Digest[]): void {
    if (heads.length > HEADS_MAX) {
      this.#effect(offers, { kind: 'close', reason: `heads of over ${HEADS_MAX} authors` })
      return
    }
    const isFirst = this.#state === 'opening'
    if (isFirst) this.#answer(offers, fingerprintsOf(heads))
    this.#learn(heads)
    // Heads may come again; what is missing is sent after the first.
    if (this.#state !== 'open') offers.effect({ kind: 'serve', since: isFirst ? heads : [...this.#alike, ...heads] })
    this.#state = 'open'
  }

  #compare(offers: IncomingBatcher, theirs: Uint8Array): void {
    if (this.#state !== 'opening') {
      this.#effect(offers, { kind: 'close', reason: 'sums a second time' })
      return
    }
    const { alike, isAlike } = this.#answer(offers, theirs)
    this.#alike = alike
    this.#learn(alike)
    this.#state = isAlike ? 'open' : 'comparing'
    if (isAlike) offers.effect({ kind: 'serve', since: alike })
  }

  /** Says the heads where the other side has others, unless they were said already. */
  #answer(offers: IncomingBatcher, theirs: Uint8Array): ReturnType<typeof comparedHeads> {
    const compared = comparedHeads(this.#head, this.#sums, theirs)
    if (!this.#isBrief && !compared.isAlike) offers.effect({ kind: 'say', bytes: encodeHeads(compared.differing) })
    return compared
  }

  #learn(heads: readonly Digest[]): void {
    for (const { author, seq, frozen } of heads) {
      this.#hear(author, seq)
      if (frozen !== undefined && this.#frozen.size < HEADS_MAX) this.#frozen.set(author, frozen)
    }
  }

  /** A hint, which saves sending: beyond what an honest peer can hold it is passed over. */
  #hear(author: AuthorId, seq: Seq): void {
    if (this.#theirs.size >= 2 * HEADS_MAX && !this.#theirs.has(author)) return
    this.#theirs.set(author, Math.max(seq, this.#theirs.get(author) ?? 0))
  }

  #effect(offers: IncomingBatcher, effect: Effect): void {
    offers.effect(effect)
    if (effect.kind === 'close') this.#state = 'closed'
  }
}
