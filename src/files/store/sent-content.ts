import type { FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { ChatError } from '../../base/errors.js'
import { beginningOf } from '../../base/files/regular-file.js'
import { hasPictureName, isPicture, SIGNATURE_BYTES, withoutMetadata } from '../../pictures/metadata/removal.js'

/** Largest picture whose metadata are removed: it is read into memory. */
const PICTURE_BYTES_MAX = 64 * 1024 * 1024

/** The part of a sent file that is stored. */
export interface SentContent {
  readonly size: number
  read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>
}

/** A file as it is. */
export async function wholeContent(source: FileHandle): Promise<SentContent> {
  const { size } = await source.stat()
  return { size, read: (buffer, offset, length, position) => source.read(buffer, offset, length, position) }
}

/**
 * A picture without its metadata; any other file as it is. Rejects with FILE_UNUSABLE if the file is a picture, or is named like one, and
 * its metadata cannot be removed. Otherwise the user would believe that the metadata was removed.
 */
export async function contentWithoutMetadata(file: string, source: FileHandle): Promise<SentContent> {
  const whole = await wholeContent(source)
  if (!isPicture(await beginningOf(source, SIGNATURE_BYTES))) {
    if (hasPictureName(file)) throw unremovable(file, 'it is not a JPEG, PNG or WebP picture')
    return whole
  }
  if (whole.size > PICTURE_BYTES_MAX) throw unremovable(file, `it is larger than ${PICTURE_BYTES_MAX / 2 ** 20} MiB`)
  const removal = withoutMetadata(await source.readFile())
  if (removal.kind !== 'picture') throw unremovable(file, 'it is malformed')
  const { bytes } = removal
  return {
    size: bytes.length,
    read: async (buffer, offset, length, position) => {
      const read = bytes.subarray(position, position + length)
      buffer.set(read, offset)
      return { bytesRead: read.length }
    },
  }
}

const unremovable = (file: string, reason: string): ChatError =>
  new ChatError('FILE_UNUSABLE', `not sent: the metadata of ${path.basename(file)} cannot be removed: ${reason}`, {
    hint: 'Send it as it is with /send --raw, "raw":true or isRaw.',
  })
