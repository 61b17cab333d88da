import { CHUNK_BYTES } from '../limits.js'

/** A chunk that waits to be read or written, with its bytes or the space for them. */
export interface WaitingChunk {
  readonly chunk: number
  readonly bytes: Uint8Array
}

/** Where the bytes of a chunk begin in its file. */
export const startOf = (chunk: number): number => chunk * CHUNK_BYTES

/** Groups chunks into runs of adjacent ones, in the order of the file. */
export function runsOf<T extends WaitingChunk>(waiting: readonly T[]): T[][] {
  const runs: T[][] = []
  for (const each of [...waiting].sort((a, b) => a.chunk - b.chunk)) {
    const run = runs.at(-1)
    if (run !== undefined && run.at(-1)?.chunk === each.chunk - 1) run.push(each)
    else runs.push([each])
  }
  return runs
}

/** The rest of the parts after `bytes` bytes. */
export function partsAfter(parts: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes
  return parts.flatMap(part => {
    const done = Math.min(left, part.length)
    left -= done
    return done === part.length ? [] : [part.subarray(done)]
  })
}
