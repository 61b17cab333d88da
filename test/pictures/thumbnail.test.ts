import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { deflateSync } from 'node:zlib'
import { concat, EMPTY, utf8 } from '../../src/base/wire/bytes.js'
import { decoded } from '../../src/pictures/decoding/decoder.js'
import { thumbnailOf } from '../../src/pictures/decoding/thumbnail.js'
import { exifOf } from '../../src/pictures/metadata/orientation.js'
import { PNG_SIGNATURE } from '../../src/pictures/metadata/png.js'
import { fittedSize, type Pixels, scaledDown, turned } from '../../src/pictures/pixels.js'
import { pngOf } from '../../src/pictures/png-writer.js'
import { encoded, jpegSegment, painted, pngChunk } from '../helper/pictures.js'

const BOX = { width: 20, height: 20 }

async function thumbnail(bytes: Uint8Array, box = BOX): Promise<Pixels> {
  const pixels = await thumbnailOf(bytes, box)
  assert.ok(typeof pixels !== 'string', String(pixels))
  return pixels
}

/** The red, green and blue of a pixel. */
const colourAt = ({ width, data }: Pixels, x: number, y: number): number[] => [
  ...data.subarray((y * width + x) * 4, (y * width + x) * 4 + 3),
]

/** A picture of 2 × 3 pixels, which are numbered. */
const numbered: Pixels = { width: 2, height: 3, data: Uint8Array.from([1, 2, 3, 4, 5, 6].flatMap(n => [n, 0, 0, 255])) }
const numbersOf = ({ data }: Pixels): number[] => [...data].filter((_, index) => index % 4 === 0)

test('makes pictures of every format small', async () => {
  const expected = scaledDown(painted(60, 40), 20, 13)
  for (const format of ['jpeg', 'png', 'webp'] as const) {
    const { width, height, data } = await thumbnail(await encoded(format, painted(60, 40)))
    assert.deepEqual({ width, height }, { width: 20, height: 13 }, format)
    const difference =
      data.reduce((sum, value, at) => sum + Math.abs(value - (expected.data[at] ?? 0)), 0) / data.length
    assert.ok(difference < 12, `${format}: ${difference}`)
  }
})

test('fits any size into a box, and enlarges none', () => {
  assert.deepEqual(fittedSize({ width: 4_000, height: 3_000 }, BOX), { width: 20, height: 15 })
  assert.deepEqual(fittedSize({ width: 1, height: 60_000 }, BOX), { width: 1, height: 20 })
  assert.deepEqual(fittedSize({ width: 7, height: 5 }, BOX), { width: 7, height: 5 })
})

test('turns a picture as each orientation says', () => {
  const expected: Readonly<Record<number, readonly number[]>> = {
    1: [1, 2, 3, 4, 5, 6],
    2: [2, 1, 4, 3, 6, 5],
    3: [6, 5, 4, 3, 2, 1],
    4: [5, 6, 3, 4, 1, 2],
    5: [1, 3, 5, 2, 4, 6],
    6: [5, 3, 1, 6, 4, 2],
    7: [6, 4, 2, 5, 3, 1],
    8: [2, 4, 6, 1, 3, 5],
  }
  for (const [orientation, numbers] of Object.entries(expected)) {
    const result = turned(numbered, Number(orientation))
    assert.deepEqual(numbersOf(result), numbers, orientation)
    assert.equal(result.width, Number(orientation) >= 5 ? 3 : 2)
  }
})

test('turns a photo upright', async () => {
  const jpeg = await encoded('jpeg', painted(60, 40))
  const exif = jpegSegment(0xe1, concat([utf8('Exif\0\0'), exifOf(6)]))
  const upright = await thumbnail(concat([jpeg.subarray(0, 2), exif, jpeg.subarray(2)]))
  assert.deepEqual([upright.width, upright.height], [13, 20])
  const [red, green] = colourAt(upright, 0, 0) // was below on the left
  assert.ok((red ?? 0) < 40 && (green ?? 0) > 200, `${red} ${green}`)
})

test('weights colours by their alpha', () => {
  const data = Uint8Array.of(255, 0, 0, 255, 0, 255, 0, 0)
  assert.deepEqual([...scaledDown({ width: 2, height: 1, data }, 1, 1).data], [255, 0, 0, 128])
})

test('writes PNG files that decode to the same pixels', async () => {
  const pixels = scaledDown(painted(20, 13), 20, 13)
  assert.deepEqual(Buffer.from((await thumbnail(pngOf(pixels))).data), Buffer.from(pixels.data))
})

/** A PNG file of one bit per pixel, whose data are `rows` black rows. */
function blackPng(width: number, height: number, rows = height): Uint8Array {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([1, 0], 8)
  const data = deflateSync(new Uint8Array(rows * (1 + Math.ceil(width / 8))))
  return concat([PNG_SIGNATURE, pngChunk('IHDR', header), pngChunk('IDAT', data), pngChunk('IEND', EMPTY)])
}

test('names why a file has no thumbnail, and ends no process but its own', async () => {
  const jpeg = await encoded('jpeg', painted(60, 40))
  assert.equal(await thumbnailOf(utf8('text'), BOX), 'unknown')
  assert.equal(await thumbnailOf(jpeg.subarray(0, 100), BOX), 'malformed')
  assert.equal(await thumbnailOf(blackPng(5_001, 5_000, 1), BOX), 'too-large')
  assert.equal(await thumbnailOf(blackPng(2 ** 31 - 1, 2 ** 31 - 1, 0), BOX), 'too-large')
  assert.equal(await thumbnailOf(new Uint8Array(32 * 1024 * 1024 + 1), BOX), 'too-large')
  assert.equal(await thumbnailOf(blackPng(100, 100, 1), BOX), 'undecodable')
})

test('control: the decoder alone fails on data that end too early', async () => {
  await assert.rejects(decoded('png', blackPng(100, 100, 1)))
})

test('has no thumbnail while the process has no free file descriptors', async () => {
  const file = fileURLToPath(new URL('../helper/thumbnail-process.js', import.meta.url))
  const { stdout } = await promisify(execFile)('sh', ['-c', 'ulimit -n 60; exec "$0" "$1"', process.execPath, file])
  assert.equal(stdout, 'undecodable')
})

test('ends the decoding when it is aborted', async () => {
  const abort = new AbortController()
  const pending = thumbnailOf(await encoded('png', painted(60, 40)), BOX, abort.signal)
  abort.abort()
  assert.equal(await pending, 'undecodable')
})

test('decodes the largest picture that it accepts', async () => {
  const { width, height, data } = await thumbnail(blackPng(5_000, 5_000))
  assert.deepEqual({ width, height }, BOX)
  assert.deepEqual([...data.subarray(0, 4)], [0, 0, 0, 255])
})

test('returns a thumbnail or a reason for damaged data', async () => {
  const jpeg = await encoded('jpeg', painted(200, 200))
  for (const at of [400, 500, 600]) {
    const damaged = Uint8Array.from(jpeg)
    damaged[at] = (damaged[at] ?? 0) ^ 0x5a
    const result = await thumbnailOf(damaged, BOX)
    assert.ok(typeof result === 'string' || result.width === 20)
  }
})
