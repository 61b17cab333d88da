import type { Millis } from '../../base/clock.js'
import { bufferOf, EMPTY } from '../../base/wire/bytes.js'
import type { LogContents } from '../../log/content/log-contents.js'
import { isSigned, LOG_KEY_BYTES, type LogId, logKeyOf, logOfLogKey, type Seq } from '../../log/format/author.js'
import { EARLIEST, millisOf } from '../../log/format/hybrid-clock.js'
import { type PlaceRange, Places } from '../../log/format/places.js'
import type { Log } from '../../log/log.js'
import type { SharedRows } from '../../log/store/shared-rows.js'

/** Size of the contents that are dropped in one slice. */
const SLICE_BYTES = 4 * 1024 * 1024
/** Entries that are dated further ahead of our clock are dropped by their time of arrival. */
const AHEAD_MS: Millis = 60_000
/** Largest number of arrivals that are recorded per log that is dated ahead. */
const ARRIVALS_MAX = 32
const SEQ_BYTES = 4
const TIME_BYTES = 6

type AgedLog = Pick<Log, 'head' | 'lastAtOf'> & {
  readonly contents: Pick<LogContents, 'weigh' | 'dropped' | 'dropAll' | 'restore'>
}

/** A log was stored up to `seq` at the time `ms`. */
interface Arrival {
  readonly seq: Seq
  readonly ms: Millis
}

/**
 * Drops content that is older than a room keeps. Only the dates of the entries decide, so all peers drop the same
 * content. An entry that is dated ahead of our clock would stay until that date; it is dropped instead when it has been
 * stored here for as long as the room keeps content.
 */
export class AgeBound {
  readonly #log: AgedLog
  /** When logs that are dated ahead were stored: log ‖ seq → time. */
  readonly #rows: SharedRows
  readonly #arrivals = new Map<LogId, Arrival[]>()
  /** The first place of each log that is not too old, and its date, which is infinite if all places are too old. */
  readonly #oldest = new Map<LogId, Arrival>()
  #isClosed = false

  private constructor(log: AgedLog, rows: SharedRows) {
    this.#log = log
    this.#rows = rows
  }

  static async open(log: AgedLog, rows: SharedRows): Promise<AgeBound> {
    const bound = new AgeBound(log, rows)
    for (const [key, value] of await rows.all()) {
      if (key.length !== LOG_KEY_BYTES + SEQ_BYTES || value.length !== TIME_BYTES) continue
      const arrival = {
        seq: bufferOf(key).readUInt32BE(LOG_KEY_BYTES),
        ms: bufferOf(value).readUIntBE(0, TIME_BYTES),
      }
      const id = logOfLogKey(key)
      bound.#arrivals.set(id, [...(bound.#arrivals.get(id) ?? []), arrival])
    }
    return bound
  }

  close(): void {
    this.#isClosed = true
  }

