import type { Millis } from '../../base/clock.js'
import type { LogId, Seq } from '../../log/format/author.js'

/** The propagation of one entry. */
interface Propagation {
  readonly storedAtMs: Millis
  /** Delays until each peer stored the entry, in ascending order; the first is the author's. */
  readonly arrivals: Millis[]
  readonly replicas: Set<string>
  /** For each peer, the number of connections that the entry's first copy crossed. */
  readonly hops: Map<string, number>
}

/** Measures how entries propagate among peers. */
export class Spread {
  readonly #propagations = new Map<string, Propagation>()
  /** Number of copies of entries that each peer received. */
  readonly #copies = new Map<string, number>()

  /** `name` has stored the entries with `from ≤ seq < to`. */
  stored(name: string, author: LogId, from: Seq, to: Seq, nowMs: Millis): void {
    for (let seq = from; seq < to; seq++) {
      const place = `${author}/${seq}`
      let propagation = this.#propagations.get(place)
      if (propagation === undefined) {
        propagation = { storedAtMs: nowMs, arrivals: [], replicas: new Set(), hops: new Map([[name, 0]]) }
        this.#propagations.set(place, propagation)
      }
      if (propagation.replicas.has(name)) continue
      propagation.replicas.add(name)
      propagation.arrivals.push(nowMs - propagation.storedAtMs)
    }
  }

  /** `name` received entries from `from`, new or known. */
  received(name: string, from: string, author: LogId, first: Seq, count: number): void {
    this.#copies.set(name, (this.#copies.get(name) ?? 0) + count)
    for (let seq = first; seq < first + count; seq++) {
      const hops = this.#propagations.get(`${author}/${seq}`)?.hops
      const before = hops?.get(from)
      if (hops !== undefined && before !== undefined && !hops.has(name)) hops.set(name, before + 1)
    }
  }

  get entries(): number {
    return this.#propagations.size
  }

  /** For each entry, the time until `share` of all peers had it. Infinity if they never did. */
  reached(share: number, peers: number): Millis[] {
    const index = Math.max(1, Math.ceil(share * peers)) - 1
    return [...this.#propagations.values()].map(({ arrivals }) => arrivals[index] ?? Number.POSITIVE_INFINITY)
  }

  /** Copies received by each peer, in ascending order. */
  copies(peers: readonly string[]): number[] {
    return peers.map(name => this.#copies.get(name) ?? 0).sort((a, b) => a - b)
  }

  /** Number of (entry, peer) pairs by the number of connections that the entry crossed: one, two, and so on. */
  hops(): number[] {
    const counts: number[] = []
    for (const { hops } of this.#propagations.values())
      for (const count of hops.values()) if (count > 0) counts[count - 1] = (counts[count - 1] ?? 0) + 1
    return Array.from(counts, count => count ?? 0)
  }
}
