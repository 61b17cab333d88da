/** Assumed height of a row that was not measured yet, in CSS pixels. */
const ROW_PX = 34
/** Assumed height of one entry that is not loaded. */
const ENTRY_PX = 34
/** Largest space for entries that are not loaded. Browsers lay out no more than 2^25 pixels. */
const SPACE_PX_MAX = 6_000_000
/** Smallest space for entries that are not loaded: enough to scroll into. */
const SPACE_PX_MIN = 400

/** The loaded rows that are in the DOM: `from ≤ index < to`. */
export interface Range {
  readonly from: number
  readonly to: number
}

/** The numbers of entries before and after the loaded rows. */
export interface Surroundings {
  readonly before: number
  readonly after: number
}

/**
 * The positions of the loaded rows in the scrolled space, and the height of this space; all lengths in CSS pixels. The space before and
 * after the loaded rows represents the entries that are not loaded. Its size is an estimate with an upper bound.
 *
 * The row at the top of the view is the anchor: it does not move when rows above it are loaded, measured or inserted. Instead, the first
 * loaded row moves. Where it cannot, at the beginning of the history, the methods return a distance, and the caller scrolls by it.
 */
export class ListGeometry {
  #ids: readonly string[] = []
  /** Distance from the top of the first row to the top of each row, and at the end to the bottom of the last row. */
  #offsets: readonly number[] = [0]
  readonly #heights = new Map<string, number>()
  #origin = 0
  #around: Surroundings = { before: 0, after: 0 }

  /** The top of the first loaded row. */
  get origin(): number {
    return this.#origin
  }

  /** The bottom of the last loaded row. */
  get end(): number {
    return this.#origin + this.#length
  }

  get height(): number {
    return this.end + this.#space(this.#around.after)
  }

  get #length(): number {
    return this.#offsets.at(-1) ?? 0
  }

  offsetOf(index: number): number {
    return this.#offsets[index] ?? this.#length
  }

  topOf(index: number): number {
    return this.#origin + this.offsetOf(index)
  }

  /** Space for entries that are not loaded. */
  #space(entries: number): number {
    if (entries === 0) return 0
    const all = this.#around.before + this.#around.after + this.#ids.length
    return Math.max(SPACE_PX_MIN, entries * Math.min(ENTRY_PX, SPACE_PX_MAX / all))
  }

  /** The index of the loaded row at a position in the scrolled space, or of the row nearest to it. */
  indexAt(y: number): number {
    const wanted = y - this.#origin
    let low = 0
    let high = Math.max(0, this.#ids.length - 1)
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.offsetOf(middle) <= wanted) low = middle
      else high = middle - 1
    }
    return low
  }

  /** The rows in the view, and within `margin` above and below it. */
  range(top: number, viewHeight: number, margin: number): Range {
    if (this.#ids.length === 0) return { from: 0, to: 0 }
    return { from: this.indexAt(top - margin), to: this.indexAt(top + viewHeight + margin) + 1 }
  }

  /**
   * Sets the loaded rows. Returns by how much to scroll so that the row at `top` does not move. If no row was loaded before the call, row
   * `landing` comes to the top.
   */
  setRows(ids: readonly string[], around: Surroundings, top: number, landing = 0): number {
    const anchor = this.#anchorAmong(new Set(ids), top)
    this.#ids = ids
    this.#around = around
    const known = new Set(ids)
    for (const id of this.#heights.keys()) if (!known.has(id)) this.#heights.delete(id)
    this.#measure()
    const index = anchor === undefined ? -1 : ids.indexOf(anchor.id)
    this.#origin = anchor !== undefined && index >= 0 ? anchor.top - this.offsetOf(index) : top - this.offsetOf(landing)
    return this.#settle()
  }

  /** Sets measured heights. Returns by how much to scroll so that the row at `top` does not move. */
  setHeights(heights: ReadonlyMap<string, number>, top: number): number {
    const anchor = this.#anchorAmong(undefined, top)
    for (const [id, height] of heights) this.#heights.set(id, height)
    this.#measure()
    if (anchor !== undefined) this.#origin = anchor.top - this.offsetOf(anchor.index)
    return this.#settle()
  }

  /** Moves the loaded rows to the position that matches their place in the history. Returns by how much to scroll with them. */
  rebase(): number {
    const wanted = this.#space(this.#around.before)
    const isNear = Math.abs(this.#origin - wanted) <= Math.max(SPACE_PX_MIN, wanted * 0.2)
    return isNear ? 0 : this.#moveTo(wanted)
  }

  /** The relative position in the history, 0 (first entry) to 1 (last entry), of a position in the scrolled space. */
  placeAt(y: number): number {
    const { before, after } = this.#around
    const all = before + this.#ids.length + after
    if (all === 0) return 1
    const entry =
      y < this.#origin
        ? (y / Math.max(1, this.#origin)) * before
        : y < this.end
          ? before + this.indexAt(y)
          : before + this.#ids.length + ((y - this.end) / Math.max(1, this.#space(after))) * after
    return Math.min(1, Math.max(0, entry / all))
  }

  /** The first row at or below `top` that is among `ids`; otherwise the nearest one above `top`. */
  #anchorAmong(ids: ReadonlySet<string> | undefined, top: number) {
    const first = this.indexAt(top)
    for (let index = first; index < this.#ids.length; index++) {
      const id = this.#ids[index]
      if (id !== undefined && (ids === undefined || ids.has(id))) return { id, index, top: this.topOf(index) }
    }
    for (let index = first - 1; index >= 0; index--) {
      const id = this.#ids[index]
      if (id !== undefined && ids?.has(id)) return { id, index, top: this.topOf(index) }
    }
    return undefined
  }

  #measure(): void {
    const offsets = new Array<number>(this.#ids.length + 1)
    let sum = 0
    this.#ids.forEach((id, index) => {
      offsets[index] = sum
      sum += this.#heights.get(id) ?? ROW_PX
    })
    offsets[this.#ids.length] = sum
    this.#offsets = offsets
  }

  /** Restores the bounds of the origin: 0 if the first entry is loaded, otherwise enough space to scroll up. */
  #settle(): number {
    const { before } = this.#around
    if (before === 0) return this.#moveTo(0)
    return this.#origin < SPACE_PX_MIN ? this.#moveTo(this.#space(before)) : 0
  }

  #moveTo(origin: number): number {
    const by = origin - this.#origin
    this.#origin = origin
    return by
  }
}
