import { concat, EMPTY } from '../base/wire/bytes.js'
import { FRAME_BYTES_MAX, FrameReader } from '../base/wire/frames.js'
import { type LogId, type Seq, unsignedLog } from '../log/format/author.js'
import type { Digest } from '../log/format/heads.js'
import type { Rejection } from '../log/format/log-fault.js'
import { lastOf, logOfSegment, type Segment } from '../log/format/segment.js'
import type { UnsignedEntry } from '../log/format/unsigned-entry.js'
import type { Relayed, RelayMode } from '../log/read/outgoing.js'
import type { SeqRange } from '../log/read/subscription.js'
import type { Violation } from '../net/violation.js'
import {
  decodeFrame,
  encodeContentRequest,
  encodeFingerprints,
  encodeFork,
  encodeHeads,
  encodeNotes,
  encodeSegmentRequest,
  encodeSegments,
  encodeUnsigned,
  type Note,
  type PeerFrame,
} from './codec.js'
import { type Effect, Ignored, IncomingBatcher } from './effects.js'
import { type ComparedHeads, compareHeads, fingerprintsOf } from './fingerprints.js'
import {
  forgetOldest,
  HEADS_AT_ONCE_MAX,
  HEADS_MAX,
  REFUSALS_MAX,
  REJECTED_LOGS_MAX,
  trackedLogsMax,
} from './limits.js'
import type { ReplicationSession } from './replication.js'

/** The last requested entry of a log, and how many rejections were tolerated since. */
interface OpenRequest {
  readonly seq: Seq
  refusals: number
}

/**
 * The protocol of one connection between two native peers, without IO: bytes in, effects out. Each side announces its heads, and
 * sends new entries of its own log and of the logs that the other side subscribed to. docs/protocol/wire.md §5.2, §5.5.
 *
 *     opening ── heads, or equal fingerprints ──▶ open
 *     opening ── different fingerprints ──▶ comparing ── heads ──▶ open
 *     any state ── a malformed frame ──▶ closed
 */
export class PeerSession implements ReplicationSession {
  readonly #heads: readonly Digest[]
  readonly #fingerprints: Uint8Array
  /** Whether the session starts with all heads instead of fingerprints. */
  readonly #sendsHeadsFirst: boolean
  readonly #frames = new FrameReader(FRAME_BYTES_MAX)
  /** The other side's head of each log: the highest that it announced or was sent. */
  readonly #theirs = new Map<LogId, Seq>()
  /** Our head of each log, as far as the other side knows it. */
  readonly #announced = new Map<LogId, Seq>()
  readonly #isOurs: (log: LogId) => boolean
  readonly #trackedMax: number
  /** Logs that the other side subscribed to. */
  readonly #subscribers = new Set<LogId>()
  /** Logs of ours that the other side unsubscribed from. */
  readonly #unsubscribers = new Set<LogId>()
  /** Heads that are equal on both sides according to the fingerprints. */
  #equalHeads: readonly Digest[] = []
  readonly #ignored = new Ignored(REJECTED_LOGS_MAX)
  readonly #requests = new Map<LogId, OpenRequest>()
  #contentRequest: SeqRange | undefined
  #state: 'opening' | 'comparing' | 'open' | 'closed' = 'opening'

