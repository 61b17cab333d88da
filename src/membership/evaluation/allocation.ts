import type { Term } from './term.js'

/**
 * Allocates `places` in a tree of terms, max-min fair. Each term for which `needsPlace` is true gets one place; the rest goes round robin
 * to the branches of its guests, until each has as many as it can use. A member who admits many people divides the places of their own
 * branch, and takes none from other branches.
 */
export function allocatePlaces(
  roots: readonly Term[],
  places: number,
  needsPlace: (term: Term) => boolean,
): ReadonlySet<Term> {
  const sizes = new Map<Term, number>()
  const measure = (term: Term): number => {
    let size = needsPlace(term) ? 1 : 0
    for (const guest of term.guests) size += measure(guest)
    sizes.set(term, size)
    return size
  }
  for (const root of roots) measure(root)

  const placed = new Set<Term>()
  const allocate = (branches: readonly Term[], places: number): void => {
    for (const [term, share] of fairShares(branches, places, sizes)) {
      const isPlaced = needsPlace(term) && share > 0
      if (isPlaced) placed.add(term)
      allocate(term.guests, share - (isPlaced ? 1 : 0))
    }
  }
  allocate(roots, places)
  return placed
}

/** Distributes places in rounds, one place per branch in each round, in the order of the branches. */
function fairShares(branches: readonly Term[], places: number, sizes: ReadonlyMap<Term, number>): Map<Term, number> {
  const shares = new Map<Term, number>()
  let rest = places
  let unsatisfied = branches
  for (let share = 1; rest > 0 && unsatisfied.length > 0; share++) {
    unsatisfied = unsatisfied.filter(branch => (sizes.get(branch) ?? 0) >= share).slice(0, rest)
    for (const branch of unsatisfied) shares.set(branch, share)
    rest -= unsatisfied.length
  }
  return shares
}
