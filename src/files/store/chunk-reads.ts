import type { FileHandle } from 'node:fs/promises'
import { partsAfter, runsOf, startOf, type WaitingChunk } from './chunk-runs.js'

interface Waiting extends WaitingChunk {
  readonly resolve: (isWhole: boolean) => void
  readonly reject: (error: unknown) => void
}

/**
 * Reads chunks from their places. Adjacent chunks that are requested at once are read with one call, because each call occupies a thread.
 */
export class ChunkReads {
  readonly #handle: FileHandle
  #waiting: Waiting[] = []

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  /** Fills `bytes` with the beginning of a chunk. Resolves with false if the file ends earlier. */
  into(bytes: Uint8Array, chunk: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ chunk, bytes, resolve, reject })
      if (this.#waiting.length === 1) queueMicrotask(() => this.#start())
    })
  }

  #start(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const run of runsOf(waiting)) void this.#readRun(run)
  }

  async #readRun(run: readonly Waiting[]): Promise<void> {
    try {
      const start = startOf(run[0]?.chunk ?? 0)
      let end = start
      let parts = run.map(({ bytes }) => bytes)
      while (parts.length > 0) {
        const { bytesRead } = await this.#handle.readv(parts, end)
        if (bytesRead === 0) break
        end += bytesRead
        parts = partsAfter(parts, bytesRead)
      }
      for (const { chunk, bytes, resolve } of run) resolve(startOf(chunk) + bytes.length <= end)
    } catch (error) {
      for (const { reject } of run) reject(error)
    }
  }
}
