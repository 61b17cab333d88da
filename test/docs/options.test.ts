// The tables of options and commands in the documents match --help.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { Child } from '../helper/child.js'
import { outcomesOf } from '../helper/command-lines.js'

const BOUND = { timeout: 300_000 }
const PROGRAM = path.resolve('bin/persisted-chat.js')

test('the documented options of the chat match --help', BOUND, async t => {
  assert.deepEqual(optionsIn(firstCells('docs/commands.md', '## The chat')), optionsOf(await help(t)))
})

test('the documented commands and their options match --help', BOUND, async t => {
  const main = await help(t)
  const rows = new Map(rowsIn('docs/commands.md', '## All commands').map(cells => [nameIn(cells), cells.join(' ')]))
  const list = main.slice(main.indexOf('\nCommands:\n'))
  const commands = [...list.matchAll(/^ {2}([a-z]+)(?= |$)/gm)].map(([, name = '']) => name)
  assert.deepEqual([...rows.keys()].sort(), commands.sort())
  const shared = new Set(optionsOf(main))
  const helps = await outcomesOf(
    t,
    [...rows.keys()].map(name => [name, '--help']),
  )
  for (const [index, [name, row]] of [...rows].entries()) {
    const { code, stdout } = helps[index] ?? assert.fail('it did not end')
    assert.equal(code, 0)
    const actual = optionsOf(stdout.join('\n'))
    const documented = optionsIn([row])
    for (const option of documented) assert.ok(actual.includes(option), `${name} has no ${option}`)
    for (const option of actual)
      assert.ok(documented.includes(option) || shared.has(option) || isLinked(row), `${name} ${option} is undocumented`)
  }
})

for (const [command, file, heading] of [
  ['gossip', 'docs/labs/gossip.md', '## Options'],
  ['flood', 'docs/labs/flood.md', '# A flooding network'],
] as const) {
  test(`the documented options of ${command} match its --help`, BOUND, async t => {
    assert.deepEqual(optionsIn(firstCells(file, heading)), await ownOptions(t, command))
  })
}

test('the documented options of each simulation match its --help', BOUND, async t => {
  const headings = [...readFileSync('docs/labs/simulate.md', 'utf8').matchAll(/^## simulate (\S+)$/gm)]
  const names = headings.map(([, name = '']) => name)
  assert.deepEqual(names, await simulations(t))
  for (const name of names) {
    const documented = optionsIn(firstCells('docs/labs/simulate.md', `## simulate ${name}`))
    assert.deepEqual(documented, await ownOptions(t, 'simulate', name), name)
  }
})

/** The options of a row with a link are documented on the linked page. */
const isLinked = (row: string): boolean => /\]\(labs\//.test(row)

async function help(t: TestContext, ...command: readonly string[]): Promise<string> {
  const child = new Child(t, process.execPath, { args: [PROGRAM, ...command, '--help'] })
  assert.deepEqual(await child.exited, { code: 0, signal: null }, child.transcript())
  return child.stdout.join('\n')
}

const ownOptions = async (t: TestContext, ...command: readonly string[]): Promise<string[]> =>
  optionsOf(await help(t, ...command)).filter(option => option !== '--help')

async function simulations(t: TestContext): Promise<string[]> {
  const text = await help(t, 'simulate')
  const list = text.slice(text.indexOf('\nCommands:\n'))
  return [...list.matchAll(/^ {2}([a-z]+)(?= |$)/gm)].map(([, name = '']) => name).filter(name => name !== 'help')
}

/** The first table below a heading, as cells, without its head. */
function rowsIn(file: string, heading: string): string[][] {
  const text = `\n${readFileSync(file, 'utf8')}`
  const start = text.indexOf(`\n${heading}\n`)
  assert.notEqual(start, -1, `${heading} in ${file}`)
  const end = text.indexOf('\n## ', start + 1)
  const lines = text.slice(start, end === -1 ? undefined : end).split('\n')
  const rest = lines.slice(lines.findIndex(line => line.startsWith('|')))
  const length = rest.findIndex(line => !line.startsWith('|'))
  return rest.slice(2, length === -1 ? undefined : length).map(line =>
    line
      .split('|')
      .slice(1, -1)
      .map(cell => cell.trim()),
  )
}

const firstCells = (file: string, heading: string): string[] => rowsIn(file, heading).map(([cell = '']) => cell)

const nameIn = ([cell = '']: readonly string[]): string => /`([a-z]+)/.exec(cell)?.[1] ?? ''

const optionsIn = (cells: readonly string[]): string[] =>
  cells.flatMap(cell => [...cell.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)].map(([option]) => option)).sort()

const optionsOf = (text: string): string[] =>
  [...text.matchAll(/^ {2}(?:-\w, )?(--[a-z][a-z-]*)/gm)].map(([, option = '']) => option).sort()
