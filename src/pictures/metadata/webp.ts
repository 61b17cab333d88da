import { utf8 } from '../../base/wire/bytes.js'
import { KeptBytes } from './kept-bytes.js'
import { exifOf, orientationOf, UPRIGHT } from './orientation.js'
import { BLOCKS_MAX, type Found, type PictureFault } from './picture.js'
import { viewOf } from './view.js'

// WebP: RFC 9649.

/** The RIFF header of a file: "RIFF", length, "WEBP". */
const RIFF_BYTES = 12
/** Type and length of a chunk. */
const OVERHEAD_BYTES = 8
const EXTENDED_BYTES = 10
/** Position, size, duration and flags of a frame of an animation, before its chunks. */
const FRAME_HEADER_BYTES = 16

// Flags of an extended header. The others are reserved, or announce metadata.
const ICC_FLAG = 0x20
const ALPHA_FLAG = 0x10
const EXIF_FLAG = 0x08
const ANIMATION_FLAG = 0x02

const KEPT: ReadonlySet<string> = new Set(['ICCP', 'ANIM', 'ALPH', 'VP8 ', 'VP8L'])
const KEPT_OF_FRAME: ReadonlySet<string> = new Set(['ALPH', 'VP8 ', 'VP8L'])

interface Chunk {
  readonly type: string
  readonly content: Uint8Array
}

export const isWebp = (bytes: Uint8Array): boolean =>
  bytes.length >= RIFF_BYTES && latin1(bytes.subarray(0, 4)) === 'RIFF' && latin1(bytes.subarray(8, 12)) === 'WEBP'

export const webpWithoutMetadata = (bytes: Uint8Array): Found => new WebpRemoval(bytes).run()

