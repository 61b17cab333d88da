import { jpegWithoutMetadata } from './jpeg.js'
import type { Found, MalformedPicture, Picture, PictureFormat, Removal } from './picture.js'
import { isPng, pngWithoutMetadata } from './png.js'
import { isWebp, webpWithoutMetadata } from './webp.js'

/**
 * A picture without its metadata, and how large it is. Keeps only what the picture needs to look the same: its data, colours
 * and orientation. Removes everything else, and what follows the end of the picture. Keeps the image data byte for byte.
 * Never throws. Takes linear time and allocates one copy of the input.
 */
export function withoutMetadata(bytes: Uint8Array): Removal {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return removal('jpeg', jpegWithoutMetadata(bytes))
  if (isPng(bytes)) return removal('png', pngWithoutMetadata(bytes))
  if (isWebp(bytes)) return removal('webp', webpWithoutMetadata(bytes))
  return { kind: 'unknown' }
}

const removal = (format: PictureFormat, result: Found): Picture | MalformedPicture =>
  typeof result === 'string' ? { kind: 'malformed', format, fault: result } : { kind: 'picture', format, ...result }
