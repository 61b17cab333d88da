import type { Clock, Millis } from '../../base/clock.js'
import { DROP_REASONS } from '../../log/content/gap-rows.js'
import type { LogContents } from '../../log/content/log-contents.js'
import { isSigned, type LogId } from '../../log/format/author.js'
import { EARLIEST, type Hlc } from '../../log/format/hybrid-clock.js'
import { type PlaceRange, Places } from '../../log/format/places.js'
import { SEQ_MAX } from '../../log/limits.js'
import type { Log } from '../../log/log.js'
import { SILENCE_MS_MAX } from '../../net/limits.js'
import type { Receipts } from '../../sync/receipts.js'
import type { Fetches } from './fetches.js'
import { ServedSample } from './served-sample.js'

/** Fraction of the bound that a trim leaves free, so that the room does not exceed the bound again at once. */
const SPARE = 0.1

/** Assumed compression: dropping text shrinks the files by at least a fifth of its size. */
const COMPRESSED = 5

/** Largest number of times that the trim waits for replaced files to be deleted. */
const WAITS_MAX = 12

/** How many times replaced files are deleted before the size of the remaining files is trusted. */
const SWEEPS = 3

/** Size of the contents that one pass drops. */
const PASS_BYTES_MAX = 256 * 1024 * 1024

/** How long the trim waits for replaced files to be deleted before it looks again. */
const FILES_MS: Millis = 5_000

/**
 * Time between announcing to peers which content will be dropped and dropping it. By then, a connection
 * that broke before the announcement has been closed, and its peer is not relied upon.
 */
export const LEAVING_MS: Millis = SILENCE_MS_MAX + 5_000

type SizedLog = Pick<Log, 'head' | 'diskBytes' | 'compactFiles' | 'deleteReplacedFiles' | 'isKnown' | 'on' | 'off'> & {
  readonly contents: Pick<LogContents, 'weigh' | 'dropped' | 'dropAll' | 'leave' | 'read' | 'add' | 'restore'>
}

interface SizeBoundParts {
  readonly log: SizedLog
  readonly receipts: Pick<Receipts, 'placesAt'>
  readonly clock: Clock
  /** The lines that the user has fetched, which stay for now. */
  readonly fetches: Fetches
  readonly random: () => number
}

/**
 * Drops the oldest content of a room until its database fits into a bound. Keeps content that no other peer has. Two
 * peers could each drop a line because the other has it; therefore each announces which content it will drop, and drops
 * it some seconds later only if another peer still has it.
 */
export class SizeBound {
  readonly #parts: SizeBoundParts
  readonly #sample: ServedSample
  #isClosed = false
  #wake = (): void => {}

  constructor(parts: SizeBoundParts) {
    this.#parts = parts
    this.#sample = new ServedSample(parts)
  }

  close(): void {
    this.#isClosed = true
    this.#sample.close()
    this.#wake()
  }

  /** Returns by how many bytes the room still exceeds the bound, because no other peer has the rest of its lines; 0 if it fits. */
  async trim(bytesMax: number): Promise<number> {
    const { fetches } = this.#parts
    for (;;) {
      const allowed = bytesMax + (await fetches.bytes())
      const bytes = await this.#compacted(allowed)
      if (bytes === undefined || bytes <= allowed || this.#isClosed) return 0
      const chosen = await this.#choose(Math.min(PASS_BYTES_MAX, bytes - allowed + SPARE * bytesMax))
      if (chosen.size === 0) return bytes - allowed
      const dropped = await this.#dropHeld(chosen)
      if (dropped === 0) return bytes - allowed
      await this.#shrunk(bytes - dropped / COMPRESSED)
    }
  }

  /** The size of the files. If it exceeds the bound, compacts them and deletes replaced ones first. */
  async #compacted(bytesMax: number): Promise<number | undefined> {
    const { log } = this.#parts
    let bytes = await log.diskBytes()
    if (bytes === undefined || bytes <= bytesMax) return bytes
    await log.compactFiles()
    // Readers may open replaced files meanwhile.
    for (let sweeps = 0; sweeps < SWEEPS && (bytes ?? 0) > bytesMax; sweeps++) {
      await log.deleteReplacedFiles()
      bytes = await log.diskBytes()
    }
    return bytes
  }

  /** Waits until the files take at most `bytesMax`: a reader keeps replaced files until the reader ends. */
  async #shrunk(bytesMax: number): Promise<void> {
    for (let waits = 0; waits < WAITS_MAX && !this.#isClosed; waits++) {
      const bytes = (await this.#parts.log.diskBytes()) ?? 0
      if (bytes <= bytesMax) return
      if (waits > 0) await this.#wait(FILES_MS)
      await this.#parts.log.deleteReplacedFiles()
    }
  }

