import { constants, type FileHandle, link, lstat, open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { systemCode } from '../errors.js'
import type { Random } from '../random.js'
import { hexOf } from '../wire/bytes.js'

/** Error codes of file systems without hard links, such as those of most memory sticks. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])
const NAME_BYTES = 8

export type FileContent = string | Uint8Array | AsyncIterable<Uint8Array>

/** A complete, synced file under a temporary name in its target directory. */
export interface Draft {
  readonly path: string
  /** Renames it to `file`, replacing an existing one. A symbolic link is replaced, never followed. */
  replace(file: string): Promise<void>
  /** Renames it to `file` unless that exists. Rejects with EEXIST. */
  create(file: string): Promise<void>
  /** Deletes it. A failed `replace` or `create` deletes it too. */
  discard(): Promise<void>
}

/**
 * Writes a temporary file next to `file`, with mode 0600. The file has a random name and is opened with O_EXCL, so that no symbolic link is
 * followed and nothing is overwritten. Rejects with the system's error and leaves no file.
 */
export async function draftBeside(file: string, content: FileContent, random: Random): Promise<Draft> {
  const directory = path.dirname(file)
  const draft = path.join(directory, `.persisted-chat-${hexOf(random.bytes(NAME_BYTES))}`)
  const discard = (): Promise<void> => rm(draft, { force: true })
  const handle = await open(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    if (typeof content === 'string' || content instanceof Uint8Array) await handle.writeFile(content)
    else for await (const part of content) await handle.writeFile(part)
    await handle.sync()
  } catch (error) {
    await discard().catch(() => {}) // report the first error
    throw error
  } finally {
    await handle.close()
  }
  const move = async (step: Promise<void>): Promise<void> => {
    try {
      await step
      await syncDirectory(directory)
    } catch (error) {
      await discard()
      throw error
    }
  }
  return {
    path: draft,
    replace: target => move(rename(draft, target)),
    create: target => move(createFrom(draft, target)),
    discard,
  }
}

/** Writes a file completely or not at all, replacing an existing one. */
export async function replaceFile(file: string, content: FileContent, random: Random): Promise<void> {
  await (await draftBeside(file, content, random)).replace(file)
}

/** Writes a file completely or not at all. Rejects with EEXIST if it exists. */
export async function createFile(file: string, content: FileContent, random: Random): Promise<void> {
  await (await draftBeside(file, content, random)).create(file)
}

async function createFrom(draft: string, target: string): Promise<void> {
  try {
    await link(draft, target)
  } catch (error) {
    if (!NO_LINKS.has(systemCode(error) ?? '')) throw error
    if (await exists(target)) throw Object.assign(new Error(`${target} exists`), { code: 'EEXIST' })
    await rename(draft, target)
    return
  }
  await rm(draft)
}

async function exists(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    error => {
      if (systemCode(error) === 'ENOENT') return false
      throw error
    },
  )
}

/** Makes renames and new files in a directory durable. Without it, a power cut can lose the name of a file whose content is on disk. */
export async function syncDirectory(directory: string): Promise<void> {
  let handle: FileHandle | undefined
  try {
    handle = await open(directory)
    await handle.sync()
  } catch (error) {
    // Windows cannot open directories, and a writable directory may be unreadable.
    if (!['EISDIR', 'EPERM', 'EACCES', 'EINVAL'].includes(systemCode(error) ?? '')) throw error
  } finally {
    await handle?.close()
  }
}
