// Every example runs, prints what its comments show, and passes the compiler and the linter.
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { Child } from '../helper/child.js'
import { freeNames, freePorts } from '../helper/ports.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const BOUND = { timeout: 300_000 }
const EXAMPLES = path.resolve('examples')
const COMPILER = path.resolve('node_modules/typescript/bin/tsc')

const run = (t: TestContext, example: string, args: readonly string[], cwd: string): Child =>
  new Child(t, process.execPath, { args: [path.join(EXAMPLES, example), ...args], cwd })

/** Runs an example that exits by itself. Resolves with its output. */
async function outputOf(t: TestContext, example: string): Promise<readonly string[]> {
  const child = run(t, example, [], await temporaryDirectory(t))
  assert.deepEqual(await child.exited, { code: 0, signal: null }, child.transcript())
  return child.stdout
}

test('chat.js: two instances exchange a line and store it', BOUND, async t => {
  const directory = await temporaryDirectory(t)
  const [alice, bob] = await freeNames('alice', 'bob')
  const [one = 0, two = 0] = await freePorts(2)
  const [atAlice, atBob] = [`localhost:${one}`, `localhost:${two}`]
  const first = run(t, 'chat.js', [alice, atBob, atAlice], directory)
  first.type('hello')
  await first.waitForLine(`${alice}> hello`)
  const second = run(t, 'chat.js', [bob, atAlice, atBob], directory)
  await second.waitForLine(`${alice}> hello`)
  second.type('hello to you')
  await first.waitForLine(`${bob}> hello to you`)
})

test('bot.js: answers about the history, and about people it has not seen', BOUND, async t => {
  const directory = await temporaryDirectory(t)
  const [alice] = await freeNames('alice')
  const [one = 0, two = 0] = await freePorts(2)
  const [atAlice, atBot] = [`localhost:${one}`, `localhost:${two}`]
  const person = run(t, 'chat.js', [alice, atBot, atAlice], directory)
  person.type('hello')
  await person.waitForLine(`${alice}> hello`)
  run(t, 'bot.js', [atAlice, atBot], directory)
  await person.waitForLine('"kind":"connection-opened"', { stream: 'stderr' })
  person.type('!seen nobody')
  await person.waitForLine('seen> I have never seen nobody')
  person.type(`!seen ${alice}`)
  await person.waitForLine(new RegExp(`seen> ${alice} wrote last at 2`))
})

test('rooms.js: sends a line in two rooms', BOUND, async t => {
  assert.deepEqual(await outputOf(t, 'rooms.js'), [
    '#tea carol> who drinks tea?',
    '#coffee carol> the topic is now: beans',
  ])
})

test('events.js: waits for a peer and for its receipt', BOUND, async t => {
  assert.deepEqual(await outputOf(t, 'events.js'), ['present: bob', 'stored on 1 of 1 peers'])
})

test('errors.js: prints code, message and hint', BOUND, async t => {
  const [code, message, hint] = await outputOf(t, 'errors.js')
  assert.equal(code, 'BAD_NAME')
  assert.match(message ?? '', /"a\/b"/)
  assert.ok(hint)
})

test('log.js: replicates a log over a pair of streams', BOUND, async t => {
  assert.deepEqual(await outputOf(t, 'log.js'), ['hello true'])
})

const hasUsing = Number(process.versions.node.split('.')[0]) >= 24
test('await-using.js: closes the node at the end of the scope', { ...BOUND, skip: !hasUsing }, async t => {
  assert.deepEqual(await outputOf(t, 'await-using.js'), ['1'])
})

test('every example is listed, tested and uses the library only', async () => {
  const files = (await readdir(EXAMPLES)).filter(file => file.endsWith('.js'))
  const [list, tests] = await Promise.all([
    readFile(path.join(EXAMPLES, 'README.md'), 'utf8'),
    readFile('test/e2e/examples.test.ts', 'utf8'),
  ])
  for (const file of files) {
    assert.ok(list.includes(`\`${file}\``), `${file} is listed`)
    assert.ok(tests.includes(`test('${file}: `), `${file} is tested`)
    const text = await readFile(path.join(EXAMPLES, file), 'utf8')
    const imported = [...text.matchAll(/from '([^']+)'/g)].map(([, from]) => from)
    for (const from of imported) assert.match(from ?? '', /^(persisted-chat|node:[a-z/]+)$/)
  }
  const values = [...(await readFile('dist/src/index.js', 'utf8')).matchAll(/export \{ (.*?) \}/g)].flatMap(
    ([, names = '']) => names.split(', ').map(name => name.replace(/^.* as /, '')),
  )
  const used = (await Promise.all(files.map(file => readFile(path.join(EXAMPLES, file), 'utf8')))).join('\n')
  for (const name of values) assert.match(used, new RegExp(`import \\{[^}]*\\b${name}\\b`), `an example of ${name}`)
})

test('the examples pass the strict compiler', BOUND, async t => {
  const args = ['--noEmit', '--allowJs', '--checkJs', '--strict', '--target', 'es2023', '--module', 'nodenext']
  args.push('--lib', 'es2023,esnext.disposable', '--types', 'node', '--skipLibCheck')
  const files = (await readdir(EXAMPLES)).filter(file => file.endsWith('.js')).map(file => path.join(EXAMPLES, file))
  const compiler = new Child(t, process.execPath, { args: [COMPILER, ...args, '--ignoreConfig', ...files], cwd: '.' })
  assert.deepEqual(await compiler.exited, { code: 0, signal: null }, compiler.transcript())
})
