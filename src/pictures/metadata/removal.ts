import { isJpeg, jpegWithoutMetadata } from './jpeg.js'
import type { Found, MalformedPicture, Picture, PictureFormat, Removal } from './picture.js'
import { isPng, pngWithoutMetadata } from './png.js'
import { isWebp, webpWithoutMetadata } from './webp.js'

/** Number of bytes at the beginning of a file that `isPicture` needs. */
export const SIGNATURE_BYTES = 12

const PICTURE_NAME = /\.(jpe?g|jpe|jfif|png|apng|webp)$/i
/** Pictures and films of other formats, whose metadata this program does not remove. */
const OTHER_MEDIA_NAME =
  /\.(hei[cf]|avif|jxl|tiff?|gif|dng|cr[23]|nef|arw|orf|rw2|raf|svg|psd|mov|mp4|m4v|m4a|3gp|mkv|webm)$/i

/** Whether bytes begin like a JPEG, PNG or WebP file. */
export const isPicture = (bytes: Uint8Array): boolean => isJpeg(bytes) || isPng(bytes) || isWebp(bytes)

/** Whether a file is named like a JPEG, PNG or WebP picture. */
export const hasPictureName = (name: string): boolean => PICTURE_NAME.test(name)

/** Whether a file is named like a picture or film of another format. */
export const hasOtherMediaName = (name: string): boolean => OTHER_MEDIA_NAME.test(name)

/**
 * A picture without its metadata, and its size. Keeps only what the picture needs to look the same: its data, colours
 * and orientation. Removes everything else, including bytes after the end of the picture. Keeps the image data byte for
 * byte. Never throws. Takes linear time and allocates one copy of the input.
 */
export function withoutMetadata(bytes: Uint8Array): Removal {
  if (isJpeg(bytes)) return removal('jpeg', jpegWithoutMetadata(bytes))
  if (isPng(bytes)) return removal('png', pngWithoutMetadata(bytes))
  if (isWebp(bytes)) return removal('webp', webpWithoutMetadata(bytes))
  return { kind: 'unknown' }
}

const removal = (format: PictureFormat, result: Found): Picture | MalformedPicture =>
  typeof result === 'string' ? { kind: 'malformed', format, fault: result } : { kind: 'picture', format, ...result }
