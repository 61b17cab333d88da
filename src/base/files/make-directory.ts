import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { systemCode } from '../errors.js'

/**
 * Creates a directory and its missing parents, accessible to their owner only. The recursive option of mkdir loops forever if the
 * file system denies that a parent exists.
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
      if (systemCode(cause) !== 'EEXIST') throw cause // another process created it meanwhile
    })
  }
}
