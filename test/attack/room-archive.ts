import { open } from 'node:fs/promises'
import { archiveOf } from '../../src/sync/archive.js'
import { logOver } from '../helper/logs.js'
import { MemoryStore } from '../helper/memory-store.js'
import { alice } from '../helper/signed-world.js'
import { Author, roomId } from './author.js'
import { frame } from './bytes.js'
import { segmentsFrame } from './frames.js'

export interface ArchiveSize {
  readonly authors: number
  /** Number of lines of each author. */
  readonly lines: number
  readonly lineChars: number
}

/** Writes an export of the lobby with the logs of many authors. */
export async function writeArchive(file: string, size: ArchiveSize): Promise<readonly Author[]> {
  const room = roomId('lobby')
  const authors = Array.from({ length: size.authors }, () => new Author(room))
  const empty = await logOver(new MemoryStore(), alice)
  const target = await open(file, 'w')
  for await (const start of archiveOf(empty, room)) await target.write(start)
  for (const author of authors)
    for (const segment of author.lines('author', size.lines, size.lineChars))
      await target.write(frame(segmentsFrame([segment])))
  await Promise.all([target.close(), empty.close()])
  return authors
}
