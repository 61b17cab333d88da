import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { concat, utf8 } from '../../src/base/wire/bytes.js'
import { exifOf, orientationOf } from '../../src/pictures/metadata/orientation.js'
import type { Picture, PictureFormat } from '../../src/pictures/metadata/picture.js'
import { BLOCKS_MAX } from '../../src/pictures/metadata/picture.js'
import { withoutMetadata } from '../../src/pictures/metadata/removal.js'
import {
  chunkTypes,
  encoded,
  jpegMarkers,
  jpegSegment,
  painted,
  pngChunk,
  riffChunk,
  webpHeader,
  webpOf,
} from '../helper/pictures.js'
import { SEED } from '../helper/seed.js'

const FORMATS: readonly PictureFormat[] = ['jpeg', 'png', 'webp']
const EXIF = utf8('Exif\0\0')
/** What metadata in these tests contain. */
const SECRET = 'secret'

const plain = {
  jpeg: await encoded('jpeg', painted(40, 30)),
  png: await encoded('png', painted(40, 30)),
  webp: await encoded('webp', painted(40, 30)),
}

function pictureIn(bytes: Uint8Array): Picture {
  const removal = withoutMetadata(bytes)
  assert.equal(removal.kind, 'picture', JSON.stringify(removal))
  return removal as Picture
}

const insert = (bytes: Uint8Array, at: number, added: Uint8Array): Uint8Array =>
  concat([bytes.subarray(0, at), added, bytes.subarray(at)])

/** EXIF data with an orientation and a text, in either byte order. */
function exif(orientation: number, little = false): Uint8Array {
  const view = new DataView(new ArrayBuffer(38 + SECRET.length))
  view.setUint16(0, little ? 0x4949 : 0x4d4d)
  view.setUint16(2, 42, little)
  view.setUint32(4, 8, little)
  view.setUint16(8, 2, little)
  view.setUint16(10, 0x010f, little)
  view.setUint16(12, 2, little)
  view.setUint32(14, SECRET.length, little)
  view.setUint32(18, 38, little)
  view.setUint16(22, 0x0112, little)
  view.setUint16(24, 3, little)
  view.setUint32(26, 1, little)
  view.setUint16(30, orientation, little)
  const bytes = new Uint8Array(view.buffer)
  bytes.set(utf8(SECRET), 38)
  return bytes
}

/** The image data of a WebP file without an extended header. */
const webpImage = plain.webp.subarray(12)

/** A picture of each format with metadata in every place that its format has. */
const loaded = (orientation: number): Record<PictureFormat, Uint8Array> => ({
  jpeg: concat([
    insert(
      plain.jpeg,
      2,
      concat([
        jpegSegment(0xe1, concat([EXIF, exif(orientation)])),
        jpegSegment(0xe1, utf8(`http://ns.adobe.com/xap/1.0/\0${SECRET}`)),
        jpegSegment(0xe0, utf8(`JFXX\0\x10${SECRET}`)),
        jpegSegment(0xe2, utf8(`MPF\0${SECRET}`)),
        jpegSegment(0xeb, utf8(`JP${SECRET}`)),
        jpegSegment(0xed, utf8(`Photoshop 3.0\0${SECRET}`)),
        jpegSegment(0xee, utf8(`Other${SECRET}`)),
        jpegSegment(0xfe, utf8(SECRET)),
      ]),
    ),
    plain.jpeg, // a second picture, as in multi-picture files
    utf8(SECRET), // a film, as in motion photos
  ]),
  png: concat([
    insert(
      plain.png,
      33,
      concat([
        ...['tEXt', 'zTXt', 'iTXt', 'tIME', 'sPLT', 'prIV'].map(type => pngChunk(type, utf8(SECRET))),
        pngChunk('eXIf', exif(orientation)),
        pngChunk('gAMA', Uint8Array.of(0, 0, 0xb1, 0x8f)),
      ]),
    ),
    utf8(SECRET),
  ]),
  webp: concat([
    webpOf([
      webpHeader(0xff, 40, 30),
      riffChunk('ICCP', utf8('profile')),
      webpImage,
      riffChunk('EXIF', exif(orientation, true)),
      riffChunk('XMP ', utf8(SECRET)),
      riffChunk('priv', utf8(SECRET)),
    ]),
    utf8(SECRET),
  ]),
})

