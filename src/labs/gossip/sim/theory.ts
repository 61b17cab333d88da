// Theory of rumours that are pushed to random peers, for many nodes.

/**
 * Share of the nodes that receive a rumour if every node sends it once to `fanout` peers: the root of 1 - e^(-fanout·c) = c.
 * 0 for a fan-out of at most 1.
 */
export function coverageOf(fanout: number): number {
  if (fanout <= 1) return 0
  let coverage = 1
  for (let i = 0; i < 200; i++) coverage = 1 - Math.exp(-fanout * coverage)
  return coverage
}

/** Rounds until all nodes know a rumour if every node keeps sending it (Frieze and Grimmett, Pittel: log2 n + ln n for fan-out 1). */
export const roundsOf = (nodes: number, fanout: number): number =>
  Math.log(nodes) / Math.log(1 + fanout) + Math.log(nodes) / fanout

/** Share that knows a rumour after 0, 1, 2, … rounds if every node keeps sending it. */
export function repeatedCurve(nodes: number, fanout: number, rounds: number): number[] {
  const curve = [1 / nodes]
  for (let round = 0; round < rounds; round++) {
    const known = curve.at(-1) ?? 0
    curve.push(known + (1 - known) * (1 - Math.exp(-fanout * known)))
  }
  return curve
}

/** Share that knows a rumour after 0, 1, 2, … rounds if every node sends it once, in the round after it received it. */
export function onceCurve(nodes: number, fanout: number, rounds: number): number[] {
  let fresh = 1 / nodes
  const curve = [fresh]
  for (let round = 0; round < rounds; round++) {
    const known = curve.at(-1) ?? 0
    fresh = (1 - known) * (1 - Math.exp(-fanout * fresh))
    curve.push(known + fresh)
  }
  return curve
}
