import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Bug } from '../simulation/bugs.js'

const DIST = fileURLToPath(new URL('../..', import.meta.url))

/** Options of a process that imports a mutated program. */
export const MUTANT_OPTIONS: readonly string[] = ['--no-warnings', '--preserve-symlinks', '--preserve-symlinks-main']

/**
 * A program with one mutated module, as symbolic links to the compiled one: hooks that change a module while it is loaded cost each process
 * a third of a second of CPU. Needs MUTANT_OPTIONS. Deleted when the process ends. Gives the URL of its test/helper.
 */
export function mutantOf({ file, find, replace }: Pick<Bug, 'file' | 'find' | 'replace'>): URL {
  const root = mkdtempSync(path.join(DIST, 'mutant-'))
  process.on('exit', () => rmSync(root, { recursive: true, force: true }))
  const steps = ['src', ...`${file}.js`.split('/')]
  for (let depth = 1; depth < steps.length; depth++) {
    const directory = path.join(...steps.slice(0, depth))
    mkdirSync(path.join(root, directory))
    for (const name of readdirSync(path.join(DIST, directory)))
      if (name !== steps[depth]) symlinkSync(path.join(DIST, directory, name), path.join(root, directory, name))
  }
  const module = path.join(...steps)
  const parts = readFileSync(path.join(DIST, module), 'utf8').split(find)
  if (parts.length !== 2) throw new Error(`"${find}" occurs ${parts.length - 1} times in ${file}`)
  writeFileSync(path.join(root, module), parts.join(replace))
  symlinkSync(path.join(DIST, 'test'), path.join(root, 'test'))
  return pathToFileURL(path.join(root, 'test/helper/'))
}
