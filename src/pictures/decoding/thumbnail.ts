import { spawn } from 'node:child_process'
import { programFile } from '../../base/program-files.js'
import { concat } from '../../base/wire/bytes.js'
import { withoutMetadata } from '../metadata/removal.js'
import type { Pixels } from '../pixels.js'

/**
 * Largest picture that is decoded, in pixels: a decoder needs 8 to 12 bytes for each. Phones take pictures of 12 to 24
 * megapixels.
 */
const PIXELS_MAX = 25_000_000

/** Largest file that is decoded. */
export const PICTURE_BYTES_MAX = 32 * 1024 * 1024

/** How long decoding a picture may take. */
const DECODING_MS_MAX = 10_000

/** Size of the header: width and height, four bytes each. The pixels follow. */
const HEADER_BYTES = 8

/** Why there is no thumbnail. */
export type ThumbnailFault = 'unknown' | 'malformed' | 'too-large' | 'undecodable'

/**
 * A picture, rotated upright and scaled to fit into `width` × `height` pixels, 1 to 2^16 each. Never rejects, whatever
 * the bytes are. Bounds the work by the size before decoding, and by time.
 */
export async function thumbnailOf(
  bytes: Uint8Array,
  box: { readonly width: number; readonly height: number },
  signal?: AbortSignal,
): Promise<Pixels | ThumbnailFault> {
  if (bytes.length > PICTURE_BYTES_MAX) return 'too-large'
  const picture = withoutMetadata(bytes)
  if (picture.kind !== 'picture') return picture.kind
  const { format, orientation, width, height } = picture
  if (width * height > PIXELS_MAX) return 'too-large'
  const options = [format, orientation, width, height, box.width, box.height].map(String)
  const output = await outputOf(options, picture.bytes, HEADER_BYTES + box.width * box.height * 4, signal)
  return pixelsIn(output, box) ?? 'undecodable'
}

/** The output of the child process if it is at most `bytesMax`; otherwise empty. */
function outputOf(
  options: readonly string[],
  input: Uint8Array,
  bytesMax: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, [programFile('pictures/decoding/thumbnail-process'), ...options], {
      stdio: ['pipe', 'pipe', 'ignore'],
      killSignal: 'SIGKILL',
      timeout: DECODING_MS_MAX,
      ...(signal && { signal }),
      windowsHide: true,
    })
    child.on('error', () => resolve(new Uint8Array(0)))
    // If no file descriptor is free, there are no streams, and an error event follows.
    const { stdin, stdout }: Partial<typeof child> = child
    const parts: Uint8Array[] = []
    let length = 0
    stdout?.on('data', (part: Uint8Array) => {
      length += part.length
      if (length <= bytesMax) parts.push(part)
      else child.kill('SIGKILL')
    })
    stdin?.on('error', () => {}) // the process has ended without reading everything
    child.on('close', code => resolve(code === 0 ? concat(parts) : new Uint8Array(0)))
    stdin?.end(input)
  })
}

function pixelsIn(output: Uint8Array, box: { readonly width: number; readonly height: number }): Pixels | undefined {
  if (output.length < HEADER_BYTES) return undefined
  const view = new DataView(output.buffer, output.byteOffset, HEADER_BYTES)
  const width = view.getUint32(0, true)
  const height = view.getUint32(4, true)
  const data = output.subarray(HEADER_BYTES)
  const fits = width > 0 && height > 0 && width <= box.width && height <= box.height
  return fits && data.length === width * height * 4 ? { width, height, data } : undefined
}
