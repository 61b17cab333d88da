import { constants, createReadStream } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { ChatError, systemCode } from '../../base/errors.js'
import { diskError } from '../../base/files/disk-faults.js'
import { beginningOf } from '../../base/files/regular-file.js'
import { ARCHIVE_START_BYTES, beginsArchive } from '../../sync/archive.js'
import { checkDatabase } from './database-copy.js'

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
      await checkDatabase(from)
      return { kind: 'database', directory: from, close: async () => {} }
    }
    // Check the type before opening: opening a pipe blocks, and opening a device can have side effects.
    if (!found.isFile()) throw refusal(from, 'is neither a file nor a directory')
    handle = await open(from, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    if (!(await handle.stat()).isFile()) throw refusal(from, 'is neither a file nor a directory')
    if (!beginsArchive(await beginningOf(handle, ARCHIVE_START_BYTES))) throw refusal(from, 'is not an export')
    const file = handle
    const bytes = createReadStream(from, { fd: file, start: 0, autoClose: false })
    return { kind: 'export', bytes, close: () => file.close() }
  } catch (cause) {
    await handle?.close()
    if (systemCode(cause) === 'ENOENT') throw refusal(from, 'does not exist')
    throw diskError(`${from} cannot be read`, cause, HINT)
  }
}

const refusal = (from: string, why: string): ChatError =>
  new ChatError('DATA_UNUSABLE', `${from} ${why}`, { hint: HINT })
