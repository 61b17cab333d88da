import { constants } from 'node:fs'
import { lstat, open } from 'node:fs/promises'
import { diskFaultWords } from '../base/disk-faults.js'
import { ChatError, reasonOf, systemCode } from '../base/errors.js'
import { systemRandom } from '../base/random.js'
import { draftBeside } from '../log/draft-file.js'

/** A kind of file that the program writes where the user says, and so may replace. */
export interface FileKind {
  /** As in `it exists, and is no export`. */
  readonly name: string
  /** How many bytes tell whether a file is of this kind. */
  readonly startBytes: number
  readonly begins: (start: Uint8Array) => boolean
}

/**
 * Writes a file that the user has named, whole or not at all. One of the same kind is replaced; anything else that stands
 * there is left as it is, and symbolic links are not followed. Rejects with DATA_UNUSABLE.
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
      // What came to stand there meanwhile is nobody's to replace.
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

/** Whether such a file stands there, which may be replaced; false where nothing does. Rejects where it is something else. */
async function isOfKind(file: string, { name, startBytes, begins }: FileKind): Promise<boolean> {
  const no = new Error(`it exists, and is no ${name}`)
  try {
    const found = await lstat(file)
    if (found.isSymbolicLink()) throw new Error('it is a symbolic link')
    if (!found.isFile()) throw no // opening a pipe would wait
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
