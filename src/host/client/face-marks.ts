import type { Cancel, Clock, Millis } from '../../base/clock.js'
import type { LogId, Seq } from '../../log/format/author.js'
import type { Digest } from '../../log/format/heads.js'

/** Messages that are read within this time are reported together. */
const REPORT_MS: Millis = 200

/** The read marks of a room as a face knows them, and those that it has not reported to the node. */
export class FaceMarks {
  readonly #clock: Clock
  readonly #report: (marks: readonly Digest[]) => void
  readonly #marks = new Map<LogId, Seq>()
  readonly #unreported = new Map<LogId, Seq>()
  #cancel: Cancel | undefined

  constructor(clock: Clock, report: (marks: readonly Digest[]) => void) {
    this.#clock = clock
    this.#report = report
  }

  get all(): ReadonlyMap<LogId, Seq> {
    return this.#marks
  }

  /** The user has read these logs this far, in this face. */
  read(marks: readonly Digest[]): void {
    for (const { author } of this.#advance(marks)) this.#unreported.set(author, this.#marks.get(author) ?? 0)
    if (this.#unreported.size > 0) this.#cancel ??= this.#clock.after(REPORT_MS, () => this.flush())
  }

  /** The node says how far the user has read. Returns the marks that moved. */
  known(marks: readonly Digest[]): readonly Digest[] {
    const moved = this.#advance(marks)
    for (const { author } of moved) this.#unreported.delete(author)
    return moved
  }

  /** Reports everything that a new node may not know. */
  reportAll(): void {
    for (const [author, seq] of this.#marks) this.#unreported.set(author, seq)
    this.flush()
  }

  /** Reports what was read, at once. */
  flush(): void {
    this.#cancel?.()
    this.#cancel = undefined
    const marks = [...this.#unreported].map(([author, seq]) => ({ author, seq }))
    this.#unreported.clear()
    if (marks.length > 0) this.#report(marks)
  }

  #advance(marks: readonly Digest[]): Digest[] {
    const moved = marks.filter(({ author, seq }) => seq > (this.#marks.get(author) ?? 0))
    for (const { author, seq } of moved) this.#marks.set(author, Math.max(seq, this.#marks.get(author) ?? 0))
    return moved
  }
}
