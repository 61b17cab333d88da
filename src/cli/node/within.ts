import type { Millis } from '../../base/clock.js'

/** The result of `work`, or `late` if it takes longer. The timer keeps the process running. */
export const within = <T>(ms: Millis, work: Promise<T>): Promise<T | 'late'> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>(resolve => {
    timer = setTimeout(() => resolve('late'), ms)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}
