import type { Cancel, Clock, Millis } from '../../base/clock.js'
import type { LogId, Seq } from '../../log/format/author.js'
import type { Digest } from '../../log/format/heads.js'
import type { PlaceRange } from '../../log/format/places.js'
import type { ReadMark } from '../../log/options.js'
import { advanced, isSameMark } from '../../log/read/read-mark.js'

/** Messages that are read within this time are reported together. */
const REPORT_MS: Millis = 200

/** The read marks of a room as a face knows them, and those that it has not reported to the node. */
export class FaceMarks {
  readonly #clock: Clock
  readonly #report: (marks: readonly ReadMark[]) => void
  readonly #marks = new Map<LogId, ReadMark>()
  readonly #unreported = new Map<LogId, Digest>()
  /** Entries that were read after the mark had passed their places, because their content arrived late. */
  #late: Digest[] = []
  #cancel: Cancel | undefined

  constructor(clock: Clock, report: (marks: readonly ReadMark[]) => void) {
    this.#clock = clock
    this.#report = report
  }

  get all(): ReadonlyMap<LogId, Seq> {
    return new Map([...this.#marks].map(([author, { seq }]) => [author, seq]))
  }

  /** The places that had no content when the mark of their log passed them. */
  get passed(): ReadonlyMap<LogId, readonly PlaceRange[]> {
    return new Map([...this.#marks].flatMap(([log, { passed }]) => (passed === undefined ? [] : [[log, passed]])))
  }

  /**
   * The user has read each log up to these places in this face. A place at or before the mark
   * means that the user has read an entry there whose content arrived after the mark had passed it.
   */
  read(marks: readonly Digest[]): void {
    for (const { author, seq } of marks) {
      const before = this.#marks.get(author)
      const mark = advanced(before, { author, seq })
      if (mark === undefined) continue
      this.#marks.set(author, mark)
      if (seq > (before?.seq ?? 0)) this.#unreported.set(author, { author, seq })
      else this.#late.push({ author, seq })
    }
    if (this.#unreported.size + this.#late.length > 0) this.#cancel ??= this.#clock.after(REPORT_MS, () => this.flush())
  }

  /** The log is gone. */
  forget(log: LogId): void {
    this.#marks.delete(log)
    this.#unreported.delete(log)
  }

  /** The node reports up to where the user has read each log. Returns the marks that moved. */
  known(marks: readonly ReadMark[]): readonly ReadMark[] {
    const moved = marks.filter(
      mark => mark.seq >= (this.#marks.get(mark.author)?.seq ?? 0) && !isSameMark(this.#marks.get(mark.author), mark),
    )
    for (const mark of moved) {
      this.#marks.set(mark.author, mark)
      this.#unreported.delete(mark.author)
    }
    return moved
  }

  /** Reports everything that a new node may not know. */
  reportAll(): void {
    for (const [author, mark] of this.#marks) this.#unreported.set(author, mark)
    this.flush()
  }

  /** Reports immediately what was read, without waiting for REPORT_MS. */
  flush(): void {
    this.#cancel?.()
    this.#cancel = undefined
    const marks = [...this.#unreported.values(), ...this.#late.splice(0)]
    this.#unreported.clear()
    if (marks.length > 0) this.#report(marks)
  }
}
