import { type AuthorId, authorOfLog, type LogId } from '../../log/format/author.js'

/** Logs whose introducers are remembered: the latest ones. */
const LOGS_MAX = 4_096

/**
 * The connection that first brought each log of a stranger. It is remembered after the connection or the log is gone, and across restarts.
 */
export class FirstIntroducers {
  /** The id of the introducer of each log. */
  readonly #introducers = new Map<LogId, string>()

  note(log: LogId, introducer: string | undefined): void {
    if (introducer === undefined || this.#introducers.has(log)) return
    // Most strangers bring their own log: then both ids are one string in memory.
    this.#introducers.set(log, introducer === log ? log : introducer)
    const [oldest] = this.#introducers.keys()
    if (this.#introducers.size > LOGS_MAX && oldest !== undefined) this.#introducers.delete(oldest)
  }

  /** The introducer that brought a log. */
  get(log: LogId): string | undefined {
    return this.#introducers.get(log)
  }

  /** The introducers that brought the logs of an author. */
  of(author: AuthorId): readonly string[] {
    return [...this.#introducers].flatMap(([log, introducer]) => (authorOfLog(log) === author ? [introducer] : []))
  }

  /** The authors whose logs an introducer brought. */
  introducedBy(id: string): readonly AuthorId[] {
    return [...this.#introducers].flatMap(([log, introducer]) => (introducer === id ? [authorOfLog(log)] : []))
  }
}
