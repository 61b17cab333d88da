import { type AuthorId, authorOfLog, type LogId } from '../../log/format/author.js'
import type { Introducer } from '../../log/stranger-quota.js'

/** Logs whose introducers are remembered: the latest ones. */
const LOGS_MAX = 4_096

/** Which connection first brought each log of a stranger; kept after the connection or the log is gone, and across restarts. */
export class FirstIntroducers {
  readonly #introducers = new Map<LogId, Introducer>()

  note(log: LogId, introducer: Introducer | undefined): void {
    if (introducer === undefined || this.#introducers.has(log)) return
    this.#introducers.set(log, introducer)
    const [oldest] = this.#introducers.keys()
    if (this.#introducers.size > LOGS_MAX && oldest !== undefined) this.#introducers.delete(oldest)
  }

  /** Who brought a log. */
  get(log: LogId): Introducer | undefined {
    return this.#introducers.get(log)
  }

  /** Those who brought the logs of an author. */
  of(author: AuthorId): readonly Introducer[] {
    return [...this.#introducers].flatMap(([log, introducer]) => (authorOfLog(log) === author ? [introducer] : []))
  }

  /** The authors whose logs an introducer brought. */
  introducedBy(id: string): readonly AuthorId[] {
    return [...this.#introducers].flatMap(([log, introducer]) => (introducer.id === id ? [authorOfLog(log)] : []))
  }
}
