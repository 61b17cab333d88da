import type { LogCore } from '../core.js'
import { isSigned, type LogId, type Seq } from '../format/author.js'
import type { Entry } from '../format/entry.js'
import { branchesIn } from '../format/fork-proof.js'
import { withContent } from '../format/gap.js'
import type { Digest } from '../format/heads.js'
import { EARLIEST, type Hlc } from '../format/hybrid-clock.js'
import type { ReadOptions, RelayOptions } from '../options.js'
import { asAhead, Horizon } from './horizon.js'
import { type IsCounted, lastEntries, lastRanges, strangersMax } from './last-entries.js'
import { type LogRange, merge } from './merge.js'
import type { Relayed, RelayMode } from './outgoing.js'
import { Reached } from './reached.js'
import type { SeqRange, Subscription } from './subscription.js'

/** Bytes of one log sent to a peer before other logs get a turn, unless something new is waiting. */
const TURN_BYTES_MAX = 2 * 1024 * 1024

/** Reads the logs, for people in conversation order and for peers as stored, and follows new entries. */
export class Reader {
  readonly #core: LogCore

  constructor(core: LogCore) {
    this.#core = core
  }

  /** Entries of one log, in order. */
  log({ author, from, to }: SeqRange, mayUseCache = false): AsyncGenerator<readonly Entry[]> {
    const { segments, unsigned } = this.#core
    return isSigned(author) ? segments.read(author, from, to, mayUseCache) : unsigned.read(author, from, to)
  }

  /** Batches of entries: the history in conversation order, then, with `live`, entries as they arrive. Each entry once. */
  async *read(options: ReadOptions): AsyncGenerator<readonly Entry[]> {
    const { announcer, frontier, forks, gaps, events } = this.#core
    const hasPassed = options.since?.some(({ passed }) => passed !== undefined && passed.length > 0) === true
    const isLive = options.live || options.tail
    const subscription = isLive ? announcer.subscribe(options.signal, false) : undefined
    const reached = new Reached(forks, options.since ?? [])
    const onForgotten = (log: LogId): void => reached.forget(log)
    events.on('forgotten', onForgotten)
    const shown = (entries: readonly Entry[]): readonly Entry[] =>
      options.gaps || gaps.isEmpty ? entries : withContent(entries)
    try {
      const ranges = options.tail ? [] : frontier.ranges(log => reached.start(log))
      // Entries before the requested ones are never shown.
      if (options.tail || options.last !== undefined)
        for (const { author, seq } of frontier.heads) reached.note(author, seq)
      for await (const entries of this.#history(ranges, options)) {
        const fresh = shown(hasPassed ? reached.fresh(entries) : entries)
        reached.noteAll(entries)
        if (fresh.length > 0) yield fresh
      }
      while (subscription !== undefined && !subscription.isClosed) {
        await subscription.wait()
        for await (const entries of this.#arrived(subscription, reached)) {
          const visible = shown(entries)
          if (visible.length > 0) yield visible
        }
        yield* this.#filled(subscription, reached)
      }
    } catch (error) {
      if (!announcer.isClosed) throw error
    } finally {
      events.off('forgotten', onForgotten)
      subscription?.close()
    }
  }

