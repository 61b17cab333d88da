import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import type { Readable } from 'node:stream'

/** A command line of the whole program that is being measured. */
export class Chat {
  readonly startedAt = performance.now()
  readonly #process: ChildProcess
  readonly #closed: Promise<unknown>
  #printed = 0
  #onPrinted: () => void = () => {}

  /** `program` is the directory of a built version; `input` a file for stdin. */
  constructor(program: string, data: string, args: readonly string[], input?: number) {
    this.#process = spawn(
      process.execPath,
      [path.join(program, 'bin/persisted-chat.js'), ...args, '--data', path.join(data, 'data')],
      {
        stdio: [input ?? 'pipe', 'pipe', 'pipe'],
        env: { ...process.env, XDG_STATE_HOME: path.join(data, 'state') },
      },
    )
    this.#closed = once(this.#process, 'close')
    this.#process.stdout?.on('data', (bytes: Buffer) => {
      for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) this.#printed++
      this.#onPrinted()
    })
    this.#process.stdin?.on('error', () => {}) // the program has ended
  }

  /** Resolves with the time when `count` lines have been printed since the start. */
  async printed(count: number): Promise<number> {
    const ended = this.#closed.then(() => {
      throw new Error(`the program ended after ${this.#printed} of ${count} lines`)
    })
    const done = new Promise<number>(resolve => {
      this.#onPrinted = () => {
        if (this.#printed >= count) resolve(performance.now())
      }
      this.#onPrinted()
    })
    return Promise.race([done, ended])
  }

  /** Resolves when stderr contains a text. */
  async reported(text: string): Promise<void> {
    let all = ''
    for await (const chunk of (this.#process.stderr as Readable).iterator({ destroyOnReturn: false })) {
      all += chunk
      if (all.includes(text)) break
    }
    this.#process.stderr?.resume()
  }

  /** Types a line. Returns the time just before that. */
  type(line: string): number {
    const now = performance.now()
    this.#process.stdin?.write(`${line}\n`)
    return now
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGINT')
    await this.#closed
  }
}
