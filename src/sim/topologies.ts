import type { SeededRandom } from '../base/seeded-random.js'

/** Who is to be linked with whom. */
export const TOPOLOGIES = ['line', 'ring', 'star', 'mesh', 'regular'] as const
export type TopologyKind = (typeof TOPOLOGIES)[number]

/** The same, and how peers meet that all know the first alone. */
export const CHAT_TOPOLOGIES = [...TOPOLOGIES, 'met'] as const

/** Links of a peer in a random regular graph. */
const DEGREE = 8

/** Whom each peer names. Whatever the kind, all are connected. */
export function namesIn(
  kind: TopologyKind,
  peers: readonly string[],
  chance: SeededRandom,
): ReadonlyMap<string, readonly string[]> {
  const count = peers.length
  const names = new Map<string, readonly string[]>()
  const shuffles = kind === 'regular' ? rings(peers, chance) : []
  peers.forEach((name, index) => {
    const at = (place: number): string => peers[(place + count) % count] ?? name
    switch (kind) {
      case 'line':
        names.set(name, index === 0 ? [] : [at(index - 1)])
        break
      case 'ring':
        names.set(name, [at(index + 1), at(index - 1)])
        break
      case 'star':
        names.set(name, index === 0 ? [] : [at(0)])
        break
      case 'mesh':
        names.set(name, peers)
        break
      case 'regular':
        names.set(
          name,
          shuffles.map(ring => ring.get(name) ?? name),
        )
    }
  })
  return new Map([...names].map(([name, others]) => [name, [...new Set(others)].filter(other => other !== name)]))
}

/** Random rings through all: each gives everyone two neighbours, so that half as many make the degree. */
function rings(peers: readonly string[], chance: SeededRandom): Map<string, string>[] {
  return Array.from({ length: Math.min(DEGREE / 2, Math.max(1, (peers.length - 1) / 2)) }, () => {
    const order = shuffled(peers, chance)
    return new Map(order.map((name, index) => [name, order[(index + 1) % order.length] ?? name]))
  })
}

function shuffled(peers: readonly string[], chance: SeededRandom): string[] {
  const order = [...peers]
  for (let last = order.length - 1; last > 0; last--) {
    const other = chance.whole(0, last)
    ;[order[last], order[other]] = [order[other] as string, order[last] as string]
  }
  return order
}
