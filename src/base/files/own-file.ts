import { constants } from 'node:fs'
import { lstat, open } from 'node:fs/promises'
import { ChatError, reasonOf, systemCode } from '../errors.js'
import { systemRandom } from '../random.js'
import { diskFaultWords } from './disk-faults.js'
import { draftBeside } from './draft-file.js'

/** A type of file that the program writes to a path given by the user, and may replace there. */
export interface FileKind {
  /** With its article, as in `it exists, and is not an export`. */
  readonly name: string
  /** How many bytes from the start identify it. */
  readonly startBytes: number
  readonly begins: (start: Uint8Array) => boolean
}

/**
 * Writes a file to a path given by the user, completely or not at all. Replaces an older file of the same kind, nothing else,
 * and follows no symbolic link. Rejects with DATA_UNUSABLE.
 */
export async function writeOwnFile(
  file: string,
  kind: FileKind,
  content: string | AsyncIterable<Uint8Array>,
): Promise<void> {
  try {
    const isThere = await isOfKind(file, kind)
    const draft = await draftBeside(file, content, systemRandom)
    try {
      // Do not replace a file that appeared in the meantime.
      await (isThere ? draft.replace(file) : draft.create(file))
    } catch (error) {
      await draft.discard()
      throw error
    }
  } catch (cause) {
    throw new ChatError('DATA_UNUSABLE', `${file} cannot be written: ${diskFaultWords(cause) ?? reasonOf(cause)}`, {
      cause,
      hint: 'Choose another file.',
    })
  }
}

/** Whether a file of this kind exists; false if nothing does. Rejects if it is something else. */
async function isOfKind(file: string, { name, startBytes, begins }: FileKind): Promise<boolean> {
  const no = new Error(`it exists, and is not ${name}`)
  try {
    const found = await lstat(file)
    if (found.isSymbolicLink()) throw new Error('it is a symbolic link')
    if (!found.isFile()) throw no // opening a pipe would block
    const handle = await open(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(startBytes), 0, startBytes, 0)
      if (!begins(buffer.subarray(0, bytesRead))) throw no
      return true
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw error
  }
}
