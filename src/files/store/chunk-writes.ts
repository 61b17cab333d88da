import type { FileHandle } from 'node:fs/promises'
import type { Millis } from '../../base/clock.js'
import { CHUNK_BYTES } from '../limits.js'

/** Chunks that are written together: a write costs a thread, and the requests that follow it wake the peer. */
const TOGETHER = 8
/** How long fewer chunks wait for others. */
const WAIT_MS: Millis = 5

interface Waiting {
  readonly chunk: number
  readonly bytes: Uint8Array
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
    const waiting = this.#waiting.sort((a, b) => a.chunk - b.chunk)
    this.#waiting = []
    this.#writing = this.#writeAll(waiting).then(() => {
      this.#writing = undefined
      if (this.#waiting.length >= TOGETHER) this.#start()
    })
  }

  async #writeAll(waiting: readonly Waiting[]): Promise<void> {
    for (let from = 0, to = 1; from < waiting.length; from = to++) {
      while (to < waiting.length && waiting[to]?.chunk === (waiting[to - 1]?.chunk ?? 0) + 1) to++
      await this.#writeRun(waiting.slice(from, to))
    }
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

/** What is left of parts after so many bytes. */
function after(parts: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes
  return parts.flatMap(part => {
    const written = Math.min(left, part.length)
    left -= written
    return written === part.length ? [] : [part.subarray(written)]
  })
}
