import { textOf, utf8 } from '../base/wire/bytes.js'
import { LineLabels } from '../chat/line-labels.js'
import { type LogId, logIdOf } from '../log/format/author.js'
import type { Entry } from '../log/format/entry.js'
import type { Log } from '../log/log.js'
import type { SharedRows } from '../log/store/shared-rows.js'

const LABELS = utf8('l')
const NUMBER_BYTES = 4

/** The numbers of the logs of a room, in its database. */
export class StoredLabels {
  readonly labels = new LineLabels()
  readonly #rows: SharedRows
  /** Logs whose number is being written. */
  #writing: Promise<void> | undefined

  private constructor(rows: SharedRows) {
    this.#rows = rows
  }

  /** Reads the stored numbers. A damaged row is left out: its log gets another number. */
  static async open(log: Pick<Log, 'rowsUnder'>): Promise<StoredLabels> {
    const stored = new StoredLabels(log.rowsUnder(LABELS))
    for (const [key, value] of await stored.#rows.all()) {
      const id = logIdOf(textOf(key) ?? '')
      if (id !== undefined && value.length === NUMBER_BYTES) stored.labels.set(id, Buffer.from(value).readUInt32BE())
    }
    return stored
  }

  /** Numbers the logs of entries that have no number yet. Resolves when the numbers are on disk: then their labels may be shown. */
  async cover(entries: readonly Entry[]): Promise<void> {
    let last: LogId | undefined
    let fresh: [LogId, number][] | undefined
    for (const { author } of entries) {
      if (author === last || this.labels.has(author)) continue
      last = author
      fresh = [...(fresh ?? []), [author, this.labels.add(author)]]
    }
    if (fresh !== undefined) this.#writing = this.#write(fresh, this.#writing)
    await this.#writing
  }

  async #write(numbers: readonly [LogId, number][], before: Promise<void> | undefined): Promise<void> {
    await before
    const writes = numbers.map(([log, number]) => {
      const value = Buffer.alloc(NUMBER_BYTES)
      value.writeUInt32BE(number)
      return { type: 'put' as const, key: utf8(log), value }
    })
    // While the disk fails, lines are shown all the same; the next start numbers these logs again.
    await this.#rows.write(writes).catch(() => {})
  }
}
