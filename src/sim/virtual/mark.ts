import type { Millis } from '../../base/clock.js'
import type { SeededRandom } from '../../base/seeded-random.js'
import type { End } from '../../log/mark/mark.js'
import type { OperationsMark } from '../../node/private-rooms/own-operations.js'
import type { Lifecycle } from './lifecycle.js'
import type { VirtualTime } from './time.js'

/** Longest time that a write takes. */
const WRITE_MS_MAX: Millis = 8

/**
 * The mark of what somebody signed. It outlives processes. Restoring a backup of the database does not restore an old
 * mark.
 */
export class VirtualMark {
  readonly #time: VirtualTime
  readonly #random: SeededRandom
  #end: End | undefined

  constructor(time: VirtualTime, random: SeededRandom) {
    this.#time = time
    this.#random = random
  }

  /** The mark as one process uses it. */
  open(life: Lifecycle): OperationsMark {
    const found = this.#end
    let latest = found
    const write = (end: End): Promise<void> => {
      latest = end
      return new Promise(resolve => {
        this.#time.after(this.#random.between(0, WRITE_MS_MAX), () =>
          life.act(() => {
            this.#end = latest
            resolve()
          }),
        )
      })
    }
    return {
      found,
      isMoved: false,
      advance: end => write(latest === undefined || end.seq > latest.seq ? end : latest),
      reset: write,
      release: async () => {},
    }
  }
}
