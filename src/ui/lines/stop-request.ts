const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Waits for Ctrl-C, SIGTERM or the end of the terminal. Keeps the process running until `release`. */
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

  release(): void {
    clearInterval(this.#awake)
    for (const signal of SIGNALS) process.removeListener(signal, this.#stop)
  }

  readonly #stop = (): void => this.#onStop()
}
