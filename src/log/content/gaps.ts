import type { LogId, Seq } from '../format/author.js'
import type { GapState } from '../format/entry.js'
import type { StubPlaces } from '../format/packed.js'
import { type PlaceRange, Places } from '../format/places.js'
import { SEQ_MAX } from '../limits.js'
import type { Row, Write } from '../store/store.js'
import {
  DROP_REASONS,
  type Dropped,
  type DropReason,
  droppedDelete,
  droppedIn,
  droppedWrite,
  gapsIn,
  gapsWrite,
} from './gap-rows.js'

/** Largest number of ranges of missing content remembered per log; later ones are looked up once these are filled. */
export const GAPS_MAX = 256

/** The places of one log without content. */
export class LogGaps {
  /** The first ranges of missing content. */
  readonly missing = new Places()
  /** The missing places of control entries. */
  readonly controls = new Places()
  /** More may be missing from here on. */
  restFrom: Seq | undefined
  /** Whether any contents are stored outside of their segments. */
  hasContents = false
  /** Changes with every change of the missing places. */
  version = 1
  /** Where this disk dropped the content. */
  readonly dropped: Readonly<Record<DropReason, Places>> = {
    deleted: new Places(),
    'kept-out': new Places(),
    expired: new Places(),
    'not-given': new Places(),
  }
  /**
   * Places whose content is about to be dropped. Peers are told that it is gone: otherwise they could drop their copy because this disk has
   * one.
   */
  readonly leaving = new Places()

  hasDropped(from: Seq, to: Seq): boolean {
    return DROP_REASONS.some(reason => this.dropped[reason].overlaps(from, to))
  }

  /** Why a place without content has none. */
  stateOf(seq: Seq): GapState {
    return DROP_REASONS.find(reason => this.dropped[reason].has(seq)) ?? 'missing'
  }

  /** The first `count` ranges without content, for any reason, as announced to peers. */
  all(count: number): readonly PlaceRange[] {
    const places = new Places([...this.missing.ranges, ...this.leaving.ranges])
    for (const reason of DROP_REASONS) for (const { from, to } of this.dropped[reason].ranges) places.add(from, to)
    if (this.restFrom !== undefined) places.add(this.restFrom, SEQ_MAX)
    return places.ranges.slice(0, count)
  }

  /** Whether content may be missing between two places. */
  mayMiss(from: Seq, to: Seq): boolean {
    return this.missing.overlaps(from, to) || (this.restFrom !== undefined && this.restFrom < to)
  }

  /** Adds places that are now stored as stubs, except those whose content was dropped. */
  add({ all, controls }: StubPlaces): void {
    for (const { from, to } of all) this.missing.add(from, to)
    for (const { from, to } of controls) this.controls.add(from, to)
    for (const reason of DROP_REASONS) for (const { from, to } of this.dropped[reason].ranges) this.#remove(from, to)
    const rest = this.restFrom
    if (rest !== undefined) this.#remove(rest, Number.POSITIVE_INFINITY)
    const more = this.missing.truncate(GAPS_MAX)
    if (more !== undefined) {
      this.restFrom = more
      this.controls.remove(more, Number.POSITIVE_INFINITY)
    }
    this.controls.truncate(GAPS_MAX)
    this.version++
  }

  /** The content of these places is no longer missing. */
  remove(from: Seq, to: Seq): void {
    this.#remove(from, to)
    this.version++
  }

  drop({ from, to, reason }: Omit<Dropped, 'isDone'>): void {
    this.dropped[reason].add(from, to)
    this.remove(from, to)
  }

