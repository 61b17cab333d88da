import { EventEmitter } from 'node:events'
import type { Cancel, Clock, Millis } from '../../base/clock.js'
import { textOf, utf8 } from '../../base/wire/bytes.js'
import type { LogId } from '../../log/format/author.js'
import type { Log } from '../../log/log.js'
import type { SharedRows } from '../../log/store/shared-rows.js'
import type { Keep } from '../../membership/format/body.js'
import { KEEP_BYTES_MIN, keepOf, keepText } from '../../membership/keep.js'
import type { Receipts } from '../../sync/receipts.js'
import { AgeBound } from './age-bound.js'
import { Fetches, type OlderLines } from './fetches.js'
import { LEAVING_MS, SizeBound } from './size-bound.js'

const OWN = utf8('ro')
const ARRIVALS = utf8('ra')
/** The key of the row with this machine's own bound. */
const OWN_KEY = utf8('keep')

/** The age bound advances in steps, at the same times on all peers. A step is a fraction of the age, and at most an hour. */
const STEPS = 24
const STEP_MS_MAX: Millis = 3_600_000
const STEP_MS_MIN: Millis = 1_000

/** How soon after new entries arrive the bounds are checked. */
const SOON_MS: Millis = 1_000

/** Wait before the next attempt after the size bound could not be met, or the disk failed. */
const STUCK_MS: Millis = 60_000

/** The bounds on the content that this disk keeps. */
export interface KeepStatus {
  /** The setting of the room, if it has one. */
  readonly room: Keep | undefined
  /** The bound on the size that the user has set for this machine. */
  readonly own: Keep | undefined
  /** The disk space that the room takes, in bytes. */
  readonly bytes: number | undefined
}

interface RetentionEvents {
  /** The room takes more than its bound, because no other peer has its lines; `bytes` is 0 once it no longer does. */
  excess: [bytes: number, bytesMax: number]
}

export interface RetentionParts {
  readonly log: Log
  readonly receipts: Receipts
  readonly clock: Clock
  /** The setting of the room. */
  readonly roomKeep: () => Keep | undefined
  /** At least 0, and below 1. */
  readonly random: () => number
}

/**
 * Drops content in the background that is older than the room keeps, or exceeds the size bound. The age bound is a
 * setting of the room. Each machine has its own size bound; its default is the room's. docs/protocol/storage.md §4.6.
 */
export class Retention extends EventEmitter<RetentionEvents> {
  readonly #parts: RetentionParts
  readonly #ownRow: SharedRows
  readonly #age: AgeBound
  readonly #size: SizeBound
  readonly #fetches: Fetches
  #own: Keep | undefined
  /** The age bound when content was last dropped. */
  #keptMs: Millis | undefined = 0
  #timer: { readonly at: Millis; readonly cancel: Cancel } | undefined
  #working: Promise<void> | undefined
  #stuckUntil: Millis = 0
  #hasExcess = false
  #isClosed = false

  private constructor(parts: RetentionParts, age: AgeBound) {
    super()
    this.#parts = parts
    this.#ownRow = parts.log.rowsUnder(OWN)
    this.#age = age
    this.#fetches = new Fetches(parts)
    this.#size = new SizeBound({ ...parts, fetches: this.#fetches })
  }

  static async open(parts: RetentionParts): Promise<Retention> {
    const retention = new Retention(parts, await AgeBound.open(parts.log, parts.log.rowsUnder(ARRIVALS)))
    const [row] = await retention.#ownRow.all()
    retention.#own = row && keepOf(textOf(row[1]) ?? '')
    parts.log.on('entries', retention.#onEntries)
    retention.#wakeIn(SOON_MS)
    return retention
  }

  async status(): Promise<KeepStatus> {
    return { room: this.#parts.roomKeep(), own: this.#own, bytes: await this.#parts.log.diskBytes() }
  }

  /** Sets this machine's size bound; undefined: the setting of the room. */
  async setOwn(keep: Keep | undefined): Promise<void> {
    await this.#ownRow.write([
      keep === undefined ? { type: 'del', key: OWN_KEY } : { type: 'put', key: OWN_KEY, value: utf8(keepText(keep)) },
    ])
    this.#own = keep
    this.changed()
  }

  /** A setting changed. */
  changed(): void {
    this.#stuckUntil = 0
    this.#wakeIn(0)
  }

  /** The lines that were dropped here. */
  older(): OlderLines {
    return this.#fetches.older()
  }

  /** Fetches the latest of the lines that were dropped here to meet the size bound. Resolves with how many arrived. */
  fetch(count: number): Promise<number> {
    return this.#fetches.fetch(count)
  }

  /** Resolves when everything that is due now is dropped. */
  async settled(): Promise<void> {
    while (this.#working !== undefined) await this.#working
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#parts.log.off('entries', this.#onEntries)
    this.#timer?.cancel()
    this.#age.close()
    this.#size.close()
    await this.#working
  }

  get #ageMs(): Millis | undefined {
    const keep = this.#parts.roomKeep()
    return keep?.unit === 'milliseconds' ? keep.amount : undefined
  }

  get #bytesMax(): number | undefined {
    const keep = this.#own ?? this.#parts.roomKeep()
    return keep?.unit === 'bytes' ? Math.max(KEEP_BYTES_MIN, keep.amount) : undefined
  }

  readonly #onEntries = ({ author }: { readonly author: LogId }): void => {
    this.#age.grew(author)
    if (this.#ageMs !== undefined || this.#bytesMax !== undefined) this.#wakeIn(SOON_MS)
  }

  #wakeIn(ms: Millis): void {
    const { clock } = this.#parts
    const at = clock.now() + ms
    if (this.#isClosed || (this.#timer !== undefined && this.#timer.at <= at)) return
    this.#timer?.cancel()
    const cancel = clock.after(ms, () => {
      this.#timer = undefined
      this.#work()
    })
    this.#timer = { at, cancel }
  }

  #work(): void {
    if (this.#working !== undefined) {
      this.#wakeIn(SOON_MS)
      return
    }
    this.#working = this.#trim()
      .catch(() => this.#wakeIn(STUCK_MS)) // if the disk fails
      .then(() => {
        this.#working = undefined
      })
  }

  async #trim(): Promise<void> {
    await this.#trimByAge()
    await this.#trimBySize()
  }

  async #trimByAge(): Promise<void> {
    const { clock } = this.#parts
    const ageMs = this.#ageMs
    const now = clock.now()
    if (ageMs !== this.#keptMs) {
      await this.#age.lift(ageMs === undefined ? 0 : now - ageMs, now)
      this.#keptMs = ageMs
    }
    if (ageMs === undefined) return
    const step = Math.max(STEP_MS_MIN, Math.min(STEP_MS_MAX, Math.floor(ageMs / STEPS)))
    const stepAt = Math.floor(now / step) * step
    await this.#age.trim(ageMs, stepAt)
    this.#wakeIn(Math.max(0, stepAt + step - clock.now()))
  }

  async #trimBySize(): Promise<void> {
    const { clock } = this.#parts
    const bytesMax = this.#bytesMax
    if (bytesMax === undefined || clock.now() < this.#stuckUntil) return
    const excess = await this.#size.trim(bytesMax)
    if (excess > 0) {
      this.#stuckUntil = clock.now() + STUCK_MS
      this.#wakeIn(STUCK_MS + LEAVING_MS)
    }
    if (excess > 0 !== this.#hasExcess) this.emit('excess', excess, bytesMax)
    this.#hasExcess = excess > 0
  }
}