test('reads the size of every format', () => {
  for (const format of FORMATS) {
    const { width, height, orientation } = pictureIn(plain[format])
    assert.deepEqual({ width, height, orientation }, { width: 40, height: 30, orientation: 1 }, format)
  }
})

test('returns a picture without metadata as it is', () => {
  for (const format of FORMATS)
    assert.deepEqual(Buffer.from(pictureIn(plain[format]).bytes), Buffer.from(plain[format]))
})

test('removes metadata from every place', () => {
  for (const [format, bytes] of Object.entries(loaded(1))) {
    assert.ok(Buffer.from(bytes).includes(SECRET))
    assert.ok(!Buffer.from(pictureIn(bytes).bytes).includes(SECRET), format)
  }
})

test('leaves the segments that a JPEG decoder needs, byte for byte', () => {
  assert.deepEqual(Buffer.from(pictureIn(loaded(1).jpeg).bytes), Buffer.from(plain.jpeg))
})

test('leaves the chunks that the look of a PNG depends on', () => {
  assert.deepEqual(chunkTypes(pictureIn(loaded(1).png).bytes), ['IHDR', 'gAMA', 'IDAT', 'IEND'])
})

test('leaves profile, transparency and data of a WebP, and clears the flags of what it removed', () => {
  const { bytes } = pictureIn(loaded(1).webp)
  assert.deepEqual(chunkTypes(bytes), ['VP8X', 'ICCP', 'VP8 '])
  assert.deepEqual([...bytes.subarray(20, 24)], [0x32, 0, 0, 0])
  assert.equal(Buffer.from(bytes).readUInt32LE(4), bytes.length - 8)
})

test('keeps the orientation, and only that, of EXIF data', () => {
  for (const orientation of [2, 3, 4, 5, 6, 7, 8])
    for (const [format, bytes] of Object.entries(loaded(orientation))) {
      const picture = pictureIn(bytes)
      assert.equal(picture.orientation, orientation, format)
      assert.ok(!Buffer.from(picture.bytes).includes(SECRET), format)
      assert.ok(Buffer.from(picture.bytes).includes(Buffer.from(exifOf(orientation))), format)
    }
})

test('ignores orientations that EXIF does not define', () => {
  for (const orientation of [0, 9, 255, 65535]) assert.equal(orientationOf(exif(orientation)), 1)
  for (let length = 0; length < 32; length++) assert.equal(orientationOf(exif(6).subarray(0, length)), 1)
})

test('keeps colour profile and Adobe segment of a JPEG, and removes the thumbnail of JFIF', () => {
  const withThumbnail = concat([utf8('JFIF\0'), Uint8Array.of(1, 2, 1, 0, 72, 0, 72, 1, 1), utf8('rgb')])
  const profile = utf8('ICC_PROFILE\0\x01\x01profile')
  const adobe = concat([utf8('Adobe'), Uint8Array.of(0, 100, 0, 0, 0, 0, 1), utf8(SECRET)])
  const body = plain.jpeg.subarray(20) // after SOI and JFIF
  const { bytes } = pictureIn(
    concat([
      Uint8Array.of(0xff, 0xd8),
      jpegSegment(0xe0, withThumbnail),
      jpegSegment(0xe2, profile),
      jpegSegment(0xee, adobe),
      body,
    ]),
  )
  const jfif = concat([withThumbnail.subarray(0, 12), Uint8Array.of(0, 0)])
  assert.deepEqual(
    Buffer.from(bytes),
    Buffer.from(
      concat([
        Uint8Array.of(0xff, 0xd8),
        jpegSegment(0xe0, jfif),
        jpegSegment(0xe2, profile),
        jpegSegment(0xee, adobe.subarray(0, 12)),
        body,
      ]),
    ),
  )
})

