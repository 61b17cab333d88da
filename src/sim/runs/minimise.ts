/** A plan of steps, each of which can be omitted. */
interface Stepped {
  readonly steps: readonly unknown[]
}

/**
 * Minimises a failing plan by delta debugging (Zeller's ddmin): removes steps as long as the plan still fails. Calls
 * `isFailing` at most `triesMax` times. Resolves with the indices of the remaining steps.
 */
export async function minimise(
  plan: Stepped,
  isFailing: (kept: readonly number[]) => Promise<boolean>,
  triesMax = 200,
): Promise<readonly number[]> {
  let kept: readonly number[] = plan.steps.map((_, index) => index)
  let parts = 2
  let tries = 0
  while (kept.length > 0 && tries < triesMax) {
    const size = Math.ceil(kept.length / parts)
    let smaller: readonly number[] | undefined
    for (let from = 0; from < kept.length && smaller === undefined && tries < triesMax; from += size) {
      const rest = [...kept.slice(0, from), ...kept.slice(from + size)]
      tries++
      if (await isFailing(rest)) smaller = rest
    }
    if (smaller !== undefined) {
      kept = smaller
      parts = Math.max(2, parts - 1)
    } else if (size === 1) break
    else parts = Math.min(kept.length, parts * 2)
  }
  return kept
}

/** The plan with only these steps, at their original times. */
export const withSteps = <P extends Stepped>(plan: P, kept: readonly number[]): P => ({
  ...plan,
  steps: plan.steps.filter((_, index) => kept.includes(index)),
})
