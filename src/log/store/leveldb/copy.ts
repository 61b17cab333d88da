import { constants } from 'node:fs'
import { copyFile, link, lstat, open, readdir, statfs } from 'node:fs/promises'
import path from 'node:path'
import { systemCode } from '../../../base/errors.js'

/** Files that say nothing about the rows: LevelDB makes them anew. */
const LEFT_OUT = /^(?:LOCK|LOG|LOG\.old|scratch-.*)$|\.dbtmp$/
const IS_TABLE = /\.(?:ldb|sst)$/
const IS_JOURNAL = /\.log$/
/** Room for what LevelDB writes besides. */
const SPARE_BYTES = 4 * 1024 * 1024
/** A database that is being written is copied anew, at most so often. */
const TRIES_MAX = 3

export type CopyFailure = 'changing' | 'no-room'

interface Listed {
  readonly name: string
  readonly size: number
  readonly changedMs: number
}

/**
 * Copies a database into the empty directory `target` without opening it. Tables never change, so they can be linked where
 * `mayLink`. Whoever has it open may append to its journals meanwhile: a copy then ends before that. Gives why it failed.
 */
export async function copyDatabase(
  directory: string,
  target: string,
  mayLink: boolean,
): Promise<CopyFailure | undefined> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const files = await listing(directory)
    const toCopy = files.filter(({ name }) => !(mayLink && IS_TABLE.test(name)))
    if (
      !(await hasRoom(
        target,
        toCopy.reduce((sum, { size }) => sum + size, 0),
      ))
    )
      return 'no-room'
    const isWhole = await copyAll(directory, target, files, mayLink)
    if (isWhole && sameFiles(files, await listing(directory))) return undefined
  }
  return 'changing'
}

async function copyAll(
  directory: string,
  target: string,
  files: readonly Listed[],
  mayLink: boolean,
): Promise<boolean> {
  for (const { name } of files) {
    const [from, to] = [path.join(directory, name), path.join(target, name)]
    try {
      if (!(mayLink && IS_TABLE.test(name) && (await isLinked(from, to))))
        await copyFile(from, to, constants.COPYFILE_FICLONE)
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error
      return false // gone since it was listed
    }
  }
  return true
}

async function isLinked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    return systemCode(error) === 'EEXIST' // from the try before
  }
}

/** The regular files of a database. */
async function listing(directory: string): Promise<Listed[]> {
  const files: Listed[] = []
  for (const name of (await readdir(directory)).toSorted()) {
    if (LEFT_OUT.test(name)) continue
    const status = await lstat(path.join(directory, name)).catch(() => undefined)
    if (status?.isFile()) files.push({ name, size: status.size, changedMs: status.mtimeMs })
  }
  return files
}

const sameFiles = (before: readonly Listed[], after: readonly Listed[]): boolean =>
  before.length === after.length &&
  before.every(({ name, size, changedMs }, index) => {
    const now = after[index]
    if (now?.name !== name) return false
    return IS_JOURNAL.test(name) ? now.size >= size : now.size === size && now.changedMs === changedMs
  })

/** Opening the copy writes its journals once more, as tables. */
async function hasRoom(directory: string, bytes: number): Promise<boolean> {
  const { bavail, bsize } = await statfs(directory)
  return bavail * bsize > 2 * bytes + SPARE_BYTES
}

/** Makes what was written to a directory, and the names of its files, safe from a power cut. */
export async function syncAll(directory: string): Promise<void> {
  for (const { name } of await listing(directory)) await syncPath(path.join(directory, name))
  await syncPath(directory)
}

export async function syncPath(file: string): Promise<void> {
  const handle = await open(file)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
