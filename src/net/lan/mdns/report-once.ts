import type { NetEvent } from '../../events.js'

/** Reports each fault once, and again only if the operation has succeeded in between. */
export class ReportOnce {
  readonly #report: (event: NetEvent) => void
  readonly #failing = new Set<string>()

  constructor(report: (event: NetEvent) => void) {
    this.#report = report
  }

  fails(what: string, event: NetEvent): void {
    if (this.#failing.has(what)) return
    this.#failing.add(what)
    this.#report(event)
  }

  works(what: string): void {
    this.#failing.delete(what)
  }
}
