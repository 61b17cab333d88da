import { homedir, platform } from 'node:os'
import path from 'node:path'
import type { AuthorId } from '../log/format/author.js'
import type { MarkPaths } from '../log/mark/own-mark.js'
import type { Home } from './paths.js'

const KEY_DIGITS = 16

/**
 * Where the end of a user's own log is noted: beside the database, and in the platform's directory for state, which a backup
 * of the data does not bring along. Both names hold the key, for a mark says nothing of another key's log.
 */
export function markPaths({ directory, part }: Home, author: AuthorId): MarkPaths {
  const name = `${part}-${author.slice(0, KEY_DIGITS)}.mark`
  const state = stateDirectory()
  return { file: path.join(directory, name), copy: state === undefined ? undefined : path.join(state, 'marks', name) }
}

/** `$XDG_STATE_HOME/persisted-chat`, or what the platform has instead; undefined where the user has no home. */
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
