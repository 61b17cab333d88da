import { AUTHORS_MAX, LAG_RANGES_MAX } from '../base/limits.js'
import type { AuthorId, Seq } from './author.js'
import type { ForkProof } from './fork.js'

/** Entries of `author` with `from ≤ seq < to`. */
export interface Span {
  readonly author: AuthorId
  readonly from: Seq
  readonly to: Seq
}

/** What one live reader has yet to read, in order of arrival. Bounded however far the reader lags behind. */
export class Feed {
  readonly #isRelayed: boolean
  #spans: Span[] = []
  #proofs: ForkProof[] = []
  #wake: (() => void) | undefined
  #isClosed = false

  /** `isRelayed`: whether the reader passes on what it reads, and proofs of forks too. */
  constructor(isRelayed = false) {
    this.#isRelayed = isRelayed
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  push(span: Span): void {
    const last = this.#spans.at(-1)
    if (last?.author === span.author && last.to === span.from)
      this.#spans[this.#spans.length - 1] = { ...last, to: span.to }
    else this.#spans.push(span)
    if (this.#spans.length > LAG_RANGES_MAX) this.#spans = mergedByAuthor(this.#spans)
    this.#wake?.()
  }

  /** A fork was proven: told before anything else, where it is passed on. */
  prove(proof: ForkProof): void {
    if (!this.#isRelayed) return
    this.#proofs = [...this.#proofs, proof].slice(-AUTHORS_MAX)
    this.#wake?.()
  }

  takeProofs(): ForkProof[] {
    return this.#proofs.splice(0)
  }

  /** What was not taken yet, in order of arrival; one span an author where several follow each other. */
  takeAll(): Span[] {
    return mergedByAuthor(this.#spans.splice(0))
  }

  /** Resolves when there may be something to take, or when the feed is closed. */
  async wait(): Promise<void> {
    if (this.#spans.length > 0 || this.#proofs.length > 0 || this.#isClosed) return
    await new Promise<void>(resolve => {
      this.#wake = resolve
    })
    this.#wake = undefined
  }

  close(): void {
    this.#isClosed = true
    this.#wake?.()
  }
}

/** One span an author, in the order in which the authors first appear: order of arrival is given up for bounded memory. */
function mergedByAuthor(spans: readonly Span[]): Span[] {
  const merged = new Map<AuthorId, Span>()
  for (const span of spans) {
    const before = merged.get(span.author)
    merged.set(span.author, before === undefined ? span : { ...before, to: span.to })
  }
  return [...merged.values()]
}
