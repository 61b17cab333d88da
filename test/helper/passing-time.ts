import { VirtualTime } from '../../src/sim/virtual/time.js'
import type { Cleanup } from './child.js'

/** Virtual time that advances by a millisecond with each turn of the event loop until the test ends. */
export function passingTime(cleanup: Cleanup): VirtualTime {
  const time = new VirtualTime(1_800_000_000_000)
  let isOver = false
  cleanup.after(async () => {
    isOver = true
  })
  const turn = (): void => {
    if (isOver) return
    time.step(time.now + 1)
    setImmediate(turn)
  }
  turn()
  return time
}
