import type { AuthorId, Seq } from '../format/author.js'
import type { ForkProof } from '../format/fork-proof.js'
import { AUTHORS_MAX } from '../limits.js'

/** Entries of `author` with `from ≤ seq < to`. */
export interface SeqRange {
  readonly author: AuthorId
  readonly from: Seq
  readonly to: Seq
}

/**
 * What one live reader has yet to read: a span an author, so that it is bounded however far he lags behind. What is new comes
 * out in order of arrival, and with what was left of older spans by turns: neither waits for all of the other.
 */
export class Subscription {
  /** Whether the reader passes on what it reads, and proofs of forks too. */
  readonly isRelayed: boolean
  readonly #onClose: (feed: Subscription) => void
  readonly #news = new Map<AuthorId, SeqRange>()
  readonly #arrears = new Map<AuthorId, SeqRange>()
  #wasNews = false
  #proofs: ForkProof[] = []
  #wake: (() => void) | undefined
  #isClosed = false

  constructor(isRelayed = false, onClose: (feed: Subscription) => void = () => {}) {
    this.isRelayed = isRelayed
    this.#onClose = onClose
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  get isEmpty(): boolean {
    return this.#news.size === 0 && this.#arrears.size === 0 && this.#proofs.length === 0
  }

  /** Whether something came that was not there before. */
  get hasNews(): boolean {
    return this.#news.size > 0 || this.#proofs.length > 0
  }

  /** A span is new. Where one of that author waits, the two become one, which covers both. */
  push(span: SeqRange): void {
    this.#put(this.#arrears.has(span.author) ? this.#arrears : this.#news, span)
  }

  /** A span is long known, or left of one that was taken. */
  owe(span: SeqRange): void {
    this.#put(this.#news.has(span.author) ? this.#news : this.#arrears, span)
  }

  /** A fork was proven: told before anything else, where it is passed on. */
  prove(proof: ForkProof): void {
    if (!this.isRelayed) return
    this.#proofs = [...this.#proofs, proof].slice(-AUTHORS_MAX)
    this.#wake?.()
  }

  takeProofs(): ForkProof[] {
    return this.#proofs.splice(0)
  }

  /** The span that waits longest, of what is new and of what is left by turns. */
  take(): SeqRange | undefined {
    this.#wasNews = this.#news.size > 0 && !(this.#wasNews && this.#arrears.size > 0)
    const spans = this.#wasNews ? this.#news : this.#arrears
    for (const span of spans.values()) {
      spans.delete(span.author)
      return span
    }
    return undefined
  }

  /** All that waits. */
  takeAll(): SeqRange[] {
    const spans = [...this.#news.values(), ...this.#arrears.values()]
    this.#news.clear()
    this.#arrears.clear()
    return spans
  }

  /** Resolves when there may be something to take, or when the feed is closed. */
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

  #put(spans: Map<AuthorId, SeqRange>, { author, from, to }: SeqRange): void {
    const before = spans.get(author)
    spans.set(author, {
      author,
      from: Math.min(before?.from ?? from, from),
      to: Math.max(before?.to ?? to, to),
    })
    this.#wake?.()
  }
}
