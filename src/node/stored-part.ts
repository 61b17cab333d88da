import { lstatSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { partAmong, pathPartsOf } from '../base/names.js'

/** The path component under which a name is, or will be, stored in a directory. Two names never share one. */
export function storedPartIn(directory: string, name: string): string {
  const isTaken = (part: string): boolean => isThere(path.join(directory, part))
  return partAmong(name, spellingsIn(directory) ?? pathPartsOf(name).filter(isTaken), isTaken)
}

/** Undefined if the directory cannot be listed; its entries may still be reachable. */
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
