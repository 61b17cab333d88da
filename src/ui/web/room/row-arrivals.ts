import { type Message, targetOf } from '../../../chat/kinds/message.js'
import { keyOfPlace, keyOfTarget } from '../../../chat/views/lines.js'
import { logOf } from '../../../log/format/author.js'
import { EARLIEST, type Hlc, later, millisOf } from '../../../log/format/hybrid-clock.js'
import type { Session } from '../../../session/session.js'
import type { Row } from '../protocol/rows.js'
import { hasRow, type Rows } from './rows.js'

/** A line is late if it is older than the newest one by more than this. */
const LATE_MS = 60_000
/** Lines of one deletion whose rows are replaced. */
const DELETED_MAX = 1_000

export interface ArrivedRows {
  /** In order of arrival. */
  readonly fresh: readonly Row[]
  /** Rows that edits, reactions and deletions change. */
  readonly changed: readonly Row[]
  /** Warnings about authors, once for each: names that several people use, and clocks that are ahead. */
  readonly notices: readonly string[]
}

/** Converts arriving messages to new rows, and to changes of earlier rows. */
export class RowArrivals {
  readonly #session: Session
  readonly #rows: Rows
  #newest: Hlc = EARLIEST

  constructor(session: Session, rows: Rows) {
    this.#session = session
    this.#rows = rows
  }

  /** Notes the time of a message, against which later ones are judged late. */
  read(message: Message): void {
    if (!message.isAhead) this.#newest = later(this.#newest, message.at)
  }

  async rowsOf(messages: readonly Message[], now: number): Promise<ArrivedRows> {
    const { references } = this.#session
    await this.#session.hideNewCompanions(messages)
    this.#session.noteNames(messages)
    const deleted = messages.flatMap(message => this.#deletedBy(message))
    for (const message of messages) references.lines.note(message)
    await references.fetch(messages).catch(() => {}) // without the node, quoted lines stay unknown
    const notices: string[] = []
    const fresh: Row[] = []
    for (const message of messages) {
      this.#session.note(message)
      if (!hasRow(message) || this.#session.hides(message)) continue
      const isLate = this.#isLate(message)
      this.read(message)
      const { notice } = this.#session.names.labelOf(message, now)
      if (notice !== undefined) notices.push(notice)
      const row = this.#rows.row(message, { isLate })
      if (row !== undefined) fresh.push(row)
      references.drawn(message)
    }
    return { fresh, changed: [...deleted, ...this.#changedBy(messages)], notices }
  }

  #isLate(message: Message): boolean {
    return !message.isAhead && !this.#session.isOurs(message) && millisOf(message.at) < millisOf(this.#newest) - LATE_MS
  }

  /** The rows of lines that edits and reactions change. */
  #changedBy(messages: readonly Message[]): Row[] {
    const { lines } = this.#session.references
    const ids = new Set(
      messages.flatMap(message => {
        const to = message.kind === 'edit' || message.kind === 'reaction' ? targetOf(message) : undefined
        return to === undefined ? [] : [keyOfTarget(to)]
      }),
    )
    return this.#rows.of([...ids].flatMap(id => lines.at(id) ?? []))
  }

  /** The rows of lines that a message deletes, as far as they are known. */
  #deletedBy(message: Message): Row[] {
    if (message.kind !== 'delete') return []
    const log = logOf(message.author, message.to.run)
    const { lines } = this.#session.references
    const rows: Row[] = []
    for (let seq = message.to.seq; seq < message.to.seq + Math.min(message.count, DELETED_MAX); seq++) {
      const line = lines.at(keyOfPlace(log, seq))
      if (line !== undefined) rows.push(this.#rows.deleted(line))
    }
    return rows
  }
}
