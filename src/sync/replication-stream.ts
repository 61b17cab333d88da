import { Duplex } from 'node:stream'
import { FRAME_BYTES_MAX } from '../base/wire/frames.js'
import type { ContentRun } from '../log/content/contents.js'
import type { LogId, Seq } from '../log/format/author.js'
import { chainAfter } from '../log/format/chain.js'
import { CHAIN_PREFIX_BYTES, type Digest } from '../log/format/heads.js'
import type { Rejection } from '../log/format/log-fault.js'
import { encodeSegment, lastOf, logOfSegment, packedOf, type Segment } from '../log/format/segment.js'
import type { SignedRun } from '../log/format/segment-plan.js'
import type { Log } from '../log/log.js'
import type { Refusal } from '../log/options.js'
import type { SeqRange } from '../log/read/subscription.js'
import type { Introducer } from '../log/stranger-quota.js'
import type { OpenSideChannel, SideChannel } from '../net/side-channel.js'
import { encodeContent, encodeSegments } from './codec.js'
import type { Effect } from './effects.js'
import { SEGMENT_REQUESTS_MAX } from './limits.js'
import type { ReplicationOptions } from './options.js'
import type { ReceiptRecorder } from './receipts.js'
import { ReceiveWindow } from './receive-window.js'
import type { Replication, ReplicationContext } from './replication.js'

/** While more bytes wait to be sent, frames of the side channel are dropped: entries have priority. */
const SIDE_CHANNEL_BYTES_MAX = 64 * 1024

/** Estimated memory of a pending entry or run besides its bytes. */
const OVERHEAD_BYTES = 64

/** Reason for rejecting a log whose chain value differs from ours at the same seq. */
const DIFFERENT: Rejection = { kind: 'differs' }

/** The abort reason of destroyed streams. It is shared, because the default reason captures a stack trace on each abort. */
const DESTROYED = new Error('the stream was destroyed')

/**
 * Refers to a stream until it is destroyed. Pending writes refer to this instead of the stream, so that they keep no closed connection in
 * memory.
 */
interface OpenStream {
  stream: ReplicationStream | undefined
}

/** Connects a session to a socket: performs the session's effects, with backpressure in both directions. */
export class ReplicationStream extends Duplex {
  readonly #log: Log
  readonly #replication: Replication
  readonly #options: ReplicationOptions
  readonly #introducer: Introducer | undefined
  readonly #leave: (() => void) | undefined
  readonly #receipts: ReceiptRecorder | undefined
  readonly #abort = new AbortController()
  readonly #window = new ReceiveWindow()
  /** Writers that wait for the send buffer to drain. */
  readonly #onDrain: (() => void)[] = []
  /** Open requests of the other side: the last request of each kind per author. */
  readonly #requests = new Map<string, Digest | SeqRange>()
  /** The last pending write of each author. */
  readonly #storing = new Map<LogId, Promise<void>>()
  readonly #open: OpenStream = { stream: this }
  #sideChannel: SideChannel | undefined
  #isServingRequests = false
  /** Whether this side has ended its half. */
  #hasEnded = false

