import type { SeededRandom } from '../../base/seeded-random.js'

/** Shapes of the graph of dialled peers. */
export const TOPOLOGIES = ['line', 'ring', 'star', 'mesh', 'regular'] as const
export type TopologyKind = (typeof TOPOLOGIES)[number]

/** `met`: all peers dial the first one, and find the others by peer exchange. */
export const CHAT_TOPOLOGIES = [...TOPOLOGIES, 'met'] as const

/** Degree of the random regular graph. */
const DEGREE = 8

/** The peers that each peer dials. The graph is always connected. */
export function dialledPeersIn(
  kind: TopologyKind,
  peers: readonly string[],
  random: SeededRandom,
): ReadonlyMap<string, readonly string[]> {
  const count = peers.length
  const dials = new Map<string, readonly string[]>()
  const shuffles = kind === 'regular' ? rings(peers, random) : []
  peers.forEach((name, index) => {
    const at = (place: number): string => peers[(place + count) % count] ?? name
    switch (kind) {
      case 'line':
        dials.set(name, index === 0 ? [] : [at(index - 1)])
        break
      case 'ring':
        dials.set(name, [at(index + 1), at(index - 1)])
        break
      case 'star':
        dials.set(name, index === 0 ? [] : [at(0)])
        break
      case 'mesh':
        dials.set(name, peers)
        break
      case 'regular':
        dials.set(
          name,
          shuffles.map(ring => ring.get(name) ?? name),
        )
    }
  })
  return new Map([...dials].map(([name, others]) => [name, [...new Set(others)].filter(other => other !== name)]))
}

/** Random rings through all peers. Each ring gives a peer two neighbours, so DEGREE / 2 rings suffice. */
function rings(peers: readonly string[], random: SeededRandom): Map<string, string>[] {
  return Array.from({ length: Math.min(DEGREE / 2, Math.max(1, (peers.length - 1) / 2)) }, () => {
    const order = shuffled(peers, random)
    return new Map(order.map((name, index) => [name, order[(index + 1) % order.length] ?? name]))
  })
}

function shuffled(peers: readonly string[], random: SeededRandom): string[] {
  const order = [...peers]
  for (let last = order.length - 1; last > 0; last--) {
    const other = random.whole(0, last)
    ;[order[last], order[other]] = [order[other] as string, order[last] as string]
  }
  return order
}
