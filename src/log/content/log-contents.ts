import type { DiskRecovery } from '../disk-recovery.js'
import type { LogId, Seq } from '../format/author.js'
import type { PlaceRange } from '../format/places.js'
import type { ContentRun, Contents, WeighedSegment } from './contents.js'
import type { DropReason } from './gap-rows.js'
import type { Gaps } from './gaps.js'

/** The contents of the logs of one room: finds places without content, and adds, drops and restores contents. */
export class LogContents {
  readonly #contents: Contents
  readonly #gaps: Gaps
  readonly #recovery: Pick<DiskRecovery, 'whenWritable'>
  readonly #onLeaving: (log: LogId) => void

  /** `onLeaving` is called with a log when contents of it are about to be dropped, or when that is withdrawn. */
  constructor(
    contents: Contents,
    gaps: Gaps,
    recovery: Pick<DiskRecovery, 'whenWritable'>,
    onLeaving: (log: LogId) => void,
  ) {
    this.#contents = contents
    this.#gaps = gaps
    this.#recovery = recovery
    this.#onLeaving = onLeaving
  }

  /** The first places of a log whose content is missing, in order. */
  missing(log: LogId): readonly PlaceRange[] {
    return this.#gaps.of(log)?.missing.ranges ?? []
  }

  /** The same for the content of control entries only. */
  missingControls(log: LogId): readonly PlaceRange[] {
    return this.#gaps.of(log)?.controls.ranges ?? []
  }

  /** The logs that may have places without content. */
  get logsWithGaps(): readonly LogId[] {
    return [...this.#gaps.logs]
  }

  /** Changes when the places of a log without content change. 0: all have content. */
  version(log: LogId): number {
    return this.#gaps.of(log)?.version ?? 0
  }

  /** Up to `count` ranges of a log without content on this disk, for any reason. */
  gaps(log: LogId, count: number): readonly PlaceRange[] {
    return this.#gaps.of(log)?.all(count) ?? []
  }

  /** Looks for more missing content of a log, after the ranges that are known. */
  findMissing(log: LogId): Promise<void> {
    return this.#contents.findMore(log)
  }

  /**
   * Adds contents from a peer that match the hashes of stubs; skips others. Returns the number of stored contents. Waits while the disk
   * fails.
   */
  async add(log: LogId, run: ContentRun): Promise<number> {
    let stored = 0
    await this.#recovery.whenWritable(log, async () => {
      stored = await this.#contents.add(log, run)
      return undefined
    })
    return stored
  }

  /** The packed entries of places, for a peer that requests their contents. Places without content on this disk are stubs. */
  read(log: LogId, range: PlaceRange): Promise<readonly Uint8Array[]> {
    return this.#contents.read(log, range)
  }

  /** Like `drop`, for several ranges; their files are rewritten together. */
  dropAll(log: LogId, ranges: readonly PlaceRange[], reason: DropReason): Promise<void> {
    return this.#contents.drop(log, ranges, reason)
  }

  /** Marks dropped content of a log as missing, so that it is requested from peers again and stored. */
  restore(log: LogId, ranges: readonly PlaceRange[], reason: DropReason): Promise<void> {
    return this.#contents.restore(log, ranges, reason)
  }

  /** Call when the date from which peers give us content has changed or become known. Requests missing content from that date on only. */
  givenChanged(): Promise<void> {
    return this.#contents.givenChanged()
  }

  /** Tells peers which contents of a log are about to be dropped. An empty list withdraws the announcement. */
  leave(log: LogId, ranges: readonly PlaceRange[]): void {
    this.#gaps.open(log).leave(ranges)
    this.#onLeaving(log)
  }

  /** Yields the dates and the droppable bytes of each stored segment of a log, starting with the segment that contains `from`. */
  weigh(log: LogId, from: Seq): AsyncGenerator<WeighedSegment> {
    return this.#contents.weigh(log, from)
  }

  /** The places of a log whose content this disk has dropped for this reason. */
  dropped(log: LogId, reason: DropReason): readonly PlaceRange[] {
    return this.#gaps.of(log)?.dropped[reason].ranges ?? []
  }

  /** Whether the content of a place is gone for everybody: it was deleted, or is older than the room keeps. */
  isGone(log: LogId, seq: Seq): boolean {
    const dropped = this.#gaps.of(log)?.dropped
    return dropped !== undefined && (dropped.deleted.has(seq) || dropped.expired.has(seq))
  }

  /** Whether this disk has dropped the content of a place because it was deleted. */
  isDeleted(log: LogId, seq: Seq): boolean {
    return this.#gaps.of(log)?.dropped.deleted.has(seq) === true
  }

  /**
   * Drops the content of places of a signed log from all files on this disk, except for control entries, and accepts none from peers for
   * them. Resolves when no file contains it. Rejects if the disk fails; the next start then completes the drop.
   */
  drop(log: LogId, range: PlaceRange, reason: DropReason): Promise<void> {
    return this.dropAll(log, [range], reason)
  }
}
