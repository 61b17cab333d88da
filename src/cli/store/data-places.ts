import path from 'node:path'
import { ChatError } from '../../base/errors.js'

const PROGRAM = 'persisted-chat'

type Environment = Readonly<Record<string, string | undefined>>

/** Candidates for the data directory. */
export interface DataPlaces {
  /** From `--data`. */
  readonly asked: string | undefined
  /** From `$PERSISTED_CHAT_DATA`. */
  readonly inEnvironment: string | undefined
  /** Relative to the working directory. */
  readonly local: string
  /** The platform's data directory; undefined if the environment does not define it. */
  readonly ofSystem: string | undefined
}

export function placesOf(flag: string | undefined, env: Environment, platform: NodeJS.Platform): DataPlaces {
  if (flag === '')
    throw new ChatError('BAD_USAGE', '--data is empty', { hint: 'Pass a directory, as in --data ./data.' })
  return {
    asked: flag,
    inEnvironment: env['PERSISTED_CHAT_DATA'] || undefined,
    local: 'data',
    ofSystem: systemPlace(env, platform),
  }
}

/** Ignores relative paths: https://specifications.freedesktop.org/basedir-spec/latest/ */
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

/** Chooses the data directory. Throws DATA_UNUSABLE if there is no candidate. */
export function placeToUse(
  { asked, inEnvironment, local, ofSystem }: DataPlaces,
  useLocal: boolean,
  platform: NodeJS.Platform,
): string {
  const place = asked ?? inEnvironment ?? (useLocal ? local : ofSystem)
  if (place !== undefined) return place
  const variable = platform === 'win32' ? '%LOCALAPPDATA%' : '$HOME'
  throw new ChatError('DATA_UNUSABLE', `no data directory: ${variable} is not set to an absolute path`, {
    hint: 'Set it, or pass a directory with --data.',
  })
}

/** All candidates, without duplicates. */
export const allPlaces = ({ asked, inEnvironment, local, ofSystem }: DataPlaces): readonly string[] => [
  ...new Set([asked, inEnvironment, local, ofSystem].filter(place => place !== undefined)),
]
