import { constants } from 'node:fs'
import { lstat, open } from 'node:fs/promises'
import { ChatError, reasonOf, systemCode } from '../errors.js'
import { systemRandom } from '../random.js'
import { diskFaultWords } from './disk-faults.js'
import { draftBeside } from './draft-file.js'

/** A type of file that the program writes to a path given by the user, and may overwrite there. */
export interface FileKind {
  /** The name with its article, as in `it exists, and is not an export`. */
  readonly name: string
  /** Number of bytes at the start that identify it. */
  readonly startBytes: number
  readonly begins: (start: Uint8Array) => boolean
}

/**
 * Writes a file to a path given by the user, completely or not at all. Overwrites only an older file of the same kind, and follows
 * no symbolic link. Rejects with DATA_UNUSABLE.
 */
export async function writeOwnFile(
  file: string,
  kind: FileKind,
  content: string | AsyncIterable<Uint8Array>,
): Promise<void> {
  try {
    const exists = await isOfKind(file, kind)
    const draft = await draftBeside(file, content, systemRandom)
    try {
      // `create` does not overwrite a file that appeared in the meantime.
      await (exists ? draft.replace(file) : draft.create(file))
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

/** Whether `file` exists. Rejects if it exists but is not of this kind. */
async function isOfKind(file: string, { name, startBytes, begins }: FileKind): Promise<boolean> {
  const otherKind = new Error(`it exists, and is not ${name}`)
  try {
    const found = await lstat(file)
    if (found.isSymbolicLink()) throw new Error('it is a symbolic link')
    if (!found.isFile()) throw otherKind // opening a pipe would block
    const handle = await open(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(startBytes), 0, startBytes, 0)
      if (!begins(buffer.subarray(0, bytesRead))) throw otherKind
      return true
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw error
  }
}
