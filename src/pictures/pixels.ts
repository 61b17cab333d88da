/** A decoded picture: red, green, blue and alpha of each pixel, one byte each, row by row. */
export interface Pixels {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array | Uint8ClampedArray
}
