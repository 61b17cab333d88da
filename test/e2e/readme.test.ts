// The documents say what is there: the README's program runs, its tables are those of --help, and the map is the house.
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { Child } from '../helper/child.js'
import { hasMulticast } from '../helper/original-peer.js'
import { freeNames, freePorts } from '../helper/ports.js'

const BOUND = { timeout: 240_000 }
const PROGRAM = path.resolve('bin/persisted-chat.js')
const LINTER = path.resolve('node_modules/.bin/biome')
const EXAMPLE = path.resolve('examples/chat.js')

const readme = await readFile('README.md', 'utf8')
const map = await readFile('src/README.md', 'utf8')

test('the program in the README is the example', async () => {
  const example = await readFile('examples/chat.js', 'utf8')
  assert.ok(example.endsWith(programIn(/^```js\n(.*?)^```$/gms, "from 'persisted-chat'")))
})

test('two of the program in the README find each other by name', BOUND, async t => {
  if (!(await hasMulticast())) return t.skip('multicast does not come back on this machine')
  const [me, other] = await freeNames('alice', 'bob')
  const alice = start(t, EXAMPLE, [me, other], await directory(t))
  const bob = start(t, EXAMPLE, [other, me], await directory(t))
  alice.type('hello')
  await bob.waitForLine(`${me}> hello`)
})

test('the program in the README and persisted-chat understand each other', BOUND, async t => {
  const [smalls = 0, alices = 0] = await freePorts(2)
  const [me, other] = [`localhost:${smalls}`, `localhost:${alices}`]
  const [bob] = await freeNames('bob')
  const small = start(t, EXAMPLE, [bob, other, me], await directory(t))
  small.type('hello')
  const alice = start(t, PROGRAM, ['alice', me, '--listen', other, '--no-discovery'], await directory(t))
  await alice.waitForLine(`${bob}> hello`)
  alice.type('hello to you')
  await small.waitForLine('alice> hello to you')
})

test('the bot in the README knows who said what last, from the history too', BOUND, async t => {
  const folder = await directory(t)
  const bot = path.join(folder, 'seen.mjs')
  await writeFile(bot, programIn(/^```js\n(.*?)^```$/gms, '!seen'))
  const [alices = 0, bots = 0] = await freePorts(2)
  const [me, other] = [`localhost:${alices}`, `localhost:${bots}`]
  const alice = start(t, PROGRAM, ['alice', '--listen', me, '--no-discovery'], folder)
  alice.type('hello')
  await alice.waitForLine('alice> hello')
  const options = ['seen', me, '--listen', other, '--no-discovery', '--data', path.join(folder, 'data')]
  const seen = start(t, bot, options, path.resolve('.'))
  await alice.waitForLine(`connected to ${other}`, { stream: 'stderr' })
  await seen.waitForLine('connected to', { stream: 'stderr' }) // what was said before that is history to it
  alice.type('!seen bob')
  await alice.waitForLine('seen> I have never seen bob')
  alice.type('!seen alice')
  await alice.waitForLine('seen> alice said "!seen bob" at 2')
  // Its chat ends as it finds that nobody reads it any more: at the first line that comes when the bot is gone.
  const ended = seen.stop('SIGKILL')
  let isGone = false
  const gone = alice.waitForLine(/(seen left|lost the connection to seen)/, { stream: 'stderr' }).then(() => {
    isGone = true
  })
  for (let line = 1; !isGone; line++) {
    alice.type(`goodbye ${line}`)
    await alice.waitForLine(`alice> goodbye ${line}`)
  }
  await Promise.all([gone, ended])
})

for (const what of ['chat', 'gossip']) {
  test(
    `the simulation of ${what} in the README prints what the README says, but for how long it takes`,
    BOUND,
    async t => {
      const [, block = ''] =
        new RegExp(`^\\$ npx persisted-chat (simulate ${what} .*?)^\`\`\`$`, 'ms').exec(readme) ?? []
      // The next command begins after an empty line.
      const [command = '', ...printed] = (block.split('\n\n$ ')[0] ?? '').trimEnd().split('\n')
      const child = start(t, PROGRAM, command.split(' '), await directory(t))
      assert.deepEqual(await child.exited, { code: 0, signal: null }, child.transcript())
      const withoutDuration = (line: string): string => line.replace(/(simulated in|virtual time in) .*$/, '$1')
      assert.ok(printed.length > 5)
      assert.deepEqual(child.stdout.map(withoutDuration), printed.map(withoutDuration))
    },
  )
}

test('the bot in the README passes the lint of this directory', BOUND, async t => {
  const folder = await directory(t)
  const config = JSON.parse(await readFile('biome.json', 'utf8'))
  await writeFile(path.join(folder, 'biome.json'), JSON.stringify({ ...config, vcs: { enabled: false } }))
  await writeFile(path.join(folder, 'seen.mjs'), programIn(/^```js\n(.*?)^```$/gms, '!seen'))
  const lint = () => new Child(t, LINTER, { args: ['check', '--error-on-warnings', 'seen.mjs'], cwd: folder })
  const passing = lint()
  assert.equal((await passing.exited).code, 0, passing.transcript())
  await writeFile(path.join(folder, 'seen.mjs'), "import b from 'node:zlib'\nimport a from 'node:fs'\nvar c = [a, b]\n")
  assert.notEqual((await lint().exited).code, 0, 'control: what is unsorted fails')
})

