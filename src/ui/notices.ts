import type { EventText } from './text/event-text.js'

/** Largest number of notices that are buffered while there is no output; the oldest are dropped. */
const WAITING_MAX = 256

/** Buffers notices of the program while there is no output for them. */
export class Notices {
  #waiting: EventText[] = []
  #send: ((notice: EventText) => void) | undefined

  readonly add = (notice: EventText): void => {
    if (this.#send !== undefined) this.#send(notice)
    else this.#waiting.push(notice)
    if (this.#waiting.length > WAITING_MAX) this.#waiting.shift()
  }

  readonly info = (line: string): void => this.add({ level: 'info', line })

  /** Sends the buffered notices and all further ones to `send`. */
  sendTo(send: (notice: EventText) => void): void {
    this.#send = send
    for (const notice of this.#waiting.splice(0)) send(notice)
  }

  /** Buffers notices from now on. */
  hold(): void {
    this.#send = undefined
  }
}
