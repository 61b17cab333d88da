import { existsSync, lstatSync, mkdirSync, statSync } from 'node:fs'
import module from 'node:module'
import path from 'node:path'
import { isOpenToOthers, isOwn } from '../base/files/ownership.js'
import { userDirectory } from '../base/files/user-directory.js'

/** The variable with which Node.js enables the cache in a child process. */
const VARIABLE = 'NODE_COMPILE_CACHE'
/** Mode bits that let other users replace files in a directory. */
const WRITABLE_BY_OTHERS = 0o022

/** Added in Node.js 22.8; missing in the type declarations of Node.js 20. */
const { enableCompileCache: enableInNode } = module as { enableCompileCache?: (directory: string) => unknown }

/**
 * Lets Node.js store its compiled code on disk, for this process and the processes that it starts: this shortens a
 * start by a seventh. Call this before the program is imported. Does nothing if Node.js has no such cache, or if other
 * users could put code into it.
 */
export function enableCompileCache(env: NodeJS.ProcessEnv = process.env, enable = enableInNode): void {
  const directory = userDirectory('cache', env)
  if (enable === undefined || directory === undefined || env[VARIABLE] !== undefined || !isPrivate(directory)) return
  enable(directory)
  env[VARIABLE] = directory
}

/** Whether only this user can put code into a directory, which is created if it is missing. */
function isPrivate(directory: string): boolean {
  const parent = path.dirname(directory)
  try {
    // Not `recursive`, which loops forever if the file system denies that a parent exists.
    for (const each of [parent, directory]) if (!existsSync(each)) mkdirSync(each, { mode: 0o700 })
    const [found, above] = [lstatSync(directory), statSync(parent)]
    const isOnlyOurs = found.isDirectory() && isOwn(found) && !isOpenToOthers(found) && isOwn(above)
    return isOnlyOurs && (process.getuid === undefined || (above.mode & WRITABLE_BY_OTHERS) === 0)
  } catch {
    return false // it cannot be created, or another process is creating it
  }
}
