import type { LoadHook, ResolveHook } from 'node:module'
import type { Bug } from '../simulation/bugs.js'

// Imports of `…?fault=n` get the modules of src/membership with the fault of that number; everything else is imported as it is.

const QUERY = /\?fault=(\d+)$/
const DIRECTORY = '/dist/src/membership/'

let faults: readonly Bug[] = []

export function initialize(given: readonly Bug[]): void {
  faults = given
}

export const resolve: ResolveHook = async (specifier, context, nextResolve) => {
  const resolved = await nextResolve(specifier, context)
  const query = QUERY.exec(context.parentURL ?? '')?.[0]
  if (query === undefined || !resolved.url.includes(DIRECTORY) || QUERY.test(resolved.url)) return resolved
  return { ...resolved, url: resolved.url + query }
}

export const load: LoadHook = async (url, context, nextLoad) => {
  const loaded = await nextLoad(url, context)
  const fault = faults[Number(QUERY.exec(url)?.[1] ?? -1)]
  if (fault === undefined || !url.includes(`/dist/src/${fault.file}.js`)) return loaded
  const parts = String(loaded.source).split(fault.find)
  if (parts.length !== 2) throw new Error(`"${fault.find}" occurs ${parts.length - 1} times in ${fault.file}`)
  return { ...loaded, source: parts.join(fault.replace) }
}