  /** `open` receives a function that sends bytes over this stream without waiting for the backlog. */
  constructor(
    { log, receipts }: ReplicationContext,
    open: (send: (bytes: Uint8Array) => void) => Replication,
    options: ReplicationOptions,
  ) {
    super({ allowHalfOpen: true, writableHighWaterMark: FRAME_BYTES_MAX })
    const { introducer, replica } = options
    this.#log = log
    this.#replication = open(bytes => void this.send(bytes))
    this.#options = options
    this.#introducer = introducer
    this.#leave = introducer && log.quota?.connected(introducer)
    this.#receipts =
      replica === undefined
        ? undefined
        : receipts.open(replica, {
            hasChainValues: this.#replication.hasChainValues,
            isKnown: options.isKnown,
            onDiffering: (log, seq) => this.#onOurLogDiffers(log, seq),
          })
    this.push(this.#replication.start())
  }

  /** Opens the side channel of this connection. */
  openSideChannel(open: OpenSideChannel): void {
    this.#sideChannel = open(frames => {
      if (this.readableLength > SIDE_CHANNEL_BYTES_MAX) return false
      return this.send(frames)
    })
  }

  /** Sends bytes without waiting for the backlog; returns false if the stream has ended. */
  send(bytes: Uint8Array): boolean {
    if (this.#hasEnded || this.destroyed) return false
    this.push(bytes)
    return true
  }

  override _read(): void {
    this.#wakeWriters()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#receive([chunk], done)
  }

  /** Joins the chunks that arrived while reading was paused, so that fewer signatures are checked. */
  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    this.#receive(
      chunks.map(({ chunk }) => chunk),
      done,
    )
  }

  /** The other side has ended: finishes once everything that it sent is stored. */
  override _final(done: () => void): void {
    this.#window.whenEmpty(done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#open.stream = undefined
    this.#abort.abort(DESTROYED)
    this.#replication.close()
    this.#receipts?.close()
    this.#sideChannel?.close()
    this.#leave?.()
    this.#wakeWriters()
    done(error)
  }

  #receive(chunks: readonly Uint8Array[], done: () => void): void {
    for (const effect of this.#replication.session.receive(...chunks)) this.#perform(effect)
    this.#window.whenOpen(done)
  }

  #perform(effect: Effect): void {
    switch (effect.kind) {
      case 'entries':
      case 'segments':
      case 'fork':
        this.#add(effect)
        return
      case 'segment-request':
        void this.#onRequest(effect.place)
        return
      case 'content-request':
        void this.#onRequest(effect.range)
        return
      case 'content':
        this.#addContent(effect.author, effect.run)
        return
      case 'gaps':
        this.#receipts?.gaps(effect.gaps)
        this.#replication.content?.gaps(effect.gaps)
        return
      case 'send':
        this.send(effect.bytes)
        return
      case 'announced':
        this.#receipts?.record(effect.heads)
        this.#onHeads(effect.heads)
        return
      case 'subscribed':
        this.#replication.subscribed(effect.since)
        return
      case 'serve':
        this.#onFirstHeads(effect.since)
        void this.#serve(effect.since)
        return
      case 'end':
        this.#onFirstHeads(effect.since)
        this.#end()
        return
      case 'side-channel': {
        const reason = this.#sideChannel?.receive(effect.body)
        if (reason !== undefined) this.#perform({ kind: 'close', reason })
        return
      }
      case 'rejected':
        this.#options.onEvent?.({ kind: 'entries-rejected', author: effect.author, reason: effect.reason })
        return
      case 'close':
        this.#options.onEvent?.({ kind: 'protocol-violated', violation: effect.reason })
        this.destroy(new Error(effect.reason))
    }
  }

  #add(effect: Extract<Effect, { readonly kind: 'entries' | 'segments' | 'fork' }>): void {
    switch (effect.kind) {
      case 'entries': {
        const { author, first, entries } = effect.run
        this.#onArrival({ author, seq: first + entries.length - 1 })
        this.#store(author, sizeOfEntries(entries), this.#log.add(effect.run, this.#introducer))
        return
      }
      case 'segments': {
        const { author, runs } = effect
        this.#onArrival(endOfRuns(author, runs, this.#log.isOurs(author)))
        this.#store(author, sizeOfRuns(runs), this.#log.addSigned(author, runs, this.#introducer))
        return
      }
      case 'fork':
        this.#store(logOfSegment(effect.segments[0]), sizeOfRuns(effect.segments), this.#addProof(effect.segments))
    }
  }

  /** A false proof is no reason to ignore the author that it accuses. */
  async #addProof(segments: readonly [Segment, Segment]): Promise<Refusal | undefined> {
    const refusal = await this.#log.addProof(segments)
    return refusal?.neededSeq === undefined ? undefined : refusal
  }

  /** The first heads of the other side. */
  #onFirstHeads(since: readonly Digest[]): void {
    this.#receipts?.record(since)
    this.#onHeads(since)
  }

  #onHeads(heads: readonly Digest[]): void {
    this.#replication.treeConnection.announced(heads)
    this.#replication.content?.announced()
    for (const { author, seq } of this.#log.differingHeads(heads))
      this.#refuse(author, { reason: DIFFERENT, neededSeq: seq })
  }

  /** Entries arrived: they are also a receipt from their sender. */
  #onArrival(end: Digest): void {
    this.#replication.treeConnection.delivered(end.author, end.seq)
    this.#receipts?.record([end])
  }

  #onOurLogDiffers(log: LogId, seq: Seq): void {
    if (this.#log.ourLogDiffers(log) && !this.destroyed) this.#refuse(log, { reason: DIFFERENT, neededSeq: seq })
  }

  #refuse(author: LogId, { reason, neededSeq }: Refusal): void {
    const { session, treeConnection } = this.#replication
    if (reason.kind === 'stranger-limit') {
      // The sender is not at fault, and the log may grow again later.
      treeConnection.unsubscribe(author)
      return
    }
    const request = neededSeq === undefined ? undefined : session.requestSegment?.(author, neededSeq)
    if (request === undefined || this.#hasEnded)
      for (const effect of session.refused(author, reason)) this.#perform(effect)
    else if (request.length > 0) this.push(request)
  }

  #store(author: LogId, bytes: number, adding: Promise<Refusal | undefined>): void {
    this.#window.add(bytes)
    // Entries after an invalid entry are rejected sooner, because of the gap: report the cause first.
    const before = this.#storing.get(author)
    const stored = afterWrite(this.#open, Promise.all([adding, before]), (stream, [refusal]) => {
      if (refusal !== undefined) stream.#refuse(author, refusal)
      if (stream.#storing.get(author) === stored) stream.#storing.delete(author)
      stream.#window.remove(bytes)
    })
    this.#storing.set(author, stored)
  }

  /** Serves requests one by one with backpressure; drops excess requests. */
  async #onRequest(request: Digest | SeqRange): Promise<void> {
    const key = `${'seq' in request ? 'segment' : 'content'} ${request.author}`
    if (this.#requests.size < SEGMENT_REQUESTS_MAX || this.#requests.has(key)) this.#requests.set(key, request)
    if (this.#isServingRequests) return
    this.#isServingRequests = true
    for (const [key, waiting] of this.#requests) {
      this.#requests.delete(key)
      while (this.readableLength > FRAME_BYTES_MAX && !this.destroyed) await this.#drained()
      const answer = await ('seq' in waiting ? this.#segmentFor(waiting) : this.#contentFor(waiting))
      if (answer !== undefined) this.send(answer)
    }
    this.#isServingRequests = false
  }

  async #segmentFor({ author, seq }: Digest): Promise<Uint8Array | undefined> {
    const segment = await this.#log.segmentAt(author, seq).catch(() => undefined)
    return segment && encodeSegments([encodeSegment(this.#replication.given?.segment(segment) ?? segment)])
  }

  /** Every content request is answered, so that the other side can send its next request. */
  async #contentFor({ author, from, to }: SeqRange): Promise<Uint8Array> {
    const entries = await this.#log.contents.read(author, { from, to }).catch(() => [])
    return encodeContent(author, { first: from, entries: this.#replication.given?.entries(author, entries) ?? entries })
  }

  #addContent(author: LogId, run: ContentRun): void {
    const bytes = sizeOfEntries(run.entries)
    this.#window.add(bytes)
    const { length } = run.entries
    void afterWrite(this.#open, this.#log.contents.add(author, run), (stream, stored) => {
      stream.#replication.content?.answered({ length, stored })
      stream.#window.remove(bytes)
    })
  }

  async #serve(since: readonly Digest[]): Promise<void> {
    try {
      for await (const bytes of this.#replication.outgoing(since, this.#abort.signal)) {
        if (this.destroyed) return
        if (bytes !== undefined && !this.push(bytes)) await this.#drained()
        if (this.destroyed) return
      }
      this.#end()
    } catch (error) {
      this.destroy(error as Error)
    }
  }

  #end(): void {
    this.#hasEnded = true
    this.push(null)
  }

  #drained(): Promise<void> {
    return new Promise(resolve => void this.#onDrain.push(resolve))
  }

  #wakeWriters(): void {
    for (const wake of this.#onDrain.splice(0)) wake()
  }
}

