/**
 * Largest number of blocks in a file, which are read in one synchronous pass. Encoders write blocks of 8 KiB and more.
 */
export const BLOCKS_MAX = 262_144

export type PictureFormat = 'jpeg' | 'png' | 'webp'

/** Why a file that begins like a picture is not a valid picture. */
export type PictureFault =
  /** The file ends within a block of data, or without an end marker. */
  | 'cut-off'
  /** A block has a length, a checksum or content that its format does not allow. */
  | 'bad-block'
  /** The file has a block that decoders need and this program does not know. */
  | 'unknown-block'
  /** Blocks are missing, repeated or out of order. */
  | 'bad-order'
  | 'too-many-blocks'

export interface Picture {
  readonly kind: 'picture'
  readonly format: PictureFormat
  /** Largest width and height that any block of the file declares, before the orientation is applied. */
  readonly width: number
  readonly height: number
  /** The EXIF orientation, 1 to 8: how decoders rotate or mirror the picture. 1 changes nothing. */
  readonly orientation: number
  /** The file without its metadata. */
  readonly bytes: Uint8Array
}

export interface MalformedPicture {
  readonly kind: 'malformed'
  readonly format: PictureFormat
  readonly fault: PictureFault
}

/** `unknown`: the bytes are not a picture of a format that this program reads. */
export type Removal = Picture | MalformedPicture | { readonly kind: 'unknown' }

/** The result of a parser for one format. */
export type Found = Omit<Picture, 'kind' | 'format'> | PictureFault
