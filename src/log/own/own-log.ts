import type { KeyPair } from '../../base/crypto/signing.js'
import type { Random } from '../../base/random.js'
import {
  type AuthorId,
  authorOfKey,
  authorOfLog,
  type LogId,
  logOf,
  type Run,
  runOf,
  type Seq,
} from '../format/author.js'
import { type ChainValue, chainStart } from '../format/chain.js'
import type { Entry } from '../format/entry.js'
import type { SignedHead } from '../format/heads.js'
import { EARLIEST, type Hlc } from '../format/hybrid-clock.js'
import { type CurrentRun, currentRunWrite, signedHeadWrite, WrittenEntries } from '../format/segment-rows.js'
import type { Frontier } from '../frontier.js'
import { SEGMENT_BYTES_MAX } from '../limits.js'
import { DOUBT_REASONS, type DoubtReason, mayOpenRun } from '../mark/doubt.js'
import { BATCH_BYTES_MAX, type End } from '../mark/mark.js'
import type { LogMark } from '../options.js'
import type { RequestId } from '../request-id.js'
import { addRequest, type RequestRun, type Requests } from '../requests.js'
import { COMMIT_BYTES_MAX, type CommitQueue } from '../store/commit-queue.js'
import type { SegmentStore } from '../store/segment-store.js'
import type { Put, Write } from '../store/store.js'
import { newRun, openingText } from './opening.js'
import { saltsFrom, type WriteSalt } from './salts.js'
import { SegmentWriter } from './segment-writer.js'

/** Largest number of segments in a group: a quarter of a commit, so that the disk is busy while more entries are appended. */
const GROUP_SEGMENTS_MAX = COMMIT_BYTES_MAX / SEGMENT_BYTES_MAX / 4 - 1

/** Entries that are committed together, under as few signatures as possible. */
interface Group {
  readonly rows: Put[]
  /** The requests that appended the entries. */
  readonly requests: RequestRun[]
  /** The seq of the first entry. */
  readonly from: Seq
  /** Settles when the entries are on disk. */
  readonly done: Promise<void>
  /** Returns one entry per call, in order, once they are on disk. */
  readonly next: () => Entry
  /** `at` of the first entry. */
  readonly first: Hlc
  /** The head of the log including these entries; undefined while entries can be added. */
  head: SignedHead | undefined
}

/** The collaborators that store and announce our log. */
interface OwnLogStorage {
  readonly room: Uint8Array
  readonly random: Random
  readonly queue: CommitQueue
  readonly frontier: Frontier
  readonly segments: SegmentStore
  readonly requests: Requests
  readonly mark: LogMark | undefined
  readonly onOpened: (run: Run, reason: DoubtReason | undefined) => void
}

/**
 * Extends our log; no other process signs with its key. Entries appended while the disk is busy form a group. When the group is committed,
 * its segments are signed, and the new end of the log is written to the mark in parallel. Once both are on disk, the group is announced.
 */
export class OwnLog {
  /** The author of our logs. */
  readonly person: AuthorId
  readonly #keys: KeyPair
  readonly #writeSalt: WriteSalt
  readonly #storage: OwnLogStorage
  #run: Run = 0
  #author: LogId
  #doubt: DoubtReason | undefined
  /** How many runs each reason has opened on this disk, in the order of DOUBT_REASONS. */
  #opened: readonly number[] = []
  /** Settles when the group that is being written is on disk, and this run has ended. */
  #leaving: Promise<void> | undefined
  #admission: string | undefined
  /** The admission that the current run names. */
  #named: string | undefined = 'unknown'
  /** The end on disk or being written. */
  #head: SignedHead | undefined
  /** The end including all complete groups. */
  #groupedHead: SignedHead | undefined
  /** Writes the current segment; `#last` is `at` of the last entry. */
  #writer: SegmentWriter
  #last: Hlc = EARLIEST
  #group: Group | undefined
  #settled: Promise<void> = Promise.resolve()

  constructor(keys: KeyPair, storage: OwnLogStorage) {
    this.person = authorOfKey(keys.publicKey)
    this.#author = logOf(this.person)
    this.#keys = keys
    this.#writeSalt = saltsFrom(storage.random)
    this.#storage = storage
    this.#writer = this.#writerAfter(undefined)
  }

