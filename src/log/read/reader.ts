import { FRAME_BYTES_MAX } from '../../base/wire/frames.js'
import type { ForkRegistry } from '../forks/fork-registry.js'
import { type AuthorId, authorOfKey, isSigned, type Seq } from '../format/author.js'
import type { Entry, Members } from '../format/entry.js'
import { below, type ForkProof } from '../format/fork-proof.js'
import type { Digest } from '../format/heads.js'
import { EARLIEST } from '../format/hybrid-clock.js'
import { encodeSegment, lastOf } from '../format/segment.js'
import type { ReadOptions, RelayOptions } from '../options.js'
import type { SegmentStore } from '../store/segment-store.js'
import type { UnsignedStore } from '../store/unsigned-store.js'
import type { Tips } from '../tip.js'
import { type LogRange, lastEntries, merge } from './merge.js'
import type { Relayed, Way } from './outgoing.js'
import { ShownLines } from './shown-lines.js'
import { type SeqRange, Subscription } from './subscription.js'

/** Bytes of one log that a connection is sent before other logs have their turn, where nothing new waits. */
const TURN_BYTES_MAX = 2 * 1024 * 1024

/** Reads all logs of a store: for people in order of conversation, for peers as it is stored; and goes on with what arrives. */
export class Reader {
  readonly #tips: Tips
  readonly #rows: UnsignedStore
  readonly #segments: SegmentStore
  readonly #forks: ForkRegistry
  readonly #feeds = new Set<Subscription>()
  readonly #own: AuthorId
  /** What each live reader was shown of the own log. */
  readonly #shown = new Set<ShownLines>()
  #isClosed = false

  constructor(tips: Tips, rows: UnsignedStore, segments: SegmentStore, forks: ForkRegistry, own: AuthorId) {
    this.#tips = tips
    this.#rows = rows
    this.#segments = segments
    this.#forks = forks
    this.#own = own
  }

