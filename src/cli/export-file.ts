import { createWriteStream } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { ChatError, reasonOf, systemCode } from '../base/errors.js'
import { ARCHIVE_START_BYTES, beginsArchive } from '../log/archive.js'

/**
 * Writes an export to `file`, whole or not at all. An older export there is replaced; anything else is left as it is.
 * Rejects with DATA_UNUSABLE.
 */
export async function writeExport(file: string, archive: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    if (await isSomethingElse(file)) throw new Error('it exists, and is no export')
    await replace(file, archive)
  } catch (cause) {
    throw new ChatError('DATA_UNUSABLE', `${file} cannot be written: ${reasonOf(cause)}`, {
      cause,
      hint: 'Choose another file.',
    })
  }
}

async function replace(file: string, archive: AsyncIterable<Uint8Array>): Promise<void> {
  const draft = `${file}.part`
  try {
    await pipeline(archive, createWriteStream(draft, { mode: 0o600, flush: true }))
    await rename(draft, file)
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {}) // the first reason is the one to tell
    throw error
  }
}

async function isSomethingElse(file: string): Promise<boolean> {
  try {
    // A pipe would be waited for.
    if (!(await stat(file)).isFile()) return true
    const handle = await open(file)
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(ARCHIVE_START_BYTES), 0, ARCHIVE_START_BYTES, 0)
      return !beginsArchive(buffer.subarray(0, bytesRead))
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw error
  }
}
