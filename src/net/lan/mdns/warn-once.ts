/** Warns once per fault, and again only after it worked in between. */
export class WarnOnce {
  readonly #warn: (line: string) => void
  readonly #failing = new Set<string>()

  constructor(warn: (line: string) => void) {
    this.#warn = warn
  }

  fails(what: string, line: string): void {
    if (this.#failing.has(what)) return
    this.#failing.add(what)
    this.#warn(line)
  }

  works(what: string): void {
    this.#failing.delete(what)
  }
}
