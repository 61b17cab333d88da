import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { systemCode } from '../../../base/errors.js'
import { makeDirectory } from '../../../base/files/make-directory.js'
import { requirePackage } from '../../../base/packages.js'
import { checkDatabase } from './check.js'
import { copyDatabase, syncPath } from './copy.js'
import { notRepaired, openingError, unusable } from './errors.js'
import type { RepairFailure } from './repair.js'

// Opens a database, or a copy of it, and checks its files first.

const ENCODING = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const

const { Level }: typeof import('level') = requirePackage('level')

export type Database = InstanceType<typeof Level<Uint8Array, Uint8Array>>

/** Checks the files of a database. Rejects with DATA_UNUSABLE. */
export async function checkFiles(directory: string, tableBytesMax: number): ReturnType<typeof checkDatabase> {
  try {
    return await checkDatabase(directory, tableBytesMax)
  } catch (cause) {
    throw unusable(directory, cause)
  }
}

/** Checks all files until two checks agree: while another process compacts them, files that a manifest names are deleted. */
export async function checkTwice(directory: string): ReturnType<typeof checkDatabase> {
  let checked = await checkFiles(directory, Number.POSITIVE_INFINITY)
  for (let before = ''; checked.faults.length > 0 && JSON.stringify(checked.faults) !== before; ) {
    before = JSON.stringify(checked.faults)
    checked = await checkFiles(directory, Number.POSITIVE_INFINITY)
  }
  return checked
}

/** Copies a database to a directory beside it or, if that fails, to the system's temporary directory. */
export async function copyOf(directory: string): Promise<string> {
  let failure: RepairFailure | undefined
  for (const { prefix, mayLink } of [
    { prefix: `${path.resolve(directory)}.copy-`, mayLink: true },
    { prefix: path.join(tmpdir(), 'persisted-chat-'), mayLink: false },
  ]) {
    const copy = await mkdtemp(prefix).catch(() => undefined) // full or read-only disk
    if (copy === undefined) continue
    try {
      failure = await copyDatabase(directory, copy, mayLink)
      if (failure === undefined) return copy
    } catch (cause) {
      await rm(copy, { recursive: true, force: true })
      throw unusable(directory, cause)
    }
    await rm(copy, { recursive: true, force: true })
    if (failure !== 'no-room') break
  }
  throw notRepaired(directory, [], failure ?? 'no-room')
}

/**
 * Whether another process has the database open. With these options LevelDB acquires the lock and then rejects an existing database,
 * so nothing is changed.
 */
export async function isLocked(directory: string): Promise<boolean> {
  const database = new Level(directory, ENCODING)
  try {
    await database.open({ createIfMissing: false, errorIfExists: true })
    return false
  } catch (error) {
    return systemCode(error) === 'LEVEL_LOCKED'
  } finally {
    await database.close()
  }
}

export async function openDatabase(directory: string, isNew: boolean): Promise<Database> {
  if (isNew) {
    try {
      await makeDirectory(path.resolve(directory))
    } catch (cause) {
      throw unusable(directory, cause)
    }
  }
  const database: Database = new Level(directory, ENCODING)
  try {
    await database.open({ createIfMissing: isNew })
    // LevelDB syncs neither the rename that installs a new manifest nor the first manifest of a new database. Without this sync, a
    // power cut could lose everything acknowledged since.
    await syncPath(directory)
    return database
  } catch (cause) {
    await database.close()
    throw openingError(directory, cause)
  }
}