  /** Tells people who read live of what became durable and is new to them. */
  announce(span: SeqRange): void {
    if (span.from < span.to) for (const feed of this.#feeds) if (!feed.isRelayed) feed.push(span)
  }

  /** Tells those who relay of what they may pass on now, also of what was lost and came again. */
  relayOn(span: SeqRange): void {
    if (span.from < span.to) for (const feed of this.#feeds) if (feed.isRelayed) feed.push(span)
  }

  /** The own entries from `from` on are taken back: these were their lines. */
  takenBack(from: Seq, lines: readonly Members[]): void {
    for (const shown of this.#shown) shown.takenBack(from, lines)
  }

  /** Tells those who relay of a fork. */
  prove(proof: ForkProof): void {
    for (const feed of this.#feeds) feed.prove(proof)
  }

  /** Ends all readers at their next step. */
  close(): void {
    this.#isClosed = true
    for (const feed of [...this.#feeds]) feed.close()
  }

  /** Entries of one log, in order. */
  log({ author, from, to }: SeqRange, areNews = false): AsyncGenerator<readonly Entry[]> {
    return isSigned(author) ? this.#segments.read(author, from, to, areNews) : this.#rows.read(author, from, to)
  }

  /** Batches of entries: the history in order of conversation, then, where `live`, what arrives. Each entry once. */
  async *read(options: ReadOptions): AsyncGenerator<readonly Entry[]> {
    const since = sinceOf(options)
    const shown = new ShownLines(this.#own, since.get(this.#own) ?? 0)
    const feed = options.live || options.tail ? this.openFeed(options.signal, false) : undefined
    if (feed !== undefined) this.#shown.add(shown)
    try {
      const stretches = options.tail ? [] : this.#stretches(since)
      const history =
        options.last === undefined ? merge(stretches, span => this.log(span)) : this.#lastOf(stretches, options.last)
      yield* feed === undefined ? history : freshOf(history, shown)
      while (feed !== undefined && !feed.isClosed) {
        await feed.wait()
        // Own entries behind those that the reader knows may have been taken back, and others stand there now.
        const known = (author: AuthorId): Seq => (author === this.#own ? shown.reached : (since.get(author) ?? 0))
        // What arrived together, as when a peer catches up, is read in order of conversation.
        const spans = feed.takeAll().flatMap(span => behind(known(span.author), span))
        yield* freshOf(
          merge(spans.map(unbounded), span => this.log(span, true)),
          shown,
        )
      }
    } catch (error) {
      if (!this.#isClosed) throw error
    } finally {
      this.#shown.delete(shown)
      feed?.close()
    }
  }

  /** All that a peer of ours lacks: proofs of forks, segments as they are stored, entries of unsigned authors. */
  async *relay(since: readonly Digest[]): AsyncGenerator<Relayed> {
    const stretches = this.#stretches(sinceOf({ since })).sort((a, b) => (a.first < b.first ? -1 : 1))
    for (const proof of this.#forks.proofs) yield { kind: 'fork', proof }
    for (const stretch of stretches) yield* this.#relayed(this.#undisputed(stretch))
  }

  /** What a feed brings, for a peer of ours, until it is closed: some of each log in turn, so that none waits for all of another. */
  async *follow({ feed, way, knowsFork }: RelayOptions): AsyncGenerator<Relayed> {
    try {
      for (const proof of this.#forks.proofs)
        if (!knowsFork(authorOfKey(proof.segments[0].key), proof.place)) yield { kind: 'fork', proof }
      while (!feed.isClosed) {
        await feed.wait()
        for (const proof of feed.takeProofs()) yield { kind: 'fork', proof }
        const span = feed.take()
        if (span !== undefined) yield* this.#followed(this.#undisputed(span), feed, way)
      }
    } catch (error) {
      if (!this.#isClosed) throw error
    } finally {
      feed.close()
    }
  }

  /** A feed of what arrives from now on, and of proofs of forks where they are passed on. */
  openFeed(signal: AbortSignal | undefined, isRelayed: boolean): Subscription {
    const feed = new Subscription(isRelayed, closed => this.#feeds.delete(closed))
    this.#feeds.add(feed)
    if (this.#isClosed || signal?.aborted) feed.close()
    signal?.addEventListener('abort', () => feed.close(), { once: true })
    return feed
  }

  #stretches(since: ReadonlyMap<AuthorId, Seq>): LogRange[] {
    const stretches: LogRange[] = []
    for (const [author, { planned, durable }] of this.#tips) {
      const from = (since.get(author) ?? 0) + 1
      if (from <= durable) stretches.push({ author, from, to: durable + 1, first: planned.first, last: planned.last })
    }
    return stretches
  }

  #logBack({ author, from, to }: SeqRange): AsyncGenerator<readonly Entry[]> {
    return isSigned(author) ? this.#segments.readBack(author, from, to) : this.#rows.readBack(author, from, to)
  }

  async *#lastOf(stretches: readonly LogRange[], count: number): AsyncGenerator<readonly Entry[]> {
    const from = await lastEntries(stretches, span => this.#logBack(span), count)
    const kept = stretches.flatMap(stretch => {
      const seq = from.get(stretch.author)
      return seq === undefined ? [] : [{ ...stretch, from: seq }]
    })
    yield* merge(kept, span => this.log(span))
  }

  async *#followed(span: SeqRange, feed: Subscription, way: (span: SeqRange) => Way): AsyncGenerator<Relayed> {
    const { author, to } = span
    const first = way(span)
    if (first.kind === 'send') {
      let bytes = 0
      for await (const relayed of this.#relayed({ author, from: first.from, to })) {
        yield relayed
        if (way(span).kind !== 'send') break
        bytes += sizeOf(relayed)
        // To begin anew costs something: whom nobody waits for but those who wait long goes on a while.
        if (feed.isEmpty || (!feed.hasNews && bytes < TURN_BYTES_MAX)) continue
        const from = placeAfter(relayed)
        if (from < to) feed.owe({ author, from, to })
        return
      }
    }
    // It may have got the rest elsewhere meanwhile: then it is told at least that it is here too.
    if (way(span).kind === 'tell') yield { kind: 'note', author }
  }

  /** What of a span may be passed on: of a forked log only what stands below the fork. */
  #undisputed({ author, from, to }: SeqRange): SeqRange {
    return { author, from, to: Math.min(to, this.#forks.proofOf(author)?.place ?? to) }
  }

  async *#relayed({ author, from, to }: SeqRange): AsyncGenerator<Relayed> {
    if (from >= to) return
    if (!isSigned(author)) {
      for await (const entries of this.#rows.read(author, from, to)) yield { kind: 'entries', entries }
      return
    }
    const place = this.#forks.proofOf(author)?.place
    if (place !== undefined) {
      yield* this.#relayedBelow(place, { author, from, to })
      return
    }
    for await (const { segments, last } of this.#segments.raw(author, from, to, FRAME_BYTES_MAX / 2)) {
      yield { kind: 'segments', author, segments, last }
    }
  }

  /** Of a forked log only what stands below the fork is passed on. */
  async *#relayedBelow(place: Seq, { author, from, to }: SeqRange): AsyncGenerator<Relayed> {
    for (let seq = from; seq < to; ) {
      const segment = await this.#segments.segmentAt(author, seq)
      const kept = segment === undefined ? undefined : below(place, segment)
      if (kept === undefined) return
      seq = lastOf(kept) + 1
      yield { kind: 'segments', author, segments: [encodeSegment(kept)], last: seq - 1 }
    }
  }
}

/** The bytes of what is relayed, about. */
function sizeOf(relayed: Relayed): number {
  const parts =
    relayed.kind === 'segments'
      ? relayed.segments
      : relayed.kind === 'entries'
        ? relayed.entries.map(each => each.entry)
        : []
  return parts.reduce((sum, { length }) => sum + length, 0)
}

/** The place behind the last entry of what is relayed. */
function placeAfter(relayed: Relayed): Seq {
  if (relayed.kind === 'segments') return relayed.last + 1
  return relayed.kind === 'entries' ? (relayed.entries.at(-1)?.seq ?? 0) + 1 : 0
}

const sinceOf = ({ since }: Pick<ReadOptions, 'since'>): ReadonlyMap<AuthorId, Seq> =>
  new Map(since?.map(({ author, seq }) => [author, seq]))

/** What of a span lies behind what is known already. */
function behind(known: Seq, span: SeqRange): SeqRange[] {
  const from = Math.max(span.from, known + 1)
  return from < span.to ? [{ ...span, from }] : []
}

/** What of some batches a live reader was not shown yet. */
async function* freshOf(
  batches: AsyncGenerator<readonly Entry[]>,
  shown: ShownLines,
): AsyncGenerator<readonly Entry[]> {
  const { retractions } = shown
  for await (const entries of batches) {
    const fresh = shown.fresh(entries, retractions)
    if (fresh.length > 0) yield fresh
  }
}

/** A stretch of which nothing is known but its places: the merge opens it at once. */
const unbounded = (span: SeqRange): LogRange => ({ ...span, first: EARLIEST, last: EARLIEST })
