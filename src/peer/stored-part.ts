import { lstatSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { partAmong, pathPartsOf } from '../base/name.js'

/** The part of a path under which a name is stored in a directory, or is to be: two names never share one. */
export function storedPartIn(directory: string, name: string): string {
  const isTaken = (part: string): boolean => isThere(path.join(directory, part))
  return partAmong(name, spellingsIn(directory) ?? pathPartsOf(name).filter(isTaken), isTaken)
}

/** Undefined where the directory may be entered but not listed. */
function spellingsIn(directory: string): readonly string[] | undefined {
  try {
    return readdirSync(directory)
  } catch {
    return undefined
  }
}

function isThere(file: string): boolean {
  try {
    lstatSync(file)
    return true
  } catch {
    return false
  }
}
