import type { EventEmitter } from 'node:events'
import { type Clock, systemClock } from '../base/clock.js'
import type { KeyPair } from '../base/crypto/signing.js'
import { diskFailureOf } from '../base/files/disk-faults.js'
import { type Random, systemRandom } from '../base/random.js'
import { sameBytes } from '../base/wire/bytes.js'
import { BlockRows } from './content/block-rows.js'
import { Gaps } from './content/gaps.js'
import type { LogEvent } from './events.js'
import { ForkRegistry } from './forks/fork-registry.js'
import { authorOfLog, type LogId, type Run, type Seq } from './format/author.js'
import { type Hlc, HybridClock } from './format/hybrid-clock.js'
import { LOBBY, roomId } from './format/room-id.js'
import { Frontier } from './frontier.js'
import type { KnownPeople } from './known-people.js'
import type { DoubtReason } from './mark/doubt.js'
import type { LogEvents, LogMark, LogOptions } from './options.js'
import { OwnLog } from './own/own-log.js'
import { Announcer } from './read/announcer.js'
import { Requests } from './requests.js'
import { CommitQueue } from './store/commit-queue.js'
import { HeadIndex } from './store/head-index.js'
import { Rewrites } from './store/rewrites.js'
import { SegmentStore } from './store/segment-store.js'
import type { Store } from './store/store.js'
import { StrangerRows } from './store/stranger-rows.js'
import type { UnsignedStore } from './store/unsigned-store.js'
import type { StrangerQuota } from './stranger-quota.js'

/** Callbacks from the storage to `DiskRecovery`. */
export interface RepairHooks {
  /** An entry that should be stored is missing or damaged. */
  onGap(author: LogId, missing: Seq): void
  /** The database was reopened after a failed write: reload its state. */
  recover(): Promise<void>
  onWritable(): void
}

/** The storage of one set of logs: the collaborators that intake, repair and readers share. */
export class LogCore {
  readonly clock: Clock
  readonly room: Uint8Array
  readonly random: Random
  /** Whether scuttleup peers take part, and with them unsigned authors. */
  readonly isLobby: boolean
  /** Bounds what strangers may store here. */
  readonly quota: StrangerQuota | undefined
  readonly strangerRows: StrangerRows | undefined
  readonly lastAccepted: ((log: LogId, first?: Uint8Array) => Seq) | undefined
  readonly givenFrom: () => Hlc | undefined
  readonly hybridClock: HybridClock
  readonly store: Store
  readonly queue: CommitQueue
  readonly unsigned: UnsignedStore
  readonly segments: SegmentStore
  readonly heads: HeadIndex
  readonly forks: ForkRegistry
  readonly announcer: Announcer
  readonly frontier: Frontier
  /** Which places have no content. */
  readonly gaps: Gaps
  readonly rewrites = new Rewrites()
  /** Rows that are derived from contents. */
  readonly blocks: BlockRows
  /** Client requests whose entries are stored. */
  readonly requests: Requests
  /** The log that our key signs. */
  readonly own: OwnLog
  readonly mark: LogMark | undefined
  readonly events: EventEmitter<LogEvents>
  readonly #onEvent: (event: LogEvent) => void
  readonly #known: KnownPeople | undefined

  constructor(
    store: Store,
    keys: KeyPair,
    options: LogOptions,
    events: EventEmitter<LogEvents>,
    { onGap, recover, onWritable }: RepairHooks,
  ) {
    this.clock = options.clock ?? systemClock
    this.room = options.room ?? roomId(LOBBY)
    this.random = options.random ?? systemRandom
    this.isLobby = sameBytes(this.room, roomId(LOBBY))
    this.quota = options.quota
    this.lastAccepted = options.lastAccepted
    this.givenFrom = options.givenFrom ?? (() => undefined)
    this.hybridClock = new HybridClock(this.clock, log => this.isKnown(log))
    this.store = store
    this.mark = options.mark
    this.events = events
    this.#onEvent = options.onEvent ?? (() => {})
    this.#known = options.known
    this.queue = new CommitQueue(store, this.clock, {
      onFailure: cause => this.report({ kind: 'disk-failed', failure: diskFailureOf(cause) }),
      recover,
      onRecovered: onWritable,
    })
    this.strangerRows = this.quota && new StrangerRows(store, this.queue, this.quota)
    this.unsigned = options.unsigned(store, this.hybridClock, onGap)
    this.gaps = new Gaps()
    this.blocks = new BlockRows(this)
    this.segments = new SegmentStore(store, onGap, this.gaps)
    this.forks = new ForkRegistry(this.room, this.segments)
    this.heads = new HeadIndex(store, log => this.forks.nameOf(log), this.hybridClock)
    this.announcer = new Announcer(events)
    this.frontier = new Frontier(this.queue, this.segments, this.announcer, this.rewrites, options.authorsMax)
    this.requests = new Requests(store, this.queue, this.clock)
    this.own = new OwnLog(keys, this)
    this.quota?.onRecord(log => this.#reportForgotten(log))
  }

  /** Whether the user knows the author of a log. */
  isKnown(log: LogId): boolean {
    const author = authorOfLog(log)
    return this.#known === undefined || author === this.own.person || this.#known.isKnown(author)
  }

  /** Our log continues in a new run. */
  readonly onOpened = (run: Run, reason: DoubtReason | undefined): void => {
    this.events.emit('opened', this.own.author)
    if (reason !== undefined && reason !== 'no-log') this.report({ kind: 'run-opened', run, reason })
  }

  #reportForgotten(log: LogId): void {
    const isRemembered = this.quota?.isStranger(log) !== true || this.quota.record(log) !== undefined
    if (!isRemembered && this.frontier.pendingHead(log) === undefined) this.events.emit('forgotten', log)
  }

  report(event: LogEvent): void {
    if (!this.events.emit('event', event)) this.#onEvent(event)
  }
}
