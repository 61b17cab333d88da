import { concat, EMPTY } from '../../base/wire/bytes.js'

const NEWLINE = 0x0a

export interface Lines {
  /** Whole lines, without their ends. */
  readonly lines: readonly Uint8Array[]
  /** Whether a line is too long. Nothing after it is read. */
  readonly isTooLong: boolean
}

/** Cuts a stream into lines of at most `bytesMax` bytes. Buffers at most that much of an incomplete line. */
export class LineReader {
  readonly #bytesMax: number
  #rest: Uint8Array = EMPTY
  #isTooLong = false

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  push(bytes: Uint8Array): Lines {
    const lines: Uint8Array[] = []
    let start = 0
    while (!this.#isTooLong) {
      const end = bytes.indexOf(NEWLINE, start)
      const part = bytes.subarray(start, end === -1 ? bytes.length : end)
      if (this.#rest.length + part.length > this.#bytesMax) {
        this.#isTooLong = true
        this.#rest = EMPTY
        break
      }
      // Copied, so that a few bytes do not keep the whole chunk in memory.
      if (end === -1) {
        if (part.length > 0) this.#rest = Buffer.concat([this.#rest, part])
        break
      }
      lines.push(this.#rest.length === 0 ? part : concat([this.#rest, part]))
      this.#rest = EMPTY
      start = end + 1
    }
    return { lines, isTooLong: this.#isTooLong }
  }
}
