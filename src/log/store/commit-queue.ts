import type { Cancel, Clock } from '../../base/clock.js'
import { ChatError, reasonOf } from '../../base/errors.js'
import type { Store, Write } from './store.js'

/** Largest size of one group commit. The first caller of a group waits for the whole group. */
export const COMMIT_BYTES_MAX = 4 * 1024 * 1024

/** Commits above this size defer the rows that can be rebuilt from others, such as the heads of logs. */
export const BULK_BYTES_MIN = 64 * 1024

/**
 * Committed bytes after which deferred rows are written. The key of a head is far from the keys of its segments, so each write of a head
 * makes LevelDB compact these segments again. After a crash, up to this many bytes of segments are reread at the next start.
 */
export const DEFERRED_BYTES_MAX = 16 * 1024 * 1024

/** Shortest and longest delay before a retry after a failed write. */
const DISK_RETRY_MS_MIN = 250
const DISK_RETRY_MS_MAX = 30_000

/** A batch that can grow until its commit begins. */
export interface GrowingBatch {
  /** Its approximate size so far. */
  bytes(): number
  /** Called once, when the commit begins. */
  writes(): readonly Write[]
}

interface Job {
  readonly batch: GrowingBatch
  readonly latest: LatestWrite | undefined
  resolve(): void
  reject(error: ChatError): void
}

/** A row that each batch of a log replaces, such as its head. If a commit has several rows with one `name`, only the last is stored. */
export interface LatestWrite {
  readonly name: string
  /** Whether the row can be rebuilt from others. If so, large commits omit the row, and a later commit writes it. */
  readonly isDeferrable?: boolean
  write(): Write
}

type State =
  | { readonly kind: 'ready' }
  | { readonly kind: 'scheduled' }
  | { readonly kind: 'writing' }
  | { readonly kind: 'read-only'; readonly cause: unknown; readonly cancel: Cancel }
  | { readonly kind: 'closed' }

export interface CommitHooks {
  /** A write failed; nothing is written until `recover` has run. */
  onFailure(cause: unknown): void
  /** The store was reopened: reload the state of the logs. */
  recover(): Promise<void>
  /** Writing works again. */
  onRecovered(): void
}

/**
 * The only writer of a store (group commit). Batches that arrive while the disk is busy share the next commit, in order. When a
 * commit fails, all waiting batches are rejected, and the store is reopened before the next commit. docs/protocol/storage.md §4.3.
 */
export class CommitQueue {
  readonly #store: Store
  readonly #clock: Clock
  readonly #hooks: CommitHooks
  #state: State = { kind: 'ready' }
  #waiting: Job[] = []
  /** Resolvers of `close`, called when nothing is being written. */
  #idle: (() => void)[] = []
  #recovering: Promise<void> = Promise.resolve()
  /** Deferred writes, and the bytes committed since they were last written. */
  readonly #deferred = new Map<string, LatestWrite>()
  #bytesSinceDeferred = 0

  constructor(store: Store, clock: Clock, hooks: CommitHooks) {
    this.#store = store
    this.#clock = clock
    this.#hooks = hooks
  }

  get isReadOnly(): boolean {
    return this.#state.kind === 'read-only'
  }

