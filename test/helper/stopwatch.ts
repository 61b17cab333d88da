import { readFileSync } from 'node:fs'

/** Files in which Linux counts how long tasks waited for a processor or a disk. */
const PRESSURE = ['/proc/pressure/cpu', '/proc/pressure/io']

/** Elapsed time since construction, minus the time in which a process of this machine waited for a processor or a disk. */
export class Stopwatch {
  readonly #start = performance.now()
  readonly #stalledBefore = stalledMs()

  get ms(): number {
    return performance.now() - this.#start - (stalledMs() - this.#stalledBefore)
  }
}

/** How long processes have been stalled since the start of the system; 0 if it does not count that. */
function stalledMs(): number {
  try {
    const totals = PRESSURE.map(file => /^some .*total=(\d+)$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? 0)
    return totals.reduce<number>((sum, us) => sum + Number(us) / 1_000, 0)
  } catch {
    return 0
  }
}
