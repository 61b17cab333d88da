/**
 * Runs the test files, the slowest first: a slow file that starts last leaves the other cores idle until it ends.
 * `node dist/test/run.js [--slow] [file …]`; without files, all but those in SLOW, or with --slow those.
 */
import { appendFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { parseArgs } from 'node:util'

/** Files at a time: more than the usual two cores, because many tests wait for processes, the network or time to pass. */
const CONCURRENCY = 7

/** Directories whose tests take milliseconds: their files share a process, because its start would take longer than they do. */
const SHARED: readonly string[] = [
  ...[
    'base',
    'bench',
    'chat',
    'cli',
    'compat',
    'host',
    'labs',
    'log',
    'membership',
    'net',
    'node',
    'session',
    'sim',
    'sync',
    'ui',
  ],
]

/** Files of these directories that measure memory or take long, and so have a process each. */
const ALONE: readonly string[] = [
  ...['base/byte-reader', 'base/frames', 'base/safe-text.property', 'compat/fuzz.property', 'sync/bounds'],
]

/** Files of `npm run test:slow`: scenarios of many processes, or of many virtual hours. */
const SLOW: readonly string[] = [
  ...[
    'backup',
    'bench',
    'chat-usage',
    'closed-output',
    'damage',
    'data-directory',
    'direct-rooms',
    'discovery-interop',
    'discovery-network',
    'doctor',
    'durability',
    'durability-readers',
    'eclipse',
    'file-holders',
    'flood',
    'foreign-files',
    'going-on',
    'history',
    'hosts',
    'join-refusals',
    'keep',
    'mutated-sessions',
    'mutual-removal',
    'one-port',
    'parked-rooms',
    'peer-exchange',
    'private-rooms-hosts',
    'private-rooms-outsider',
    'proof',
    'proxy',
    'removals',
    'risk',
    'simulate',
    'simulate-gossip',
    'slow-names',
    'terminal-loss',
    'web',
    'web-page-access',
    'web-page-files',
    'web-page-texts',
  ].map(name => `e2e/${name}`),
  'docs/commands',
  'interop/message',
  'simulation/many-peers',
  'simulation/mutations',
  'simulation/overlay',
  'simulation/peer-exchange',
  'simulation/presence',
]

/** Files that hold bounds of time which work beside them would break. They run after the others, one at a time. */
const TIMED: readonly string[] = ['e2e/eclipse', 'e2e/read-everywhere']

/** The files and shared directories that take longest, in this order. */
const SLOWEST: readonly string[] = [
  'simulation/random',
  'e2e/hosts',
  'simulation/mutations',
  'e2e/direct-rooms',
  'e2e/doctor',
  'e2e/web-page-access',
  'e2e/node',
  'e2e/durability',
  'e2e/screen',
  'log',
  'simulation/presence',
  'simulation/many-peers',
  'e2e/going-on',
  'e2e/mutated-sessions',
  'e2e/damage',
  'docs/commands',
  'e2e/chat',
  'interop/native',
  'e2e/simulate-gossip',
  'simulation/scenarios',
  'simulation/peer-exchange',
  'simulation/private-rooms',
  'simulation/attacks',
  'e2e/removals',
  'e2e/parked-rooms',
  'e2e/join-refusals',
  'e2e/mutual-removal',
  'e2e/private-rooms-outsider',
  'attack/storage',
  'simulation/byzantine-peers',
  'e2e/chat-lines',
  'e2e/closed-output',
  'e2e/chat-usage',
  'e2e/terminal-loss',
  'e2e/data-directory',
  'interop/message',
  'e2e/simulate',
  'e2e/discovery',
  'e2e/slow-names',
  'e2e/gossip',
  'e2e/same-key',
  'sync',
  'ui',
  'base/safe-text.property',
  'architecture/fuzz',
  'e2e/foreign-files',
  'host',
  'net',
]

const GROUPS = path.join(import.meta.dirname, 'groups')
const { values: options, positionals } = parseArgs({ allowPositionals: true, options: { slow: { type: 'boolean' } } })
const given = positionals.map(file => path.resolve(file))
if (given.length > 0) await runFiles(given, CONCURRENCY)
else {
  const chosen = new Map([...compiled()].filter(([name]) => SLOW.includes(name) === (options.slow === true)))
  const timed = TIMED.flatMap(name => chosen.get(name) ?? [])
  for (const name of TIMED) chosen.delete(name)
  await runFiles(slowestFirst(chosen), CONCURRENCY)
  if (timed.length > 0) await runFiles(timed, 1)
}

async function runFiles(files: string[], concurrency: number): Promise<void> {
  const stream = run({ files, concurrency })
  stream.on('test:fail', ({ todo }) => {
    if (!todo) process.exitCode = 1
  })
  await pipeline(stream.compose(new spec()), process.stdout, { end: false })
}

/** Every source, such as `log/log`: `dist` may still contain tests whose sources were deleted. */
function testNames(): string[] {
  const sources = path.join(import.meta.dirname, '../../test')
  return readdirSync(sources, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.test.ts'))
    .sort()
    .map(file => file.slice(0, -'.test.ts'.length))
}

/** The compiled file of every test outside the shared directories, and one file for each of those, by name. */
function compiled(): Map<string, string> {
  rmSync(GROUPS, { recursive: true, force: true })
  mkdirSync(GROUPS)
  const files = new Map<string, string>()
  for (const name of testNames()) {
    const directory = SHARED.find(each => name.startsWith(`${each}/`))
    if (directory === undefined || ALONE.includes(name)) {
      files.set(name, path.join(import.meta.dirname, `${name}.test.js`))
      continue
    }
    const group = path.join(GROUPS, `${directory}.js`)
    appendFileSync(group, `import '../${name}.test.js'\n`)
    files.set(directory, group)
  }
  return files
}

function slowestFirst(files: ReadonlyMap<string, string>): string[] {
  const rest = [...files].flatMap(([name, file]) => (SLOWEST.includes(name) ? [] : file))
  return [...SLOWEST.flatMap(name => files.get(name) ?? []), ...rest]
}