test('the options in the README are those of --help', BOUND, async t => {
  assert.deepEqual(optionsIn(firstCells(readme, '## Options')), optionsOf(await help(t)))
})

test('the commands in the README, and their options, are those of --help', BOUND, async t => {
  const main = await help(t)
  const rows = new Map(rowsIn(readme, '## Commands').map(cells => [nameIn(cells[0] ?? ''), cells.join(' ')]))
  const list = main.slice(main.indexOf('\nCommands:\n'))
  const commands = [...list.matchAll(/^ {2}([a-z]+)(?= |$)/gm)].map(([, name = '']) => name)
  assert.deepEqual([...rows.keys()].sort(), commands.sort())
  const shared = new Set(optionsOf(main))
  for (const [name, row] of rows) {
    const there = optionsOf(await help(t, name))
    const told = optionsIn([row])
    for (const option of told) assert.ok(there.includes(option), `${name} has no ${option}`)
    for (const option of there) assert.ok(told.includes(option) || shared.has(option), `${name} ${option} is not told`)
  }
})

test('the options of a simulation in the README are those of its --help', BOUND, async t => {
  for (const [what, heading] of [
    ['chat', '## A network in a box'],
    ['crowd', '## A room of a thousand'],
  ] as const) {
    const there = optionsOf(await help(t, 'simulate', what)).filter(option => option !== '--help')
    assert.deepEqual(optionsIn(firstCells(readme, heading)), there)
  }
})

test('the options of a simulation of gossip in the README are those of its --help', BOUND, async t => {
  const there = optionsOf(await help(t, 'simulate', 'gossip')).filter(option => option !== '--help')
  assert.deepEqual(optionsIn(firstCells(readme, '## A thousand nodes')), there)
})

test('the options of a node of the favourite books in the README are those of its --help', BOUND, async t => {
  const there = optionsOf(await help(t, 'gossip')).filter(option => option !== '--help')
  assert.deepEqual(optionsIn(firstCells(readme, '## Favourite books')), there)
})

test('every room of src is described in src/README.md', async () => {
  const rooms = (await readdir('src', { withFileTypes: true })).filter(each => each.isDirectory())
  const described = rowsIn(map, '# The rooms of `src`').map(([room = '']) => nameIn(room))
  assert.deepEqual(
    rooms.map(({ name }) => name).filter(name => !described.includes(name)),
    [],
  )
})

/** The program in the README that holds some text. */
function programIn(blocks: RegExp, text: string): string {
  const found = [...readme.matchAll(blocks)].map(([, program = '']) => program).find(program => program.includes(text))
  assert.ok(found, `a program with ${text} in the README`)
  return found
}

async function directory(t: TestContext, parent = tmpdir()): Promise<string> {
  const made = await mkdtemp(path.join(parent, 'readme-'))
  t.after(() => rm(made, { recursive: true, force: true, maxRetries: 5 }))
  return made
}

function start(t: TestContext, program: string, args: readonly string[], cwd: string): Child {
  const env = { PERSISTED_CHAT_DATA: undefined, XDG_DATA_HOME: path.resolve(cwd, 'share') }
  return new Child(t, process.execPath, { args: [program, ...args], cwd, env })
}

async function help(t: TestContext, ...command: readonly string[]): Promise<string> {
  const child = start(t, PROGRAM, [...command, '--help'], '.')
  assert.deepEqual(await child.exited, { code: 0, signal: null }, child.transcript())
  return child.stdout.join('\n')
}

/** The text from a heading to the next of its kind. */
function section(text: string, heading: string): string {
  const start = `\n${text}`.indexOf(`\n${heading}`)
  assert.notEqual(start, -1, heading)
  const end = text.indexOf('\n## ', start)
  return text.slice(start, end === -1 ? undefined : end)
}

/** The cells of the first table of a section, without its head. */
function rowsIn(text: string, heading: string): string[][] {
  const lines = section(text, heading).split('\n')
  const first = lines.findIndex(line => line.startsWith('|'))
  const rest = lines.slice(first)
  const end = rest.findIndex(line => !line.startsWith('|'))
  return rest.slice(2, end === -1 ? undefined : end).map(line =>
    line
      .split('|')
      .slice(1, -1)
      .map(cell => cell.trim()),
  )
}

const firstCells = (text: string, heading: string): string[] => rowsIn(text, heading).map(([cell = '']) => cell)

const nameIn = (cell: string): string => /`([a-z]+)/.exec(cell)?.[1] ?? ''

const optionsIn = (cells: readonly string[]): string[] =>
  cells.flatMap(cell => [...cell.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)].map(([option]) => option)).sort()

const optionsOf = (text: string): string[] =>
  [...text.matchAll(/^ {2}(?:-\w, )?(--[a-z][a-z-]*)/gm)].map(([, option = '']) => option).sort()
