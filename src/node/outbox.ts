import type { ChatError } from '../base/errors.js'
import type { Seq } from '../log/format/author.js'
import type { Entry, Members } from '../log/format/entry.js'
import type { Log } from '../log/log.js'
import type { RequestId } from '../log/request-id.js'

/** The outcome of appending an entry. */
export type Outcome =
  | { readonly kind: 'stored'; readonly seq: Seq }
  | { readonly kind: 'refused'; readonly error: ChatError }
  /** The entry was aborted before it reached the log. */
  | { readonly kind: 'aborted' }
  /** The log was closed before the entry was stored. */
  | { readonly kind: 'closed' }

export interface PostOptions {
  /** Aborts an entry that has not reached the log yet. */
  readonly signal?: AbortSignal | undefined
  /** The request of a client that this entry answers: its row is written in the same commit. */
  readonly request?: RequestId | undefined
}

interface Line {
  readonly members: Members
  readonly request: RequestId | undefined
  readonly settle: (outcome: Outcome) => void
  /** Whether the entry has reached the log, and can no longer be aborted. */
  isAppending: boolean
}

/**
 * Appends entries in order, each exactly once. After a failed write, waits until the disk works again, then appends the
 * entries that the write lost, and skips those that it stored after all.
 */
export class Outbox {
  readonly #log: Log
  #queue: Line[] = []
  readonly #unsettled = new Set<Line>()
  #working: Promise<void> | undefined

  constructor(log: Log) {
    this.#log = log
  }

  /** How many entries are not on disk yet. */
  get pending(): number {
    return this.#unsettled.size
  }

  /** Resolves with the outcome; never rejects. The signal aborts an entry that has not reached the log yet. */
  post(members: Members, { signal, request }: PostOptions = {}): Promise<Outcome> {
    return new Promise(resolve => {
      if (signal?.aborted) return resolve({ kind: 'aborted' })
      const abort = (): void => {
        if (line.isAppending) return
        this.#queue = this.#queue.filter(other => other !== line)
        line.settle({ kind: 'aborted' })
      }
      const settle = (outcome: Outcome): void => {
        signal?.removeEventListener('abort', abort)
        this.#unsettled.delete(line)
        resolve(outcome)
      }
      const line: Line = { members, request, settle, isAppending: false }
      signal?.addEventListener('abort', abort)
      this.#queue.push(line)
      this.#unsettled.add(line)
      this.#working ??= this.#work()
    })
  }

  /** Resolves when nothing is pending. */
  async settled(): Promise<void> {
    await this.#working
  }

  async #work(): Promise<void> {
    await undefined // lines that are posted in one turn are one batch
    while (this.#queue.length > 0) await this.#appendBatch()
    // Cleared in the same turn as the last check of the queue, so that the next posted line starts the work again.
    this.#working = undefined
  }

  async #appendBatch(): Promise<void> {
    const recovered = this.#noteRecovered()
    const batch = this.#queue.slice()
    const failures = await Promise.all(batch.map(line => this.#append(line)))
    const again = batch.filter((_, index) => failures[index] === 'again')
    if (again.length > 0 && this.#log.isReadOnly) await this.#log.writable()
    const stored = recovered.stop()
    again.slice(0, stored.length).forEach((line, index) => {
      line.settle({ kind: 'stored', seq: stored[index]?.seq ?? 0 })
    })
    this.#queue = [...again.slice(stored.length), ...this.#queue.slice(batch.length)]
    if (!failures.includes('closed')) return
    for (const line of [...batch, ...this.#queue]) line.settle({ kind: 'closed' }) // no effect on lines that are settled already
    this.#queue = []
  }

  async #append(line: Line): Promise<'again' | 'closed' | undefined> {
    line.isAppending = true
    try {
      const { seq } = await this.#log.append(line.members, line.request)
      line.settle({ kind: 'stored', seq })
      return undefined
    } catch (cause) {
      const error = cause as ChatError
      if (error.code === 'LOG_WRITE_FAILED' || error.code === 'LOG_READ_ONLY') return 'again'
      if (error.code === 'LOG_CLOSED') return 'closed'
      line.settle({ kind: 'refused', error })
      return undefined
    }
  }

  /**
   * Collects our entries that were stored although their write failed. They precede the entries that the write lost.
   */
  #noteRecovered(): { stop(): readonly Entry[] } {
    const entries: Entry[] = []
    const onRecovered = (entry: Entry): void => void entries.push(entry)
    this.#log.on('recovered', onRecovered)
    return {
      stop: () => {
        this.#log.removeListener('recovered', onRecovered)
        return entries
      },
    }
  }
}
