/** What does not work, said once, and again only after it worked in between. */
export class WarnOnce {
  readonly #say: (line: string) => void
  readonly #said = new Set<string>()

  constructor(say: (line: string) => void) {
    this.#say = say
  }

  fails(what: string, line: string): void {
    if (this.#said.has(what)) return
    this.#said.add(what)
    this.#say(line)
  }

  works(what: string): void {
    this.#said.delete(what)
  }
}
