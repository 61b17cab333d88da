import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

// The only file that knows where it is. It runs compiled, in dist/src/base, or bundled: then it is in dist/program/base or in another
// directory of the same depth.

const PACKAGE = new URL('../../../', import.meta.url)

/** The path of a program of ours, such as `cli/main`, built like the one that runs. */
export const programFile = (name: string): string => fileURLToPath(new URL(`../${name}.js`, import.meta.url))

/** A file of the package that is not compiled, such as `src/base/report/theme.css`. */
export const packageFile = (name: string): URL => new URL(name, PACKAGE)

/** The version in the manifest of the package. */
export function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(packageFile('package.json'), 'utf8'))
  const isObject = typeof manifest === 'object' && manifest !== null
  return isObject && 'version' in manifest ? String(manifest.version) : 'unknown'
}
