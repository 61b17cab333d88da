/**
 * Gives the rows in view numbers that are free, so that the elements of rows that left the view are used again for those that came into
 * it: a slot is the key of an element.
 */
export class Slots {
  #slotOf = new Map<string, number>()
  #free: number[] = []
  #count = 0

  /** The slots of these rows: those that were there keep theirs. */
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
    // Elements without a row are removed, and their slots may be given to new ones.
    return slots
  }
}
