/** A message from the program, not from a person. */
export interface Notice {
  readonly kind: 'info' | 'alarm'
  readonly line: string
}

/** Buffers notices until there is an output for them. */
export class Notices {
  #waiting: Notice[] = []
  #send = (notice: Notice): void => void this.#waiting.push(notice)

  readonly add = (notice: Notice): void => this.#send(notice)
  readonly info = (line: string): void => this.#send({ kind: 'info', line })
  readonly warn = (line: string): void => this.#send({ kind: 'alarm', line })

  /** Sends the buffered notices and all further ones to `send`. */
  sendTo(send: (notice: Notice) => void): void {
    this.#send = send
    for (const notice of this.#waiting.splice(0)) send(notice)
  }
}
