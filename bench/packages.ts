import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

// What is compared with ours is a package of its own, so that nobody else has to install it.

/** Sources and compiled code lie at the same places of two trees. */
const DIRECTORY = path.resolve(import.meta.dirname, '../../bench')

const require = createRequire(path.join(DIRECTORY, 'package.json'))

/** A package that is compared with ours. */
export const load = (name: string): unknown => require(name)

/** Installs those packages where that was never done. */
export function installPackages(): void {
  if (existsSync(path.join(DIRECTORY, 'node_modules'))) return
  process.stderr.write('installing what is compared with ours, once: npm ci --prefix bench\n')
  const args = ['ci', '--prefix', DIRECTORY, '--no-fund', '--no-audit', '--loglevel', 'error']
  execFileSync('npm', args, { stdio: ['ignore', 'ignore', 'inherit'] })
}

/** Which version of it is there. */
export function versionOf(name: string): string {
  const file = name === 'ours' ? '../package.json' : `node_modules/${name}/package.json`
  return JSON.parse(readFileSync(path.join(DIRECTORY, file), 'utf8')).version
}
