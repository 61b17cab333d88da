import type { FileHandle } from 'node:fs/promises'
import type { Millis } from '../../base/clock.js'
import { partsAfter, runsOf, startOf, type WaitingChunk } from './chunk-runs.js'

/** Largest number of chunks in one write. Each write occupies a thread of the pool, and after it more pieces are requested. */
const TOGETHER = 8
/** How long a smaller number of chunks waits for more. */
const WAIT_MS: Millis = 5

interface Waiting extends WaitingChunk {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Writes chunks to their places, with one call where they are adjacent. */
export class ChunkWrites {
  readonly #handle: FileHandle
  #waiting: Waiting[] = []
  #writing: Promise<void> | undefined
  #wait: NodeJS.Timeout | undefined

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  /** Resolves when the chunk is written. */
  add(chunk: number, bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ chunk, bytes, resolve, reject })
      if (this.#waiting.length >= TOGETHER) this.#start()
      else this.#wait ??= setTimeout(() => void this.settled(), WAIT_MS)
    })
  }

  /** Resolves when everything that was added is written, or has failed. */
  async settled(): Promise<void> {
    await this.#writing
    this.#start()
    await this.#writing
  }

  #start(): void {
    if (this.#writing !== undefined || this.#waiting.length === 0) return
    clearTimeout(this.#wait)
    this.#wait = undefined
    const runs = runsOf(this.#waiting)
    this.#waiting = []
    this.#writing = this.#writeRuns(runs).then(() => {
      this.#writing = undefined
      if (this.#waiting.length >= TOGETHER) this.#start()
    })
  }

  async #writeRuns(runs: readonly Waiting[][]): Promise<void> {
    for (const run of runs) await this.#writeRun(run)
  }

  async #writeRun(run: readonly Waiting[]): Promise<void> {
    try {
      let at = startOf(run[0]?.chunk ?? 0)
      let parts = run.map(({ bytes }) => bytes)
      while (parts.length > 0) {
        const { bytesWritten } = await this.#handle.writev(parts, at)
        at += bytesWritten
        parts = partsAfter(parts, bytesWritten)
      }
      for (const { resolve } of run) resolve()
    } catch (error) {
      for (const { reject } of run) reject(error)
    }
  }
}
