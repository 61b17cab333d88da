import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Results } from './results.js'

/** Where results are kept. */
export const KEPT = 'data/bench'

/** Keeps results; the name of their file. */
export function keep(results: Results): string {
  mkdirSync(KEPT, { recursive: true })
  const { time, commit, sizes } = results
  const file = path.join(KEPT, `${time.slice(0, 10)}-${commit}-${sizes.entries}.json`)
  writeFileSync(file, `${JSON.stringify(results, undefined, 2)}\n`)
  return file
}

/** The newest results that are kept, if there are any. */
export function newest(): Results | undefined {
  if (!existsSync(KEPT)) return undefined
  const all: Results[] = readdirSync(KEPT)
    .filter(name => name.endsWith('.json'))
    .map(name => JSON.parse(readFileSync(path.join(KEPT, name), 'utf8')))
  return all.sort((a, b) => (a.time < b.time ? 1 : -1))[0]
}
