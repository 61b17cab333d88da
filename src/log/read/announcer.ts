import type { EventEmitter } from 'node:events'
import type { LogId, Seq } from '../format/author.js'
import type { ForkProof } from '../format/fork-proof.js'
import type { PlaceRange } from '../format/places.js'
import type { LogEvents } from '../options.js'
import { type SeqRange, Subscription } from './subscription.js'

/** Announces entries to live readers and to the subscriptions of peers once they are on disk. */
export class Announcer {
  readonly #events: EventEmitter<LogEvents>
  readonly #subscriptions = new Set<Subscription>()
  #isClosed = false

  constructor(events: EventEmitter<LogEvents>) {
    this.#events = events
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Entries are on disk. Those before `fresh` were lost and fetched again: they are announced to peers only. */
  persisted(range: SeqRange, fresh: Seq = range.from): void {
    this.#announce({ ...range, from: Math.max(range.from, fresh) }, false)
    this.#announce(range, true)
    this.#events.emit('persisted', range)
    if (fresh < range.to) this.#events.emit('entries', { ...range, from: fresh })
  }

  /** Places that had no content have it now. */
  filled(author: LogId, ranges: readonly PlaceRange[]): void {
    for (const range of ranges)
      for (const subscription of this.#subscriptions)
        if (!subscription.isRelayed) subscription.fill({ author, ...range })
    for (const range of ranges) this.#events.emit('filled', { author, ...range })
    this.#events.emit('gaps', author)
  }

  /** Entries that were announced before are in this branch now. Readers skip the entries that they were shown. */
  moved(range: SeqRange): void {
    this.#announce(range, false)
    this.#announce(range, true)
    this.#events.emit('persisted', range)
  }

  forked(proof: ForkProof): void {
    for (const subscription of this.#subscriptions) subscription.addProof(proof)
    this.#events.emit('fork', proof)
  }

  /** Opens a subscription to everything that arrives from now on; with `isRelayed`, on behalf of a peer. */
  subscribe(signal: AbortSignal | undefined, isRelayed: boolean): Subscription {
    const subscription = new Subscription(isRelayed, closed => this.#subscriptions.delete(closed))
    this.#subscriptions.add(subscription)
    if (this.#isClosed || signal?.aborted) subscription.close()
    signal?.addEventListener('abort', () => subscription.close(), { once: true })
    return subscription
  }

  /** Ends all subscriptions. */
  close(): void {
    this.#isClosed = true
    for (const subscription of [...this.#subscriptions]) subscription.close()
  }

  #announce(range: SeqRange, isRelayed: boolean): void {
    if (range.from >= range.to) return
    for (const subscription of this.#subscriptions) if (subscription.isRelayed === isRelayed) subscription.push(range)
  }
}
