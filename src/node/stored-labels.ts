import { bufferOf, EMPTY, textOf, utf8 } from '../base/wire/bytes.js'
import { LineLabels } from '../chat/line-labels.js'
import { type LogId, logIdOf } from '../log/format/author.js'
import type { Entry } from '../log/format/entry.js'
import type { Log } from '../log/log.js'
import type { SharedRows } from '../log/store/shared-rows.js'
import type { Write } from '../log/store/store.js'

const LABELS = utf8('l')
const NUMBER_BYTES = 4
/**
 * Key of the row with the number for the next log. The row is written when a numbered log is forgotten, so that its
 * number is not reused.
 */
const NEXT = EMPTY

/** The numbers of the logs of a room, in its database. */
export class StoredLabels {
  readonly labels = new LineLabels()
  readonly #rows: SharedRows
  /** The last write of numbers, in progress or done. */
  #writing: Promise<void> | undefined

  private constructor(rows: SharedRows) {
    this.#rows = rows
  }

  /** Reads the stored numbers. Skips damaged rows: their logs get other numbers. */
  static async open(log: Pick<Log, 'rowsUnder' | 'on'>): Promise<StoredLabels> {
    const stored = new StoredLabels(log.rowsUnder(LABELS))
    for (const [key, value] of await stored.#rows.all()) {
      const id = logIdOf(textOf(key) ?? '')
      if (value.length !== NUMBER_BYTES) continue
      const number = bufferOf(value).readUInt32BE()
      if (key.length === NEXT.length) stored.labels.reserve(number)
      else if (id !== undefined) stored.labels.set(id, number)
    }
    log.on('forgotten', forgotten => stored.#forget(forgotten))
    return stored
  }

  #forget(log: LogId): void {
    if (this.labels.delete(log) === undefined) return
    const writes: Write[] = [
      { type: 'del', key: utf8(log) },
      { type: 'put', key: NEXT, value: numberBytes(this.labels.next) },
    ]
    this.#writing = this.#write(writes, this.#writing)
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
    if (fresh !== undefined) {
      const writes = fresh.map(([log, number]): Write => ({ type: 'put', key: utf8(log), value: numberBytes(number) }))
      this.#writing = this.#write(writes, this.#writing)
    }
    await this.#writing
  }

  async #write(writes: readonly Write[], before: Promise<void> | undefined): Promise<void> {
    await before
    // While the disk fails, lines are shown anyway; the next start numbers these logs again.
    await this.#rows.write(writes).catch(() => {})
  }
}

function numberBytes(number: number): Uint8Array {
  const bytes = Buffer.alloc(NUMBER_BYTES)
  bytes.writeUInt32BE(number)
  return bytes
}
