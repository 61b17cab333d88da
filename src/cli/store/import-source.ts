import { constants, createReadStream } from 'node:fs'
import { type FileHandle, lstat, open, stat } from 'node:fs/promises'
import path from 'node:path'
import { ChatError, reasonOf, systemCode } from '../../base/errors.js'
import { diskFaultWords } from '../../base/files/disk-faults.js'
import { ARCHIVE_START_BYTES, beginsArchive } from '../../sync/archive.js'

const CURRENT_BYTES_MAX = 64

const HINT = 'Name a file written by export, or a scuttleup database.'

/** An export or a foreign database, checked before anything is opened or created for it. */
export type ImportSource =
  | { readonly kind: 'export'; readonly bytes: AsyncIterable<Uint8Array>; readonly close: () => Promise<void> }
  | { readonly kind: 'database'; readonly directory: string; readonly close: () => Promise<void> }

/** Opens an export or checks a database, without blocking and without changing it. Rejects with DATA_UNUSABLE. */
export async function openImport(from: string): Promise<ImportSource> {
  let handle: FileHandle | undefined
  try {
    const found = await stat(from)
    if (found.isDirectory()) {
      if (!(await isDatabase(from))) throw refusal(from, 'is not a scuttleup database')
      return { kind: 'database', directory: from, close: async () => {} }
    }
    // Check the type before opening: opening a pipe blocks, and opening a device can have side effects.
    if (!found.isFile()) throw refusal(from, 'is neither a file nor a directory')
    handle = await open(from, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    if (!(await handle.stat()).isFile()) throw refusal(from, 'is neither a file nor a directory')
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(ARCHIVE_START_BYTES), 0, ARCHIVE_START_BYTES, 0)
    if (!beginsArchive(buffer.subarray(0, bytesRead))) throw refusal(from, 'is not an export')
    const file = handle
    const bytes = createReadStream(from, { fd: file, start: 0, autoClose: false })
    return { kind: 'export', bytes, close: () => file.close() }
  } catch (cause) {
    await handle?.close()
    if (cause instanceof ChatError) throw cause
    if (systemCode(cause) === 'ENOENT') throw refusal(from, 'does not exist')
    throw refusal(from, `cannot be read: ${diskFaultWords(cause) ?? reasonOf(cause)}`)
  }
}

/** Whether a directory has a CURRENT that names an existing manifest, both of them regular files. */
async function isDatabase(directory: string): Promise<boolean> {
  const current = path.join(directory, 'CURRENT')
  if (!(await isRegularFile(current))) return false
  const handle = await open(current, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(CURRENT_BYTES_MAX), 0, CURRENT_BYTES_MAX, 0)
    const manifest = /^(MANIFEST-\d+)\n?$/.exec(buffer.toString('latin1', 0, bytesRead))?.[1]
    return manifest !== undefined && (await isRegularFile(path.join(directory, manifest)))
  } finally {
    await handle.close()
  }
}

async function isRegularFile(file: string): Promise<boolean> {
  try {
    return (await lstat(file)).isFile()
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(systemCode(error) ?? '')) return false
    throw error
  }
}

const refusal = (from: string, why: string): ChatError =>
  new ChatError('DATA_UNUSABLE', `${from} ${why}`, { hint: HINT })
