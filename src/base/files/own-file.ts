import { lstat } from 'node:fs/promises'
import { systemCode } from '../errors.js'
import { systemRandom } from '../random.js'
import { diskError } from './disk-faults.js'
import { createFile, type FileContent, replaceFile } from './draft-file.js'
import { beginningOf, withRegularFile } from './regular-file.js'

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
export async function writeOwnFile(file: string, kind: FileKind, content: FileContent): Promise<void> {
  try {
    // `createFile` does not overwrite a file that appeared in the meantime.
    const write = (await isOfKind(file, kind)) ? replaceFile : createFile
    await write(file, content, systemRandom)
  } catch (cause) {
    throw diskError(`${file} cannot be written`, cause, 'Choose another file.')
  }
}

/** Whether `file` exists. Rejects if it exists but is not of this kind. */
async function isOfKind(file: string, { name, startBytes, begins }: FileKind): Promise<boolean> {
  const otherKind = new Error(`it exists, and is not ${name}`)
  try {
    const found = await lstat(file)
    if (found.isSymbolicLink()) throw new Error('it is a symbolic link')
    const isOfKind =
      found.isFile() && (await withRegularFile(file, async handle => begins(await beginningOf(handle, startBytes))))
    if (!isOfKind) throw otherKind
    return true
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw error
  }
}
