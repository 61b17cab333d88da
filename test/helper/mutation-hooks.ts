import type { LoadHook } from 'node:module'
import type { Bug } from '../simulation/bugs.js'

let bug: Bug | undefined

export function initialize(given: Bug): void {
  bug = given
}

/** Loads one module with its mutation, all others unchanged. */
export const load: LoadHook = async (url, context, nextLoad) => {
  const loaded = await nextLoad(url, context)
  if (bug === undefined || !url.endsWith(`/dist/src/${bug.file}.js`)) return loaded
  const text = String(loaded.source)
  const parts = text.split(bug.find)
  if (parts.length !== 2) throw new Error(`"${bug.find}" occurs ${parts.length - 1} times in ${bug.file}`)
  return { ...loaded, source: parts.join(bug.replace) }
}
