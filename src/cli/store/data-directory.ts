import { realpathSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { isInUse } from '../../node/home-guard.js'
import { homeOf } from '../../node/paths.js'
import { loadFields } from '../../session/saved-json.js'
import { allPlaces, placesOf, placeToUse } from './data-places.js'

/** The data directory to use. */
export interface DataDirectory {
  readonly data: string
  /** Other candidates that contain logs of the same name. */
  readonly alsoIn: readonly string[]
}

/**
 * The first that applies of: `--data`; `$PERSISTED_CHAT_DATA`; `./data` if it contains a home of this name or is in a
 * checkout of this project; the platform's data directory. Rejects with BAD_NAME, BAD_USAGE or DATA_UNUSABLE.
 */
export async function dataDirectory(me: string, flag: string | undefined): Promise<DataDirectory> {
  const { env, platform } = process
  const places = placesOf(flag, env, platform)
  const useLocal = isCheckout() || (await holds(places.local, me)) || (await isEmptyHome(places.local, me))
  const data = placeToUse(places, useLocal, platform)
  const alsoIn: string[] = []
  for (const place of allPlaces(places)) {
    if (trueNameOf(place) !== trueNameOf(data) && (await holds(place, me))) alsoIn.push(place)
  }
  return { data, alsoIn }
}

export const alsoInLine = (me: string, place: string): string =>
  `${me} also has logs in ${place}, which this run does not use`

const holds = (place: string, me: string): Promise<boolean> => isInUse(homeOf(place, me))

/** Whether a directory is an empty home of the user. */
async function isEmptyHome(place: string, me: string): Promise<boolean> {
  const names = await readdir(homeOf(place, me).directory).catch(() => undefined)
  return names !== undefined && names.length === 0
}

/** Whether the working directory is a checkout of this project. */
const isCheckout = (): boolean => loadFields('package.json')['name'] === 'persisted-chat'

function trueNameOf(place: string): string {
  try {
    return realpathSync(place)
  } catch {
    return path.resolve(place)
  }
}
