import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from 'node:readline'

/** Asks a person at a terminal for lines. What is told meanwhile stands above what is being typed. */
export class Prompt {
  readonly #lines: Interface
  /** From the first moment on: what is typed before anybody asks waits. */
  readonly #typed: AsyncIterator<string>
  #isAsking = false

  constructor() {
    this.#lines = createInterface({ input: process.stdin, output: process.stdout, terminal: true })
    this.#typed = this.#lines[Symbol.asyncIterator]()
    // Ctrl-C ends it as Ctrl-D does.
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

  /** Lets `write` write whole lines above what is being typed. */
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

  /** What is typed, line by line, until the person leaves. */
  async *lines(): AsyncGenerator<string> {
    for (let next = await this.#typed.next(); !next.done; next = await this.#typed.next()) yield next.value
  }

  close(): void {
    this.#lines.close()
  }
}
