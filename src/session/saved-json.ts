import { readFileSync, statSync } from 'node:fs'
import { replaceFile } from '../base/files/draft-file.js'
import { systemRandom } from '../base/random.js'

const BYTES_MAX = 1 << 20

/** The fields of a JSON file; empty if it cannot be read, because nothing depends on it. */
export function loadFields(file: string): Readonly<Record<string, unknown>> {
  try {
    const found = statSync(file)
    if (!found.isFile() || found.size > BYTES_MAX) return {} // reading a pipe would block
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** Replaces the file atomically. */
export const saveFields = (file: string, fields: Readonly<Record<string, unknown>>): Promise<void> =>
  replaceFile(file, JSON.stringify(fields), systemRandom)
