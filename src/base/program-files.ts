import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

// The only file that depends on its own location: in dist/src/base if the program is only compiled, in any
// directory of dist/program if it is bundled.

/** The directory of the compiled program, `dist/src/` or `dist/program/`. */
const PROGRAM = /^.*\/dist\/[^/]+\//.exec(import.meta.url)?.[0] ?? import.meta.url
const PACKAGE = new URL('../../', PROGRAM)

/** The path of a program of ours, such as `cli/main`, in the same kind of build as the running program. */
export const programFile = (name: string): string => fileURLToPath(new URL(`${name}.js`, PROGRAM))

/** A file of the package that is not compiled, such as `src/base/report/theme.css`. */
export const packageFile = (name: string): URL => new URL(name, PACKAGE)

/** The version in the manifest of the package. */
export function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(packageFile('package.json'), 'utf8'))
  const isObject = typeof manifest === 'object' && manifest !== null
  return isObject && 'version' in manifest ? String(manifest.version) : 'unknown'
}
