import type { Clock, Millis } from '../base/clock.js'
import type { Seq } from './author.js'

/** How long a peer that claims more of the own log may take to send it. */
const RESTORE_MS_MAX: Millis = 5_000

/** The own log on its way back from peers: meanwhile nothing is appended, so that its author never forks. PROTOCOL.md §4.5. */
export class Restoration {
  readonly #clock: Clock
  readonly #onWarning: (line: string) => void
  #current: { readonly to: Seq; readonly done: Promise<void>; readonly finish: () => void } | undefined

  constructor(clock: Clock, onWarning: (line: string) => void) {
    this.#clock = clock
    this.#onWarning = onWarning
  }

  get isOn(): boolean {
    return this.#current !== undefined
  }

  /** The place up to which the log is awaited; 0 where it is not. */
  get to(): Seq {
    return this.#current?.to ?? 0
  }

  /** A peer claims to hold the own log up to `to`: it has 5 s to send it. */
  claimed(to: Seq): void {
    this.#onWarning(`a peer holds more of your own log than this disk: entries up to ${to} are fetched back first`)
    this.#begin(to, RESTORE_MS_MAX)
  }

  /** This disk has lost what peers were told of: there is no going on before it is back, however long that takes. */
  lost(from: Seq, to: Seq): void {
    this.#onWarning(
      `entries ${from} to ${to} of your own log are missing here: nothing is written until a peer brings them back, or \`renew\` makes a new key`,
    )
    this.#begin(to, undefined)
  }

  reached(seq: Seq): void {
    if (this.#current === undefined || seq < this.#current.to) return
    this.#onWarning(`your own log is back: it goes up to entry ${seq}`)
    this.finish()
  }

  finish(): void {
    this.#current?.finish()
  }

  /** Resolves when the log may go on. */
  async wait(): Promise<void> {
    while (this.#current !== undefined) await this.#current.done
  }

  #begin(to: Seq, withinMs: Millis | undefined): void {
    this.#current?.finish()
    let release = (): void => {}
    const done = new Promise<void>(resolve => {
      release = resolve
    })
    const giveUp = (): void => {
      this.#onWarning('a peer claims more of your log than this disk holds, but did not send it: it is not waited for')
      this.finish()
    }
    const cancel = withinMs === undefined ? () => {} : this.#clock.after(withinMs, giveUp)
    this.#current = {
      to,
      done,
      finish: () => {
        cancel()
        this.#current = undefined
        release()
      },
    }
  }
}
