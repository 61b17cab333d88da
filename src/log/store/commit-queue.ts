import type { Cancel, Clock } from '../../base/clock.js'
import { ChatError, reasonOf } from '../../base/errors.js'
import type { Store, Write } from './store.js'

/** One group commit. A larger one would make the first caller of a group wait for the last. */
export const COMMIT_BYTES_MAX = 4 * 1024 * 1024

/** Commits above this size defer the rows that can be made again from others, such as the heads of logs. */
export const BULK_BYTES_MIN = 64 * 1024

/**
 * Committed bytes after which deferred rows are written. A head lies far from the segments of its log, so each write of one makes
 * LevelDB sort all of them again; after a crash, this much is read again at the start.
 */
export const HINTS_BYTES_MAX = 16 * 1024 * 1024

/** First and longest wait before the disk is tried again after a failed write. */
const DISK_RETRY_MS_MIN = 250
const DISK_RETRY_MS_MAX = 30_000

/** Writes that are asked for when their commit begins: what comes meanwhile can still be put in. */
export interface Gathering {
  /** How many they are by now, about. */
  bytes(): number
  writes(): readonly Write[]
}

interface Job {
  readonly gathering: Gathering
  /** A row that every write of a log replaces: of one group only the last is stored. */
  readonly summary: Summary | undefined
  resolve(): void
  reject(error: ChatError): void
}

/** `name` is the same for all writes of one log. */
export interface Summary {
  readonly name: string
  /** Whether it says only what the other rows say too: then it is not written with every large batch. */
  readonly isHint?: boolean
  write(): Write
}

type State =
  | { readonly kind: 'ready' }
  | { readonly kind: 'gathering' }
  | { readonly kind: 'writing' }
  | { readonly kind: 'read-only'; readonly cause: unknown; readonly cancel: Cancel }
  | { readonly kind: 'closed' }

export interface CommitHooks {
  /** A write failed; nothing is written until `recover` has run. */
  onFailure(cause: unknown): void
  /** The database was reopened: read back what it really holds. */
  recover(): Promise<void>
  /** Writing works again. */
  onRecovered(): void
}

/**
 * One writer for one store. Writes that arrive while the disk is busy share the next commit, in order.
 * After a failed commit everyone waiting is told, and the store is reopened before anything is written. PROTOCOL.md §4.3.
 */
export class CommitQueue {
  readonly #store: Store
  readonly #clock: Clock
  readonly #hooks: CommitHooks
  #state: State = { kind: 'ready' }
  #waiting: Job[] = []
  /** Whoever closes, until nothing is being written. */
  #idle: (() => void)[] = []
  #recovering: Promise<void> = Promise.resolve()
  /** Hints that are not written yet, and how many bytes were since some were. */
  readonly #hints = new Map<string, Summary>()
  #bytesSinceHints = 0

  constructor(store: Store, clock: Clock, hooks: CommitHooks) {
    this.#store = store
    this.#clock = clock
    this.#hooks = hooks
  }

  get isReadOnly(): boolean {
    return this.#state.kind === 'read-only'
  }

  /** Resolves when `writes` are on disk. Rejects with LOG_WRITE_FAILED, LOG_READ_ONLY or LOG_CLOSED, never hangs. */
  write(writes: readonly Write[] | Gathering, summary?: Summary): Promise<void> {
    if (this.#state.kind === 'closed' || this.#idle.length > 0) return Promise.reject(closedError())
    if (this.#state.kind === 'read-only') return Promise.reject(readOnlyError(this.#state.cause))
    const gathering = 'writes' in writes ? writes : { bytes: () => sizeOf(writes), writes: () => writes }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ gathering, summary, resolve, reject })
      if (this.#state.kind !== 'ready') return
      this.#state = { kind: 'gathering' }
      // Whoever writes in the same turn shares this commit.
      queueMicrotask(() => this.begin())
    })
  }

  /** Writes a hint with the next commit, or at the close: nothing is lost where neither comes. */
  hint(summary: Summary): void {
    this.#hints.set(summary.name, summary)
  }

  /** What waits goes to the disk now, if that is free, and not only after this turn: it fills a commit. */
  begin(): void {
    if (this.#state.kind === 'gathering') void this.#run()
  }

  /** Waits for what was asked to be written before, and refuses what comes after. */
  async close(): Promise<void> {
    if (this.#state.kind === 'writing' || this.#state.kind === 'gathering')
      await new Promise<void>(resolve => this.#idle.push(resolve))
    if (this.#state.kind === 'read-only') this.#state.cancel()
    const hints = this.#state.kind === 'ready' ? this.#takeHints() : []
    this.#state = { kind: 'closed' }
    // What they say stands elsewhere too: where they cannot be written, nothing is lost.
    if (hints.length > 0) await this.#store.commit(hints).catch(() => {})
    this.#refuseAll(closedError())
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
    const writes = jobs.flatMap(({ gathering }) => gathering.writes())
    const summaries = new Map<string, Summary>()
    for (const { summary } of jobs) {
      if (summary !== undefined) (summary.isHint ? this.#hints : summaries).set(summary.name, summary)
    }
    for (const summary of summaries.values()) writes.push(summary.write())
    const bytes = sizeOf(writes)
    this.#bytesSinceHints += bytes
    const isBulk = bytes > BULK_BYTES_MIN && this.#bytesSinceHints < HINTS_BYTES_MAX
    // Before the rest: what that says of the same row counts.
    return isBulk ? writes : [...this.#takeHints(), ...writes]
  }

  #takeHints(): Write[] {
    const writes = [...this.#hints.values()].map(hint => hint.write())
    this.#hints.clear()
    this.#bytesSinceHints = 0
    return writes
  }

  #nextGroup(): Job[] {
    let bytes = 0
    const end = this.#waiting.findIndex(job => {
      bytes += job.gathering.bytes()
      return bytes > COMMIT_BYTES_MAX
    })
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : Math.max(1, end))
  }

  #fail(cause: unknown, jobs: readonly Job[]): void {
    this.#state = { kind: 'read-only', cause, cancel: () => {} }
    this.#hints.clear()
    this.#hooks.onFailure(cause)
    const error = new ChatError('LOG_WRITE_FAILED', `not stored: ${reasonOf(cause)}`, {
      cause,
      hint: 'Free some space or mend the disk; writing is tried again by itself.',
    })
    for (const job of jobs) job.reject(error)
    this.#refuseAll(error)
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
      this.#recoverLater(cause, Math.min(DISK_RETRY_MS_MAX, delayMs * 2)) // still failing: said once already
      return
    }
    if (this.#state.kind !== 'read-only') return
    this.#state = { kind: 'ready' }
    this.#hooks.onRecovered()
  }

  #refuseAll(error: ChatError): void {
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
  new ChatError('LOG_READ_ONLY', `not stored: the disk has not answered since: ${reasonOf(cause)}`, {
    cause,
    hint: 'Free some space or mend the disk; writing is tried again by itself.',
  })
