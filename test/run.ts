/**
 * Runs the test files, the slowest first: a slow file that starts last leaves the other cores idle until it ends.
 * `node dist/test/run.js [file …]`; without files, all of them.
 */
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

/** Files at a time: more than the usual two cores, because many tests wait for processes or for the network. */
const CONCURRENCY = 4

/** The files that take longest, in this order. */
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

const given = process.argv.slice(2).map(file => path.resolve(file))
const stream = run({ files: given.length > 0 ? given : slowestFirst(testFiles()), concurrency: CONCURRENCY })
stream.on('test:fail', ({ todo }) => {
  if (!todo) process.exitCode = 1
})
stream.compose(new spec()).pipe(process.stdout)

/** The compiled file of every source: `dist` may still contain tests whose sources were deleted. */
function testFiles(): string[] {
  const sources = path.join(import.meta.dirname, '../../test')
  return readdirSync(sources, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.test.ts'))
    .sort()
    .map(file => path.join(import.meta.dirname, file.replace(/ts$/, 'js')))
}

function slowestFirst(files: readonly string[]): string[] {
  const slow = SLOWEST.map(name => path.join(import.meta.dirname, `${name}.test.js`))
  return [...slow.filter(file => files.includes(file)), ...files.filter(file => !slow.includes(file))]
}