test('removes segments between the scans of a progressive JPEG', () => {
  const markers = jpegMarkers(plain.jpeg)
  assert.ok(markers.filter(marker => marker === 0xda).length > 1)
  const lastScan = plain.jpeg.lastIndexOf(0xda) - 1
  const { bytes } = pictureIn(insert(plain.jpeg, lastScan, jpegSegment(0xfe, utf8(SECRET))))
  assert.deepEqual(jpegMarkers(bytes), markers)
})

test('keeps the frames of an animation, without chunks that are hidden in them', () => {
  const header = new Uint8Array(16)
  header.set([39, 0, 0, 29, 0, 0], 6)
  const frame = (...chunks: Uint8Array[]) => riffChunk('ANMF', concat([header, ...chunks]))
  const animation = riffChunk('ANIM', new Uint8Array(6))
  const start = [webpHeader(0x02, 40, 30), animation]
  const { bytes } = pictureIn(webpOf([...start, frame(webpImage, riffChunk('priv', utf8(SECRET))), frame(webpImage)]))
  assert.deepEqual(Buffer.from(bytes), Buffer.from(webpOf([...start, frame(webpImage), frame(webpImage)])))
  const png = insert(plain.png, 33, concat(['acTL', 'fcTL'].map(type => pngChunk(type, new Uint8Array(8)))))
  assert.deepEqual(chunkTypes(pictureIn(png).bytes), ['IHDR', 'acTL', 'fcTL', 'IDAT', 'IEND'])
})

test('declares the largest size that any block of a WebP declares', () => {
  const { width, height } = pictureIn(webpOf([webpHeader(0, 20, 9_000), webpImage]))
  assert.deepEqual({ width, height }, { width: 40, height: 9_000 })
})

test('names the fault of a malformed picture', () => {
  const faults: [string, Uint8Array, string][] = [
    ['ends in a segment', plain.jpeg.subarray(0, 30), 'cut-off'],
    ['no end of image', plain.jpeg.subarray(0, -2), 'cut-off'],
    ['no scan', Uint8Array.of(0xff, 0xd8, 0xff, 0xd9), 'bad-order'],
    ['length below two', Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 1), 'bad-block'],
    ['no marker', Uint8Array.of(0xff, 0xd8, 0, 0), 'bad-block'],
    ['reserved marker', Uint8Array.of(0xff, 0xd8, 0xff, 0xf0, 0, 2), 'unknown-block'],
    ['two frames', concat([plain.jpeg.subarray(0, -2), frameOf(plain.jpeg), Uint8Array.of(0xff, 0xd9)]), 'bad-order'],
    ['ends in a chunk', plain.png.subarray(0, 50), 'cut-off'],
    ['no header', concat([plain.png.subarray(0, 8), plain.png.subarray(33)]), 'bad-order'],
    ['wrong checksum', plain.png.with(30, 1), 'bad-block'],
    ['unknown critical chunk', insert(plain.png, 33, pngChunk('CgBI', new Uint8Array(4))), 'unknown-block'],
    [
      'data in two places',
      insert(
        plain.png,
        plain.png.length - 12,
        concat([pngChunk('gAMA', new Uint8Array(4)), pngChunk('IDAT', new Uint8Array(4))]),
      ),
      'bad-order',
    ],
    ['shorter than it says', plain.webp.subarray(0, -8), 'cut-off'],
    ['no image', webpOf([webpHeader(0, 1, 1)]), 'bad-order'],
    ['two images', webpOf([webpImage, webpImage]), 'bad-order'],
    ['header after the image', webpOf([webpImage, webpHeader(0, 1, 1)]), 'bad-order'],
    ['no key frame', webpOf([riffChunk('VP8 ', new Uint8Array(10))]), 'bad-block'],
  ]
  for (const [what, bytes, fault] of faults) {
    const removal = withoutMetadata(bytes)
    assert.equal(removal.kind === 'malformed' ? removal.fault : removal.kind, fault, what)
  }
})

