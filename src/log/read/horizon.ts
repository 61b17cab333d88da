import type { LogCore } from '../core.js'
import type { LogId, Seq } from '../format/author.js'
import type { Entry } from '../format/entry.js'
import type { Hlc } from '../format/hybrid-clock.js'
import type { LogRange, ReadLog } from './merge.js'

/**
 * The dates up to which entries belong to the history: 12 hours ahead of our clock for people whom the user knows, a minute for others.
 * Later entries are shown in a block after the history.
 * The order of the entries is the same on every peer; only where this block begins depends on the reader. docs/protocol/logs.md §3.3.
 */
export class Horizon {
  readonly #core: LogCore
  readonly #ofKnown: Hlc
  readonly #ofOthers: Hlc

  constructor(core: LogCore) {
    this.#core = core
    this.#ofKnown = core.hybridClock.newestCredible(true)
    this.#ofOthers = core.hybridClock.newestCredible(false)
  }

  /** The parts of the ranges before and beyond the horizon. Dates increase within a log, so the horizon divides each log at one place. */
  async divide(ranges: readonly LogRange[], read: ReadLog): Promise<{ past: LogRange[]; ahead: LogRange[] }> {
    const past: LogRange[] = []
    const ahead: LogRange[] = []
    for (const range of ranges) {
      const end = this.#of(range.author)
      const split = range.last <= end ? range.to : await firstAfter(end, range, read)
      if (split > range.from) past.push({ ...range, to: split, last: range.last < end ? range.last : end })
      if (split < range.to) ahead.push({ ...range, from: split, first: range.first > end ? range.first : end })
    }
    return { past, ahead }
  }

  /** The entries, marked where they are beyond it. */
  marked(entries: readonly Entry[]): readonly Entry[] {
    const isPast = ({ at, author }: Entry): boolean => at <= this.#ofOthers || at <= this.#of(author)
    return entries.every(isPast) ? entries : entries.map(entry => (isPast(entry) ? entry : asAhead(entry)))
  }

  #of(log: LogId): Hlc {
    return this.#core.isKnown(log) ? this.#ofKnown : this.#ofOthers
  }
}

export const asAhead = (entry: Entry): Entry => ({ ...entry, isAhead: true })

/** The first seq of a range that is dated after `end`. */
async function firstAfter(end: Hlc, { author, from, to }: LogRange, read: ReadLog): Promise<Seq> {
  let [low, high] = [from, to]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    let at: Hlc | undefined
    for await (const [entry] of read({ author, from: middle, to: middle + 1 })) at = entry?.at
    if (at !== undefined && at <= end) low = middle + 1
    else high = middle
  }
  return low
}
