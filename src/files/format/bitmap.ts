/** A set of numbers below a limit, as bits: number n is bit n % 8, counted from the lowest, of byte ⌊n / 8⌋. */
export class Bitmap {
  readonly bytes: Uint8Array
  readonly length: number
  #count = 0

  private constructor(length: number, bytes: Uint8Array) {
    this.length = length
    this.bytes = bytes
    for (let at = 0; at < length; at++) if (this.has(at)) this.#count++
  }

  static empty(length: number): Bitmap {
    return new Bitmap(length, new Uint8Array(Math.ceil(length / 8)))
  }

  static full(length: number): Bitmap {
    const bitmap = Bitmap.empty(length)
    bitmap.bytes.fill(0xff)
    bitmap.#count = length
    return bitmap
  }

  /** A copy of bytes from a peer; undefined if there are more or fewer than `length` bits need. Unused bits are ignored. */
  static of(length: number, bytes: Uint8Array): Bitmap | undefined {
    return bytes.length === Math.ceil(length / 8) ? new Bitmap(length, new Uint8Array(bytes)) : undefined
  }

  /** How many numbers are in it. */
  get count(): number {
    return this.#count
  }

  get isFull(): boolean {
    return this.#count === this.length
  }

  has(at: number): boolean {
    return ((this.bytes[at >> 3] ?? 0) & (1 << (at & 7))) !== 0
  }

  add(at: number): void {
    if (this.has(at)) return
    this.bytes[at >> 3] = (this.bytes[at >> 3] ?? 0) | (1 << (at & 7))
    this.#count++
  }

  delete(at: number): void {
    if (!this.has(at)) return
    this.bytes[at >> 3] = (this.bytes[at >> 3] ?? 0) & ~(1 << (at & 7))
    this.#count--
  }
}
