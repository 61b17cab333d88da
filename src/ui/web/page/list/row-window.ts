import type { Page, Row } from '../../protocol/rows.js'

/** Rows in the window. Dropped rows are requested again when the user scrolls to them. */
export const ROWS_MAX = 1_000
/** Rows that remain after rows were dropped. */
const ROWS_KEPT = 800

/**
 * Consecutive rows of a room, out of a history that may have a million entries. The window grows at both ends by pages, inserts new rows by
 * their order, and drops rows at the end that is further from the view.
 */
export class RowWindow {
  #rows: readonly Row[] = []
  #before = 0
  #after = 0

  get rows(): readonly Row[] {
    return this.#rows
  }

  /** Entries before the first row. */
  get before(): number {
    return this.#before
  }

  /** Entries after the last row. */
  get after(): number {
    return this.#after
  }

  /** Replaces all rows by a page. */
  show({ rows, before, after }: Page): void {
    this.#rows = rows
    this.#before = before
    this.#after = after
  }

  /** Adds a page that ends at the first row, and drops rows at the end if there are too many. */
  prepend({ rows, before }: Page): void {
    const first = this.#rows[0]
    const added = first === undefined ? rows : rows.filter(row => row.order < first.order)
    this.#rows = [...added, ...this.#rows]
    this.#before = before
    const dropped = this.#rows.length > ROWS_MAX ? this.#rows.length - ROWS_KEPT : 0
    if (dropped === 0) return
    this.#rows = this.#rows.slice(0, ROWS_KEPT)
    this.#after += dropped
  }

  /** Adds a page that begins after the last row, and drops rows at the beginning if there are too many. */
  append({ rows, after }: Page): void {
    const last = this.#rows.at(-1)
    const added = last === undefined ? rows : rows.filter(row => row.order > last.order)
    this.#rows = [...this.#rows, ...added]
    this.#after = after
    this.#dropFirst()
  }

  #dropFirst(): void {
    const dropped = this.#rows.length > ROWS_MAX ? this.#rows.length - ROWS_KEPT : 0
    if (dropped === 0) return
    this.#rows = this.#rows.slice(dropped)
    this.#before += dropped
  }

  /**
   * Inserts new rows; rows outside the window are only counted. `skipped`: new rows that the server did not send, which come before
   * `arrived`. `mayDrop`: whether the first rows are out of view, and may be dropped if there are too many. Returns whether the rows in
   * the window changed.
   */
  arrive(arrived: readonly Row[], skipped: number, mayDrop: boolean): boolean {
    this.#after += skipped
    let isChanged = false
    for (const row of arrived) if (this.#arriveOne(row)) isChanged = true
    if (mayDrop) this.#dropFirst()
    return isChanged
  }

  #arriveOne(row: Row): boolean {
    const index = this.#placeOf(row)
    if (this.#rows[index]?.id === row.id) return this.replace([row])
    if (index === this.#rows.length && this.#after > 0) {
      this.#after++
      return false
    }
    if (index === 0 && this.#before > 0) {
      this.#before++
      return false
    }
    this.#rows = [...this.#rows.slice(0, index), row, ...this.#rows.slice(index)]
    return true
  }

  /** The index at which `row` is, or has to be inserted. */
  #placeOf({ order }: Row): number {
    let low = 0
    let high = this.#rows.length
    // Most rows belong at the end.
    if ((this.#rows.at(-1)?.order ?? '') < order) return high
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#rows[middle]?.order ?? '') < order) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Replaces the changed rows that are in the window. Returns whether there were any. */
  replace(changed: readonly Row[]): boolean {
    const byId = new Map(changed.map(row => [row.id, row]))
    if (!this.#rows.some(({ id }) => byId.has(id))) return false
    this.#rows = this.#rows.map(row => byId.get(row.id) ?? row)
    return true
  }

  /** Returns whether any of these rows was in the window. */
  remove(ids: readonly string[]): boolean {
    const gone = new Set(ids)
    const rest = this.#rows.filter(({ id }) => !gone.has(id))
    if (rest.length === this.#rows.length) return false
    this.#rows = rest
    return true
  }

  indexOf(id: string): number {
    return this.#rows.findIndex(row => row.id === id)
  }
}
