// The child process in which `thumbnail.ts` decodes a picture. If a decoder crashes or takes too long, only this
// process ends. Reads the picture from stdin; writes width, height and pixels to stdout.
import { buffer } from 'node:stream/consumers'
import type { PictureFormat } from '../metadata/picture.js'
import { fittedSize, scaledDown, turned } from '../pixels.js'
import { decoded } from './decoder.js'

const [format, orientation, width, height, boxWidth, boxHeight] = process.argv.slice(2)
const picture = await decoded(format as PictureFormat, await buffer(process.stdin))
if (picture.width !== Number(width) || picture.height !== Number(height)) process.exit(1)

const isOnItsSide = Number(orientation) >= 5
const box = isOnItsSide ? [Number(boxHeight), Number(boxWidth)] : [Number(boxWidth), Number(boxHeight)]
const size = fittedSize(picture, { width: box[0] ?? 0, height: box[1] ?? 0 })
const thumbnail = turned(scaledDown(picture, size.width, size.height), Number(orientation))
const header = Buffer.alloc(8)
header.writeUInt32LE(thumbnail.width, 0)
header.writeUInt32LE(thumbnail.height, 4)
process.stdout.write(Buffer.concat([header, thumbnail.data]))
