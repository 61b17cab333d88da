// exiftool, which knows more places of metadata than any other program, finds none in what the removal returns.
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test from 'node:test'
import { promisify } from 'node:util'
import { concat, utf8 } from '../../src/base/wire/bytes.js'
import { decoded } from '../../src/pictures/decoding/decoder.js'
import type { PictureFormat } from '../../src/pictures/metadata/picture.js'
import { withoutMetadata } from '../../src/pictures/metadata/removal.js'
import { encoded, jpegSegment, painted } from '../helper/pictures.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const run = promisify(execFile)

const hasExiftool = (() => {
  try {
    execFileSync('exiftool', ['-ver'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()
const options = hasExiftool ? {} : { skip: 'exiftool is not installed' }

const EXIF_AND_XMP = [
  '-GPSLatitude=52.5200',
  '-GPSLatitudeRef=N',
  '-GPSLongitude=13.4050',
  '-GPSLongitudeRef=E',
  '-Make=Maker',
  '-Model=Camera',
  '-SerialNumber=12345',
  '-DateTimeOriginal=2026:01:02 03:04:05',
  '-Artist=Alice',
  '-MakerNoteUnknownText=secret',
  '-UserComment=secret',
  '-Orientation#=6',
  '-XMP-dc:Creator=Alice',
  '-XMP-dc:Description=secret',
  '-XMP-photoshop:City=Berlin',
]
/** Metadata that exiftool writes into each format. */
const WRITTEN: Readonly<Record<PictureFormat, readonly string[]>> = {
  jpeg: [
    ...EXIF_AND_XMP,
    '-IPTC:City=Berlin',
    '-IPTC:Keywords=secret',
    '-Photoshop:CopyrightFlag=True',
    '-Comment=secret',
  ],
  png: [...EXIF_AND_XMP, '-PNG:Comment=secret', '-PNG:Author=Alice', '-PNG:Software=Camera', '-PNG:ModifyDate=now'],
  webp: EXIF_AND_XMP,
}
/** Groups of tags that describe the file or the look of the picture, and the orientation. */
const HARMLESS =
  /^(SourceFile|(ExifTool|System|File|JFIF|Adobe|ICC_Profile[^:]*|ICC-[^:]*|PNG|PNG-pHYs|RIFF|Composite):.*|IFD0:Orientation)$/
/** Tags of these groups that hold texts, times or places. */
const TELLING =
  /comment|author|software|date|time|artist|creat|copyright|gps|city|thumbnail|preview|trailer|serial|xmp|exif(?!tool|byteorder)/i
/** What exiftool reports of the file itself. */
const OF_FILE = /^(System|ExifTool):|^SourceFile$|^File:ExifByteOrder$/

/** The tags that exiftool lists, with unknown and repeated ones, and those of embedded files. */
async function tagsOf(file: string): Promise<string[]> {
  const { stdout } = await run('exiftool', ['-j', '-a', '-u', '-G1', '-ee3', file])
  return Object.keys((JSON.parse(stdout) as [object])[0])
}

const isMetadata = (tag: string): boolean => !HARMLESS.test(tag) || (TELLING.test(tag) && !OF_FILE.test(tag))

/** A picture of each format with metadata written by exiftool. */
async function written(format: PictureFormat, directory: string): Promise<{ file: string; bytes: Uint8Array }> {
  const file = path.join(directory, `written.${format}`)
  await writeFile(file, await encoded(format, painted(64, 48)))
  await run('exiftool', ['-q', '-overwrite_original', '-m', ...WRITTEN[format], file])
  if (format === 'jpeg') {
    const thumbnail = path.join(directory, 'thumbnail.jpeg')
    await writeFile(thumbnail, await encoded('jpeg', painted(16, 12)))
    await run('exiftool', [
      '-q',
      '-overwrite_original',
      `-ThumbnailImage<=${thumbnail}`,
      `-PreviewImage<=${thumbnail}`,
      file,
    ])
    const bytes = await readFile(file)
    const more = concat([jpegSegment(0xec, utf8('Ducky\0\x01\0\x04\0\0\0d')), jpegSegment(0xe2, utf8('FPXR\0secret'))])
    await writeFile(file, concat([bytes.subarray(0, 2), more, bytes.subarray(2), utf8('trailing secret')]))
  }
  return { file, bytes: await readFile(file) }
}

for (const format of ['jpeg', 'png', 'webp'] as const) {
  test(`leaves nothing that exiftool lists in ${format}, and the same pixels`, options, async t => {
    const directory = await temporaryDirectory(t)
    const { file, bytes } = await written(format, directory)
    const before = (await tagsOf(file)).filter(isMetadata)
    assert.ok(
      before.some(tag => tag.startsWith('GPS:')) && before.some(tag => tag.startsWith('XMP-')),
      before.join(' '),
    )
    assert.ok(before.length > 15, before.join(' '))

    const removal = withoutMetadata(bytes)
    assert.ok(removal.kind === 'picture', JSON.stringify(removal))
    const clean = path.join(directory, `clean.${format}`)
    await writeFile(clean, removal.bytes)
    const after = await tagsOf(clean)
    assert.deepEqual(after.filter(isMetadata), [])
    assert.ok(after.includes('IFD0:Orientation'), after.join(' '))
    const { stdout } = await run('exiftool', ['-validate', '-warning', '-error', '-a', clean])
    assert.doesNotMatch(stdout, /error/i, stdout)
    const { stdout: orientation } = await run('exiftool', ['-n', '-s3', '-Orientation', clean])
    assert.equal(orientation.trim(), '6')

    const pixels = await decoded(format, removal.bytes)
    assert.deepEqual([pixels.width, pixels.height], [64, 48])
    assert.deepEqual(Buffer.from(pixels.data), Buffer.from((await decoded(format, bytes)).data))
  })
}
