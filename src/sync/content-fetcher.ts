import type { Cancel, Millis } from '../base/clock.js'
import type { LogId, Seq } from '../log/format/author.js'
import { type PlaceRange, Places } from '../log/format/places.js'
import { SEQ_MAX } from '../log/limits.js'
import type { Log } from '../log/log.js'
import type { SeqRange } from '../log/read/subscription.js'
import type { GapsNote } from './codec.js'
import { CONTENT_MS_MAX, CONTENT_PLACES_MAX, CONTENT_RETRY_MS_MAX, CONTENT_RETRY_MS_MIN } from './limits.js'

/** One request covers two missing ranges if at most this many places lie between them: a second request would take longer. */
const NEAR_PLACES = 8

/** One connection to a peer that may have missing contents. */
export interface ContentSource {
  /** The last seq of a log that the peer has. */
  seqOf(log: LogId): Seq
  /** Requests contents from the peer, which answers once. */
  request(range: SeqRange): void
}

/** A pass over the missing contents of a log: each place is requested from the peer once. The next pass begins after a wait. */
interface Pass {
  /** The next place to request. */
  next: Seq
  /** The place after the last place that was ever requested. */
  asked: Seq
  waitMs: Millis
  /** When the next pass begins. Until then only places from `asked` on are requested. */
  until: Millis
}

/**
 * Fetches missing contents from the connected peers: requests each missing place until some peer has its content, with one open request per
 * connection. A peer that did not have it is asked again with exponential backoff. Control entries are requested first.
 * docs/protocol/wire.md §5.8.
 */
export class ContentFetcher {
  readonly log: Log
  readonly #connections = new Set<ContentConnection>()
  #isScheduled = false
  #timer: { readonly at: Millis; readonly cancel: Cancel } | undefined

  constructor(log: Log) {
    this.log = log
    log.on('gaps', () => this.wake())
  }

  get connections(): ReadonlySet<ContentConnection> {
    return this.#connections
  }

  open(source: ContentSource): ContentConnection {
    const connection = new ContentConnection(this, source)
    this.#connections.add(connection)
    this.wake()
    return connection
  }

  close(connection: ContentConnection): void {
    this.#connections.delete(connection)
    if (this.#connections.size === 0) this.#setTimer(undefined)
    else this.wake()
  }

  /** Requests missing contents at the end of this turn. */
  wake(): void {
    if (this.#isScheduled || this.#connections.size === 0) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      this.#askAll()
    })
  }

  /** The places of a range that no open request of any connection includes. */
  notAsked(log: LogId, { from, to }: PlaceRange): Places {
    const places = new Places([{ from, to }])
    for (const { asked } of this.#connections) if (asked?.author === log) places.remove(asked.from, asked.to)
    return places
  }

  #askAll(): void {
    const logs = this.log.contents.logsWithGaps
    if (logs.length === 0) return
    for (const log of logs) void this.log.contents.findMissing(log).catch(() => {}) // the disk failed: the next call tries again
    let next: Millis | undefined
    for (const connection of this.#connections) {
      const at = connection.ask(logs)
      if (at !== undefined) next = Math.min(next ?? at, at)
    }
    this.#setTimer(next)
  }

  #setTimer(at: Millis | undefined): void {
    if (this.#timer?.at === at) return
    this.#timer?.cancel()
    const { clock } = this.log
    this.#timer =
      at === undefined
        ? undefined
        : {
            at,
            cancel: clock.after(Math.max(0, at - clock.now()), () => {
              this.#timer = undefined
              this.wake()
            }),
          }
  }
}

/** One connection as the fetcher sees it. */
export class ContentConnection {
  readonly #fetcher: ContentFetcher
  readonly #source: ContentSource
  /** Where the peer has no content, for logs with missing content here. */
  readonly #gaps = new Map<LogId, Places>()
  readonly #passes = new Map<string, Pass>()
  /** The open request. */
  #asked: SeqRange | undefined
  #cancel: Cancel = () => {}
  #silence = { waitMs: CONTENT_RETRY_MS_MIN, until: 0 }

  constructor(fetcher: ContentFetcher, source: ContentSource) {
    this.#fetcher = fetcher
    this.#source = source
  }

  /** The range of the open request. */
  get asked(): SeqRange | undefined {
    return this.#asked
  }

