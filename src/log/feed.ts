import { AUTHORS_MAX } from '../base/limits.js'
import type { AuthorId, Seq } from './author.js'
import type { ForkProof } from './fork.js'

/** Entries of `author` with `from ≤ seq < to`. */
export interface Span {
  readonly author: AuthorId
  readonly from: Seq
  readonly to: Seq
}

/** What one live reader has yet to read: a span an author, in order of arrival. So it is bounded however far he lags behind. */
export class Feed {
  /** Whether the reader passes on what it reads, and proofs of forks too. */
  readonly isRelayed: boolean
  readonly #onClose: (feed: Feed) => void
  readonly #spans = new Map<AuthorId, Span>()
  #proofs: ForkProof[] = []
  #wake: (() => void) | undefined
  #isClosed = false

  constructor(isRelayed = false, onClose: (feed: Feed) => void = () => {}) {
    this.isRelayed = isRelayed
    this.#onClose = onClose
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  get isEmpty(): boolean {
    return this.#spans.size === 0 && this.#proofs.length === 0
  }

  /** Spans of one author that wait become one, which covers both. */
  push(span: Span): void {
    const { author, from, to } = span
    const before = this.#spans.get(author)
    if (before === undefined) this.#spans.set(author, span)
    else this.#spans.set(author, { author, from: Math.min(before.from, from), to: Math.max(before.to, to) })
    this.#wake?.()
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

  /** The span that waits longest. */
  take(): Span | undefined {
    for (const span of this.#spans.values()) {
      this.#spans.delete(span.author)
      return span
    }
    return undefined
  }

  /** All that waits. */
  takeAll(): Span[] {
    const spans = [...this.#spans.values()]
    this.#spans.clear()
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
}