  /** Marks missing content as not given to us, except that of control entries. Returns the rows to write. */
  notGiven(log: LogId, places: PlaceRange): Write[] {
    const missing = new Places(this.missing.within(places.from, places.to))
    for (const { from, to } of this.controls.ranges) missing.remove(from, to)
    const reason = 'not-given'
    const rows = this.dropped[reason]
    return missing.ranges.flatMap(({ from, to }) => {
      // Adjacent ranges share one row.
      const replaced = rows.touching(from, to)
      this.drop({ from, to, reason })
      return [
        ...replaced.map(range => droppedDelete(log, reason, range.from)),
        ...rows.touching(from, to).map(range => droppedWrite(log, { ...range, reason, isDone: true })),
      ]
    })
  }

  /** Marks places as missing that were dropped for this reason. Returns these places. */
  restore(places: readonly PlaceRange[], reason: DropReason): readonly PlaceRange[] {
    const dropped = this.dropped[reason]
    const restored = places.flatMap(({ from, to }) => dropped.within(from, to))
    for (const { from, to } of restored) dropped.remove(from, to)
    this.add({ all: restored, controls: [] })
    return restored
  }

  /** Announces that the content of these places is about to be dropped. An empty list withdraws the announcement. */
  leave(places: readonly PlaceRange[]): void {
    this.leaving.truncate(0)
    for (const { from, to } of places) this.leaving.add(from, to)
    this.version++
  }

  #remove(from: Seq, to: Seq): void {
    this.missing.remove(from, to)
    this.controls.remove(from, to)
  }
}

/** Which places of the logs have no content on this disk, and why. docs/protocol/logs.md §3.8. */
export class Gaps {
  readonly #logs = new Map<LogId, LogGaps>()

  /** Whether every place of every log has content. */
  get isEmpty(): boolean {
    return this.#logs.size === 0
  }

  /** The logs with places without content. */
  get logs(): IterableIterator<LogId> {
    return this.#logs.keys()
  }

  of(log: LogId): LogGaps | undefined {
    return this.#logs.get(log)
  }

  /** The gaps of a log, added if there are none. */
  open(log: LogId): LogGaps {
    const gaps = this.#logs.get(log) ?? new LogGaps()
    this.#logs.set(log, gaps)
    return gaps
  }

  /** A log is deleted. Returns the rows to delete. */
  forget(log: LogId): Write[] {
    const gaps = this.#logs.get(log)
    if (gaps === undefined) return []
    this.#logs.delete(log)
    const dropped = DROP_REASONS.flatMap(reason =>
      gaps.dropped[reason].ranges.map(({ from }) => droppedDelete(log, reason, from)),
    )
    return [gapsWrite(log, new LogGaps()), ...dropped]
  }

  stateOf(log: LogId, seq: Seq): GapState {
    return this.#logs.get(log)?.stateOf(seq) ?? 'missing'
  }

  /** The row of a log after a change. */
  write(log: LogId): Write {
    return gapsWrite(log, this.open(log))
  }

  /** Loads the stored rows. Returns the drops that were unfinished when the process ended. */
  load(rows: readonly Row[]): (Dropped & { readonly log: LogId })[] {
    this.#logs.clear()
    for (const stored of rows.flatMap(row => gapsIn(row) ?? [])) {
      const gaps = this.open(stored.log)
      // If the row is damaged, any content may be missing.
      gaps.restFrom = stored.gaps === undefined ? 1 : stored.gaps.restFrom
      gaps.hasContents = stored.gaps?.hasContents ?? true
      if (stored.gaps !== undefined)
        gaps.add({ all: stored.gaps.missing.ranges, controls: stored.gaps.controls.ranges })
    }
    const dropped = rows.flatMap(row => droppedIn(row) ?? [])
    for (const each of dropped) this.open(each.log).drop(each)
    return dropped.filter(({ isDone }) => !isDone)
  }

  /** Rows of the log may have been lost: any of its content may be missing. */
  suspect(log: LogId): void {
    const gaps = this.open(log)
    gaps.missing.truncate(0)
    gaps.controls.truncate(0)
    gaps.restFrom = 1
    gaps.hasContents = true
    gaps.version++
  }
}