  /** The log that is extended: the log of the current run. */
  get author(): LogId {
    return this.#author
  }

  /** Why the next entry opens a new run: the end of the current one is in doubt. */
  get doubt(): DoubtReason | undefined {
    return this.#doubt
  }

  /** Whether entries of a run whose end is in doubt are still being written. Until that ends, nothing may be appended. */
  get isLeaving(): boolean {
    return this.#leaving !== undefined
  }

  isOurs(log: LogId): boolean {
    return authorOfLog(log) === this.person
  }

  get head(): SignedHead | undefined {
    return this.#head
  }

  /** `at` of the last entry. */
  get last(): Hlc {
    return this.#last
  }

  /** Continues `run` from `head`, its end on disk. Called after opening and after each disk recovery. */
  reset({ run, opened }: CurrentRun, head: SignedHead | undefined): void {
    this.#opened = opened
    if (this.#group !== undefined) this.#endGroup(this.#group)
    this.#doubt = undefined
    this.#continue(run, head)
  }

  /** The end of the current run is in doubt: it is never extended again. Resolves when nothing of it is being written. */
  async leave(reason: DoubtReason): Promise<void> {
    if (this.#doubt !== undefined) return
    this.#leaving ??= this.#leave(reason)
    await this.#leaving
  }

  async #leave(reason: DoubtReason): Promise<void> {
    do await this.#settled
    while (this.#group !== undefined)
    this.#leaving = undefined
    this.#doubt = reason
  }

  /** Whether a reason may open one more run. A reason that has opened many is a false alarm on this machine. */
  mayLeaveAt(reason: DoubtReason): boolean {
    return mayOpenRun(reason, this.#opened[DOUBT_REASONS.indexOf(reason)] ?? 0)
  }

  /** Sets the admission that lets us write; undefined in the first term. If the current run does not name it, a new run opens. */
  async enterTerm(admission: string | undefined, stored: string | undefined): Promise<void> {
    this.#admission = admission
    if (this.#named === 'unknown') this.#named = stored
    if (admission !== this.#named) await this.leave('readmitted')
  }

  /** Opens a new run. Its first entry names the earlier runs, and is written in one commit with the next entry. */
  open(at: Hlc): void {
    const { frontier, mark, random, onOpened } = this.#storage
    const ours = frontier.heads.filter(({ author }) => this.isOurs(author))
    const earlier = ours.flatMap(({ author, seq }) => {
      const chain = frontier.chainAt(author, seq)
      return chain === undefined ? [] : [{ run: runOf(author), seq, chain }]
    })
    const known = [this.#run, mark?.run ?? 0, ...ours.map(({ author }) => runOf(author))]
    const reason = this.#doubt
    this.#named = this.#admission
    this.#continue(newRun(known, random), undefined)
    this.#doubt = undefined
    this.#opened = DOUBT_REASONS.map((each, index) => (this.#opened[index] ?? 0) + (each === reason ? 1 : 0))
    onOpened(this.#run, reason)
    // The caller appends at once, so that both entries are in one group.
    this.append(at, openingText(at, earlier, this.#admission)).catch(() => {})
  }

  /** Appends one entry; resolves when it is on disk. The row that answers `request` is written in the same commit. */
  append(at: Hlc, entry: string, request?: RequestId): Promise<Entry> {
    this.#group ??= this.#startGroup(at)
    const group = this.#group
    if (request !== undefined) addRequest(group.requests, request, this.#writer.next)
    const row = this.#writer.add(entry)
    if (row !== undefined) group.rows.push(row)
    this.#last = at
    if (group.rows.length >= GROUP_SEGMENTS_MAX) {
      this.#endGroup(group)
      this.#storage.queue.begin()
    }
    // Callbacks of one promise run in order, so each caller gets its own entry without any state per caller.
    return group.done.then(group.next)
  }

  /** Resolves when no appended entry is still being written. */
  settled(): Promise<void> {
    return this.#settled
  }

  /** Resets the mark to the end of the log. */
  async resetMark(): Promise<void> {
    const { seq, chain } = this.#end(this.#head)
    await this.#storage.mark?.reset({ run: this.#run, seq, chain })
  }

  /** Starts a group, which accepts entries until the disk is free or the group is full. */
  #startGroup(first: Hlc): Group {
    const { queue, mark } = this.#storage
    const from = this.#writer.next
    const rows: Put[] = []
    const entries = new WrittenEntries(this.author, rows)
    const before = this.#settled
    let marked: Promise<void> | undefined
    const writes = (): Write[] => {
      const head = this.#head
      const sealed = this.#sealGroup(group)
      marked = this.#markBatch(head, sealed)
      return sealed
    }
    const stored = queue.write({ bytes: () => rows.length * SEGMENT_BYTES_MAX, writes })
    // A mark can take longer than the next commit, so wait for the previous group: groups are announced in order.
    const recorded =
      mark === undefined ? stored : stored.then(() => marked ?? this.#markEnd(group.head)).then(() => before)
    const done = recorded.then(() => this.#announceGroup(group))
    const next = () => entries.next()
    const group: Group = { rows, requests: [], from, done, next, first, head: undefined }
    this.#settled = done.catch(() => {})
    return group
  }

  /** Completes a group: later entries go into the next one. */
  #endGroup(group: Group): SignedHead {
    const row = this.#writer.cut()
    if (row !== undefined) group.rows.push(row)
    const { next, chain, size } = this.#writer
    const first = this.#groupedHead?.first ?? group.first
    group.head = { author: this.author, seq: next - 1, chain, first, last: this.#last, size }
    this.#groupedHead = group.head
    this.#group = undefined
    return group.head
  }

  /** Ends a group when its commit begins; returns its rows. */
  #sealGroup(group: Group): Put[] {
    this.#head = group.head ?? this.#endGroup(group)
    this.#storage.frontier.setPending(this.#head)
    const writes = [...group.rows, ...this.#storage.requests.rows(group.requests), signedHeadWrite(this.#head)]
    if (group.from === 1) writes.push(currentRunWrite(this.person, { run: this.#run, opened: this.#opened }))
    return writes
  }

  #announceGroup({ rows, head, from }: Group): void {
    if (head === undefined) return
    this.#storage.segments.cache(head.author, rows)
    this.#storage.frontier.setPersisted(head.author, from, head.seq + 1, rows.length, head.chain)
  }

  /**
   * Writes the new end and the batch itself to the mark, in parallel with the commit, so that a crash between the two loses nothing.
   * Undefined if the batch is too large: then the end is written to the mark after the commit.
   */
  #markBatch(before: SignedHead | undefined, rows: readonly Put[]): Promise<void> | undefined {
    const head = this.#head
    if (this.#storage.mark === undefined || head === undefined) return undefined
    const bytes = rows.reduce((sum, { key, value }) => sum + key.length + value.length, 0)
    if (bytes > BATCH_BYTES_MAX) return undefined
    return this.#markEnd(head, { before: this.#end(before), rows })
  }

  async #markEnd(head: SignedHead | undefined, batch?: End['batch']): Promise<void> {
    if (head === undefined) return
    await this.#storage.mark?.advance({ run: runOf(head.author), seq: head.seq, chain: head.chain, batch })
  }

  #continue(run: Run, head: SignedHead | undefined): void {
    this.#run = run
    this.#author = logOf(this.person, run)
    this.#head = head
    this.#groupedHead = head
    this.#writer = this.#writerAfter(head)
    this.#last = head?.last ?? this.#last
  }

  #writerAfter(head: SignedHead | undefined): SegmentWriter {
    const { seq, chain } = this.#end(head)
    const signer = { keys: this.#keys, room: this.#storage.room, run: this.#run, writeSalt: this.#writeSalt }
    return new SegmentWriter(signer, { next: seq + 1, before: chain, size: head?.size ?? 0 })
  }

  /** Last seq and chain value of the log at a head. */
  #end(head: SignedHead | undefined): { readonly seq: Seq; readonly chain: ChainValue } {
    const name = { room: this.#storage.room, run: this.#run, key: this.#keys.publicKey }
    return { seq: head?.seq ?? 0, chain: head?.chain ?? chainStart(name) }
  }
}
