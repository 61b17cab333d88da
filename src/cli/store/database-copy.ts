import { createReadStream, createWriteStream, rmSync } from 'node:fs'
import { lstat, mkdir, mkdtemp, readdir, rm, statfs } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { ChatError, systemCode } from '../../base/errors.js'
import { diskError, isNotAFile } from '../../base/files/disk-faults.js'
import { beginningOf, withRegularFile } from '../../base/files/regular-file.js'

/** Number of attempts to copy a database that changes while it is copied. */
const TRIES = 3
/** Extra space for the files that LevelDB writes when it opens the copy. */
const SPARE_BYTES = 4 * 2 ** 20
const CURRENT_BYTES_MAX = 64
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
const TMPDIR_HINT = 'Free some space there, or set TMPDIR to a directory on another disk.'
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** The files of a LevelDB database that are needed to read it. */
const DATABASE_FILE = /^(CURRENT|MANIFEST-\d+|\d+\.(log|ldb|sst))$/

/** A file of a database at the time it was listed. */
export interface Listed {
  readonly name: string
  readonly bytes: number
  readonly writtenNs: bigint
}

/** Whether a database did not change between two listings. */
export function isSameListing(before: readonly Listed[], after: readonly Listed[]): boolean {
  const keyOf = ({ name, bytes, writtenNs }: Listed): string => `${name} ${bytes} ${writtenNs}`
  return before.map(keyOf).sort().join('\n') === after.map(keyOf).sort().join('\n')
}

/** Free bytes that a copy needs: opening the copy writes the journal once more, as tables. */
export const roomNeeded = (listing: readonly Listed[]): number =>
  listing.reduce((sum, { name, bytes }) => sum + (name.endsWith('.log') ? 2 : 1) * bytes, SPARE_BYTES)

/**
 * Calls `action` with a private copy of the LevelDB database in `directory`, because opening a database modifies it. Deletes
 * the copy afterwards, also after an error or a signal. Rejects with DATA_UNUSABLE.
 */
export async function withDatabaseCopy<T>(directory: string, action: (copy: string) => Promise<T>): Promise<T> {
  await checkDatabase(directory)
  const scratch = await mkdtemp(path.join(os.tmpdir(), 'persisted-chat-copy-')).catch(cause => {
    throw unwritable(directory, cause)
  }) // the directory's mode is 0700
  const onSignal = (signal: NodeJS.Signals): void => {
    rmSync(scratch, { recursive: true, force: true, maxRetries: 3 })
    process.removeListener(signal, onSignal)
    process.kill(process.pid, signal)
  }
  for (const signal of SIGNALS) process.on(signal, onSignal)
  try {
    return await action(await stableCopy(directory, scratch))
  } finally {
    await rm(scratch, { recursive: true, force: true, maxRetries: 3 })
    for (const signal of SIGNALS) process.removeListener(signal, onSignal)
  }
}

/** Rejects a directory whose CURRENT does not name an existing manifest. Rejects with DATA_UNUSABLE. */
export async function checkDatabase(directory: string): Promise<void> {
  const no = new ChatError('DATA_UNUSABLE', `${directory} is not a scuttleup database`, {
    hint: 'Name the directory with its CURRENT file, or a file written by export.',
  })
  try {
    const current = await withRegularFile(path.join(directory, 'CURRENT'), handle =>
      beginningOf(handle, CURRENT_BYTES_MAX),
    )
    const manifest = /^(MANIFEST-\d+)\n?$/.exec(current.toString('latin1'))?.[1]
    if (manifest === undefined) throw no
    await regularFile(path.join(directory, manifest))
  } catch (cause) {
    if (cause === no || isNotAFile(cause) || ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(systemCode(cause) ?? '')) throw no
    throw unreadable(directory, cause)
  }
}

async function stableCopy(directory: string, scratch: string): Promise<string> {
  for (let number = 1; number <= TRIES; number++) {
    const copy = path.join(scratch, `try-${number}`)
    try {
      const before = await listingOf(directory)
      await checkRoom(directory, before, scratch)
      await mkdir(copy, { mode: 0o700 })
      for (const file of before) await copyFile(path.join(directory, file.name), path.join(copy, file.name), file.bytes)
      if (isSameListing(before, await listingOf(directory))) return copy
    } catch (cause) {
      if (FULL.has(systemCode(cause) ?? '')) throw unwritable(directory, cause)
      // LevelDB deleted a table after merging it into another one.
      if (systemCode(cause) !== 'ENOENT') throw unreadable(directory, cause)
    }
    await rm(copy, { recursive: true, force: true })
  }
  throw new ChatError('DATA_UNUSABLE', `the database ${directory} keeps changing while it is copied`, {
    hint: 'Stop the program that has it open, then try again.',
  })
}

async function listingOf(directory: string): Promise<readonly Listed[]> {
  const names = (await readdir(directory)).filter(name => DATABASE_FILE.test(name))
  return Promise.all(names.map(async name => ({ name, ...(await lookedAt(path.join(directory, name))) })))
}

async function lookedAt(file: string): Promise<Omit<Listed, 'name'>> {
  const { size, mtimeNs } = await regularFile(file)
  return { bytes: Number(size), writtenNs: mtimeNs }
}

async function regularFile(file: string) {
  const found = await lstat(file, { bigint: true })
  if (!found.isFile()) throw Object.assign(new Error(`${path.basename(file)} is not a regular file`), { code: 'ELOOP' })
  return found
}

async function checkRoom(directory: string, listing: readonly Listed[], scratch: string): Promise<void> {
  const { bavail, bsize } = await statfs(scratch)
  const [needed, free] = [roomNeeded(listing), bavail * bsize]
  if (needed <= free) return
  const [need, have] = [needed, free].map(bytes => `${Math.ceil(bytes / 2 ** 20)} MiB`)
  throw new ChatError('DATA_UNUSABLE', `copying ${directory} takes ${need}, but ${os.tmpdir()} has ${have} free`, {
    hint: TMPDIR_HINT,
  })
}

/** Copies only as many bytes as were listed, so that copying a growing file ends. */
async function copyFile(from: string, to: string, bytes: number): Promise<void> {
  await withRegularFile(from, async handle => {
    const target = createWriteStream(to, { flags: 'wx', mode: 0o600 })
    const options = { fd: handle, start: 0, end: bytes - 1, autoClose: false }
    await pipeline(bytes === 0 ? [] : createReadStream(from, options), target)
  })
}

const unwritable = (directory: string, cause: unknown): ChatError =>
  diskError(`${directory} cannot be copied to ${os.tmpdir()}`, cause, TMPDIR_HINT)

const unreadable = (directory: string, cause: unknown): ChatError =>
  diskError(
    `${directory} cannot be read`,
    cause,
    'Name a file written by export, or a scuttleup database that you can read.',
  )
