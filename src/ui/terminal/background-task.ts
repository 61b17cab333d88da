import type { Task } from '../commands/reading.js'

/** Something that takes a while: one at a time, shown as it goes on, and given up when the user says so. */
export class BackgroundTask {
  readonly #onChange: () => void
  #current: { readonly what: string; readonly abort: AbortController; progress: string } | undefined

  constructor(onChange: () => void) {
    this.#onChange = onChange
  }

  /** What is being done, and how far it has come; undefined where nothing is. */
  get current(): string | undefined {
    return this.#current && this.#current.what + this.#current.progress
  }

  /** Does it, unless something else is being done. Resolves with what became of it. */
  async begin(what: string, work: (task: Task) => Promise<void>): Promise<'done' | 'given up' | 'busy'> {
    if (this.#current !== undefined) return 'busy'
    const abort = new AbortController()
    const current = { what, abort, progress: '' }
    this.#current = current
    this.#onChange()
    const onProgress = (done: number, of: number): void => {
      current.progress = `: ${done.toLocaleString('en')} of ${of.toLocaleString('en')}`
      this.#onChange()
    }
    try {
      await work({ signal: abort.signal, onProgress })
      return abort.signal.aborted ? 'given up' : 'done'
    } finally {
      this.#current = undefined
      this.#onChange()
    }
  }

  /** Gives up what is being done. False where nothing is. */
  giveUp(): boolean {
    this.#current?.abort.abort()
    return this.#current !== undefined
  }
}
