import type { ChatError } from '../base/errors.js'
import type { Members } from '../log/format/entry.js'
import type { Log } from '../log/log.js'

/**
 * Says lines in their order, each once, whatever the disk does: what a failed write left out is appended again when the
 * disk answers, and what it stored after all is not.
 */
export class Outbox {
  readonly #log: Log
  readonly #mayWrite: Promise<void>
  readonly #onRefused: (members: Members, error: ChatError) => void
  #pending: Members[] = []
  #working: Promise<void> | undefined

  /** Nothing is appended before `mayWrite` has resolved. */
  constructor(log: Log, mayWrite: Promise<void>, onRefused: (members: Members, error: ChatError) => void) {
    this.#log = log
    this.#mayWrite = mayWrite
    this.#onRefused = onRefused
  }

  /** How many lines are not yet on disk. */
  get pending(): number {
    return this.#pending.length
  }

  /** Resolves when everything said so far is on disk or was refused for good. */
  say(members: Members): Promise<void> {
    this.#pending.push(members)
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined
    })
    return this.#working
  }

  /** Resolves when nothing is pending, or what is pending waits for a peer, or for its author, to end a doubt. */
  async settled(): Promise<void> {
    if (this.#log.inDoubt === undefined) await this.#working
  }

  async #work(): Promise<void> {
    await this.#mayWrite
    while (this.#pending.length > 0) {
      const recovered = this.#countRecovered()
      const batch = this.#pending.slice()
      const results = await Promise.allSettled(batch.map(members => this.#log.append(members)))
      const again: Members[] = []
      let isClosed = false
      results.forEach((result, index) => {
        const members = batch[index]
        if (result.status === 'fulfilled' || members === undefined) return
        const error = result.reason as ChatError
        if (error.code === 'LOG_WRITE_FAILED' || error.code === 'LOG_READ_ONLY') again.push(members)
        else if (error.code === 'LOG_CLOSED') isClosed = true
        else this.#onRefused(members, error)
      })
      if (again.length > 0 && this.#log.isReadOnly) await this.#log.writable()
      this.#pending = [...again.slice(recovered.stop()), ...this.#pending.slice(batch.length)]
      if (isClosed) return
    }
  }

  /** Counts own entries that turn out to be stored after a failure: they are the first of those that failed. */
  #countRecovered(): { stop(): number } {
    let count = 0
    const onRecovered = (): void => {
      count++
    }
    this.#log.on('recovered', onRecovered)
    return {
      stop: () => {
        this.#log.removeListener('recovered', onRecovered)
        return count
      },
    }
  }
}
