import { type ChildProcess, spawn } from 'node:child_process'
import { reasonOf } from '../base/errors.js'

/** Messages queued while the command runs; beyond this, the oldest are dropped. */
const WAITING_MAX = 16
/** A command that runs for longer is killed. */
const RUN_MS_MAX = 60_000

/** Runs a command of the user for one message after the other, and writes the JSON of the message to its stdin. */
export class MentionCommand {
  readonly #command: string
  readonly #warn: (line: string) => void
  readonly #waiting: string[] = []
  #isRunning = false
  #hasFailed = false

  /** The shell runs `command`: it is the user's own, and no part of a message is inserted into it. */
  constructor(command: string, warn: (line: string) => void) {
    this.#command = command
    this.#warn = warn
  }

  run(json: string): void {
    this.#waiting.push(json)
    if (this.#waiting.length > WAITING_MAX) this.#waiting.shift()
    if (!this.#isRunning) void this.#runAll()
  }

  async #runAll(): Promise<void> {
    this.#isRunning = true
    for (let json = this.#waiting.shift(); json !== undefined; json = this.#waiting.shift()) {
      const failure = await this.#runOnce(json)
      // The first of several failures in a row is reported.
      if (failure !== undefined && !this.#hasFailed) this.#warn(`the command of --on-mention ${failure}`)
      this.#hasFailed = failure !== undefined
    }
    this.#isRunning = false
  }

  /** Resolves with how the command failed, if it did. */
  #runOnce(json: string): Promise<string | undefined> {
    return new Promise(resolve => {
      let child: ChildProcess
      try {
        child = spawn(this.#command, { shell: true, stdio: ['pipe', 'ignore', 'ignore'], timeout: RUN_MS_MAX })
      } catch (error) {
        return resolve(`cannot be started: ${reasonOf(error)}`)
      }
      child.once('error', error => resolve(`cannot be started: ${reasonOf(error)}`))
      child.once('close', (code, signal) => {
        if (code === 0) resolve(undefined)
        else resolve(code === null ? `was ended by ${signal}` : `failed with exit code ${code}`)
      })
      // The command may ignore its stdin. If no file descriptor is free, there is no stdin, and an error event follows.
      child.stdin?.on('error', () => {})
      child.stdin?.end(`${json}\n`)
    })
  }
}
