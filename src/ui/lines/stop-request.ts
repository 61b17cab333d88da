const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Ctrl-C, SIGTERM or the end of the terminal. Keeps the process running until it is released. */
export class StopRequest {
  readonly #awake = setInterval(() => {}, 2 ** 30)
  /** Until anybody asks there is nothing to close cleanly. */
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
