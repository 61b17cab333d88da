import type { Clock, Millis } from '../../base/clock.js'
import type { LogContents } from '../../log/content/log-contents.js'
import type { LogId, Seq } from '../../log/format/author.js'
import type { Hlc } from '../../log/format/hybrid-clock.js'
import { type PlaceRange, Places } from '../../log/format/places.js'
import type { Log } from '../../log/log.js'
import type { Receipts } from '../../sync/receipts.js'

/** How long fetched lines stay, whatever the size bound is. */
const FETCHED_MS: Millis = 86_400_000

/** A fetch ends when nothing has arrived for this time. */
const SILENCE_MS: Millis = 10_000

type FetchingLog = Pick<Log, 'head' | 'on' | 'off'> & {
  readonly contents: Pick<LogContents, 'weigh' | 'dropped' | 'isDeleted' | 'dropAll' | 'restore' | 'missing'>
}

/** Lines that were dropped here because of their size. */
export interface OlderLines {
  readonly count: number
  /** Lines that are older than the room keeps: nobody has them. */
  readonly expired: number
  /** Lines that members do not give to newcomers. */
  readonly notGiven: number
  /** Peers that claim to have lines that were dropped here, and the number of lines for each peer. */
  readonly holders: readonly { readonly peer: string; readonly isKnown: boolean; readonly count: number }[]
}

interface FetchesParts {
  readonly log: FetchingLog
  readonly receipts: Pick<Receipts, 'placesAt'>
  readonly clock: Clock
}

interface Place {
  readonly log: LogId
  readonly seq: Seq
  readonly at: Hlc
}

/** Fetches lines that were dropped here because of their size. They stay for a day, or until the room is closed. */
export class Fetches {
  readonly #parts: FetchesParts
  #kept: { readonly log: LogId; readonly places: Places; readonly until: Millis }[] = []

  constructor(parts: FetchesParts) {
    this.#parts = parts
  }

  /** The places of a log that were fetched and stay for now. */
  kept(log: LogId): readonly PlaceRange[] {
    const now = this.#parts.clock.now()
    this.#kept = this.#kept.filter(({ until }) => until > now)
    return this.#kept.flatMap(kept => (kept.log === log ? kept.places.ranges : []))
  }

  /** The size of the fetched lines that stay, in bytes. */
  async bytes(): Promise<number> {
    let bytes = 0
    for (const log of new Set(this.#kept.map(kept => kept.log))) {
      const places = new Places(this.kept(log))
      const [first, last] = [places.ranges[0], places.ranges.at(-1)]
      if (first === undefined || last === undefined) continue
      for await (const segment of this.#parts.log.contents.weigh(log, first.from)) {
        if (segment.first >= last.to) break
        for (const [index, place] of segment.places.entries())
          if (places.has(segment.first + index)) bytes += place.bytes
      }
    }
    return bytes
  }

  older(): OlderLines {
    const { log, receipts } = this.#parts
    const counts = new Map<string, { peer: string; isKnown: boolean; count: number }>()
    let [count, expired, notGiven] = [0, 0, 0]
    for (const { author } of log.head) {
      expired += new Places(log.contents.dropped(author, 'expired')).count
      notGiven += new Places(log.contents.dropped(author, 'not-given')).count
      for (const range of this.#dropped(author).ranges) {
        count += range.to - range.from
        for (const { peer, isKnown, places } of receipts.placesAt(author, range)) {
          const before = counts.get(peer)?.count ?? 0
          if (!places.isEmpty) counts.set(peer, { peer, isKnown, count: before + places.count })
        }
      }
    }
    return { count, expired, notGiven, holders: [...counts.values()].sort((a, b) => b.count - a.count) }
  }

  /** Fetches the latest of the dropped lines that connected peers have. Resolves with how many arrived. */
  async fetch(count: number): Promise<number> {
    const { log, clock } = this.#parts
    const chosen = await this.#latest(count)
    for (const [id, places] of chosen) {
      this.#kept.push({ log: id, places, until: clock.now() + FETCHED_MS })
      await log.contents.restore(id, places.ranges, 'kept-out')
    }
    await this.#settled(chosen)
    let fetched = 0
    for (const [id, places] of chosen) {
      const absent = await this.#absent(id, places)
      fetched += places.count - absent.count
      if (!absent.isEmpty) await log.contents.dropAll(id, absent.ranges, 'kept-out')
    }
    return fetched
  }

  async #latest(count: number): Promise<Map<LogId, Places>> {
    const { log } = this.#parts
    let found: Place[] = []
    for (const { author } of log.head) {
      const announced = this.#announcedElsewhere(author)
      const first = announced.ranges[0]?.from
      if (first === undefined) continue
      for await (const segment of log.contents.weigh(author, first)) {
        for (const [index, { at }] of segment.places.entries()) {
          const seq = segment.first + index
          if (announced.has(seq)) found.push({ log: author, seq, at })
        }
        if (found.length > 2 * count) found = latestOf(found, count)
      }
    }
    const chosen = new Map<LogId, Places>()
    for (const { log: id, seq } of latestOf(found, count)) {
      const places = chosen.get(id) ?? new Places()
      places.add(seq, seq + 1)
      chosen.set(id, places)
    }
    return chosen
  }

  /** Resolves when every chosen line has arrived, or none has for SILENCE_MS. */
  async #settled(chosen: ReadonlyMap<LogId, Places>): Promise<void> {
    const { log, clock } = this.#parts
    const isDone = (): boolean => [...chosen].every(([id, places]) => this.#missing(id, places).isEmpty)
    if (isDone()) return
    await new Promise<void>(resolve => {
      const end = (): void => {
        log.off('filled', onFilled)
        cancel()
        resolve()
      }
      const onFilled = (): void => {
        cancel()
        if (isDone()) end()
        else cancel = clock.after(SILENCE_MS, end)
      }
      let cancel = clock.after(SILENCE_MS, end)
      log.on('filled', onFilled)
    })
  }

  /** The places that have no content. */
  async #absent(log: LogId, places: Places): Promise<Places> {
    const absent = new Places(places.ranges)
    const [first, last] = [places.ranges[0], places.ranges.at(-1)]
    if (first === undefined || last === undefined) return absent
    for await (const segment of this.#parts.log.contents.weigh(log, first.from)) {
      if (segment.first >= last.to) break
      for (const [index, { bytes }] of segment.places.entries())
        if (bytes > 0) absent.remove(segment.first + index, segment.first + index + 1)
    }
    return absent
  }

  #missing(log: LogId, places: Places): Places {
    const missing = new Places(this.#parts.log.contents.missing(log))
    return new Places(places.ranges.flatMap(({ from, to }) => missing.within(from, to)))
  }

  /** The places of a log that were dropped for their size, and for no other reason. */
  #dropped(id: LogId): Places {
    const { log } = this.#parts
    const places = new Places(log.contents.dropped(id, 'kept-out'))
    for (const reason of ['deleted', 'expired', 'not-given'] as const)
      for (const { from, to } of log.contents.dropped(id, reason)) places.remove(from, to)
    return places
  }

  #announcedElsewhere(log: LogId): Places {
    const announced = new Places()
    for (const range of this.#dropped(log).ranges)
      for (const { places } of this.#parts.receipts.placesAt(log, range))
        for (const { from, to } of places.ranges) announced.add(from, to)
    return announced
  }
}

const latestOf = (places: readonly Place[], count: number): Place[] =>
  [...places].sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, count)
