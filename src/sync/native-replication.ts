import { concat } from '../base/wire/bytes.js'
import type { LogId } from '../log/format/author.js'
import type { Digest } from '../log/format/heads.js'
import type { Log } from '../log/log.js'
import type { Relayed, RelayMode } from '../log/read/outgoing.js'
import type { Subscription } from '../log/read/subscription.js'
import type { TreeConnection } from './broadcast-tree.js'
import { encodeGaps, type GapsNote, type Note, type NoteKind } from './codec.js'
import type { ContentConnection } from './content-fetcher.js'
import { GivenContent } from './given-content.js'
import { GAP_RANGES_MAX, trackedLogsMax } from './limits.js'
import type { NativeReplicationOptions } from './options.js'
import { PeerSession } from './peer-session.js'
import type { Replication, ReplicationContext } from './replication.js'
import { ReplicationStream } from './replication-stream.js'

const SKIP: RelayMode = { kind: 'skip' }

/** One side of a replication with a native peer: pipe a connection through it. */
export function createNativeStream(
  context: ReplicationContext,
  options: NativeReplicationOptions = {},
): ReplicationStream {
  const stream = new ReplicationStream(context, send => new NativeReplication(context, options, send), options)
  if (options.sideChannel !== undefined) stream.openSideChannel(options.sideChannel)
  return stream
}

/** Replication with a native peer. docs/protocol/wire.md §5.2, §5.5. */
class NativeReplication implements Replication {
  readonly session: PeerSession
  readonly treeConnection: TreeConnection
  readonly hasChainValues = true
  readonly #log: Log
  readonly #send: (bytes: Uint8Array) => void
  /** Queues the entries for the other side; undefined if only the backlog is sent. */
  readonly #subscription: Subscription | undefined
  /** The notes to send at the end of this turn. */
  readonly #notes = new Map<LogId, NoteKind>()
  /** The version of each log's gaps that was last sent to the other side. */
  readonly #sentGaps = new Map<LogId, number>()
  readonly #onGaps = (log: LogId): void => this.#postGaps(log)
  readonly #onShortened = (log: LogId): void => this.#retract(log)
  readonly content: ContentConnection
  readonly given: GivenContent

