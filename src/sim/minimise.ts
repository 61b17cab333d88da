import type { FaultPlan } from './fault-plan.js'

/**
 * Leaves out of a plan whatever it fails without: ever smaller parts of its steps, as long as it goes on failing
 * (Zeller's ddmin). `isFailing` is asked at most `triesMax` times. Gives the places of the steps that are left.
 */
export async function shrink(
  plan: FaultPlan,
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

/** The plan with only some of its steps, at their times. */
export const keeping = (plan: FaultPlan, kept: readonly number[]): FaultPlan => ({
  ...plan,
  steps: plan.steps.filter((_, index) => kept.includes(index)),
})