  /** A log grew. */
  grew(log: LogId): void {
    if (this.#oldest.get(log)?.ms === Number.POSITIVE_INFINITY) this.#oldest.delete(log)
  }

  /** Drops content that is dated before `now − keepMs`, in slices; returns when none is left. */
  async trim(keepMs: Millis, now: Millis): Promise<void> {
    for (const { author: log, seq } of this.#log.head) {
      if (this.#isClosed) return
      if (!isSigned(log)) continue
      await this.#noteArrival(log, seq, keepMs, now)
      await this.#trimLog(log, now - keepMs)
    }
  }

  /** Restores dropped content that is not too old, because the room now keeps content for longer, or the clock was wrong. */
  async lift(cutoff: Millis, now: Millis): Promise<void> {
    for (const { author: log } of this.#log.head) {
      const dropped = new Places(this.#log.contents.dropped(log, 'expired'))
      const [first, last] = [dropped.ranges[0], dropped.ranges.at(-1)]
      if (first === undefined || last === undefined || (await this.#dateOf(log, last.to - 1)) < cutoff) continue
      const arrived = await this.#arrivedBefore(log, cutoff)
      const lifted = new Places()
      for await (const segment of this.#log.contents.weigh(log, first.from)) {
        if (segment.first >= last.to) break
        for (const [index, { at }] of segment.places.entries()) {
          const [seq, ms] = [segment.first + index, millisOf(at)]
          if (ms >= cutoff && ms <= now && seq > arrived && dropped.has(seq)) lifted.add(seq, seq + 1)
        }
      }
      if (lifted.isEmpty) continue
      this.#oldest.delete(log)
      await this.#log.contents.restore(log, lifted.ranges, 'expired')
    }
  }

  async #dateOf(log: LogId, seq: Seq): Promise<Millis> {
    for await (const { first, places } of this.#log.contents.weigh(log, seq))
      return millisOf(places[seq - first]?.at ?? EARLIEST)
    return 0
  }

  async #trimLog(log: LogId, cutoff: Millis): Promise<void> {
    const arrived = await this.#arrivedBefore(log, cutoff)
    const oldest = this.#oldest.get(log)
    if (oldest !== undefined && oldest.ms >= cutoff && oldest.seq > arrived) return
    const start = oldest?.seq ?? this.#log.contents.dropped(log, 'expired').at(-1)?.to ?? 1
    const old = new Places()
    let bytes = 0
    this.#oldest.set(log, { seq: start, ms: Number.POSITIVE_INFINITY })
    scan: for await (const { first, places } of this.#log.contents.weigh(log, start)) {
      for (const [index, place] of places.entries()) {
        const seq = first + index
        if (seq < start) continue
        const ms = millisOf(place.at)
        if (ms >= cutoff && seq > arrived) {
          this.#oldest.set(log, { seq, ms })
          break scan
        }
        if (!place.isControl) old.add(seq, seq + 1)
        bytes += place.bytes
      }
      if (bytes < SLICE_BYTES) continue
      if (this.#isClosed) return
      await this.#drop(log, old.ranges)
      old.truncate(0)
      bytes = 0
    }
    await this.#drop(log, old.ranges)
  }

  async #drop(log: LogId, places: readonly PlaceRange[]): Promise<void> {
    if (places.length > 0) await this.#log.contents.dropAll(log, places, 'expired')
  }

  /** For a log that is dated ahead, records from time to time the last entry stored so far. */
  async #noteArrival(log: LogId, seq: Seq, keepMs: Millis, now: Millis): Promise<void> {
    const at = this.#log.lastAtOf(log)
    const arrivals = this.#arrivals.get(log) ?? []
    const latest = arrivals.at(-1)
    if (at === undefined || millisOf(at) <= now + AHEAD_MS) return
    if (latest !== undefined && (latest.seq >= seq || latest.ms + keepMs / ARRIVALS_MAX > now)) return
    this.#arrivals.set(log, [...arrivals, { seq, ms: now }])
    const value = Buffer.alloc(TIME_BYTES)
    value.writeUIntBE(now, 0, TIME_BYTES)
    await this.#rows.write([{ type: 'put', key: rowKey(log, seq), value }])
  }

  /** Up to which entry a log was stored at `cutoff`, by the recorded arrivals. Deletes the arrivals before that. */
  async #arrivedBefore(log: LogId, cutoff: Millis): Promise<Seq> {
    const arrivals = this.#arrivals.get(log) ?? []
    const passed = arrivals.filter(({ ms }) => ms < cutoff)
    const last = passed.at(-1)
    if (last === undefined) return 0
    const forgotten = passed.slice(0, -1)
    this.#arrivals.set(log, arrivals.slice(forgotten.length))
    if (forgotten.length > 0)
      await this.#rows.write(forgotten.map(({ seq }) => ({ type: 'del', key: rowKey(log, seq) })))
    return last.seq
  }
}

function rowKey(log: LogId, seq: Seq): Uint8Array {
  const key = Buffer.alloc(LOG_KEY_BYTES + SEQ_BYTES)
  key.set(logKeyOf(log) ?? EMPTY)
  key.writeUInt32BE(seq, LOG_KEY_BYTES)
  return key
}
