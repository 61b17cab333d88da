import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'

export type Preload = { readonly library: string } | { readonly missing: string }

/** Compiles a source of this folder into a library for LD_PRELOAD. Resolves with its file, or why it cannot be compiled. */
export async function compilePreload(directory: string, name: string): Promise<Preload> {
  if (process.platform !== 'linux') return { missing: 'LD_PRELOAD is tried on Linux only' }
  // In the source tree: tests run in the root of the repository.
  const source = path.resolve('test/helper', `${name}.c`)
  const library = path.join(directory, `${name}.so`)
  try {
    await promisify(execFile)('gcc', ['-O1', '-shared', '-fPIC', '-o', library, source, '-ldl'])
    return { library }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { missing: 'gcc is not installed' }
    throw error
  }
}
