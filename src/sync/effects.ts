import type { ContentRun } from '../log/content/contents.js'
import type { LogId, Seq } from '../log/format/author.js'
import type { Digest } from '../log/format/heads.js'
import type { Rejection } from '../log/format/log-fault.js'
import type { Segment } from '../log/format/segment.js'
import type { SignedRun } from '../log/format/segment-plan.js'
import type { UnsignedRun } from '../log/format/unsigned-entry.js'
import type { SeqRange } from '../log/read/subscription.js'
import type { Violation } from '../net/violation.js'
import type { GapsNote } from './codec.js'

/** Ids from peers are truncated to this length in events. */
const ID_LENGTH_MAX = 64

/** An action that a session requests from the stream that runs it. */
export type Effect =
  /** Entries arrived: add them to the log, and report rejections to `refused`. */
  | { readonly kind: 'entries'; readonly run: UnsignedRun }
  | { readonly kind: 'segments'; readonly author: LogId; readonly runs: readonly SignedRun[] }
  /** The other side has `since`: send what it lacks. */
  | { readonly kind: 'serve'; readonly since: readonly Digest[] }
  /** The other side has `since`, and this side has nothing to send: end this half of the connection. */
  | { readonly kind: 'end'; readonly since: readonly Digest[] }
  /** Two segments arrived that allegedly prove a fork. */
  | { readonly kind: 'fork'; readonly segments: readonly [Segment, Segment] }
  /** The other side requests the segment that contains this entry. */
  | { readonly kind: 'segment-request'; readonly place: Digest }
  /** The other side requests the contents of these places. */
  | { readonly kind: 'content-request'; readonly range: SeqRange }
  /** The contents that were requested arrived: add them to the log. */
  | { readonly kind: 'content'; readonly author: LogId; readonly run: ContentRun }
  /** Where the other side has no content of some logs. */
  | { readonly kind: 'gaps'; readonly gaps: readonly GapsNote[] }
  /** Send these bytes. */
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  /** The other side announced these persisted heads. */
  | { readonly kind: 'announced'; readonly heads: readonly Digest[] }
  /** The other side subscribed to a log: send the entries after `since`, now and as they arrive. */
  | { readonly kind: 'subscribed'; readonly since: Digest }
  /** A frame of the side channel arrived. */
  | { readonly kind: 'side-channel'; readonly body: Uint8Array }
  /** Entries of an author were rejected: report it, once. */
  | { readonly kind: 'rejected'; readonly author: string; readonly reason: Rejection }
  /** The other side broke the protocol: close this connection. */
  | { readonly kind: 'close'; readonly reason: Violation }

/** Collects the effects of one read. Joins consecutive entries of an author into one effect, so that one signature check suffices. */
export class IncomingBatcher {
  readonly #effects: Effect[] = []
  #run: { author: LogId; first: Seq; entries: Uint8Array[] } | undefined
  #signed: { author: LogId; runs: SignedRun[] } | undefined

  add(author: LogId, seq: Seq, entry: Uint8Array): void {
    if (this.#run?.author === author && this.#run.first + this.#run.entries.length === seq) {
      this.#run.entries.push(entry)
      return
    }
    this.#flush()
    this.#run = { author, first: seq, entries: [entry] }
  }

  addSigned(author: LogId, run: SignedRun): void {
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

  /** Empties the batcher. */
  take(): Effect[] {
    this.#flush()
    return this.#effects.splice(0)
  }

  #flush(): void {
    if (this.#run !== undefined) this.#effects.push({ kind: 'entries', run: this.#run })
    if (this.#signed !== undefined) this.#effects.push({ kind: 'segments', ...this.#signed })
    this.#run = undefined
    this.#signed = undefined
  }
}

/** Authors whose entries are ignored on one connection, because the log rejected an earlier entry of theirs. */
export class Ignored {
  readonly #ids = new Set<string>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  /** Ignores an author; closes the connection instead if too many are ignored already. */
  add(id: string, reason: Rejection): Effect {
    if (this.#ids.size >= this.#max) return { kind: 'close', reason: 'too-many-rejected-authors' }
    this.#ids.add(id)
    return { kind: 'rejected', author: id.slice(0, ID_LENGTH_MAX), reason }
  }
}