/** One pass over the chunks of a file. */
class WebpRemoval {
  readonly #bytes: Uint8Array
  readonly #kept: KeptBytes
  #blocks = 0
  #width = 0
  #height = 0
  /** Flags and canvas size of an extended file. */
  #extended: Uint8Array | undefined
  #hasProfile = false
  #hasImage = false
  #orientation: number | undefined

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#kept = new KeptBytes(bytes.length)
  }

  run(): Found {
    const end = viewOf(this.#bytes).getUint32(4, true) + OVERHEAD_BYTES
    if (end > this.#bytes.length) return 'cut-off'
    if (end < RIFF_BYTES) return 'bad-block'
    const fault = this.#eachChunk(this.#bytes.subarray(RIFF_BYTES, end), chunk => this.#chunk(chunk))
    if (fault !== undefined) return fault
    return this.#hasImage ? this.#finished() : 'bad-order'
  }

  #eachChunk(bytes: Uint8Array, read: (chunk: Chunk) => PictureFault | undefined): PictureFault | undefined {
    const view = viewOf(bytes)
    for (let at = 0; at < bytes.length; ) {
      if (++this.#blocks > BLOCKS_MAX) return 'too-many-blocks'
      if (at + OVERHEAD_BYTES > bytes.length) return 'cut-off'
      const length = view.getUint32(at + 4, true)
      const end = at + OVERHEAD_BYTES + length
      if (end > bytes.length) return 'cut-off'
      const fault = read({
        type: latin1(bytes.subarray(at, at + 4)),
        content: bytes.subarray(at + OVERHEAD_BYTES, end),
      })
      if (fault !== undefined) return fault
      at = end + (length % 2) // chunks of odd length are padded
    }
    return undefined
  }

  #chunk(chunk: Chunk): PictureFault | undefined {
    const { type, content } = chunk
    if (type === 'VP8X') return this.#extend(content)
    if (type === 'EXIF') this.#orientation ??= orientationOf(content)
    if (type === 'ANMF') return this.#frame(content)
    if (!KEPT.has(type)) return undefined
    if (type === 'ICCP') this.#hasProfile = true
    // Viewers would not show a second image, and the user would send it unknowingly.
    return this.#hasImage && type.startsWith('VP8') ? 'bad-order' : this.#keep(chunk)
  }

  #extend(content: Uint8Array): PictureFault | undefined {
    if (this.#extended !== undefined || this.#kept.length > 0) return 'bad-order'
    if (content.length !== EXTENDED_BYTES) return 'bad-block'
    this.#extended = content
    this.#fit(uint24(content, 4) + 1, uint24(content, 7) + 1)
    return undefined
  }

  /** Keeps the known chunks of a frame. */
  #frame(content: Uint8Array): PictureFault | undefined {
    if (content.length < FRAME_HEADER_BYTES) return 'bad-block'
    this.#fit(uint24(content, 6) + 1, uint24(content, 9) + 1)
    const header = new Uint8Array(OVERHEAD_BYTES + FRAME_HEADER_BYTES)
    header.set(content.subarray(0, FRAME_HEADER_BYTES), OVERHEAD_BYTES)
    const start = this.#kept.length
    this.#kept.append(header)
    const fault = this.#eachChunk(content.subarray(FRAME_HEADER_BYTES), chunk =>
      KEPT_OF_FRAME.has(chunk.type) ? this.#keep(chunk) : undefined,
    )
    if (fault !== undefined) return fault
    const frame = this.#kept.bytes.subarray(start)
    frame.set(chunkHeader('ANMF', frame.length - OVERHEAD_BYTES))
    return undefined
  }

  #keep({ type, content }: Chunk): PictureFault | undefined {
    if (type === 'VP8 ' || type === 'VP8L') {
      const size = type === 'VP8L' ? losslessSize(content) : lossySize(content)
      if (size === undefined) return 'bad-block'
      this.#fit(size.width, size.height)
      this.#hasImage = true
    }
    this.#append(type, content)
    return undefined
  }

  #append(type: string, content: Uint8Array): void {
    this.#kept.append(chunkHeader(type, content.length))
    this.#kept.append(content)
    if (content.length % 2 === 1) this.#kept.append(Uint8Array.of(0))
  }

  #fit(width: number, height: number): void {
    this.#width = Math.max(this.#width, width)
    this.#height = Math.max(this.#height, height)
  }

  /** Writes the headers. A file without an extended header has no place for an orientation. */
  #finished(): Exclude<Found, PictureFault> {
    const orientation = this.#extended === undefined ? UPRIGHT : (this.#orientation ?? UPRIGHT)
    if (this.#extended !== undefined) {
      const header = Uint8Array.from(this.#extended)
      header[0] =
        ((this.#extended[0] ?? 0) & (ALPHA_FLAG | ANIMATION_FLAG)) |
        (this.#hasProfile ? ICC_FLAG : 0) |
        (orientation === UPRIGHT ? 0 : EXIF_FLAG)
      header.fill(0, 1, 4) // reserved
      if (orientation !== UPRIGHT) this.#append('EXIF', exifOf(orientation))
      this.#kept.prepend(header)
      this.#kept.prepend(chunkHeader('VP8X', header.length))
    }
    this.#kept.prepend(utf8('WEBP'))
    this.#kept.prepend(chunkHeader('RIFF', this.#kept.length))
    return { width: this.#width, height: this.#height, orientation, bytes: this.#kept.bytes }
  }
}

interface Size {
  readonly width: number
  readonly height: number
}

/** RFC 6386 §9.1: a key frame begins with a tag of three bytes, a start code and the size. */
function lossySize(content: Uint8Array): Size | undefined {
  if (content.length < 10 || content[3] !== 0x9d || content[4] !== 0x01 || content[5] !== 0x2a) return undefined
  const view = viewOf(content)
  const size = { width: view.getUint16(6, true) & 0x3fff, height: view.getUint16(8, true) & 0x3fff }
  return size.width > 0 && size.height > 0 ? size : undefined
}

/** RFC 9649 §3.4: a signature, then 14 bits each for width and height. */
function losslessSize(content: Uint8Array): Size | undefined {
  if (content.length < 5 || content[0] !== 0x2f) return undefined
  const bits = viewOf(content).getUint32(1, true)
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
}

function chunkHeader(type: string, length: number): Uint8Array {
  const header = new Uint8Array(OVERHEAD_BYTES)
  header.set(utf8(type))
  viewOf(header).setUint32(4, length, true)
  return header
}

const uint24 = (bytes: Uint8Array, at: number): number =>
  (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16)

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
