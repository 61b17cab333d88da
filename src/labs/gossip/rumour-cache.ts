import type { Millis } from '../../base/clock.js'
import { GOSSIP_CACHE_MAX, GOSSIP_ORIGINS_MAX, GOSSIP_PULLED_MAX } from './limits.js'
import { isNewer, type Known, type Port, type Rumour } from './rumour.js'

/** The newest rumour of an origin, and when it came. */
export interface Held {
  readonly rumour: Rumour
  readonly heardAtMs: Millis
}

/** `new` replaces what was known of its origin; `known` came before, `old` after its successor. */
export type Verdict = 'new' | 'known' | 'old'

/** What one node has heard: the newest of each origin, whatever the order of arrival, and which rumours came lately. */
export class RumourCache {
  readonly #newest = new Map<Port, Held>()
  /** The rumours that came last, by UUID, the oldest first. */
  readonly #recent = new Map<string, Rumour>()
  readonly #originsMax: number

  constructor(originsMax = GOSSIP_ORIGINS_MAX) {
    this.#originsMax = originsMax
  }

  /** Takes in a rumour. Where it brings an origin too many, one that `isPeer` denies and that was quiet longest goes. */
  take(rumour: Rumour, nowMs: Millis, isPeer: (origin: Port) => boolean): Verdict {
    if (this.isKnown(rumour)) return 'known'
    this.#remember(rumour)
    const held = this.#newest.get(rumour.origin)
    if (held !== undefined && !isNewer(rumour, held.rumour)) return 'old'
    // Deleted first, so that the map stands in the order of the last news.
    if (held !== undefined) this.#newest.delete(rumour.origin)
    else if (this.#newest.size >= this.#originsMax) this.#makeRoom(isPeer)
    this.#newest.set(rumour.origin, { rumour, heardAtMs: nowMs })
    return 'new'
  }

  isKnown({ uuid, origin, version }: Rumour): boolean {
    const before = this.#recent.get(uuid)
    return before !== undefined && before.origin === origin && before.version === version
  }

  newest(origin: Port): Held | undefined {
    return this.#newest.get(origin)
  }

  /** The newest of every origin, the quietest first. */
  all(): IterableIterator<Held> {
    return this.#newest.values()
  }

  get known(): Known[] {
    return Array.from(this.#newest.values(), ({ rumour }) => [rumour.origin, rumour.version] as const)
  }

  /** What somebody lacks who knows this much: at most as many as go into one answer. */
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
