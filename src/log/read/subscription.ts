import type { LogId, Seq } from '../format/author.js'
import type { ForkProof } from '../format/fork-proof.js'
import { Places } from '../format/places.js'
import { BRANCHES_MAX } from '../limits.js'

/** Entries of `author` with `from ≤ seq < to`. */
export interface SeqRange {
  readonly author: LogId
  readonly from: Seq
  readonly to: Seq
}

/**
 * The entries that one live reader has yet to read: one range per author, so that memory is bounded for a slow reader too. New ranges are
 * returned in order of arrival, interleaved with the backlog, so that neither blocks the other.
 */
export class Subscription {
  /** Whether the reader is a peer, to which fork proofs are relayed too. */
  readonly isRelayed: boolean
  readonly #onClose: (subscription: Subscription) => void
  readonly #fresh = new Map<LogId, SeqRange>()
  readonly #backlog = new Map<LogId, SeqRange>()
  /** Places that got their content late, by log. */
  readonly #filled = new Map<LogId, Places>()
  #wasNew = false
  #proofs: ForkProof[] = []
  #wake: (() => void) | undefined
  #isClosed = false

  constructor(isRelayed = false, onClose: (subscription: Subscription) => void = () => {}) {
    this.isRelayed = isRelayed
    this.#onClose = onClose
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  get isEmpty(): boolean {
    return this.#fresh.size + this.#backlog.size + this.#filled.size + this.#proofs.length === 0
  }

  /** Whether something new arrived. */
  get hasNew(): boolean {
    return this.#fresh.size > 0 || this.#proofs.length > 0
  }

  /** Adds a new range, merged with a waiting range of the same author. */
  push(range: SeqRange): void {
    this.#put(this.#backlog.has(range.author) ? this.#backlog : this.#fresh, range)
  }

  /** Adds a range to the backlog: older entries, or the rest of a range that was read in part. */
  enqueueBacklog(range: SeqRange): void {
    this.#put(this.#fresh.has(range.author) ? this.#fresh : this.#backlog, range)
  }

  /** Places before the end of a log got their content. */
  fill({ author, from, to }: SeqRange): void {
    const places = this.#filled.get(author) ?? new Places()
    this.#filled.set(author, places)
    places.add(from, to)
    this.#wake?.()
  }

  /** Removes and returns the places that got their content late. */
  takeFilled(): SeqRange[] {
    const filled = [...this.#filled].flatMap(([author, { ranges }]) => ranges.map(range => ({ author, ...range })))
    this.#filled.clear()
    return filled
  }

  /** Adds a fork proof, which is relayed before anything else. */
  addProof(proof: ForkProof): void {
    if (!this.isRelayed) return
    this.#proofs = [...this.#proofs, proof].slice(-BRANCHES_MAX)
    this.#wake?.()
  }

  takeProofs(): ForkProof[] {
    return this.#proofs.splice(0)
  }

  /** Removes and returns the oldest range, alternating between new ranges and the backlog. */
  take(): SeqRange | undefined {
    this.#wasNew = this.#fresh.size > 0 && !(this.#wasNew && this.#backlog.size > 0)
    const ranges = this.#wasNew ? this.#fresh : this.#backlog
    for (const range of ranges.values()) {
      ranges.delete(range.author)
      return range
    }
    return undefined
  }

  /** Removes and returns all ranges. */
  takeAll(): SeqRange[] {
    const ranges = [...this.#fresh.values(), ...this.#backlog.values()]
    this.#fresh.clear()
    this.#backlog.clear()
    return ranges
  }

  /** Resolves when there may be a range or proof, or the subscription is closed. */
  async wait(): Promise<void> {
    if (!this.isEmpty || this.#isClosed) return
    await new Promise<void>(resolve => {
      this.#wake = resolve
    })
    this.#wake = undefined
  }

  close(): void {
    this.#isClosed = true
    this.#onClose(this)
    this.#wake?.()
  }

  #put(ranges: Map<LogId, SeqRange>, { author, from, to }: SeqRange): void {
    const before = ranges.get(author)
    ranges.set(author, {
      author,
      from: Math.min(before?.from ?? from, from),
      to: Math.max(before?.to ?? to, to),
    })
    this.#wake?.()
  }
}