  /**
   * New entries of our logs are sent unless the other side unsubscribes. The heads of up to `trackedMax` logs of the other side are
   * remembered.
   */
  constructor(isOurs: (log: LogId) => boolean, heads: readonly Digest[], trackedMax = trackedLogsMax(heads.length)) {
    this.#heads = heads
    this.#trackedMax = trackedMax
    this.#fingerprints = fingerprintsOf(this.#heads)
    this.#sendsHeadsFirst = this.#heads.length <= HEADS_AT_ONCE_MAX
    this.#isOurs = isOurs
    for (const { author, seq } of this.#heads) this.#announced.set(author, seq)
  }

  start(): Uint8Array {
    return this.#sendsHeadsFirst ? encodeHeads(this.#heads) : encodeFingerprints(this.#fingerprints)
  }

  /** The other side's head of each log, as far as it is known. */
  get theirs(): Digest[] {
    return [...this.#theirs].map(([author, seq]) => ({ author, seq }))
  }

  /** The other side's head of one log, as far as it is known. */
  seqOf(log: LogId): Seq {
    return this.#theirs.get(log) ?? 0
  }

  /** Encodes a request for contents, which replaces an earlier one. */
  requestContent(range: SeqRange): Uint8Array {
    this.#contentRequest = range
    return encodeContentRequest(range)
  }

  /** Whether the other side has entries of a log, or was sent some. */
  knows(log: LogId): boolean {
    return this.seqOf(log) > 0
  }

  /** This side no longer stores a log or any record of it. Forgets the other side's head too. */
  forget(log: LogId): void {
    this.#theirs.delete(log)
    this.#announced.delete(log)
    this.#subscribers.delete(log)
  }

  /** The head of our log that was last announced to the other side. */
  toldOf(log: LogId): Seq {
    return this.#announced.get(log) ?? 0
  }

  receive(...chunks: readonly Uint8Array[]): Effect[] {
    const batch = new IncomingBatcher()
    if (this.#state !== 'closed') for (const bytes of chunks) this.#frames.push(bytes)
    while (this.#state !== 'closed') {
      const read = this.#frames.next()
      if (read.kind === 'more') break
      const frame = read.kind === 'bad' ? read : decodeFrame(read.body)
      if (read.kind === 'frame' && frame.kind === 'unknown') batch.effect({ kind: 'side-channel', body: read.body })
      else this.#onFrame(batch, frame)
    }
    return batch.take()
  }

  /** Decides whether to send, announce or skip new entries of a log. */
  relayMode({ author, from, to }: SeqRange): RelayMode {
    const theirs = this.#theirs.get(author) ?? 0
    const next = Math.max(from, theirs + 1)
    // The other side rejects entries that do not continue its log.
    if (this.#isSubscribed(author) && next === theirs + 1 && next < to) return { kind: 'send', from: next }
    return { kind: to - 1 > (this.#announced.get(author) ?? 0) ? 'announce' : 'skip' }
  }

  #isSubscribed(log: LogId): boolean {
    return this.#subscribers.has(log) || (this.#isOurs(log) && !this.#unsubscribers.has(log))
  }

  /** Encodes notes. A note with seq 0 means that this side has dropped the log, which ends a subscription to it. */
  notes(notes: readonly Note[]): Uint8Array {
    for (const { kind, author, seq } of notes) {
      if (seq === 0 && kind === 'subscribe') this.#announced.delete(author)
      else if (seq === 0) this.forget(author)
      else if (kind !== 'subscribe') this.#announced.set(author, seq)
    }
    return encodeNotes(notes)
  }

  /** Encodes the entries that the other side lacks; undefined if it has everything. */
  encode(relayed: Exclude<Relayed, { readonly kind: 'announcement' }>): Uint8Array | undefined {
    if (relayed.kind === 'segments') {
      const { author, segments, last } = relayed
      if (last <= (this.#theirs.get(author) ?? 0)) return undefined
      this.#sent(author, last)
      return encodeSegments(segments)
    }
    if (relayed.kind === 'fork') {
      // The log ends at the fork now: announce that head, because its chain value makes it a receipt.
      this.#announced.delete(logOfSegment(relayed.proof.segments[0]))
      return encodeFork(relayed.proof)
    }
    const frames: Uint8Array[] = []
    for (const { author, seq, entry } of relayed.entries) {
      if (seq <= (this.#theirs.get(author) ?? 0)) continue
      this.#sent(author, seq)
      frames.push(encodeUnsigned({ id: author, seq, entry }))
    }
    return frames.length === 0 ? undefined : concat(frames)
  }

  requestSegment(author: LogId, seq: Seq): Uint8Array | undefined {
    if (seq < 1) return undefined
    const open = this.#requests.get(author)
    // Each request is for an earlier entry than the one before, so requests terminate.
    if (open !== undefined && seq >= open.seq) return this.#skipsRefusal(author) ? EMPTY : undefined
    this.#requests.set(author, { seq, refusals: open?.refusals ?? 0 })
    return encodeSegmentRequest({ author, seq })
  }

  /** Entries of `author` were rejected: ignores that log from now on, unless a requested segment may still arrive. */
  refused(author: LogId, reason: Rejection): Effect[] {
    if (this.#skipsRefusal(author) || this.#ignored.has(author)) return []
    return [this.#ignored.add(author, reason)]
  }

  /** Whether a requested segment may still arrive. Counts rejections, so that other entries cannot keep a request open. */
  #skipsRefusal(author: LogId): boolean {
    const request = this.#requests.get(author)
    if (request === undefined || request.refusals >= REFUSALS_MAX) return false
    request.refusals += 1
    return true
  }

  #onFrame(batch: IncomingBatcher, frame: PeerFrame): void {
    switch (frame.kind) {
      case 'bad':
        this.#close(batch, frame.reason)
        return
      case 'heads':
        this.#onHeads(batch, frame)
        return
      case 'fingerprints':
        this.#onFingerprints(batch, frame.fingerprints)
        return
      case 'segments':
        this.#onSegments(batch, frame.segments)
        return
      case 'unsigned-entry':
        this.#onUnsignedEntry(batch, frame.entry)
        return
      case 'fork':
      case 'segment-request':
      case 'content-request':
        batch.effect(frame)
        return
      case 'content':
        this.#onContent(batch, frame)
        return
      case 'notes':
        if (frame.gaps.length > 0) batch.effect({ kind: 'gaps', gaps: frame.gaps })
        for (const note of frame.notes) this.#onNote(batch, note)
        batch.effect({ kind: 'announced', heads: frame.notes.filter(({ kind }) => kind !== 'subscribe') })
        return
      case 'unknown':
    }
  }

  /** Contents that were not requested are skipped. */
  #onContent(batch: IncomingBatcher, frame: Extract<PeerFrame, { readonly kind: 'content' }>): void {
    const { author, run } = frame
    const asked = this.#contentRequest
    if (asked?.author !== author || asked.from !== run.first || run.entries.length > asked.to - asked.from) return
    this.#contentRequest = undefined
    batch.effect(frame)
  }

  #onSegments(batch: IncomingBatcher, segments: readonly Segment[]): void {
    for (const segment of segments) {
      const author = logOfSegment(segment)
      if (this.#ignored.has(author)) continue
      this.#theyHave(author, lastOf(segment))
      batch.addSigned(author, segment)
    }
  }

  #onUnsignedEntry(batch: IncomingBatcher, { id, seq, entry }: UnsignedEntry): void {
    if (this.#ignored.has(id)) return
    const author = unsignedLog(id)
    if (author === undefined) {
      this.#ignore(batch, id, { kind: 'malformed-author' })
      return
    }
    this.#theyHave(author, seq)
    batch.add(author, seq, entry)
  }

  #onNote(batch: IncomingBatcher, { kind, author, seq }: Note): void {
    if (kind === 'unsubscribe') {
      this.#subscribers.delete(author)
      if (this.#isOurs(author)) this.#unsubscribers.add(author)
    }
    if (kind !== 'subscribe') {
      if (seq === 0) this.#theirs.delete(author)
      else this.#theyHave(author, seq)
      return
    }
    this.#subscribers.delete(author)
    this.#subscribers.add(author)
    forgetOldest(this.#subscribers, this.#trackedMax)
    this.#unsubscribers.delete(author)
    // The other side may have rejected entries that it was sent: trust the seq of the subscription.
    this.#theirs.delete(author)
    this.#theyHave(author, seq)
    batch.effect({ kind: 'subscribed', since: { author, seq } })
  }

  #onHeads(batch: IncomingBatcher, { heads, isLast }: Extract<PeerFrame, { readonly kind: 'heads' }>): void {
    const isFirst = this.#state === 'opening'
    // A side whose heads do not fit into one page has to send fingerprints first.
    if (heads.length > HEADS_MAX || (isFirst && !isLast)) {
      this.#close(batch, 'too-many-heads')
      return
    }
    if (isFirst) this.#answer(batch, fingerprintsOf(heads))
    this.#learn(heads)
    if (!isLast) {
      batch.effect({ kind: 'announced', heads })
      return
    }
    // Heads may arrive again; the backlog is sent once, after the first.
    if (this.#state !== 'open')
      batch.effect({ kind: 'serve', since: isFirst ? heads : [...this.#equalHeads, ...heads] })
    this.#state = 'open'
  }

  #onFingerprints(batch: IncomingBatcher, theirs: Uint8Array): void {
    if (this.#state !== 'opening') {
      this.#close(batch, 'repeated-fingerprints')
      return
    }
    const { equal, areEqual } = this.#answer(batch, theirs)
    this.#equalHeads = equal
    this.#learn(equal)
    this.#state = areEqual ? 'open' : 'comparing'
    if (areEqual) batch.effect({ kind: 'serve', since: equal })
  }

  /** Sends the heads that differ from the other side's, unless all heads were sent at the start. */
  #answer(batch: IncomingBatcher, theirs: Uint8Array): ComparedHeads {
    const compared = compareHeads(this.#heads, this.#fingerprints, theirs)
    if (!this.#sendsHeadsFirst && !compared.areEqual)
      batch.effect({
        kind: 'send',
        bytes: encodeHeads(compared.differing.filter(({ author }) => this.toldOf(author) > 0)),
      })
    return compared
  }

  #learn(heads: readonly Digest[]): void {
    for (const { author, seq } of heads) this.#theyHave(author, seq)
  }

  /**
   * Records that the other side has a log up to `seq`, so that entries are not sent twice. Tracks no more logs than an honest peer has;
   * beyond that, entries may be sent twice, which is harmless.
   */
  #theyHave(author: LogId, seq: Seq): void {
    if (seq > (this.#theirs.get(author) ?? 0)) this.#theirs.set(author, seq)
    forgetOldest(this.#theirs, this.#trackedMax)
  }

  #sent(author: LogId, last: Seq): void {
    this.#theirs.set(author, last)
    this.#announced.set(author, Math.max(last, this.#announced.get(author) ?? 0))
  }

  #ignore(batch: IncomingBatcher, id: string, reason: Rejection): void {
    const effect = this.#ignored.add(id, reason)
    if (effect.kind === 'close') this.#close(batch, effect.reason)
    else batch.effect(effect)
  }

  #close(batch: IncomingBatcher, reason: Violation): void {
    batch.effect({ kind: 'close', reason })
    this.#state = 'closed'
  }
}
