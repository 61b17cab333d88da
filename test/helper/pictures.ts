// Pictures for tests: painted, encoded, and taken to pieces.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { crc32 } from 'node:zlib'
import encodeJpeg, { init as initJpeg } from '@jsquash/jpeg/encode.js'
import encodePng, { init as initPng } from '@jsquash/png/encode.js'
import encodeWebp, { init as initWebp } from '@jsquash/webp/encode.js'
import { concat, utf8 } from '../../src/base/wire/bytes.js'
import type { PictureFormat } from '../../src/pictures/metadata/picture.js'
import type { Pixels } from '../../src/pictures/pixels.js'

const compiled = async (file: string): Promise<WebAssembly.Module> =>
  new WebAssembly.Module(await readFile(fileURLToPath(import.meta.resolve(file))))

/** A picture of which every corner has another colour. */
export function painted(width: number, height: number): Pixels {
  const data = new Uint8Array(width * height * 4)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      data.set([(x * 255) / width, (y * 255) / height, ((x + y) * 8) & 0xff, 255], (y * width + x) * 4)
  return { width, height, data }
}

export async function encoded(format: PictureFormat, pixels: Pixels): Promise<Uint8Array> {
  const image = { ...pixels, data: new Uint8ClampedArray(pixels.data), colorSpace: 'srgb' } as unknown as Parameters<
    typeof encodeJpeg
  >[0]
  switch (format) {
    case 'jpeg':
      await initJpeg(await compiled('@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm'))
      return new Uint8Array(await encodeJpeg(image))
    case 'png':
      await initPng(await compiled('@jsquash/png/codec/pkg/squoosh_png_bg.wasm'))
      return new Uint8Array(await encodePng(image))
    case 'webp':
      await initWebp(await compiled('@jsquash/webp/codec/enc/webp_enc.wasm'))
      return new Uint8Array(await encodeWebp(image))
  }
}

export function jpegSegment(marker: number, body: Uint8Array): Uint8Array {
  const length = body.length + 2
  return concat([Uint8Array.of(0xff, marker, length >> 8, length & 0xff), body])
}

export function pngChunk(type: string, content: Uint8Array): Uint8Array {
  const typed = concat([utf8(type), content])
  const ends = Buffer.alloc(8)
  ends.writeUInt32BE(content.length, 0)
  ends.writeUInt32BE(crc32(typed), 4)
  return concat([ends.subarray(0, 4), typed, ends.subarray(4)])
}

export function riffChunk(type: string, content: Uint8Array): Uint8Array {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(content.length)
  return concat([utf8(type), length, content, new Uint8Array(content.length % 2)])
}

export const webpOf = (chunks: readonly Uint8Array[]): Uint8Array =>
  riffChunk('RIFF', concat([utf8('WEBP'), ...chunks]))

/** An extended header of a WebP file. */
export function webpHeader(flags: number, width: number, height: number): Uint8Array {
  const header = Buffer.alloc(10)
  header[0] = flags
  header.writeUIntLE(width - 1, 4, 3)
  header.writeUIntLE(height - 1, 7, 3)
  return riffChunk('VP8X', header)
}

/** Types of the segments of a JPEG file, in order; coded data count as one. */
export function jpegMarkers(bytes: Uint8Array): number[] {
  const markers: number[] = []
  for (let at = 2; at < bytes.length; ) {
    const marker = bytes[at + 1] ?? 0
    markers.push(marker)
    if (marker === 0xd9) break
    at += 2 + Buffer.from(bytes).readUInt16BE(at + 2)
    if (marker !== 0xda) continue
    while (bytes[at] !== 0xff || [0, 0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7].includes(bytes[at + 1] ?? 0)) at++
  }
  return markers
}

/** Types of the chunks of a PNG or WebP file, in order. */
export function chunkTypes(bytes: Uint8Array): string[] {
  const buffer = Buffer.from(bytes)
  const isPng = buffer[0] === 0x89
  const types: string[] = []
  for (let at = isPng ? 8 : 12; at < buffer.length; ) {
    const typeAt = isPng ? at + 4 : at
    types.push(buffer.toString('latin1', typeAt, typeAt + 4))
    const length = isPng ? buffer.readUInt32BE(at) : buffer.readUInt32LE(at + 4)
    at += isPng ? length + 12 : length + 8 + (length % 2)
  }
  return types
}
