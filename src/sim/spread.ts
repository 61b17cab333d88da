import type { Millis } from '../base/clock.js'
import type { AuthorId, Seq } from '../log/format/author.js'

/** How one entry came to everybody. */
interface Course {
  readonly storedAtMs: Millis
  /** When it was first stored by each peer, in order of time; the author's own is the first. */
  readonly arrivals: Millis[]
  readonly holders: Set<string>
  /** Over how many links it came to each peer first. */
  readonly hops: Map<string, number>
}

/** Notes on how entries spread among peers. */
export class Spread {
  readonly #courses = new Map<string, Course>()
  /** Copies of entries that links brought to each peer. */
  readonly #copies = new Map<string, number>()

  /** `name` stored entries with `from ≤ seq < to`. */
  stored(name: string, author: AuthorId, from: Seq, to: Seq, nowMs: Millis): void {
    for (let seq = from; seq < to; seq++) {
      const place = `${author}/${seq}`
      let course = this.#courses.get(place)
      if (course === undefined) {
        course = { storedAtMs: nowMs, arrivals: [], holders: new Set(), hops: new Map([[name, 0]]) }
        this.#courses.set(place, course)
      }
      if (course.holders.has(name)) continue
      course.holders.add(name)
      course.arrivals.push(nowMs - course.storedAtMs)
    }
  }

  /** A link from `from` brought entries to `name`, new to it or not. */
  brought(name: string, from: string, author: AuthorId, first: Seq, count: number): void {
    this.#copies.set(name, (this.#copies.get(name) ?? 0) + count)
    for (let seq = first; seq < first + count; seq++) {
      const hops = this.#courses.get(`${author}/${seq}`)?.hops
      const before = hops?.get(from)
      if (hops !== undefined && before !== undefined && !hops.has(name)) hops.set(name, before + 1)
    }
  }

  get entries(): number {
    return this.#courses.size
  }

  /** For each entry, when `share` of all peers held it; infinite where so many never did. */
  reached(share: number, peers: number): Millis[] {
    const index = Math.max(1, Math.ceil(share * peers)) - 1
    return [...this.#courses.values()].map(({ arrivals }) => arrivals[index] ?? Number.POSITIVE_INFINITY)
  }

  /** How many copies were brought to each of the peers, the fewest first. */
  copies(peers: readonly string[]): number[] {
    return peers.map(name => this.#copies.get(name) ?? 0).sort((a, b) => a - b)
  }

  /** Over how many links entries came to peers: how often over one, over two, and so on. */
  hops(): number[] {
    const counts: number[] = []
    for (const { hops } of this.#courses.values())
      for (const count of hops.values()) if (count > 0) counts[count - 1] = (counts[count - 1] ?? 0) + 1
    return Array.from(counts, count => count ?? 0)
  }
}
