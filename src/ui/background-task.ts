import type { Task } from './commands/context.js'

/** Runs one task at a time and shows its progress, until the task ends or the user cancels it. */
export class BackgroundTask {
  readonly #onChange: () => void
  #running: { readonly title: string; readonly abort: AbortController; progress: string } | undefined

  constructor(onChange: () => void) {
    this.#onChange = onChange
  }

  /** Title and progress of the running task. */
  get current(): string | undefined {
    return this.#running && this.#running.title + this.#running.progress
  }

  /** Runs `work` unless another task is running. */
  async run(title: string, work: (task: Task) => Promise<void>): Promise<'done' | 'cancelled' | 'busy'> {
    if (this.#running !== undefined) return 'busy'
    const abort = new AbortController()
    const running = { title, abort, progress: '' }
    this.#running = running
    this.#onChange()
    const onStatus = (text: string): void => {
      running.progress = `: ${text}`
      this.#onChange()
    }
    const onProgress = (done: number, of: number): void =>
      onStatus(`${done.toLocaleString('en')} of ${of.toLocaleString('en')}`)
    try {
      await work({ signal: abort.signal, onProgress, onStatus })
      return abort.signal.aborted ? 'cancelled' : 'done'
    } finally {
      this.#running = undefined
      this.#onChange()
    }
  }

  /** Cancels the running task. False if there is none. */
  cancel(): boolean {
    this.#running?.abort.abort()
    return this.#running !== undefined
  }
}