  /** The peer reported where it has no content: it may have more content than before. */
  gaps(notes: readonly GapsNote[]): void {
    const { log } = this.#fetcher
    for (const { author, ranges } of notes) {
      if (!this.#gaps.has(author) && this.#gaps.size >= log.logsMax) continue
      this.#gaps.set(author, new Places(ranges))
      for (const key of keysOf(author)) this.#passes.delete(key)
    }
    if (log.contents.logsWithGaps.length > 0) this.#fetcher.wake()
  }

  /** The peer announced entries. */
  announced(): void {
    if (this.#fetcher.log.contents.logsWithGaps.length > 0) this.#fetcher.wake()
  }

  /** Asks for the next missing contents that the peer may have. Returns when to try again, if that is known. */
  ask(logs: readonly LogId[]): Millis | undefined {
    const now = this.#fetcher.log.clock.now()
    if (this.#asked !== undefined) return undefined
    if (now < this.#silence.until) return this.#silence.until
    let wait: Millis | undefined
    for (const isControl of [true, false]) {
      for (const log of logs) {
        const missing = isControl
          ? this.#fetcher.log.contents.missingControls(log)
          : this.#fetcher.log.contents.missing(log)
        if (missing.length === 0) continue
        const pass = this.#pass(log, isControl)
        const range = this.#next(log, missing, now < pass.until ? pass.asked : pass.next)
        if (range !== undefined) {
          pass.next = range.to
          pass.asked = Math.max(pass.asked, range.to)
          this.#request({ author: log, ...range })
          return undefined
        }
        if (pass.next > 1 && now >= pass.until) {
          pass.next = 1
          pass.until = now + pass.waitMs
          pass.waitMs = Math.min(CONTENT_RETRY_MS_MAX, 2 * pass.waitMs)
        }
        if (now < pass.until) wait = Math.min(wait ?? pass.until, pass.until)
      }
    }
    return wait
  }

  /** The peer answered; `stored` places have content now. */
  answered(answer: { readonly length: number; readonly stored: number }): void {
    const asked = this.#end()
    if (asked === undefined) return
    this.#silence = { waitMs: CONTENT_RETRY_MS_MIN, until: 0 }
    for (const key of keysOf(asked.author)) {
      const pass = this.#passes.get(key)
      if (pass === undefined) continue
      if (answer.stored > 0) pass.waitMs = CONTENT_RETRY_MS_MIN
      // The rest of the range is requested again.
      if (answer.length > 0 && pass.next === asked.to) pass.next = Math.min(asked.to, asked.from + answer.length)
    }
    this.#fetcher.wake()
  }

  close(): void {
    this.#end()
    this.#fetcher.close(this)
  }

  /**
   * The next range to request, from `start` on: missing places that the peer may have and no open request includes, with the few places
   * between them.
   */
  #next(log: LogId, missing: readonly PlaceRange[], start: Seq): PlaceRange | undefined {
    const end = Math.min(this.#source.seqOf(log) + 1, SEQ_MAX)
    const theirs = this.#gaps.get(log)
    let next: PlaceRange | undefined
    for (const { from, to } of missing) {
      const places = this.#fetcher.notAsked(log, { from: Math.max(from, start), to: Math.min(to, end) })
      for (const gap of theirs?.within(from, to) ?? []) places.remove(gap.from, gap.to)
      for (const range of places.ranges) {
        if (next !== undefined && range.from > next.to + NEAR_PLACES) return next
        const first: Seq = next?.from ?? range.from
        next = { from: first, to: Math.min(range.to, first + CONTENT_PLACES_MAX) }
        if (next.to < range.to) return next
      }
    }
    return next
  }

  #pass(log: LogId, isControl: boolean): Pass {
    const key = keyOf(log, isControl)
    const pass = this.#passes.get(key) ?? { next: 1, asked: 1, waitMs: CONTENT_RETRY_MS_MIN, until: 0 }
    this.#passes.set(key, pass)
    return pass
  }

  #request(range: SeqRange): void {
    const { clock } = this.#fetcher.log
    this.#asked = range
    this.#cancel = clock.after(CONTENT_MS_MAX, () => {
      this.#end()
      this.#silence = {
        waitMs: Math.min(CONTENT_RETRY_MS_MAX, 2 * this.#silence.waitMs),
        until: clock.now() + this.#silence.waitMs,
      }
      this.#fetcher.wake()
    })
    this.#source.request(range)
  }

  /** Ends the open request, and returns it. */
  #end(): SeqRange | undefined {
    const asked = this.#asked
    this.#cancel()
    this.#asked = undefined
    return asked
  }
}

const keyOf = (log: LogId, isControl: boolean): string => `${isControl ? 'control' : 'any'} ${log}`
const keysOf = (log: LogId): string[] => [keyOf(log, true), keyOf(log, false)]
