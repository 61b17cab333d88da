import { realpathSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { homeOf } from '../peer/home.js'
import { isInUse } from '../peer/home-guard.js'
import { allPlaces, placesOf, placeToUse } from './data-places.js'

const MANIFEST_BYTES_MAX = 1 << 20

/** Where the data of a user is kept. */
export interface DataDirectory {
  readonly data: string
  /** Other places that hold data of the same name, which is not used. */
  readonly alsoIn: readonly string[]
}

/**
 * `--data`, else `$PERSISTED_CHAT_DATA`, else `./data` in a checkout of this project or where it holds this name, else where
 * the system keeps the data of programs. Rejects with BAD_NAME, BAD_USAGE or DATA_UNUSABLE.
 */
export async function dataDirectory(me: string, flag: string | undefined): Promise<DataDirectory> {
  const { env, platform } = process
  const places = placesOf(flag, env, platform)
  const isLocalMeant = (await isCheckout()) || (await holds(places.local, me)) || (await isEmptyHome(places.local, me))
  const data = placeToUse(places, isLocalMeant, platform)
  const alsoIn: string[] = []
  for (const place of allPlaces(places)) {
    if (trueNameOf(place) !== trueNameOf(data) && (await holds(place, me))) alsoIn.push(place)
  }
  return { data, alsoIn }
}

export const alsoInLine = (me: string, place: string): string =>
  `${me} has logs in ${place} too, which are not used here`

const holds = (place: string, me: string): Promise<boolean> => isInUse(homeOf(place, me))

/** A directory that was made for the user, but holds nothing yet. */
async function isEmptyHome(place: string, me: string): Promise<boolean> {
  const names = await readdir(homeOf(place, me).directory).catch(() => undefined)
  return names !== undefined && names.length === 0
}

/** Whether the program was started in a checkout of its own project. */
async function isCheckout(): Promise<boolean> {
  try {
    const found = await stat('package.json')
    if (!found.isFile() || found.size > MANIFEST_BYTES_MAX) return false
    const manifest: unknown = JSON.parse(await readFile('package.json', 'utf8'))
    return typeof manifest === 'object' && manifest !== null && 'name' in manifest && manifest.name === 'persisted-chat'
  } catch {
    return false
  }
}

function trueNameOf(place: string): string {
  try {
    return realpathSync(place)
  } catch {
    return path.resolve(place)
  }
}
