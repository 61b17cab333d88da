import { crc32 } from 'node:zlib'
import { concat, utf8 } from '../../base/wire/bytes.js'
import { KeptBytes } from './kept-bytes.js'
import { exifOf, orientationOf, UPRIGHT } from './orientation.js'
import { BLOCKS_MAX, type Found } from './picture.js'
import { beginsWith, viewOf } from './view.js'

// PNG, third edition, W3C 2025.

export const PNG_SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)
const CHUNK_BYTES_MAX = 2 ** 31 - 1
/** Largest width and height of a picture: PNG allows 31 bits. */
const SIDE_MAX = 2 ** 31 - 1
/** Length, type and checksum of a chunk. */
const OVERHEAD_BYTES = 12
const HEADER_BYTES = 13

/** The chunks that the look of a picture depends on: data, transparency, colours, pixel aspect ratio and animation. */
const KEPT: ReadonlySet<string> = new Set([
  ...['IHDR', 'PLTE', 'IDAT', 'IEND', 'tRNS', 'gAMA', 'cHRM', 'sRGB', 'iCCP', 'cICP', 'mDCV', 'cLLI', 'sBIT', 'pHYs'],
  ...['acTL', 'fcTL', 'fdAT'],
])
/** Critical chunks, which decoders must understand: their types begin with a capital letter. */
const CRITICAL = /^[A-Z]/
const CHUNK_TYPE = /^[A-Za-z]{4}$/

export const isPng = (bytes: Uint8Array): boolean => beginsWith(bytes, PNG_SIGNATURE)

export function pngWithoutMetadata(bytes: Uint8Array): Found {
  const view = viewOf(bytes)
  const kept = new KeptBytes(bytes.length)
  kept.append(PNG_SIGNATURE)
  let size: { readonly width: number; readonly height: number } | undefined
  let orientation: number | undefined
  /** End of the image data so far. Image data chunks must be consecutive. */
  let endOfData: number | undefined
  for (let at = PNG_SIGNATURE.length, blocks = 1; ; blocks++) {
    if (blocks > BLOCKS_MAX) return 'too-many-blocks'
    if (at + OVERHEAD_BYTES > bytes.length) return 'cut-off'
    const length = view.getUint32(at)
    const end = at + OVERHEAD_BYTES + length
    if (length > CHUNK_BYTES_MAX) return 'bad-block'
    if (end > bytes.length) return 'cut-off'
    const type = Buffer.from(bytes.subarray(at + 4, at + 8)).toString('latin1')
    const content = bytes.subarray(at + 8, end - 4)
    if (!CHUNK_TYPE.test(type) || crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) return 'bad-block'
    if ((type === 'IHDR') !== (size === undefined)) return 'bad-order'
    if (type === 'IHDR') {
      if (length !== HEADER_BYTES) return 'bad-block'
      size = { width: view.getUint32(at + 8), height: view.getUint32(at + 12) }
      if (!isSide(size.width) || !isSide(size.height)) return 'bad-block'
    }
    if (type === 'IDAT') {
      if (endOfData !== undefined && endOfData !== at) return 'bad-order'
      endOfData = end
    }
    if (type === 'eXIf') orientation ??= orientationOf(content)
    if (type === 'IEND') {
      if (size === undefined || endOfData === undefined) return 'bad-order'
      if (orientation !== undefined && orientation !== UPRIGHT) kept.append(pngChunk('eXIf', exifOf(orientation)))
      kept.append(bytes.subarray(at, end))
      return { ...size, orientation: orientation ?? UPRIGHT, bytes: kept.bytes }
    }
    if (KEPT.has(type)) kept.append(bytes.subarray(at, end))
    else if (CRITICAL.test(type)) return 'unknown-block'
    at = end
  }
}

const isSide = (side: number): boolean => side > 0 && side <= SIDE_MAX

export function pngChunk(type: string, content: Uint8Array): Uint8Array {
  const typed = concat([utf8(type), content])
  const bytes = new Uint8Array(content.length + OVERHEAD_BYTES)
  bytes.set(typed, 4)
  viewOf(bytes).setUint32(0, content.length)
  viewOf(bytes).setUint32(bytes.length - 4, crc32(typed))
  return bytes
}
