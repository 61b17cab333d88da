import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export const MEGABYTE = 1024 * 1024

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** What is really held, in JavaScript's heap and in buffers. */
export function heapBytes(): number {
  // The memory of buffers is given back one collection after they are found to be garbage.
  collect()
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
