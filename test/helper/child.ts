import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { PATIENCE_MS } from './patience.js'

/** How a process exited: `code` is null if `signal` killed it. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface ChildOptions {
  readonly args?: readonly string[]
  /** Added to the environment of this process; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** User id to run as; default: that of this process. */
  readonly uid?: number
}

export interface WaitOptions {
  readonly stream?: 'stdout' | 'stderr'
  /** Index of the first line to search, default 0. `child.stdout.length` skips all lines so far. */
  readonly from?: number
  readonly timeoutMs?: number
}

/** Registers cleanup: a test context, or node:test itself. */
export interface Cleanup {
  after(fn: () => Promise<void>): void
}

interface Waiter {
  readonly stream: 'stdout' | 'stderr'
  readonly matches: (line: string) => boolean
  readonly resolve: (line: string) => void
  readonly reject: (why: string) => void
}

/** A child process of a test: its output lines and its exit. Killed when the test ends. */
export class Child {
  /** Every line so far, without its line end. An incomplete last line is added when the process exits. */
  readonly stdout: string[] = []
  readonly stderr: string[] = []
  /** Resolves, and never rejects, once the process has ended and all its output has been read. */
  readonly exited: Promise<Exit>
  readonly #process: ChildProcessWithoutNullStreams
  readonly #command: string
  readonly #waiters = new Set<Waiter>()
  readonly #unfinished = { stdout: '', stderr: '' }
  #exit: Exit | undefined

  constructor(cleanup: Cleanup, command: string, { args = [], env = {}, cwd, uid }: ChildOptions = {}) {
    this.#command = [command, ...args].join(' ')
    this.#process = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: 'pipe',
      ...(uid !== undefined && { uid }),
    })
    this.exited = new Promise(resolve => {
      this.#process.on('close', (code, signal) => {
        for (const stream of ['stdout', 'stderr'] as const) {
          if (this.#unfinished[stream]) this.#add(stream, this.#unfinished[stream])
          this.#unfinished[stream] = ''
        }
        this.#exit = { code, signal }
        // Node's exit code for a top-level await that never settled.
        if (code === 13) throw new Error(`it exited with an unsettled await\n${this.transcript()}`)
        for (const waiter of this.#waiters) waiter.reject(`the process ended with ${code ?? signal}`)
        resolve(this.#exit)
      })
    })
    // If the command cannot be started, 'close' follows with a negative code.
    this.#process.on('error', error => this.#add('stderr', String(error)))
    // Writing to a process that has exited shows as its exit, not as EPIPE.
    this.#process.stdin.on('error', () => {})
    this.#collect('stdout')
    this.#collect('stderr')
    cleanup.after(async () => {
      await this.stop('SIGKILL')
    })
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  /**
   * Resolves with the first line, already printed or future, that contains or matches `text`. Rejects with all output so far
   * on a timeout, or if the process exits without such a line.
   */
  waitForLine(
    text: string | RegExp,
    { stream = 'stdout', from = 0, timeoutMs = PATIENCE_MS }: WaitOptions = {},
  ): Promise<string> {
    const matches = (line: string) => (typeof text === 'string' ? line.includes(text) : line.search(text) >= 0)
    const found = this[stream].slice(from).find(matches)
    if (found !== undefined) return Promise.resolve(found)
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(timer)
        this.#waiters.delete(waiter)
        act()
      }
      const waiter: Waiter = {
        stream,
        matches,
        resolve: line => settle(() => resolve(line)),
        reject: why => settle(() => reject(new Error(`no ${text} on ${stream}: ${why}\n${this.transcript()}`))),
      }
      const timer = setTimeout(() => waiter.reject(`${timeoutMs} ms passed`), timeoutMs)
      this.#waiters.add(waiter)
      if (this.#exit) waiter.reject(`the process ended with ${this.#exit.code ?? this.#exit.signal}`)
    })
  }

  /** Writes `line` and a newline to the process's standard input. */
  type(line: string): void {
    this.#process.stdin.write(`${line}\n`)
  }

  /** Ends the process's standard input, as Ctrl-D does. */
  endInput(): void {
    this.#process.stdin.end()
  }

  /**
   * Sends `signal`, unless the process has exited, and resolves with the exit code, null if the signal killed it. Kills a process
   * that does not exit in time, and rejects with its output.
   */
  async stop(signal: NodeJS.Signals = 'SIGTERM', timeoutMs = PATIENCE_MS): Promise<number | null> {
    if (this.#exit) return this.#exit.code
    this.#process.kill(signal)
    let overdue = false
    const timer = setTimeout(() => {
      overdue = true
      this.#process.kill('SIGKILL')
      // A grandchild may keep the pipes open: 'close' must not wait for that.
      this.#process.stdout.destroy()
      this.#process.stderr.destroy()
    }, timeoutMs)
    const { code } = await this.exited
    clearTimeout(timer)
    if (overdue) throw new Error(`${signal} did not end the process in ${timeoutMs} ms\n${this.transcript()}`)
    return code
  }

  /** The command and all output so far, for messages. */
  transcript(): string {
    const { stdout, stderr } = this.#unfinished
    return [`$ ${this.#command}`, ...this.stdout, stdout, '--- stderr', ...this.stderr, stderr].join('\n')
  }

  // Splits at line feeds only: readline also splits at \r and U+2028, which tests have to see.
  #collect(stream: 'stdout' | 'stderr'): void {
    this.#process[stream].setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (this.#unfinished[stream] + chunk).split('\n')
      this.#unfinished[stream] = lines.pop() ?? ''
      for (const line of lines) this.#add(stream, line)
    })
  }

  #add(stream: 'stdout' | 'stderr', line: string): void {
    this[stream].push(line)
    for (const waiter of this.#waiters) {
      if (waiter.stream === stream && waiter.matches(line)) waiter.resolve(line)
    }
  }
}
