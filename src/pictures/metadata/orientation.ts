import { viewOf } from './view.js'

// The orientation of a picture is the only EXIF field that its look depends on. EXIF 2.32 §4.6: TIFF with one
// directory.

const ORIENTATION_TAG = 0x0112
const SHORT_TYPE = 3
const ENTRY_BYTES = 12
const LITTLE_ENDIAN = 0x4949
const BIG_ENDIAN = 0x4d4d
const TIFF_MAGIC = 42

/** The orientation of a picture that needs no rotation. */
export const UPRIGHT = 1

/** The orientation in EXIF data, 1 to 8. `UPRIGHT` if the data has none or is malformed. */
export function orientationOf(tiff: Uint8Array): number {
  const view = viewOf(tiff)
  if (view.byteLength < 8) return UPRIGHT
  const order = view.getUint16(0)
  if (order !== LITTLE_ENDIAN && order !== BIG_ENDIAN) return UPRIGHT
  const little = order === LITTLE_ENDIAN
  const directory = view.getUint32(4, little)
  if (view.getUint16(2, little) !== TIFF_MAGIC || directory + 2 > view.byteLength) return UPRIGHT
  const count = view.getUint16(directory, little)
  for (let index = 0; index < count; index++) {
    const entry = directory + 2 + index * ENTRY_BYTES
    if (entry + ENTRY_BYTES > view.byteLength) return UPRIGHT
    if (view.getUint16(entry, little) !== ORIENTATION_TAG) continue
    const isShort = view.getUint16(entry + 2, little) === SHORT_TYPE && view.getUint32(entry + 4, little) === 1
    const value = view.getUint16(entry + 8, little)
    return isShort && value >= 1 && value <= 8 ? value : UPRIGHT
  }
  return UPRIGHT
}

/** EXIF data that contains an orientation and nothing else. */
export function exifOf(orientation: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(26))
  view.setUint16(0, BIG_ENDIAN)
  view.setUint16(2, TIFF_MAGIC)
  view.setUint32(4, 8)
  view.setUint16(8, 1)
  view.setUint16(10, ORIENTATION_TAG)
  view.setUint16(12, SHORT_TYPE)
  view.setUint32(14, 1)
  view.setUint16(18, orientation)
  return new Uint8Array(view.buffer)
}