/** The first frame header of a JPEG file. */
function frameOf(jpeg: Uint8Array): Uint8Array {
  const at = jpeg.findIndex((byte, index) => byte === 0xff && [0xc0, 0xc2].includes(jpeg[index + 1] ?? 0))
  return jpeg.subarray(at, at + 2 + Buffer.from(jpeg).readUInt16BE(at + 2))
}

test('calls everything else unknown', () => {
  for (const text of ['', 'GIF89a', '\0\0\0\x18ftypheic', 'RIFF1234WAVE', '<svg/>'])
    assert.deepEqual(withoutMetadata(utf8(text)), { kind: 'unknown' })
})

/** The files above with bytes changed, removed and repeated. */
const damaged = fc
  .record({
    bytes: fc.constantFrom(...Object.values(plain), ...Object.values(loaded(6))),
    changes: fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255), cut: fc.nat(3), repeated: fc.nat(40) }), {
      maxLength: 4,
    }),
  })
  .map(({ bytes, changes }) =>
    changes.reduce((result, { at, byte, cut, repeated }) => {
      const place = at % (result.length + 1)
      const added = concat([Uint8Array.of(byte), result.subarray(place, place + repeated)])
      return concat([result.subarray(0, place), added, result.subarray(place + cut)])
    }, bytes),
  )
const signed = fc
  .tuple(
    fc.constantFrom(Uint8Array.of(0xff, 0xd8, 0xff), plain.png.subarray(0, 33), plain.webp.subarray(0, 12)),
    fc.uint8Array({ maxLength: 200 }),
  )
  .map(concat)

test('never throws and grows no file, and its result is a picture without metadata', () => {
  let pictures = 0
  fc.assert(
    fc.property(fc.oneof(damaged, damaged, signed, fc.uint8Array()), bytes => {
      const removal = withoutMetadata(bytes)
      if (removal.kind !== 'picture') return
      pictures++
      assert.ok(removal.bytes.length <= bytes.length + 40)
      assert.deepEqual(withoutMetadata(removal.bytes), removal)
    }),
    { numRuns: 3_000, seed: SEED },
  )
  assert.ok(pictures > 300, `${pictures} pictures`)
})

test('reads no more blocks of a file than any picture has', () => {
  const repeated = (block: Uint8Array): Uint8Array => Buffer.alloc((BLOCKS_MAX + 1) * block.length, block)
  const files = [
    concat([Uint8Array.of(0xff, 0xd8), repeated(jpegSegment(0xdb, new Uint8Array(0))), plain.jpeg.subarray(2)]),
    insert(plain.png, 33, repeated(pngChunk('tEXt', new Uint8Array(0)))),
    webpOf([repeated(riffChunk('ICCP', new Uint8Array(0))), webpImage]),
    webpOf([
      webpHeader(2, 1, 1),
      riffChunk('ANMF', concat([new Uint8Array(16), repeated(riffChunk('ALPH', new Uint8Array(0)))])),
    ]),
  ]
  for (const bytes of files) {
    const removal = withoutMetadata(bytes)
    assert.equal(removal.kind === 'malformed' && removal.fault, 'too-many-blocks')
  }
})

test('keeps memory within two copies of a file of many small segments', () => {
  const comments = concat([
    Uint8Array.of(0xff, 0xd8),
    ...Array.from({ length: 200_000 }, (_, index) => jpegSegment(index % 2 === 0 ? 0xfe : 0xdb, new Uint8Array(0))),
  ])
  const bytes = concat([comments, plain.jpeg.subarray(2)])
  const before = process.memoryUsage().arrayBuffers
  const { bytes: kept } = pictureIn(bytes)
  assert.ok(process.memoryUsage().arrayBuffers - before < 2 * bytes.length + 2 ** 22)
  assert.ok(kept.length < bytes.length)
})
