import type { EventEmitter } from 'node:events'
import type { LogId, Seq } from '../format/author.js'
import type { Members } from '../format/entry.js'
import type { ForkProof } from '../format/fork-proof.js'
import type { LogEvents } from '../options.js'
import { ShownLines } from './shown-lines.js'
import { type SeqRange, Subscription } from './subscription.js'

/**
 * Announces new entries to live readers and to the subscriptions of peers: to readers when an entry is on disk; one of ours to peers
 * only when the disk also records that it is published.
 */
export class Announcer {
  /** Our current log, and its last entry that peers may have. */
  readonly #own: () => { readonly author: LogId; readonly publishedUpTo: Seq }
  readonly #events: EventEmitter<LogEvents>
  readonly #subscriptions = new Set<Subscription>()
  /** For each live reader, which of our lines it was shown. */
  readonly #shown = new Set<ShownLines>()
  /** The last entry of our current log that was announced to subscriptions of peers. */
  #relayed: { readonly author: LogId; readonly upTo: Seq } | undefined
  #isClosed = false

  constructor(own: () => { readonly author: LogId; readonly publishedUpTo: Seq }, events: EventEmitter<LogEvents>) {
    this.#own = own
    this.#events = events
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Entries are on disk. Those before `fresh` were lost and fetched again: they are announced to peers only. */
  persisted(range: SeqRange, fresh: Seq = range.from): void {
    this.#announce({ ...range, from: Math.max(range.from, fresh) }, false)
    this.#announce(this.#published(range), true)
    this.#events.emit('persisted', range)
    if (fresh < range.to) this.#events.emit('entries', { ...range, from: fresh })
  }

  /** Our entries may now be sent to peers; readers already have them. */
  published(range: SeqRange): void {
    this.#announce(this.#published(range), true)
  }

  /** Entries of our log from `from` on, with these lines, were retracted. */
  retracted(log: LogId, from: Seq, lines: readonly Members[]): void {
    for (const shown of this.#shown) shown.retracted(log, from, lines)
    this.#events.emit('retracted', log, from)
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

  /** Tracks which of our lines a live reader is shown; it already has our logs up to `reached`. */
  trackShown(isOurs: (log: LogId) => boolean, reached: ReadonlyMap<LogId, Seq>): ShownLines {
    const shown = new ShownLines(isOurs, reached)
    this.#shown.add(shown)
    return shown
  }

  untrackShown(shown: ShownLines): void {
    this.#shown.delete(shown)
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

  /** Clips a range of our current log to what is published, and extends it to entries that were not yet announced to peers. */
  #published({ author, from, to }: SeqRange): SeqRange {
    const own = this.#own()
    if (author !== own.author) return { author, from, to }
    const relayedUpTo = this.#relayed?.author === author ? this.#relayed.upTo : 0
    const end = Math.min(to, own.publishedUpTo + 1)
    this.#relayed = { author, upTo: Math.max(relayedUpTo, end - 1) }
    return { author, from: Math.min(from, relayedUpTo + 1), to: end }
  }
}
