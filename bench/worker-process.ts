import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ContestantName } from './contestant.js'
import { now } from './subject.js'

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url))

export interface Database {
  readonly directory: string
  /** Keys by which other processes fetch its logs. */
  readonly keys: readonly string[]
}

/** The parent's side of a measured process. */
export class WorkerProcess {
  readonly startedAt: number
  readonly #process: ChildProcess
  readonly #closed: Promise<unknown>

  /** `first` is a task that the process starts without a request; `answer` resolves with its result. */
  constructor(name: ContestantName, { directory, keys }: Database, first?: string) {
    const args = ['--no-warnings', WORKER, name, directory, JSON.stringify(keys), ...(first ? [first] : [])]
    this.startedAt = now()
    this.#process = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.#closed = once(this.#process, 'close')
  }

  /** Resolves with the result of a task. One task at a time. */
  ask<T>(task: string, argument: unknown = null): Promise<T> {
    const answer = this.answer<T>()
    this.#process.send({ task, argument })
    return answer
  }

  async answer<T>(): Promise<T> {
    const ended = this.#closed.then(() => {
      throw new Error(`a process ended before it answered: ${this.#process.spawnargs.join(' ')}`)
    })
    const [message] = await Promise.race([once(this.#process, 'message'), ended])
    if (message.error !== undefined) throw new Error(message.error)
    return message.answer
  }

  /** Kills the process. Its files stay. */
  async end(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#closed
  }
}
