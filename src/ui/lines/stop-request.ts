const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Waits for Ctrl-C, SIGTERM or the end of the terminal. Keeps the process running until `release`. One per process. */
export class StopRequest {
  readonly #awake = setInterval(() => {}, 2 ** 30)
  /** Exits at once before the first `asked`, because there is nothing to close yet. */
  #onStop = (): void => process.exit(1)

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#stop)
  }

  /** Resolves at the next request. */
  asked(): Promise<void> {
    return new Promise(resolve => {
      this.#onStop = resolve
    })
  }

  /**
   * Lets the process end. A late signal, such as the second SIGHUP of a closed terminal, does not change the exit code:
   * it exits explicitly, which leaves the handlers in place. If the process ended because nothing is left to do,
   * Node.js would remove the handlers first.
   */
  release(): void {
    clearInterval(this.#awake)
    this.#onStop = () => {
      if (process.exitCode !== undefined) process.exit()
    }
    process.once('beforeExit', () => process.exit())
  }

  readonly #stop = (): void => this.#onStop()
}
