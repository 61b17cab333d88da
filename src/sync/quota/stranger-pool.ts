import type { LogId } from '../../log/format/author.js'
import { SEGMENT_BYTES_MAX } from '../../log/limits.js'
import type { Cut } from '../../log/stranger-quota.js'

/** Bytes that a log keeps when it is shortened, and that a newcomer can always store: at least 64 KiB, because a segment is not divided. */
export const KEPT_BYTES = SEGMENT_BYTES_MAX

/** More bytes than can arrive for one log at once. With this much free, shares need not be compared. */
const PLENTY_BYTES = 4 * 1024 * 1024

/** The log of a stranger. */
interface StrangerLog {
  readonly log: LogId
  share: Share
  /** Whether it came over a connection of somebody other than its author. */
  isRelayed: boolean
  bytes: number
  /** When it last grew: the value of a counter that each growth in the pool increments. */
  grewAt: number
}

/** The logs that one introducer brought. */
interface Share {
  readonly owner: string
  readonly logs: Set<StrangerLog>
  bytes: number
}

/**
 * Bounds the bytes and the number of logs of strangers in one room. While there is room, everything is stored. When a bound is reached,
 * introducers share it max-min: the heaviest introducer loses its largest relayed log first, then logs that their own authors sent. Among
 * logs of at most KEPT_BYTES, it loses the one that has not grown for longest. So no introducer is pushed below its fair share, and a
 * newcomer always fits.
 */
export class StrangerPool {
  readonly #bytesMax: number
  readonly #logsMax: number
  readonly #logs = new Map<LogId, StrangerLog>()
  readonly #shares = new Map<string, Share>()
  #bytes = 0
  #steps = 0

  /** `bytesMax` has to be at least `logsMax` times KEPT_BYTES. */
  constructor(bytesMax: number, logsMax: number) {
    this.#bytesMax = bytesMax
    this.#logsMax = logsMax
  }

  get bytes(): number {
    return this.#bytes
  }

  get size(): number {
    return this.#logs.size
  }

  /** Bytes until the bound. */
  get free(): number {
    return this.#bytesMax - this.#bytes
  }

  get logs(): Iterable<LogId> {
    return this.#logs.keys()
  }

