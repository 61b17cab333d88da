import type { AuthorId, Seq } from '../log/format/author.js'
import type { Digest } from '../log/format/heads.js'
import type { Segment } from '../log/format/segment.js'
import type { SignedRun } from '../log/format/segment-plan.js'
import type { UnsignedRun } from '../log/format/unsigned-entry.js'

/** What a replication session asks of its surroundings. */
export type Effect =
  /** Entries arrived: offer them to the log, and say with `refused` what it does not take. */
  | { readonly kind: 'offer'; readonly run: UnsignedRun }
  | { readonly kind: 'offer-signed'; readonly author: AuthorId; readonly runs: readonly SignedRun[] }
  /** The other side holds `since`, and should be sent what it lacks. */
  | { readonly kind: 'serve'; readonly since: readonly Digest[] }
  /** The other side holds `since`, and does not want, or should not get, what it lacks: nothing is sent. */
  | { readonly kind: 'end'; readonly since: readonly Digest[] }
  /** A proof came that an author signed two histories. */
  | { readonly kind: 'fork'; readonly segments: readonly [Segment, Segment] }
  /** The other side asks for the segment that holds this place. */
  | { readonly kind: 'wanted'; readonly want: Digest }
  /** Bytes for the other side. */
  | { readonly kind: 'say'; readonly bytes: Uint8Array }
  /** The other side holds so much durably. */
  | { readonly kind: 'told'; readonly heads: readonly Digest[] }
  /** The other side wants what follows this, now and from now on. */
  | { readonly kind: 'asked'; readonly since: Digest }
  /** A frame came that says nothing of logs. */
  | { readonly kind: 'aside'; readonly body: Uint8Array }
  /** Worth telling the user, once. */
  | { readonly kind: 'warn'; readonly reason: string }
  /** The other side broke the protocol: close this one link. */
  | { readonly kind: 'close'; readonly reason: string }

/** Puts runs of the same author that follow each other into one offer. */
export class IncomingBatcher {
  readonly #effects: Effect[] = []
  #run: { author: AuthorId; first: Seq; entries: Uint8Array[] } | undefined
  #signed: { author: AuthorId; runs: SignedRun[] } | undefined

  add(author: AuthorId, seq: Seq, entry: Uint8Array): void {
    if (this.#run?.author === author && this.#run.first + this.#run.entries.length === seq) {
      this.#run.entries.push(entry)
      return
    }
    this.#flush()
    this.#run = { author, first: seq, entries: [entry] }
  }

  addSigned(author: AuthorId, run: SignedRun): void {
    if (this.#signed?.author === author) {
      this.#signed.runs.push(run)
      return
    }
    this.#flush()
    this.#signed = { author, runs: [run] }
  }

  effect(effect: Effect): void {
    this.#flush()
    this.#effects.push(effect)
  }

  take(): Effect[] {
    this.#flush()
    return this.#effects.splice(0)
  }

  #flush(): void {
    if (this.#run !== undefined) this.#effects.push({ kind: 'offer', run: this.#run })
    if (this.#signed !== undefined) this.#effects.push({ kind: 'offer-signed', ...this.#signed })
    this.#run = undefined
    this.#signed = undefined
  }
}

/** Authors of whom a link brings nothing more, because what it brought could not be taken. */
export class Ignored {
  readonly #ids = new Set<string>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  /** Bounded by closing: a link that brings nothing but what cannot be taken is of no use. */
  add(id: string, reason: string): Effect {
    if (this.#ids.size >= this.#max) return { kind: 'close', reason: 'too many entries that cannot be taken' }
    this.#ids.add(id)
    return { kind: 'warn', reason: `entries of ${id.slice(0, 64)} are not taken: ${reason}` }
  }
}
