import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Results } from './results.js'

/** Directory of the results that are kept in the repository. */
export const RESULTS = 'bench/results'

/** Writes results as JSON. Returns the name of the file. */
export function saveResults(results: Results): string {
  mkdirSync(RESULTS, { recursive: true })
  const { time, commit, sizes } = results
  const file = path.join(RESULTS, `${time.slice(0, 10)}-${commit}-${sizes.entries}.json`)
  writeFileSync(file, `${JSON.stringify(results, undefined, 2)}\n`)
  return file
}
