import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from 'node:readline'

/** Reads lines from a terminal. Other output appears above the line that is being typed. */
export class Prompt {
  readonly #lines: Interface
  /** Created at once, so that lines typed before the first prompt are not lost. */
  readonly #typed: AsyncIterator<string>
  #isAsking = false

  constructor() {
    this.#lines = createInterface({ input: process.stdin, output: process.stdout, terminal: true })
    this.#typed = this.#lines[Symbol.asyncIterator]()
    // Ctrl-C ends the input, like Ctrl-D.
    this.#lines.on('SIGINT', () => this.#lines.close())
    this.#lines.on('line', () => {
      this.#isAsking = false
    })
  }

  ask(prompt: string): void {
    this.#lines.setPrompt(prompt)
    this.#isAsking = true
    this.#lines.prompt()
  }

  /** Runs `write`, which writes whole lines, above the line that is being typed. */
  above(write: () => void): void {
    if (!this.#isAsking) {
      write()
      return
    }
    moveCursor(process.stdout, 0, -this.#lines.getCursorPos().rows)
    cursorTo(process.stdout, 0)
    clearScreenDown(process.stdout)
    write()
    this.#lines.prompt(true)
  }

  /** The typed lines until the end of input. */
  async *lines(): AsyncGenerator<string> {
    for (let next = await this.#typed.next(); !next.done; next = await this.#typed.next()) yield next.value
  }

  close(): void {
    this.#lines.close()
  }
}
