/**
 * Runs the test files, the slowest first: a slow file that starts last leaves the other cores idle until it ends.
 * `node dist/test/run.js [file …]`; without files, all of them.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

/** Files at a time: more than the usual two cores, because many tests wait for processes or for the network. */
const CONCURRENCY = 4

/** Directories whose tests take milliseconds: their files share a process, because its start would take longer than they do. */
const SHARED: readonly string[] = [
  ...['base', 'bench', 'chat', 'cli', 'compat', 'host', 'labs', 'log', 'net', 'node', 'session', 'sim', 'sync', 'ui'],
]

/** Files of these directories that measure memory, and so have a process each. */
const ALONE: readonly string[] = ['base/byte-reader', 'base/frames', 'compat/fuzz.property', 'sync/bounds']

/** The files and shared directories that take longest, in this order. */
const SLOWEST: readonly string[] = [
  'simulation/random',
  'e2e/hosts',
  'simulation/mutations',
  'e2e/mutated-sessions',
  'e2e/damage',
  'e2e/node',
  'docs/commands',
  'e2e/durability',
  'interop/native',
  'e2e/closed-output',
  'e2e/chat-usage',
  'e2e/chat',
  'e2e/chat-lines',
  'base/safe-text.property',
  'architecture/fuzz',
  'interop/message',
]

const GROUPS = path.join(import.meta.dirname, 'groups')
const given = process.argv.slice(2).map(file => path.resolve(file))
const stream = run({ files: given.length > 0 ? given : filesOf(slowestFirst(testNames())), concurrency: CONCURRENCY })
stream.on('test:fail', ({ todo }) => {
  if (!todo) process.exitCode = 1
})
stream.compose(new spec()).pipe(process.stdout)

/** Every source, such as `log/log`: `dist` may still contain tests whose sources were deleted. */
function testNames(): string[] {
  const sources = path.join(import.meta.dirname, '../../test')
  return readdirSync(sources, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.test.ts'))
    .sort()
    .map(file => file.slice(0, -'.test.ts'.length))
}

function slowestFirst(names: readonly string[]): string[] {
  return [...SLOWEST.filter(name => names.includes(name)), ...names.filter(name => !SLOWEST.includes(name))]
}

/** The compiled files to run: the names, in their order, and one file for the rest of each shared directory. */
function filesOf(names: readonly string[]): string[] {
  const [separate, shared] = [names.filter(name => !isShared(name)), names.filter(isShared)]
  rmSync(GROUPS, { recursive: true, force: true })
  mkdirSync(GROUPS)
  const groups = SHARED.map(directory => {
    const group = path.join(GROUPS, `${directory}.js`)
    const members = shared.filter(name => name.startsWith(`${directory}/`))
    writeFileSync(group, members.map(name => `import '../${name}.test.js'\n`).join(''))
    return group
  })
  return [...separate.map(name => path.join(import.meta.dirname, `${name}.test.js`)), ...groups]
}

function isShared(name: string): boolean {
  const [directory = ''] = name.split('/')
  return SHARED.includes(directory) && !ALONE.includes(name) && !SLOWEST.includes(name)
}