  /** The relayed logs of each introducer, in order of arrival. */
  get relayed(): { readonly owner: string; readonly logs: readonly LogId[] }[] {
    return [...this.#shares.values()].map(({ owner, logs }) => ({
      owner,
      logs: [...logs].filter(({ isRelayed }) => isRelayed).map(({ log }) => log),
    }))
  }

  has(log: LogId): boolean {
    return this.#logs.has(log)
  }

  /** The introducer whose share a log uses. */
  ownerOf(log: LogId): string | undefined {
    return this.#logs.get(log)?.share.owner
  }

  isRelayed(log: LogId): boolean {
    return this.#logs.get(log)?.isRelayed ?? true
  }

  /** The size that a log of this introducer may reach: all free bytes, or the introducer's max-min share. */
  limitOf(log: LogId, owner: string): number {
    const stored = this.#logs.get(log)
    const bytes = stored?.bytes ?? 0
    if (this.free >= PLENTY_BYTES) return bytes + this.free
    const share = stored?.share ?? this.#shares.get(owner)
    const growth = Math.max(0, this.#levelFor(share) - (share?.bytes ?? 0))
    const largest =
      share === undefined ? 0 : Math.max(0, ...[...share.logs].map(other => (other.log === log ? 0 : other.bytes)))
    // The introducer loses a larger log of its own before this log stops.
    return bytes + growth + Math.max(0, Math.min(largest - bytes - growth, largest - KEPT_BYTES))
  }

  /** Adds or grows a log. Returns the logs that have to be truncated; the pool counts their new sizes at once. */
  grow(log: LogId, bytes: number, owner: string, isRelayed: boolean): Cut[] {
    const stored = this.#logs.get(log) ?? this.#add(log, owner, isRelayed)
    this.#resize(stored, bytes)
    stored.grewAt = ++this.#steps
    return this.#makeRoom(stored)
  }

  /** Moves a log to another introducer's share. */
  move(log: LogId, owner: string, isRelayed: boolean): void {
    const stored = this.#logs.get(log)
    if (stored === undefined) return
    stored.isRelayed = isRelayed
    if (stored.share.owner === owner) return
    const { bytes, share } = stored
    this.#resize(stored, 0)
    this.#leave(stored, share)
    stored.share = this.#shareOf(owner)
    stored.share.logs.add(stored)
    this.#resize(stored, bytes)
  }

  /** Moves all logs of one introducer to another's share. */
  moveAll(from: string, to: string): void {
    for (const { log, isRelayed } of [...(this.#shares.get(from)?.logs ?? [])]) this.move(log, to, isRelayed)
  }

  resize(log: LogId, bytes: number): void {
    const stored = this.#logs.get(log)
    if (stored === undefined) return
    if (bytes === 0) this.remove(log)
    else this.#resize(stored, bytes)
  }

  remove(log: LogId): void {
    const stored = this.#logs.get(log)
    if (stored === undefined) return
    this.#resize(stored, 0)
    this.#logs.delete(log)
    this.#leave(stored, stored.share)
  }

  /** The max-min share of an introducer: the most that it can use if all heavier introducers are cut down to the same usage. */
  #levelFor(share: Share | undefined): number {
    let sum = this.free + (share?.bytes ?? 0)
    let level = sum
    let sharers = 1
    const others = [...this.#shares.values()].filter(other => other !== share).sort((a, b) => b.bytes - a.bytes)
    for (const { bytes } of others) {
      if (bytes <= level) break
      sum += bytes
      sharers += 1
      level = Math.floor(sum / sharers)
    }
    return level
  }

  #makeRoom(grown: StrangerLog): Cut[] {
    const cuts: Cut[] = []
    while (this.#logs.size > this.#logsMax) {
      const victim = this.#victim(share => share.logs.size, grown)
      if (victim === undefined) break
      cuts.push(this.#cut(victim, 0))
    }
    while (this.#bytes > this.#bytesMax) {
      const victim = this.#victim(share => share.bytes, grown)
      if (victim === undefined) break
      cuts.push(this.#cut(victim, victim.bytes > KEPT_BYTES ? KEPT_BYTES : 0))
    }
    return cuts
  }

  #cut(victim: StrangerLog, bytesKept: number): Cut {
    this.resize(victim.log, bytesKept)
    return { log: victim.log, bytesKept }
  }

  /** The next log to truncate, from the introducer with the highest usage. */
  #victim(usage: (share: Share) => number, except: StrangerLog): StrangerLog | undefined {
    let heaviest: Share | undefined
    for (const share of this.#shares.values()) {
      if (share.logs.size === 1 && share === except.share) continue
      if (heaviest === undefined || usage(share) > usage(heaviest)) heaviest = share
    }
    let victim: StrangerLog | undefined
    for (const log of heaviest?.logs ?? [])
      if (log !== except && (victim === undefined || isLostBefore(log, victim))) victim = log
    return victim
  }

  #add(log: LogId, owner: string, isRelayed: boolean): StrangerLog {
    const stored = { log, share: this.#shareOf(owner), isRelayed, bytes: 0, grewAt: 0 }
    this.#logs.set(log, stored)
    stored.share.logs.add(stored)
    return stored
  }

  #shareOf(owner: string): Share {
    const share = this.#shares.get(owner) ?? { owner, logs: new Set(), bytes: 0 }
    this.#shares.set(owner, share)
    return share
  }

  #leave(stored: StrangerLog, share: Share): void {
    share.logs.delete(stored)
    if (share.logs.size === 0) this.#shares.delete(share.owner)
  }

  #resize(stored: StrangerLog, bytes: number): void {
    this.#bytes += bytes - stored.bytes
    stored.share.bytes += bytes - stored.bytes
    stored.bytes = bytes
  }
}

/** Whether an introducer loses one log before another. */
function isLostBefore(one: StrangerLog, other: StrangerLog): boolean {
  if (one.isRelayed !== other.isRelayed) return one.isRelayed
  const [size, otherSize] = [Math.max(one.bytes, KEPT_BYTES), Math.max(other.bytes, KEPT_BYTES)]
  return size === otherSize ? one.grewAt < other.grewAt : size > otherSize
}
