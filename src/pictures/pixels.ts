/** A decoded picture: red, green, blue and alpha of each pixel, one byte each, row by row. */
export interface Pixels {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array
}

/**
 * The largest size with the proportions of `width` × `height` that fits into `box`. Never larger than the picture, and never
 * smaller than one pixel.
 */
export function fittedSize(
  { width, height }: { readonly width: number; readonly height: number },
  box: { readonly width: number; readonly height: number },
): { width: number; height: number } {
  const scale = Math.min(1, box.width / width, box.height / height)
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) }
}

/** Scales a picture down: each new pixel is the mean of the pixels that it replaces. */
export function scaledDown(pixels: Pixels, width: number, height: number): Pixels {
  const data = new Uint8Array(width * height * 4)
  for (let y = 0; y < height; y++) {
    const top = Math.floor((y * pixels.height) / height)
    const bottom = Math.max(top + 1, Math.floor(((y + 1) * pixels.height) / height))
    for (let x = 0; x < width; x++) {
      const left = Math.floor((x * pixels.width) / width)
      const right = Math.max(left + 1, Math.floor(((x + 1) * pixels.width) / width))
      data.set(meanOf(pixels, left, top, right, bottom), (y * width + x) * 4)
    }
  }
  return { width, height, data }
}

/** Mean colour, weighted by alpha, because the colours of transparent pixels are invisible. */
function meanOf({ width, data }: Pixels, left: number, top: number, right: number, bottom: number): number[] {
  let red = 0
  let green = 0
  let blue = 0
  let alpha = 0
  for (let y = top; y < bottom; y++)
    for (let at = (y * width + left) * 4; at < (y * width + right) * 4; at += 4) {
      const weight = data[at + 3] ?? 0
      red += (data[at] ?? 0) * weight
      green += (data[at + 1] ?? 0) * weight
      blue += (data[at + 2] ?? 0) * weight
      alpha += weight
    }
  if (alpha === 0) return [0, 0, 0, 0]
  return [red / alpha, green / alpha, blue / alpha, alpha / ((right - left) * (bottom - top))].map(Math.round)
}

/** Rotates and mirrors a picture according to its EXIF orientation, 1 to 8. */
export function turned(pixels: Pixels, orientation: number): Pixels {
  if (orientation <= 1 || orientation > 8) return pixels
  const swapsSides = orientation >= 5
  const width = swapsSides ? pixels.height : pixels.width
  const height = swapsSides ? pixels.width : pixels.height
  const data = new Uint8Array(pixels.data.length)
  const isFromRight = [2, 3, 7, 8].includes(orientation)
  const isFromBottom = [3, 4, 6, 7].includes(orientation)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [across, down] = swapsSides ? [y, x] : [x, y]
      const column = isFromRight ? pixels.width - 1 - across : across
      const row = isFromBottom ? pixels.height - 1 - down : down
      const from = (row * pixels.width + column) * 4
      data.set(pixels.data.subarray(from, from + 4), (y * width + x) * 4)
    }
  return { width, height, data }
}
