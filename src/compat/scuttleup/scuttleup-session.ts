import { ByteWriter } from '../../base/wire/byte-writer.js'
import { FRAME_BYTES_MAX, FrameReader, frame } from '../../base/wire/frames.js'
import { isSigned, type LogId, logIdOf, type Seq } from '../../log/format/author.js'
import { type Entry, toProjected } from '../../log/format/entry.js'
import type { Digest } from '../../log/format/heads.js'
import type { Rejection } from '../../log/format/log-fault.js'
import { decodeUnsignedEntry, encodeUnsignedEntry, type UnsignedEntry } from '../../log/format/unsigned-entry.js'
import { type Effect, Ignored, IncomingBatcher } from '../../sync/effects.js'
import { HEADS_MAX, REJECTED_LOGS_MAX } from '../../sync/limits.js'
import type { ReplicationSession } from '../../sync/replication.js'
import { decodeHandshake, encodeHandshake, type Mode } from './scuttleup-codec.js'
import { UnsignedBuffer } from './unsigned-buffer.js'

export interface ScuttleupSessionOptions {
  readonly id: LogId
  readonly head: readonly Digest[]
  readonly mode: Mode
}

/**
 * scuttleup's protocol on one connection, without IO: bytes in, effects out. Each side sends its heads, then the entries that the other
 * side lacks, then new entries. Signatures travel as the last JSON member of an entry, which scuttleup peers relay unchanged.
 * docs/protocol/compat-scuttleup.md §5.1.
 */
export class ScuttleupSession implements ReplicationSession {
  readonly #options: ScuttleupSessionOptions
  readonly #frames = new FrameReader(FRAME_BYTES_MAX)
  /** The other side's head of each log: the highest that it announced or was sent. */
  readonly #theirs = new Map<LogId, Seq>()
  readonly #ignored = new Ignored(REJECTED_LOGS_MAX)
  readonly #buffer = new UnsignedBuffer()
  #state: 'opening' | 'open' | 'closed' = 'opening'

  constructor(options: ScuttleupSessionOptions) {
    this.#options = options
  }

  start(): Uint8Array {
    const { id, head, mode } = this.#options
    const heads = head.slice(0, HEADS_MAX).map(({ author, seq }) => ({ id: author, seq }))
    return frame(encodeHandshake({ id, head: heads, mode }))
  }

  receive(...chunks: readonly Uint8Array[]): Effect[] {
    const batch = new IncomingBatcher()
    if (this.#state !== 'closed') for (const bytes of chunks) this.#frames.push(bytes)
    while (this.#state !== 'closed') {
      const read = this.#frames.next()
      if (read.kind === 'more') break
      if (read.kind === 'bad') this.#effect(batch, { kind: 'close', reason: read.reason })
      else if (this.#state === 'opening') this.#effect(batch, this.#onHandshake(read.body))
      else this.#onEntry(batch, decodeUnsignedEntry(read.body))
    }
    return batch.take()
  }

  /** Encodes the entries that the other side lacks; undefined if it has all of them. */
  encode(entries: readonly Entry[]): Uint8Array | undefined {
    const frames = new ByteWriter()
    let isEmpty = true
    for (const each of entries) {
      const { author, seq } = each
      // The protocol has no places without content: for this peer a log ends at the first such place.
      if (seq !== (this.#theirs.get(author) ?? 0) + 1) continue
      this.#theirs.set(author, seq)
      frames.sized(encodeUnsignedEntry({ id: author, seq, entry: toProjected(each) }))
      isEmpty = false
    }
    return isEmpty ? undefined : frames.finish()
  }

  /** The log rejected entries of `author`: ignores that log from now on. */
  refused(author: LogId, reason: Rejection): Effect[] {
    return this.#ignored.has(author) ? [] : [this.#ignored.add(author, reason)]
  }

  #onHandshake(body: Uint8Array): Effect {
    const handshake = decodeHandshake(body)
    if (handshake === undefined) return { kind: 'close', reason: 'malformed-handshake' }
    if (handshake.head.length > HEADS_MAX) return { kind: 'close', reason: 'too-many-heads' }
    this.#state = 'open'
    const since: Digest[] = []
    for (const { id, seq } of handshake.head) {
      const author = logIdOf(id)
      if (author === undefined) continue
      this.#theirs.set(author, seq)
      since.push({ author, seq })
    }
    const sends = this.#options.mode !== 'pull' && handshake.mode !== 'push'
    return { kind: sends ? 'serve' : 'end', since }
  }

  #onEntry(batch: IncomingBatcher, received: UnsignedEntry | undefined): void {
    if (received === undefined) {
      this.#effect(batch, { kind: 'close', reason: 'malformed-entry' })
      return
    }
    const { id, seq, entry } = received
    if (this.#ignored.has(id)) return
    const author = logIdOf(id)
    if (author === undefined) {
      this.#effect(batch, this.#ignored.add(id, { kind: 'malformed-author' }))
      return
    }
    this.#theirs.set(author, Math.max(seq, this.#theirs.get(author) ?? 0))
    if (isSigned(author)) this.#onSignedEntry(batch, author, seq, entry)
    else batch.add(author, seq, entry)
  }

  #onSignedEntry(batch: IncomingBatcher, author: LogId, seq: Seq, entry: Uint8Array): void {
    const run = this.#buffer.add(author, seq, entry)
    if (run === 'full' || run === 'no-salt')
      this.#effect(batch, this.#ignored.add(author, { kind: 'unsigned-entries' }))
    else if (run !== 'buffered') batch.addSigned(author, run)
  }

  #effect(batch: IncomingBatcher, effect: Effect): void {
    batch.effect(effect)
    if (effect.kind === 'close') this.#state = 'closed'
  }
}
