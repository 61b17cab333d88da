import { homedir, platform } from 'node:os'
import path from 'node:path'

const PROGRAM = 'persisted-chat'

/** The environment variable that sets each directory, and its default. */
const PLACES = {
  state: { variable: 'XDG_STATE_HOME', darwin: 'Library/Application Support', others: '.local/state' },
  cache: { variable: 'XDG_CACHE_HOME', darwin: 'Library/Caches', others: '.cache' },
} as const

/** The user's directory for the state or the cache of this program; undefined if the user has no home directory. */
export function userDirectory(kind: keyof typeof PLACES, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const { variable, darwin, others } = PLACES[kind]
  const chosen = env[variable] ?? ''
  if (path.isAbsolute(chosen)) return path.join(chosen, PROGRAM)
  try {
    switch (platform()) {
      case 'win32':
        return path.join(env['LOCALAPPDATA'] || path.join(homedir(), 'AppData', 'Local'), PROGRAM, kind)
      case 'darwin':
        return path.join(homedir(), darwin, PROGRAM, kind)
      default:
        return path.join(homedir(), others, PROGRAM)
    }
  } catch {
    return undefined // this user has no home directory
  }
}