  /**
   * The date of the `count`th entry from the end among those that `isCounted` selects and that are not dated ahead; undefined if there are
   * fewer than `count`.
   */
  async dateOfLast(count: number, isCounted: IsCounted): Promise<Hlc | undefined> {
    const horizon = new Horizon(this.#core)
    const { past } = await horizon.divide(
      this.#core.frontier.ranges(() => 0),
      range => this.log(range),
    )
    const found = await lastEntries(past, range => this.#logBack(range), count, EARLIEST, isCounted)
    return found.count < count ? undefined : found.first
  }

  /** Everything that a native peer lacks: fork proofs, segments as stored, entries of unsigned authors. */
  async *relay(since: readonly Digest[]): AsyncGenerator<Relayed> {
    const { frontier, forks } = this.#core
    const known = new Map(since.map(({ author, seq }) => [author, seq]))
    const ranges = frontier.ranges(log => known.get(log) ?? 0).sort((a, b) => (a.first < b.first ? -1 : 1))
    for (const proof of forks.proofs) yield { kind: 'fork', proof }
    for (const range of ranges) yield* this.#relayed(this.#belowFork(range))
  }

  /** Relays a subscription to a native peer until it is closed, in round-robin over the logs, so that no log delays another. */
  async *follow({ subscription, mode, knows }: RelayOptions): AsyncGenerator<Relayed> {
    const { announcer, forks } = this.#core
    try {
      for (const proof of forks.proofs) if (!branchesIn(proof).every(knows)) yield { kind: 'fork', proof }
      while (!subscription.isClosed) {
        await subscription.wait()
        for (const proof of subscription.takeProofs()) yield { kind: 'fork', proof }
        const range = subscription.take()
        if (range !== undefined) yield* this.#followed(this.#belowFork(range), subscription, mode)
      }
    } catch (error) {
      if (!announcer.isClosed) throw error
    } finally {
      subscription.close()
    }
  }

  #logBack({ author, from, to }: SeqRange): AsyncGenerator<readonly Entry[]> {
    const { segments, unsigned } = this.#core
    return isSigned(author) ? segments.readBack(author, from, to) : unsigned.readBack(author, from, to)
  }

  /** The history in conversation order, or its last entries; then the entries that are dated too far ahead of our clock. */
  async *#history(
    all: readonly LogRange[],
    { last, isCounted }: Pick<ReadOptions, 'last' | 'isCounted'>,
  ): AsyncGenerator<readonly Entry[]> {
    const horizon = new Horizon(this.#core)
    const { past, ahead } = await horizon.divide(all, range => this.log(range))
    const logBack = (range: SeqRange): AsyncGenerator<readonly Entry[]> => this.#logBack(range)
    const isKnown = ({ author }: SeqRange): boolean => this.#core.isKnown(author)
    // For a user who knows nobody here, strangers are not limited to a share.
    const knowsSomebody = past.some(range => isKnown(range) && !this.#core.own.isOurs(range.author))
    const shown =
      last === undefined ? past : await lastRanges(past, logBack, last, knowsSomebody ? isKnown : undefined, isCounted)
    yield* merge(shown, range => this.log(range))
    const block = last === undefined ? ahead : await lastRanges(ahead, logBack, strangersMax(last))
    for await (const entries of merge(block, range => this.log(range))) yield entries.map(asAhead)
  }

  /** Entries that arrived together, as during a catch-up, in conversation order. */
  async *#arrived(subscription: Subscription, reached: Reached): AsyncGenerator<readonly Entry[]> {
    const ranges = subscription.takeAll().flatMap(range => after(reached.of(range.author), range))
    const horizon = new Horizon(this.#core)
    for await (const entries of merge(ranges.map(unbounded), range => this.log(range, true))) {
      const fresh = reached.fresh(entries)
      reached.noteAll(fresh)
      if (fresh.length > 0) yield horizon.marked(fresh)
    }
  }

  /** Entries whose content arrived after the reader had passed their places. */
  async *#filled(subscription: Subscription, reached: Reached): AsyncGenerator<readonly Entry[]> {
    const ranges = subscription.takeFilled().flatMap(({ author, from, to }) =>
      reached
        .passed(author)
        .within(from, to)
        .map(range => ({ author, ...range })),
    )
    for (const range of ranges) {
      for await (const entries of this.log(range)) {
        const fresh = reached.fresh(withContent(entries))
        if (fresh.length > 0) yield fresh
      }
    }
  }

  async *#followed(
    range: SeqRange,
    subscription: Subscription,
    mode: (range: SeqRange) => RelayMode,
  ): AsyncGenerator<Relayed> {
    const { author, to } = range
    const first = mode(range)
    if (first.kind === 'send') {
      let bytes = 0
      for await (const relayed of this.#relayed({ author, from: first.from, to })) {
        yield relayed
        if (mode(range).kind !== 'send') break
        bytes += sizeOf(relayed)
        // Resuming a log later costs a lookup, so while only backlog is waiting, continue this one for a while.
        if (subscription.isEmpty || (!subscription.hasNew && bytes < TURN_BYTES_MAX)) continue
        const from = seqAfter(relayed)
        if (from < to) subscription.enqueueBacklog({ author, from, to })
        return
      }
    }
    // The peer may have received the rest from others since: announce that this disk has it too.
    if (mode(range).kind === 'announce') yield { kind: 'announcement', author }
  }

  /** Clips a range to the entries below a fork, because only those are relayed. */
  #belowFork({ author, from, to }: SeqRange): SeqRange {
    return { author, from, to: Math.min(to, this.#core.forks.proofOf(author)?.forkedAt ?? to) }
  }

  async *#relayed({ author, from, to }: SeqRange): AsyncGenerator<Relayed> {
    if (from >= to) return
    const { unsigned, segments } = this.#core
    if (!isSigned(author)) {
      for await (const entries of unsigned.read(author, from, to)) yield { kind: 'entries', entries }
      return
    }
    for await (const { segment, last } of segments.raw(author, from, to)) {
      yield { kind: 'segments', author, segments: [segment], last }
    }
  }
}

/** Approximate size of relayed data, in bytes. */
function sizeOf(relayed: Relayed): number {
  const parts =
    relayed.kind === 'segments'
      ? relayed.segments
      : relayed.kind === 'entries'
        ? relayed.entries.map(each => each.entry)
        : []
  return parts.reduce((sum, { length }) => sum + length, 0)
}

/** The seq after the last relayed entry. */
function seqAfter(relayed: Relayed): Seq {
  if (relayed.kind === 'segments') return relayed.last + 1
  return relayed.kind === 'entries' ? (relayed.entries.at(-1)?.seq ?? 0) + 1 : 0
}

/** The part of a range after a known entry. */
function after(known: Seq, range: SeqRange): SeqRange[] {
  const from = Math.max(range.from, known + 1)
  return from < range.to ? [{ ...range, from }] : []
}

/** A range without known timestamps, which the merge opens at once. */
const unbounded = (range: SeqRange): LogRange => ({ ...range, first: EARLIEST, last: EARLIEST })
