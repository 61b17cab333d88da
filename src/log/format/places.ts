import type { Seq } from './author.js'

/** Consecutive places of one log: `from ≤ seq < to`. */
export interface PlaceRange {
  readonly from: Seq
  readonly to: Seq
}

/** A set of places of one log, as disjoint, non-adjacent ranges in order. */
export class Places {
  #ranges: PlaceRange[]

  constructor(ranges: Iterable<PlaceRange> = []) {
    this.#ranges = []
    for (const { from, to } of ranges) this.add(from, to)
  }

  get ranges(): readonly PlaceRange[] {
    return this.#ranges
  }

  get isEmpty(): boolean {
    return this.#ranges.length === 0
  }

  /** How many places there are. */
  get count(): number {
    return this.#ranges.reduce((sum, { from, to }) => sum + to - from, 0)
  }

  has(seq: Seq): boolean {
    const range = this.#ranges[this.#indexOf(seq)]
    return range !== undefined && range.from <= seq
  }

  /** The places with `from ≤ seq < to`. */
  within(from: Seq, to: Seq): PlaceRange[] {
    const found: PlaceRange[] = []
    for (let index = this.#indexOf(from); index < this.#ranges.length; index++) {
      const range = this.#ranges[index] as PlaceRange
      if (range.from >= to) break
      found.push({ from: Math.max(from, range.from), to: Math.min(to, range.to) })
    }
    return found
  }

  /** The ranges that overlap these places or are adjacent to them. */
  touching(from: Seq, to: Seq): PlaceRange[] {
    return this.#ranges.slice(this.#indexOf(from - 1)).filter(range => range.from <= to)
  }

  overlaps(from: Seq, to: Seq): boolean {
    const range = this.#ranges[this.#indexOf(from)]
    return range !== undefined && range.from < to && from < to
  }

  add(from: Seq, to: Seq): void {
    if (from >= to) return
    const last = this.#ranges.at(-1)
    if (last === undefined || last.to < from) {
      this.#ranges.push({ from, to })
      return
    }
    const start = this.#indexOf(from - 1)
    let end = start
    let [first, next] = [from, to]
    for (; end < this.#ranges.length; end++) {
      const range = this.#ranges[end] as PlaceRange
      if (range.from > to) break
      first = Math.min(first, range.from)
      next = Math.max(next, range.to)
    }
    this.#ranges.splice(start, end - start, { from: first, to: next })
  }

  remove(from: Seq, to: Seq): void {
    if (!this.overlaps(from, to)) return
    const start = this.#indexOf(from)
    const rest: PlaceRange[] = []
    let end = start
    for (; end < this.#ranges.length; end++) {
      const range = this.#ranges[end] as PlaceRange
      if (range.from >= to) break
      if (range.from < from) rest.push({ from: range.from, to: from })
      if (range.to > to) rest.push({ from: to, to: range.to })
    }
    this.#ranges.splice(start, end - start, ...rest)
  }

  /** Removes all ranges but the first `count`; returns the first place that was removed. */
  truncate(count: number): Seq | undefined {
    return this.#ranges.splice(count)[0]?.from
  }

  /** The index of the first range that ends after `seq`. */
  #indexOf(seq: Seq): number {
    let [low, high] = [0, this.#ranges.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#ranges[middle] as PlaceRange).to > seq) high = middle
      else low = middle + 1
    }
    return low
  }
}
