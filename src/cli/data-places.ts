import path from 'node:path'
import { ChatError } from '../base/errors.js'

const PROGRAM = 'persisted-chat'

type Environment = Readonly<Record<string, string | undefined>>

/** Where the data of a user may be. */
export interface DataPlaces {
  /** As `--data` says. */
  readonly asked: string | undefined
  /** As `$PERSISTED_CHAT_DATA` says. */
  readonly inEnvironment: string | undefined
  /** In the directory in which the program was started. */
  readonly local: string
  /** Where this system keeps the data of programs; undefined where the environment does not say. */
  readonly ofSystem: string | undefined
}

export function placesOf(flag: string | undefined, env: Environment, platform: NodeJS.Platform): DataPlaces {
  if (flag === '')
    throw new ChatError('BAD_USAGE', 'the directory after --data is empty', { hint: 'Name one, as in --data ./data.' })
  return {
    asked: flag,
    inEnvironment: env['PERSISTED_CHAT_DATA'] || undefined,
    local: 'data',
    ofSystem: systemPlace(env, platform),
  }
}

/** https://specifications.freedesktop.org/basedir-spec/latest/: a relative path in a variable is ignored. */
function systemPlace(env: Environment, platform: NodeJS.Platform): string | undefined {
  const { isAbsolute, join } = platform === 'win32' ? path.win32 : path.posix
  const named = (variable: string, ...rest: readonly string[]): string | undefined => {
    const value = env[variable]
    return value !== undefined && isAbsolute(value) ? join(value, ...rest, PROGRAM) : undefined
  }
  if (platform === 'win32') return named('LOCALAPPDATA') ?? named('USERPROFILE', 'AppData', 'Local')
  const inHome = platform === 'darwin' ? ['Library', 'Application Support'] : ['.local', 'share']
  return named('XDG_DATA_HOME') ?? named('HOME', ...inHome)
}

/** The one to use. Throws DATA_UNUSABLE where the environment names none. */
export function placeToUse(
  { asked, inEnvironment, local, ofSystem }: DataPlaces,
  isLocalMeant: boolean,
  platform: NodeJS.Platform,
): string {
  const place = asked ?? inEnvironment ?? (isLocalMeant ? local : ofSystem)
  if (place !== undefined) return place
  const variable = platform === 'win32' ? '%LOCALAPPDATA%' : '$HOME'
  throw new ChatError('DATA_UNUSABLE', `there is no place for your data: ${variable} is not set to an absolute path`, {
    hint: 'Set it, or name a directory with --data.',
  })
}

/** All of them that there are, each once. */
export const allPlaces = ({ asked, inEnvironment, local, ofSystem }: DataPlaces): readonly string[] => [
  ...new Set([asked, inEnvironment, local, ofSystem].filter(place => place !== undefined)),
]
