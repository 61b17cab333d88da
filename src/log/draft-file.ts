import { constants, type FileHandle, link, lstat, open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { hexOf } from '../base/bytes.js'
import { systemCode } from '../base/errors.js'
import type { Random } from '../base/random.js'

/** File systems without hard links, as on most memory sticks, answer with one of these. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])
const NAME_BYTES = 8

/** A file that is whole and on disk, under a name that nothing had, in the directory where it is to go. */
export interface Draft {
  readonly path: string
  /** Puts it in the place of `file`. A symbolic link there is replaced, never followed. */
  replace(file: string): Promise<void>
  /** Names it `file`, where nothing has that name. Rejects with EEXIST otherwise. */
  create(file: string): Promise<void>
  discard(): Promise<void>
}

/**
 * Writes a file beside `file`, for its owner alone. The name is random and the file is made exclusively, so that it is
 * never written through a symbolic link or over anything that is there. Rejects with the system's reason, leaving nothing.
 */
export async function draftBeside(
  file: string,
  content: string | AsyncIterable<Uint8Array>,
  random: Random,
): Promise<Draft> {
  const directory = path.dirname(file)
  const draft = path.join(directory, `.persisted-chat-${hexOf(random.bytes(NAME_BYTES))}`)
  const discard = (): Promise<void> => rm(draft, { force: true })
  const handle = await open(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    if (typeof content === 'string') await handle.writeFile(content)
    else for await (const part of content) await handle.writeFile(part)
    await handle.sync()
  } catch (error) {
    await discard().catch(() => {}) // the first reason is the one to tell
    throw error
  } finally {
    await handle.close()
  }
  return {
    path: draft,
    replace: async target => {
      await rename(draft, target)
      await syncDirectory(directory)
    },
    create: async target => {
      await createFrom(draft, target)
      await syncDirectory(directory)
    },
    discard,
  }
}

async function createFrom(draft: string, target: string): Promise<void> {
  try {
    await link(draft, target)
  } catch (error) {
    if (!NO_LINKS.has(systemCode(error) ?? '')) throw error
    if (await isThere(target)) throw Object.assign(new Error(`${target} exists`), { code: 'EEXIST' })
    await rename(draft, target)
    return
  }
  await rm(draft)
}

async function isThere(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    error => {
      if (systemCode(error) === 'ENOENT') return false
      throw error
    },
  )
}

/** Without this a power cut can take the name of a file whose content is on disk. */
export async function syncDirectory(directory: string): Promise<void> {
  let handle: FileHandle | undefined
  try {
    handle = await open(directory)
    await handle.sync()
  } catch (error) {
    // Windows opens no directory, and a directory that may be written need not be readable.
    if (!['EISDIR', 'EPERM', 'EACCES', 'EINVAL'].includes(systemCode(error) ?? '')) throw error
  } finally {
    await handle?.close()
  }
}
