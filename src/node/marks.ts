import { homedir, platform } from 'node:os'
import path from 'node:path'
import type { AuthorId } from '../log/format/author.js'
import type { MarkPaths } from '../log/mark/own-mark.js'
import type { Home } from './paths.js'

const KEY_DIGITS = 16

/**
 * The files that note the end of our log: one beside the database, and a copy in the platform's directory for state, which
 * a backup of the data does not restore. The names contain the key, because a mark describes the log of one key.
 */
export function markPaths({ directory, databaseName }: Home, author: AuthorId): MarkPaths {
  const name = `${databaseName}-${author.slice(0, KEY_DIGITS)}.mark`
  const state = stateDirectory()
  return { file: path.join(directory, name), copy: state === undefined ? undefined : path.join(state, 'marks', name) }
}

/** `$XDG_STATE_HOME/persisted-chat`, or the equivalent of the platform; undefined if the user has no home directory. */
function stateDirectory(): string | undefined {
  const { XDG_STATE_HOME: chosen = '', LOCALAPPDATA: local = '' } = process.env
  if (path.isAbsolute(chosen)) return path.join(chosen, 'persisted-chat')
  let home: string
  try {
    home = homedir()
  } catch {
    return undefined // this user has none
  }
  switch (platform()) {
    case 'win32':
      return path.join(local === '' ? path.join(home, 'AppData', 'Local') : local, 'persisted-chat', 'state')
    case 'darwin':
      return path.join(home, 'Library', 'Application Support', 'persisted-chat', 'state')
    default:
      return path.join(home, '.local', 'state', 'persisted-chat')
  }
}