  constructor(
    { log, tree, fetcher }: ReplicationContext,
    { live, peer, givenFrom }: NativeReplicationOptions,
    send: (bytes: Uint8Array) => void,
  ) {
    this.#log = log
    this.#send = send
    this.given = new GivenContent(peer, givenFrom)
    const heads = log.announcedHeads.filter(({ author }) => this.#isPassedOn(author))
    this.session = new PeerSession(author => log.isOurs(author), heads, trackedLogsMax(log.logsMax))
    this.#subscription = live === false ? undefined : log.openSubscription()
    this.treeConnection = tree.open(peer, {
      subscribe: author => this.#post(author, 'subscribe'),
      unsubscribe: author => this.#post(author, 'unsubscribe'),
      forget: author => this.#forget(author),
    })
    // Authors push their own logs: unsubscribe from those that have stopped. Compares prefixes, because thousands of logs may have stopped.
    for (const stopped of log.quota?.stopped.keys() ?? [])
      if (peer !== undefined && stopped.startsWith(peer)) this.treeConnection.unsubscribe(stopped)
    this.content = fetcher.open({
      seqOf: author => this.session.seqOf(author),
      request: range => this.#send(this.session.requestContent(range)),
    })
    log.on('gaps', this.#onGaps).on('shortened', this.#onShortened)
  }

  /** The first bytes: the gaps, then the heads, because a head is a receipt only for places with content. */
  start(): Uint8Array {
    const notes = this.#log.contents.logsWithGaps.flatMap(log => this.#gapsNotes(log))
    return concat([encodeGaps(notes), this.session.start()])
  }

  outgoing(): AsyncGenerator<Uint8Array | undefined> {
    return this.#subscription === undefined ? this.#backlog() : this.#follow(this.#subscription)
  }

  subscribed(since: Digest): void {
    const { seq: last } = this.#log.announcedHead(since.author)
    if (last > since.seq)
      this.#subscription?.enqueueBacklog({ author: since.author, from: since.seq + 1, to: last + 1 })
  }

  close(): void {
    this.#log.off('gaps', this.#onGaps).off('shortened', this.#onShortened)
    this.content.close()
    this.treeConnection.close()
    this.#subscription?.close()
  }

  #isPassedOn(log: LogId): boolean {
    return this.#log.quota?.isPassedOn(log) ?? true
  }

  /** Yields the entries that the other side lacks now. */
  async *#backlog(): AsyncGenerator<Uint8Array | undefined> {
    for await (const relayed of this.#log.relay(this.session.theirs))
      if (relayed.kind !== 'announcement') yield this.#encode(relayed)
  }

  /** Yields new entries and announcements, and the logs that the other side subscribes to. */
  async *#follow(subscription: Subscription): AsyncGenerator<Uint8Array | undefined> {
    const following = this.#log.follow({
      subscription,
      mode: range => (this.#isPassedOn(range.author) ? this.session.relayMode(range) : SKIP),
      knows: branch => this.session.knows(branch),
    })
    for await (const relayed of following) yield this.#encode(relayed)
  }

  #encode(relayed: Relayed): Uint8Array | undefined {
    if (relayed.kind === 'fork') return this.session.encode(relayed)
    if (relayed.kind === 'entries') {
      const bytes = this.session.encode(relayed)
      return bytes && this.#withShorter(bytes, new Set(relayed.entries.map(({ author }) => author)))
    }
    const { author } = relayed
    const bytes =
      relayed.kind === 'announcement'
        ? this.session.notes([this.#noteOf(author, 'announce')])
        : this.session.encode({ ...relayed, segments: this.given.segments(author, relayed.segments) })
    const notes = this.#gapsNotes(author)
    return bytes && this.#withShorter(notes.length === 0 ? bytes : concat([encodeGaps(notes), bytes]), [author])
  }

  /** Adds notes about logs that were shortened while their entries were being read. */
  #withShorter(bytes: Uint8Array, logs: Iterable<LogId>): Uint8Array {
    const notes = [...logs].filter(log => this.#isShorter(log)).map(log => this.#noteOf(log, 'announce'))
    return notes.length === 0 ? bytes : concat([bytes, this.session.notes(notes)])
  }

  /** Whether entries that this side announced are no longer stored. */
  #isShorter(log: LogId): boolean {
    return this.session.toldOf(log) > this.#log.announcedHead(log).seq
  }

  #forget(log: LogId): void {
    this.session.forget(log)
    this.#sentGaps.delete(log)
  }

  #retract(log: LogId): void {
    const isShorter = this.#isShorter(log)
    if (this.#log.announcedHead(log).seq === 0) this.#forget(log)
    // A note that unsubscribes also states the new end.
    if (isShorter && this.#notes.get(log) !== 'unsubscribe') this.#post(log, 'announce')
  }

  /** The note about where a log has no content, if that changed. It precedes all else that is sent about the log. */
  #gapsNotes(author: LogId): GapsNote[] {
    const version = this.#log.contents.version(author)
    if (version === (this.#sentGaps.get(author) ?? 0) || this.#log.announcedHead(author).seq === 0) return []
    this.#sentGaps.set(author, version)
    return [{ author, ranges: this.#log.contents.gaps(author, GAP_RANGES_MAX) }]
  }

  #postGaps(author: LogId): void {
    queueMicrotask(() => {
      const notes = this.#gapsNotes(author)
      if (notes.length > 0) this.#send(encodeGaps(notes))
    })
  }

  #post(author: LogId, kind: NoteKind): void {
    this.#notes.set(author, kind)
    if (this.#notes.size > 1) return
    // Notes of the same turn are sent in one frame.
    queueMicrotask(() => {
      const gaps = [...this.#notes.keys()].flatMap(log => this.#gapsNotes(log))
      this.#send(concat([encodeGaps(gaps), this.session.notes([...this.#notes].map(note => this.#noteOf(...note)))]))
      this.#notes.clear()
    })
  }

  #noteOf(author: LogId, kind: NoteKind): Note {
    return kind === 'subscribe'
      ? { kind, author, seq: this.#log.localSeq(author) }
      : { kind, ...this.#log.announcedHead(author) }
  }
}
