import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { systemCode } from '../errors.js'

/**
 * Makes a directory and those above it, for their owner alone. (mkdir's own recursion never ends where the file system
 * denies that a parent is there.)
 */
export async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { mode: 0o700 })
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || path.dirname(directory) === directory) throw error
    await makeDirectory(path.dirname(directory))
    await mkdir(directory, { mode: 0o700 }).catch(cause => {
      if (systemCode(cause) !== 'EEXIST') throw cause // made by another process meanwhile
    })
  }
}