  /** Resolves when `writes` are on disk. Rejects with LOG_WRITE_FAILED, LOG_READ_ONLY or LOG_CLOSED, never hangs. */
  write(writes: readonly Write[] | GrowingBatch, latest?: LatestWrite): Promise<void> {
    if (this.#state.kind === 'closed' || this.#idle.length > 0) return Promise.reject(closedError())
    if (this.#state.kind === 'read-only') return Promise.reject(readOnlyError(this.#state.cause))
    const batch = 'writes' in writes ? writes : { bytes: () => sizeOf(writes), writes: () => writes }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, latest, resolve, reject })
      if (this.#state.kind !== 'ready') return
      this.#state = { kind: 'scheduled' }
      // Batches of the same turn share this commit.
      queueMicrotask(() => this.begin())
    })
  }

  /** Writes a deferrable row with the next commit or on close. Nothing is lost if neither happens. */
  defer(write: LatestWrite): void {
    this.#deferred.set(write.name, write)
  }

  /** Starts the scheduled commit now instead of after this turn, because its batch is full. */
  begin(): void {
    if (this.#state.kind === 'scheduled') void this.#run()
  }

  /** Waits for pending batches and rejects later ones. */
  async close(): Promise<void> {
    if (this.#state.kind === 'writing' || this.#state.kind === 'scheduled')
      await new Promise<void>(resolve => this.#idle.push(resolve))
    if (this.#state.kind === 'read-only') this.#state.cancel()
    const deferred = this.#state.kind === 'ready' ? this.#takeDeferred() : []
    this.#state = { kind: 'closed' }
    // Ignore a failure: deferred rows can be rebuilt.
    if (deferred.length > 0) await this.#store.commit(deferred).catch(() => {})
    this.#rejectAll(closedError())
    await this.#recovering
  }

  async #run(): Promise<void> {
    this.#state = { kind: 'writing' }
    while (this.#waiting.length > 0) {
      const jobs = this.#nextGroup()
      try {
        await this.#store.commit(this.#writesOf(jobs))
      } catch (cause) {
        this.#fail(cause, jobs)
        return
      }
      for (const job of jobs) job.resolve()
    }
    this.#state = { kind: 'ready' }
    this.#wakeIdle()
  }

  #writesOf(jobs: readonly Job[]): Write[] {
    const writes = jobs.flatMap(({ batch }) => batch.writes())
    const latestWrites = new Map<string, LatestWrite>()
    for (const { latest } of jobs) {
      if (latest !== undefined) (latest.isDeferrable ? this.#deferred : latestWrites).set(latest.name, latest)
    }
    for (const latest of latestWrites.values()) writes.push(latest.write())
    const bytes = sizeOf(writes)
    this.#bytesSinceDeferred += bytes
    const isBulk = bytes > BULK_BYTES_MIN && this.#bytesSinceDeferred < DEFERRED_BYTES_MAX
    // Deferred writes go first, so that a write of the same row in this commit wins.
    return isBulk ? writes : [...this.#takeDeferred(), ...writes]
  }

  #takeDeferred(): Write[] {
    const writes = [...this.#deferred.values()].map(latest => latest.write())
    this.#deferred.clear()
    this.#bytesSinceDeferred = 0
    return writes
  }

  #nextGroup(): Job[] {
    let bytes = 0
    const end = this.#waiting.findIndex(job => {
      bytes += job.batch.bytes()
      return bytes > COMMIT_BYTES_MAX
    })
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : Math.max(1, end))
  }

  #fail(cause: unknown, jobs: readonly Job[]): void {
    this.#state = { kind: 'read-only', cause, cancel: () => {} }
    this.#deferred.clear()
    this.#hooks.onFailure(cause)
    const error = new ChatError('LOG_WRITE_FAILED', `not stored: ${reasonOf(cause)}`, {
      cause,
      hint: 'Free some space or repair the disk; writing is retried automatically.',
    })
    for (const job of jobs) job.reject(error)
    this.#rejectAll(error)
    this.#wakeIdle()
    this.#recoverLater(cause, DISK_RETRY_MS_MIN)
  }

  #recoverLater(cause: unknown, delayMs: number): void {
    if (this.#state.kind !== 'read-only') return
    const cancel = this.#clock.after(delayMs, () => {
      this.#recovering = this.#recover(cause, delayMs)
    })
    this.#state = { kind: 'read-only', cause, cancel }
  }

  async #recover(cause: unknown, delayMs: number): Promise<void> {
    try {
      await this.#store.reopen()
      await this.#hooks.recover()
    } catch {
      this.#recoverLater(cause, Math.min(DISK_RETRY_MS_MAX, delayMs * 2)) // still failing: the first failure was reported
      return
    }
    if (this.#state.kind !== 'read-only') return
    this.#state = { kind: 'ready' }
    this.#hooks.onRecovered()
  }

  #rejectAll(error: ChatError): void {
    for (const job of this.#waiting.splice(0)) job.reject(error)
  }

  #wakeIdle(): void {
    for (const wake of this.#idle.splice(0)) wake()
  }
}

const sizeOf = (writes: readonly Write[]): number =>
  writes.reduce((sum, write) => sum + write.key.length + (write.type === 'put' ? write.value.length : 0), 0)

const closedError = (): ChatError => new ChatError('LOG_CLOSED', 'the log is closed')

const readOnlyError = (cause: unknown): ChatError =>
  new ChatError('LOG_READ_ONLY', `not stored: the disk still fails: ${reasonOf(cause)}`, {
    cause,
    hint: 'Free some space or repair the disk; writing is retried automatically.',
  })
