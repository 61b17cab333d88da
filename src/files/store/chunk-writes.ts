import type { FileHandle } from 'node:fs/promises'
import { CHUNK_BYTES } from '../limits.js'

interface Waiting {
  readonly chunk: number
  readonly bytes: Uint8Array
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Writes chunks to their places. Merges adjacent ones that arrive during a write, because each write occupies a thread. */
export class ChunkWrites {
  readonly #handle: FileHandle
  #waiting: Waiting[] = []
  #isWriting = false

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  /** Resolves when the chunk is written. */
  add(chunk: number, bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ chunk, bytes, resolve, reject })
      if (!this.#isWriting) void this.#write()
    })
  }

  async #write(): Promise<void> {
    this.#isWriting = true
    await undefined // chunks that arrive in one turn are written together
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting.sort((a, b) => a.chunk - b.chunk)
      this.#waiting = []
      for (let from = 0, to = 1; from < waiting.length; from = to++) {
        while (to < waiting.length && waiting[to]?.chunk === (waiting[to - 1]?.chunk ?? 0) + 1) to++
        await this.#writeRun(waiting.slice(from, to))
      }
    }
    this.#isWriting = false
  }

  async #writeRun(run: readonly Waiting[]): Promise<void> {
    try {
      let at = (run[0]?.chunk ?? 0) * CHUNK_BYTES
      let parts = run.map(({ bytes }) => bytes)
      while (parts.length > 0) {
        const { bytesWritten } = await this.#handle.writev(parts, at)
        at += bytesWritten
        parts = after(parts, bytesWritten)
      }
      for (const { resolve } of run) resolve()
    } catch (error) {
      for (const { reject } of run) reject(error)
    }
  }
}

/** What is left of `parts` after their first `bytes` bytes. */
function after(parts: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes
  return parts.flatMap(part => {
    const written = Math.min(left, part.length)
    left -= written
    return written === part.length ? [] : [part.subarray(written)]
  })
}
