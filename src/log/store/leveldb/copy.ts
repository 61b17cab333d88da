import { constants } from 'node:fs'
import { copyFile, link, lstat, open, readdir, statfs } from 'node:fs/promises'
import path from 'node:path'
import { pause, systemClock } from '../../../base/clock.js'
import { systemCode } from '../../../base/errors.js'

/** Files without rows, which LevelDB recreates. */
const EXCLUDED = /^(?:LOCK|LOG|LOG\.old|scratch-.*)$|\.dbtmp$/
const IS_TABLE = /\.(?:ldb|sst)$/
const IS_JOURNAL = /\.log$/
/** Space to leave for other files that LevelDB writes. */
const SPARE_BYTES = 4 * 1024 * 1024
/** How long to retry the copy of a database whose tables change while it is copied: a compaction changes them many times a second. */
const TRY_MS_MAX = 10_000
/** The pause after the first try; it doubles with each try, up to PAUSE_MS_MAX. */
const PAUSE_MS = 5
const PAUSE_MS_MAX = 200

export type CopyFailure = 'changing' | 'no-room'

interface Listed {
  readonly name: string
  readonly size: number
  readonly changedMs: number
}

/**
 * Copies a database into the empty directory `target` without opening it. With `mayLink`, tables are hard-linked, because they never
 * change. Another process may append to the journals during the copy; the copy may lack those writes. Returns the reason for a failure.
 */
export async function copyDatabase(
  directory: string,
  target: string,
  mayLink: boolean,
): Promise<CopyFailure | undefined> {
  const until = systemClock.now() + TRY_MS_MAX
  for (let pauseMs = PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
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
    if (systemClock.now() >= until) return 'changing'
    await pause(systemClock, pauseMs)
  }
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
      return false // deleted since it was listed
    }
  }
  return true
}

async function isLinked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    return systemCode(error) === 'EEXIST' // left from the attempt before
  }
}

/** The regular files of a database. */
async function listing(directory: string): Promise<Listed[]> {
  const files: Listed[] = []
  for (const name of (await readdir(directory)).toSorted()) {
    if (EXCLUDED.test(name)) continue
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

/** The factor of 2 is for opening the copy, which rewrites its journals as tables. */
async function hasRoom(directory: string, bytes: number): Promise<boolean> {
  const { bavail, bsize } = await statfs(directory)
  return bavail * bsize > 2 * bytes + SPARE_BYTES
}

/** Syncs the files of a database, then their directory. */
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
