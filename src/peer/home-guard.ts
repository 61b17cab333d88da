import { chmod, lstat, mkdir, readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { diskFaultWords, unusableHint } from '../base/disk-faults.js'
import { ChatError, reasonOf, systemCode } from '../base/errors.js'
import { isOpenToOthers, isOwn } from '../log/ownership.js'
import { DATABASE_NAME, type Home } from './home.js'

/** What the program puts into the directory of a user, and what people make of it when they move it aside. */
const OWN_ENTRY = /^(key|lobby|[0-9a-f]{16})(\W|$)/
/** What systems put into directories of anybody. */
const NOBODYS_ENTRY = /^(\..*|lost\+found)$/

/** Whether a directory with these entries was made by somebody for something else. */
export const isForeign = (names: readonly string[]): boolean =>
  names.some(name => !NOBODYS_ENTRY.test(name)) && !names.some(name => OWN_ENTRY.test(name))

type OnWarning = (line: string) => void

/**
 * Makes the directory of the user where there is none, and sees to it that no other user can have put anything there.
 * Rejects with DATA_UNUSABLE.
 */
export async function secureHome(home: Home, onWarning: OnWarning): Promise<void> {
  try {
    await makeDirectory(path.resolve(home.directory))
  } catch (cause) {
    throw unusable(home.directory, cause)
  }
  await checkHome(home, onWarning)
}

/**
 * Refuses a directory or a database that another user has put in the place of this user's, and a directory of something else;
 * closes the directory to others where it was open to them. Does nothing where there is none. Rejects with DATA_UNUSABLE.
 */
export async function checkHome(home: Home, onWarning: OnWarning): Promise<void> {
  const mode = await ownDirectory(home.directory)
  if (mode === undefined) return
  if (isForeign(await namesIn(home.directory))) {
    throw new ChatError('DATA_UNUSABLE', `${home.directory} holds files of something else, and is not used`, {
      hint: 'Choose another directory with --data.',
    })
  }
  if (isOpenToOthers(mode)) onWarning(await closed(home.directory, mode.mode))
  await ownDirectory(home.database)
}

/**
 * Refuses to go on where the key is missing and logs are there: a new key would be another author with the same name, and
 * nobody would be told. Rejects with DATA_UNUSABLE.
 */
export async function checkKeyIsThere(home: Home): Promise<void> {
  // In this order: the key is made before the first database is.
  const database = await databaseIn(home)
  if (database === undefined || (await isThere(home.keyFile))) return
  throw new ChatError('DATA_UNUSABLE', `the key ${home.keyFile} is missing, but there are logs in ${database}`, {
    hint: `Bring the key back from a backup; or, to start as another author, move ${home.directory} aside.`,
  })
}

/** Whether a place holds the key or the logs of a user; also where this cannot be seen. */
export async function isInUse(home: Home): Promise<boolean> {
  if ((await databaseIn(home)) !== undefined) return true
  return lstat(home.keyFile).then(
    () => true,
    error => !['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? ''),
  )
}

async function databaseIn({ directory, database }: Home): Promise<string | undefined> {
  if ((await namesIn(database)).length > 0) return database
  for (const name of await namesIn(directory)) {
    const place = path.join(directory, name)
    if (DATABASE_NAME.test(name) && (await isThere(path.join(place, 'CURRENT')))) return place
  }
  return undefined
}

const namesIn = (directory: string): Promise<readonly string[]> => readdir(directory).catch(() => [])

const isThere = (file: string): Promise<boolean> =>
  lstat(file).then(
    () => true,
    () => false,
  )

/** Its owner and mode; undefined where there is none. A link counts where it, and what it leads to, are the user's own. */
async function ownDirectory(directory: string): Promise<{ readonly uid: number; readonly mode: number } | undefined> {
  try {
    let found = await lstat(directory)
    if (isOwn(found) && found.isSymbolicLink()) found = await stat(directory)
    if (!isOwn(found)) {
      throw new ChatError('DATA_UNUSABLE', `${directory} belongs to another user (${found.uid}), and is not used`, {
        hint: 'Choose another directory with --data.',
      })
    }
    if (!found.isDirectory()) throw new Error('it is not a directory')
    return found
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return undefined
    throw unusable(directory, cause)
  }
}

/** Takes a directory from other users, and says so. */
async function closed(directory: string, mode: number): Promise<string> {
  const risk = `other users could ${(mode & 0o022) === 0 ? 'read' : 'write to'} ${directory}`
  try {
    await chmod(directory, 0o700)
    return `${risk}: it is closed to them now`
  } catch (error) {
    return `${risk}, and it cannot be closed to them: ${diskFaultWords(error) ?? reasonOf(error)}`
  }
}

/** Makes a directory and those above it. (mkdir's own recursion never ends where the file system denies that a parent is.) */
async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { mode: 0o700 })
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || path.dirname(directory) === directory) throw error
    await makeDirectory(path.dirname(directory))
    await mkdir(directory, { mode: 0o700 })
  }
}

function unusable(directory: string, cause: unknown): ChatError {
  if (cause instanceof ChatError) return cause
  const reason = diskFaultWords(cause) ?? reasonOf(cause)
  return new ChatError('DATA_UNUSABLE', `the data directory ${directory} cannot be used: ${reason}`, {
    cause,
    hint: unusableHint(cause),
  })
}
