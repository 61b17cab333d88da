import { chmod, lstat, readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { ChatError, systemCode } from '../base/errors.js'
import { diskError, diskFailureOf, unusableHint } from '../base/files/disk-faults.js'
import { makeDirectory } from '../base/files/make-directory.js'
import { isOpenToOthers, isOwn } from '../base/files/ownership.js'
import type { NodeEvent } from './events.js'
import { DATABASE_NAME, type Home } from './paths.js'

/** Names that the program creates in a home directory, with any suffix that people add to move a file aside. */
const OWN_ENTRY = /^(key|lobby|node\.secret|[0-9a-f]{16})(\W|$)/
/** Entries that operating systems create in any directory. */
const SYSTEM_ENTRY = /^(\..*|lost\+found)$/

/** Whether a directory with these entries was created for another purpose. */
export const isForeign = (names: readonly string[]): boolean =>
  names.some(name => !SYSTEM_ENTRY.test(name)) && !names.some(name => OWN_ENTRY.test(name))

type OnEvent = (event: NodeEvent) => void

/** Reported once, by the start that created the key. */
export const keyCreated = ({ me, keyFile }: Home): NodeEvent => ({ kind: 'key-created', name: me, file: keyFile })

/** Creates the home directory if it is missing, then checks it as `checkHome` does. Rejects with DATA_UNUSABLE. */
export async function secureHome(home: Home, onEvent: OnEvent): Promise<void> {
  try {
    await makeDirectory(path.resolve(home.directory))
  } catch (cause) {
    throw unusable(home.directory, cause)
  }
  await checkHome(home, onEvent)
}

/**
 * Rejects a home directory or database that another user owns, and a directory that contains unrelated files. Removes
 * other users' permissions from the home directory. Accepts a missing directory. Rejects with DATA_UNUSABLE.
 */
export async function checkHome(home: Home, onEvent: OnEvent): Promise<void> {
  const mode = await ownDirectory(home.directory)
  if (mode === undefined) return
  if (isForeign(await namesIn(home.directory))) {
    throw new ChatError(
      'DATA_UNUSABLE',
      `${home.directory} contains files that this program did not create; refusing to use it`,
      {
        hint: 'Choose another directory with {data}.',
      },
    )
  }
  if (isOpenToOthers(mode)) onEvent(await restrict(home.directory, mode.mode))
  await ownDirectory(home.database)
}

/**
 * Rejects a home that has logs but no key: a new key would silently make its owner a different author. Rejects with
 * DATA_UNUSABLE.
 */
export async function checkKeyIsThere(home: Home): Promise<void> {
  // Look for databases first: the key is created before any database, so one that exists now has had a key.
  const database = await databaseIn(home)
  if (database === undefined || (await isThere(home.keyFile))) return
  throw new ChatError('DATA_UNUSABLE', `the key ${home.keyFile} is missing, but there are logs in ${database}`, {
    hint: `Restore the key from a backup; or, to start over as a new author, move ${home.directory} aside.`,
  })
}

/** Whether a home has a key or logs, or cannot be searched for them. */
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

/** Owner and mode; undefined if the directory is missing. A symbolic link is followed if the user owns it. */
async function ownDirectory(directory: string): Promise<{ readonly uid: number; readonly mode: number } | undefined> {
  try {
    let found = await lstat(directory)
    if (isOwn(found) && found.isSymbolicLink()) found = await stat(directory)
    if (!isOwn(found)) {
      throw new ChatError(
        'DATA_UNUSABLE',
        `${directory} belongs to another user (uid ${found.uid}); refusing to use it`,
        {
          hint: 'Choose another directory with {data}.',
        },
      )
    }
    if (!found.isDirectory()) {
      throw new ChatError('DATA_UNUSABLE', `the data directory ${directory} cannot be used: it is not a directory`, {
        hint: unusableHint(undefined),
      })
    }
    return found
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return undefined
    throw unusable(directory, cause)
  }
}

/** Removes other users' permissions. */
async function restrict(directory: string, mode: number): Promise<NodeEvent> {
  const access = (mode & 0o022) === 0 ? 'read' : 'write'
  try {
    await chmod(directory, 0o700)
    return { kind: 'directory-open-to-others', directory, access }
  } catch (error) {
    return { kind: 'directory-open-to-others', directory, access, failure: diskFailureOf(error) }
  }
}

const unusable = (directory: string, cause: unknown): ChatError =>
  diskError(`the data directory ${directory} cannot be used`, cause)
