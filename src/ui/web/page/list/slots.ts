/**
 * Assigns a slot, the key of a DOM element, to each row in view. A row that enters the view reuses the slot, and so the element, of a row
 * that left it.
 */
export class Slots {
  #slotOf = new Map<string, number>()
  #free: number[] = []
  #count = 0

  /** The slots of these rows. Rows that had a slot keep it. */
  assign(ids: readonly string[]): readonly number[] {
    const wanted = new Set(ids)
    for (const [id, slot] of this.#slotOf)
      if (!wanted.has(id)) {
        this.#slotOf.delete(id)
        this.#free.push(slot)
      }
    const slots = ids.map(id => {
      const slot = this.#slotOf.get(id) ?? this.#free.pop() ?? this.#count++
      this.#slotOf.set(id, slot)
      return slot
    })
    // preact removes elements without a row: their slots are free again.
    return slots
  }
}
