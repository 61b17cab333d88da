/** The state of a process. Actions during sleep wait until it wakes; actions after its end are dropped. */
export class Lifecycle {
  #state: 'awake' | 'asleep' | 'over' = 'awake'
  #waiting: (() => void)[] = []

  get isOver(): boolean {
    return this.#state === 'over'
  }

  /** Performs the action now; during sleep, on waking; after the end, never. */
  act(action: () => void): void {
    if (this.#state === 'awake') action()
    else if (this.#state === 'asleep') this.#waiting.push(action)
  }

  sleep(): void {
    if (this.#state === 'awake') this.#state = 'asleep'
  }

  wake(): void {
    if (this.#state !== 'asleep') return
    this.#state = 'awake'
    for (const action of this.#waiting.splice(0)) action()
  }

  end(): void {
    this.#state = 'over'
    this.#waiting = []
  }
}
