/** Bytes by which the result may exceed the input, because the EXIF data with the orientation is rewritten. */
const ADDED_BYTES_MAX = 128

/** Collects the kept parts of a file in one buffer, so that many small blocks need no allocations of their own. */
export class KeptBytes {
  readonly #bytes: Uint8Array
  #start: number
  #end: number

  /** `inputBytes`: length of the file. */
  constructor(inputBytes: number) {
    this.#bytes = new Uint8Array(inputBytes + 2 * ADDED_BYTES_MAX)
    this.#start = ADDED_BYTES_MAX
    this.#end = ADDED_BYTES_MAX
  }

  get length(): number {
    return this.#end - this.#start
  }

  append(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#end)
    this.#end += bytes.length
  }

  prepend(bytes: Uint8Array): void {
    this.#start -= bytes.length
    this.#bytes.set(bytes, this.#start)
  }

  /** A view of the kept bytes. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end)
  }
}
