import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

// The contestants are dependencies of the package in bench/, so that installing persisted-chat does not install them.

/** Compiled code runs from dist/bench; the package is beside its sources. */
const DIRECTORY = path.resolve(import.meta.dirname, '../../bench')

const require = createRequire(path.join(DIRECTORY, 'package.json'))

/** Loads a contestant's package. */
export const load = (name: string): unknown => require(name)

/** Installs the contestants' packages unless they are installed. */
export function installPackages(): void {
  if (existsSync(path.join(DIRECTORY, 'node_modules'))) return
  process.stderr.write('installing the contestants, once: npm ci --prefix bench\n')
  const args = ['ci', '--prefix', DIRECTORY, '--no-fund', '--no-audit', '--loglevel', 'error']
  execFileSync('npm', args, { stdio: ['ignore', 'ignore', 'inherit'] })
}

/** The installed version of a contestant. */
export function versionOf(name: string): string {
  const file = name === 'ours' ? '../package.json' : `node_modules/${name}/package.json`
  return JSON.parse(readFileSync(path.join(DIRECTORY, file), 'utf8')).version
}