/** Calls `action` after a write, unless the stream was destroyed before. A failed write destroys the stream. */
async function afterWrite<T>(
  open: OpenStream,
  writing: Promise<T>,
  action: (stream: ReplicationStream, result: T) => void,
): Promise<void> {
  try {
    const result = await writing
    if (open.stream !== undefined) action(open.stream, result)
  } catch (error) {
    open.stream?.destroy(error as Error)
  }
}

/** Estimated memory of pending entries. */
const sizeOfEntries = (entries: readonly Uint8Array[]): number =>
  entries.reduce((sum, { length }) => sum + length + OVERHEAD_BYTES, 0)

/** Estimated memory of pending runs, whose entries stay packed. */
const sizeOfRuns = (runs: readonly Pick<SignedRun, 'entries'>[]): number =>
  runs.reduce((sum, run) => sum + packedOf(run).bytes.length + OVERHEAD_BYTES, 0)

/** The head after runs. The head of our own log includes its chain value, because a receipt is accepted only with it. */
function endOfRuns(author: LogId, runs: readonly SignedRun[], isOurs: boolean): Digest {
  const last = runs.at(-1)
  if (last === undefined) return { author, seq: 0 }
  const chain =
    isOurs && last.before !== undefined
      ? chainAfter(last.before, last.entries).subarray(0, CHAIN_PREFIX_BYTES)
      : undefined
  return { author, seq: lastOf(last), ...(chain !== undefined && { chain }) }
}