  async #wait(ms: Millis): Promise<void> {
    await new Promise<void>(resolve => {
      this.#wake = resolve
      this.#parts.clock.after(ms, resolve)
    })
  }

  /** The oldest contents that other peers have, at least `bytesMin` in all if there are that many. */
  async #choose(bytesMin: number): Promise<Map<LogId, Places>> {
    const scans = await Promise.all(
      this.#parts.log.head
        .filter(({ author }) => isSigned(author))
        .map(({ author }) => Scan.open(author, this.#segmentsOf(author))),
    )
    const chosen = new Map<LogId, Places>()
    let bytes = 0
    while (bytes < bytesMin) {
      const oldest = scans.reduce<Scan | undefined>(
        (a, b) => (b.droppable !== undefined && (a === undefined || b.at < a.at) ? b : a),
        undefined,
      )
      if (oldest?.droppable === undefined) break
      const places = chosen.get(oldest.log) ?? new Places()
      for (const { from, to } of oldest.droppable.places.ranges) places.add(from, to)
      chosen.set(oldest.log, places)
      bytes += oldest.droppable.bytes
      await oldest.next()
    }
    for (const scan of scans) await scan.close()
    return chosen
  }

  /** Tells peers which contents will be dropped, waits, and drops those that other peers have. Returns their size. */
  async #dropHeld(chosen: ReadonlyMap<LogId, Places>): Promise<number> {
    const { log } = this.#parts
    for (const [id, places] of chosen) log.contents.leave(id, places.ranges)
    await this.#wait(LEAVING_MS)
    let bytes = 0
    for (const [id, places] of chosen) {
      const stored = new Places()
      for (const range of places.ranges)
        for (const { from, to } of this.#storedElsewhere(id, range).ranges) stored.add(from, to)
      try {
        if (!stored.isEmpty && !this.#isClosed && (await this.#sample.isServed(id, stored))) {
          bytes += await this.#bytesOf(id, stored)
          await log.contents.dropAll(id, stored.ranges, 'kept-out')
        }
      } finally {
        log.contents.leave(id, [])
      }
    }
    return bytes
  }

  async #bytesOf(log: LogId, places: Places): Promise<number> {
    const [first, last] = [places.ranges[0], places.ranges.at(-1)]
    let bytes = 0
    if (first === undefined || last === undefined) return bytes
    for await (const segment of this.#parts.log.contents.weigh(log, first.from)) {
      if (segment.first >= last.to) break
      for (const [index, place] of segment.places.entries()) if (places.has(segment.first + index)) bytes += place.bytes
    }
    return bytes
  }

  async *#segmentsOf(log: LogId): AsyncGenerator<Droppable> {
    const droppable = this.#storedElsewhere(log, { from: 1, to: SEQ_MAX })
    for (const { from, to } of this.#parts.fetches.kept(log)) droppable.remove(from, to)
    for (const reason of DROP_REASONS)
      for (const { from, to } of this.#parts.log.contents.dropped(log, reason)) droppable.remove(from, to)
    for (const range of droppable.ranges) {
      for await (const { first, places } of this.#parts.log.contents.weigh(log, range.from)) {
        if (first >= range.to) break
        const found = new Places()
        let bytes = 0
        for (const [index, place] of places.entries()) {
          const seq = first + index
          if (place.bytes === 0 || seq < range.from || seq >= range.to) continue
          found.add(seq, seq + 1)
          bytes += place.bytes
        }
        if (bytes > 0) yield { at: places[0]?.at ?? EARLIEST, places: found, bytes }
      }
    }
  }

  /** The places of a range that another peer has. For the logs of known people, only machines of known people count. */
  #storedElsewhere(log: LogId, range: PlaceRange): Places {
    const { receipts } = this.#parts
    const stored = new Places()
    for (const { isKnown, places } of receipts.placesAt(log, range))
      if (isKnown || !this.#parts.log.isKnown(log)) for (const { from, to } of places.ranges) stored.add(from, to)
    return stored
  }
}

/** Contents of one segment that may be dropped. */
interface Droppable {
  readonly at: Hlc
  readonly places: Places
  readonly bytes: number
}

/** Reads the droppable contents of one log, oldest first. */
class Scan {
  readonly log: LogId
  readonly #segments: AsyncGenerator<Droppable>
  droppable: Droppable | undefined

  private constructor(log: LogId, segments: AsyncGenerator<Droppable>) {
    this.log = log
    this.#segments = segments
  }

  static async open(log: LogId, segments: AsyncGenerator<Droppable>): Promise<Scan> {
    const scan = new Scan(log, segments)
    await scan.next()
    return scan
  }

  get at(): Hlc {
    return this.droppable?.at ?? EARLIEST
  }

  async next(): Promise<void> {
    const next = await this.#segments.next()
    this.droppable = next.done === true ? undefined : next.value
  }

  async close(): Promise<void> {
    await this.#segments.return(undefined)
  }
}
