import type { EventText } from './text/event-text.js'

/** Buffers notices of the program until there is an output for them. */
export class Notices {
  #waiting: EventText[] = []
  #send = (notice: EventText): void => void this.#waiting.push(notice)

  readonly add = (notice: EventText): void => this.#send(notice)
  readonly info = (line: string): void => this.#send({ level: 'info', line })

  /** Sends the buffered notices and all further ones to `send`. */
  sendTo(send: (notice: EventText) => void): void {
    this.#send = send
    for (const notice of this.#waiting.splice(0)) send(notice)
  }
}
