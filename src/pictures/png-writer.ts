import { deflateSync } from 'node:zlib'
import { concat } from '../base/wire/bytes.js'
import { PNG_SIGNATURE, pngChunk } from './metadata/png.js'
import type { Pixels } from './pixels.js'

/** Eight bits per channel, red, green, blue and alpha, no interlacing. */
const FORMAT = Uint8Array.of(8, 6, 0, 0, 0)

/** A picture as a PNG file. */
export function pngOf({ width, height, data }: Pixels): Uint8Array {
  const rows = new Uint8Array(height * (1 + width * 4)) // each row begins with its filter type: none
  for (let y = 0; y < height; y++) rows.set(data.subarray(y * width * 4, (y + 1) * width * 4), y * (1 + width * 4) + 1)
  const size = Buffer.alloc(8)
  size.writeUInt32BE(width, 0)
  size.writeUInt32BE(height, 4)
  return concat([
    PNG_SIGNATURE,
    pngChunk('IHDR', concat([size, FORMAT])),
    pngChunk('IDAT', deflateSync(rows)),
    pngChunk('IEND', new Uint8Array(0)),
  ])
}
