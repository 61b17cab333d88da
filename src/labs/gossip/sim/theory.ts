// What is known of rumours that are pushed to peers drawn by chance, for many nodes.

/**
 * The share that hears of a rumour which everybody sends on once, to `fanout` peers: the root of 1 - e^(-fanout·c) = c.
 * 0 up to one peer each.
 */
export function coverageOf(fanout: number): number {
  if (fanout <= 1) return 0
  let coverage = 1
  for (let i = 0; i < 200; i++) coverage = 1 - Math.exp(-fanout * coverage)
  return coverage
}

/** Rounds until all know what everybody who knows it sends in each round (Frieze and Grimmett, Pittel: log2 n + ln n for one peer). */
export const roundsOf = (nodes: number, fanout: number): number =>
  Math.log(nodes) / Math.log(1 + fanout) + Math.log(nodes) / fanout

/** The share that knows a rumour after 0, 1, 2, … rounds, where all who know it send it in each round. */
export function repeatedCurve(nodes: number, fanout: number, rounds: number): number[] {
  const curve = [1 / nodes]
  for (let round = 0; round < rounds; round++) {
    const known = curve.at(-1) ?? 0
    curve.push(known + (1 - known) * (1 - Math.exp(-fanout * known)))
  }
  return curve
}

/** The same where everybody sends it on once, in the round after hearing of it. */
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
