import { concat, utf8 } from '../../base/wire/bytes.js'
import { KeptBytes } from './kept-bytes.js'
import { exifOf, orientationOf, UPRIGHT } from './orientation.js'
import { BLOCKS_MAX, type Found, type PictureFault } from './picture.js'
import { beginsWith, viewOf } from './view.js'

// JPEG: ITU-T T.81 annex B. JFIF: ITU-T T.871. Adobe's segment: Adobe Technical Note 5116.

const SOI = 0xd8
const EOI = 0xd9
const SOS = 0xda
const APP0 = 0xe0
const APP1 = 0xe1
const APP2 = 0xe2
const APP14 = 0xee
const APP15 = 0xef
const COMMENT = 0xfe

/**
 * Baseline, extended, progressive and lossless frames, with Huffman or arithmetic coding. Hierarchical frames are rare,
 * and not accepted.
 */
const FRAMES: ReadonlySet<number> = new Set([0xc0, 0xc1, 0xc2, 0xc3, 0xc9, 0xca, 0xcb])
/** Huffman tables, arithmetic conditioning, quantization tables, number of lines, restart interval. */
const TABLES: ReadonlySet<number> = new Set([0xc4, 0xcc, 0xdb, 0xdc, 0xdd])

const JFIF = utf8('JFIF\0')
/** A JFIF segment up to its thumbnail: identifier, version, density. */
const JFIF_BYTES = 12
const EXIF = utf8('Exif\0\0')
const ICC = utf8('ICC_PROFILE\0')
const ADOBE = utf8('Adobe')
/** Identifier, version, flags and colour transform. */
const ADOBE_BYTES = 12

export const isJpeg = (bytes: Uint8Array): boolean => bytes[0] === 0xff && bytes[1] === SOI

export const jpegWithoutMetadata = (bytes: Uint8Array): Found => new JpegRemoval(bytes).run()

/** One pass over the segments of a file. */
class JpegRemoval {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #kept: KeptBytes
  /** Offset of the next byte. */
  #at = 2
  #jfif: Uint8Array | undefined
  #orientation: number | undefined
  #size: { readonly width: number; readonly height: number } | undefined
  #hasScan = false

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = viewOf(bytes)
    this.#kept = new KeptBytes(bytes.length)
  }

  run(): Found {
    for (let blocks = 1; blocks <= BLOCKS_MAX; blocks++) {
      const marker = this.#marker()
      if (marker === undefined) return this.#at >= this.#bytes.length ? 'cut-off' : 'bad-block'
      if (marker === EOI) return this.#finished()
      const body = this.#body()
      if (typeof body === 'string') return body
      const fault = this.#segment(marker, body)
      if (fault !== undefined) return fault
    }
    return 'too-many-blocks'
  }

  /** Reads a marker; any number of 0xff bytes may precede it. */
  #marker(): number | undefined {
    if (this.#bytes[this.#at] !== 0xff) return undefined
    while (this.#bytes[this.#at] === 0xff) this.#at++
    return this.#bytes[this.#at++]
  }

  /** Reads the content of a segment. */
  #body(): Uint8Array | PictureFault {
    if (this.#at + 2 > this.#bytes.length) return 'cut-off'
    const length = this.#view.getUint16(this.#at)
    const end = this.#at + length
    if (length < 2) return 'bad-block'
    if (end > this.#bytes.length) return 'cut-off'
    const body = this.#bytes.subarray(this.#at + 2, end)
    this.#at = end
    return body
  }

  #segment(marker: number, body: Uint8Array): PictureFault | undefined {
    if (marker >= APP0 && marker <= APP15) this.#application(marker, body)
    else if (FRAMES.has(marker)) return this.#frame(marker, body)
    else if (marker === SOS) return this.#scan(body)
    else if (TABLES.has(marker)) this.#keep(marker, body)
    else if (marker !== COMMENT) return 'unknown-block'
    return undefined
  }

  /** Keeps what decoders need. A JFIF segment is kept without its thumbnail. */
  #application(marker: number, body: Uint8Array): void {
    if (marker === APP0 && beginsWith(body, JFIF) && body.length >= JFIF_BYTES)
      this.#jfif ??= body.subarray(0, JFIF_BYTES)
    else if (marker === APP1 && beginsWith(body, EXIF)) this.#orientation ??= orientationOf(body.subarray(EXIF.length))
    else if (marker === APP2 && beginsWith(body, ICC)) this.#keep(marker, body)
    else if (marker === APP14 && beginsWith(body, ADOBE) && body.length >= ADOBE_BYTES)
      this.#keep(marker, body.subarray(0, ADOBE_BYTES))
  }

  #frame(marker: number, body: Uint8Array): PictureFault | undefined {
    if (this.#size !== undefined) return 'bad-order'
    const components = body[5] ?? 0
    if (components === 0 || body.length !== 6 + 3 * components) return 'bad-block'
    const view = viewOf(body)
    this.#size = { height: view.getUint16(1), width: view.getUint16(3) }
    if (this.#size.width === 0 || this.#size.height === 0) return 'bad-block'
    this.#keep(marker, body)
    return undefined
  }

  /** Keeps the header of a scan and the coded data that follows it. */
  #scan(body: Uint8Array): PictureFault | undefined {
    if (this.#size === undefined) return 'bad-order'
    this.#keep(SOS, body)
    const end = this.#endOfScan()
    if (end === undefined) return 'cut-off'
    this.#kept.append(this.#bytes.subarray(this.#at, end))
    this.#at = end
    this.#hasScan = true
    return undefined
  }

  /** Offset of the marker after coded data, in which 0xff is followed by 0 or by a restart number. */
  #endOfScan(): number | undefined {
    for (let at = this.#at; ; ) {
      const mark = this.#bytes.indexOf(0xff, at)
      const next = mark < 0 ? undefined : this.#bytes[mark + 1]
      if (next === undefined) return undefined
      if (next === 0 || (next >= 0xd0 && next <= 0xd7)) at = mark + 2
      else if (next === 0xff) at = mark + 1
      else return mark
    }
  }

  #keep(marker: number, body: Uint8Array): void {
    this.#kept.append(segment(marker, body))
  }

  #finished(): Found {
    if (this.#size === undefined || !this.#hasScan) return 'bad-order'
    const orientation = this.#orientation ?? UPRIGHT
    this.#kept.append(Uint8Array.of(0xff, EOI))
    if (orientation !== UPRIGHT) this.#kept.prepend(segment(APP1, concat([EXIF, exifOf(orientation)])))
    if (this.#jfif !== undefined) this.#kept.prepend(segment(APP0, concat([this.#jfif, Uint8Array.of(0, 0)])))
    this.#kept.prepend(Uint8Array.of(0xff, SOI))
    return { ...this.#size, orientation, bytes: this.#kept.bytes }
  }
}

function segment(marker: number, body: Uint8Array): Uint8Array {
  const length = body.length + 2
  return concat([Uint8Array.of(0xff, marker, length >> 8, length & 0xff), body])
}
