import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { FileContent } from '../chat/kinds/file.js'
import type { Message } from '../chat/kinds/message.js'
import type { GetFileOptions, RoomApi } from '../node/room-api.js'
import { PICTURE_BYTES_MAX } from '../pictures/decoding/thumbnail.js'
import { hasPictureName } from '../pictures/metadata/removal.js'

/** Largest picture that is fetched without being asked for. */
export const UNASKED_BYTES_MAX = 4 * 1024 * 1024

export type FileMessage = Message & FileContent

/** Whether a line sends a picture that can be shown. */
export const isShowable = ({ name, size }: Pick<FileContent, 'name' | 'size'>): boolean =>
  hasPictureName(name) && size <= PICTURE_BYTES_MAX

/** Fetches the picture of a line, and leaves no file outside the room. Rejects as `getFile` does. */
export async function fetchedPicture(
  room: Pick<RoomApi, 'getFile'>,
  message: FileMessage,
  options: GetFileOptions,
): Promise<Uint8Array> {
  const directory = await mkdtemp(path.join(tmpdir(), 'persisted-chat-'))
  try {
    return await readFile(await room.getFile(message, directory, options))
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
