import { constants, type FileHandle, lstat, open } from 'node:fs/promises'
import { notAFile } from './disk-faults.js'

const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/**
 * Reads a regular file. Rejects for a symbolic link, a directory, a pipe or a device, which is not opened: opening a pipe blocks, and
 * opening a device can have side effects.
 */
export async function withRegularFile<T>(file: string, read: (handle: FileHandle) => Promise<T>): Promise<T> {
  if (!(await lstat(file)).isFile()) throw notAFile()
  const handle = await open(file, FLAGS)
  try {
    if (!(await handle.stat()).isFile()) throw notAFile()
    return await read(handle)
  } finally {
    await handle.close()
  }
}

/** The first `bytesMax` bytes of a file, or all if there are fewer. */
export async function beginningOf(handle: FileHandle, bytesMax: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytesMax), 0, bytesMax, 0)
  return buffer.subarray(0, bytesRead)
}
