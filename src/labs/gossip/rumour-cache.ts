import type { Millis } from '../../base/clock.js'
import { GOSSIP_CACHE_MAX, GOSSIP_ORIGINS_MAX, GOSSIP_PULLED_MAX } from './limits.js'
import { isNewer, type Known, type Port, type Rumour } from './rumour.js'

/** The newest rumour of an origin and its time of arrival. */
export interface CachedRumour {
  readonly rumour: Rumour
  readonly receivedAtMs: Millis
}

/** `new`: replaces the rumour of its origin. `known`: a duplicate. `old`: a newer one has arrived. */
export type Verdict = 'new' | 'known' | 'old'

/** The newest rumour of each origin, in any order of arrival, and the ids of recent rumours. */
export class RumourCache {
  readonly #newest = new Map<Port, CachedRumour>()
  /** Recent rumours by UUID, the oldest first. */
  readonly #recent = new Map<string, Rumour>()
  readonly #originsMax: number

  constructor(originsMax = GOSSIP_ORIGINS_MAX) {
    this.#originsMax = originsMax
  }

  /** Adds a rumour. If there are too many origins, evicts the least recently updated origin, if possible one that is not a peer. */
  take(rumour: Rumour, nowMs: Millis, isPeer: (origin: Port) => boolean): Verdict {
    if (this.isKnown(rumour)) return 'known'
    this.#remember(rumour)
    const cached = this.#newest.get(rumour.origin)
    if (cached !== undefined && !isNewer(rumour, cached.rumour)) return 'old'
    // Deleted first, so that the map stays in the order of arrival.
    if (cached !== undefined) this.#newest.delete(rumour.origin)
    else if (this.#newest.size >= this.#originsMax) this.#makeRoom(isPeer)
    this.#newest.set(rumour.origin, { rumour, receivedAtMs: nowMs })
    return 'new'
  }

  isKnown({ uuid, origin, version }: Rumour): boolean {
    const before = this.#recent.get(uuid)
    return before !== undefined && before.origin === origin && before.version === version
  }

  newest(origin: Port): CachedRumour | undefined {
    return this.#newest.get(origin)
  }

  /** The newest rumour of every origin, the least recently updated origin first. */
  all(): IterableIterator<CachedRumour> {
    return this.#newest.values()
  }

  get known(): Known[] {
    return Array.from(this.#newest.values(), ({ rumour }) => [rumour.origin, rumour.version] as const)
  }

  /** Rumours that a peer with these versions lacks, at most as many as fit into one answer. */
  lackedBy(known: readonly Known[]): Rumour[] {
    const versions = new Map(known)
    const lacked: Rumour[] = []
    for (const { rumour } of this.#newest.values()) {
      if ((versions.get(rumour.origin) ?? 0) >= rumour.version) continue
      lacked.push(rumour)
      if (lacked.length === GOSSIP_PULLED_MAX) break
    }
    return lacked
  }

  #remember(rumour: Rumour): void {
    this.#recent.set(rumour.uuid, rumour)
    if (this.#recent.size <= GOSSIP_CACHE_MAX) return
    const [oldest] = this.#recent.keys()
    if (oldest !== undefined) this.#recent.delete(oldest)
  }

  #makeRoom(isPeer: (origin: Port) => boolean): void {
    let quietest: Port | undefined
    for (const origin of this.#newest.keys()) {
      quietest ??= origin
      if (isPeer(origin)) continue
      quietest = origin
      break
    }
    if (quietest !== undefined) this.#newest.delete(quietest)
  }
}
