// The programs in the documents match the examples, and exchange messages with persisted-chat.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { Child } from '../helper/child.js'
import { blocksOf, readDocument } from '../helper/document.js'
import { freeNames, freePorts } from '../helper/ports.js'
import { hasMulticast } from '../helper/scuttleup-peer.js'

const BOUND = { timeout: 300_000 }
const PROGRAM = path.resolve('bin/persisted-chat.js')
const LINTER = path.resolve('node_modules/.bin/biome')
const EXAMPLE = path.resolve('examples/chat.js')

for (const name of ['chat.js', 'log.js', 'errors.js']) {
  test(`${name} in docs/library.md matches the example`, async () => {
    const example = await readFile(path.join('examples', name), 'utf8')
    assert.equal(programIn('docs/library.md', name), example.slice(example.indexOf('\n') + 1))
  })
}

test('two programs that use the library discover each other by name', BOUND, async t => {
  if (!(await hasMulticast())) return t.skip('multicast does not come back on this machine')
  const [me, other] = await freeNames('alice', 'bob')
  const alice = start(t, EXAMPLE, [me, other], await directory(t))
  const bob = start(t, EXAMPLE, [other, me], await directory(t))
  alice.type('hello')
  await bob.waitForLine(`${me}> hello`)
})

test('a program that uses the library exchanges messages with persisted-chat', BOUND, async t => {
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

test('the bot answers from the history and from live messages', BOUND, async t => {
  const folder = await directory(t)
  const bot = path.join(folder, 'seen.mjs')
  await writeFile(bot, programIn('docs/bots.md', 'seen.mjs'))
  const [alices = 0, bots = 0] = await freePorts(2)
  const [me, other] = [`localhost:${alices}`, `localhost:${bots}`]
  const alice = start(t, PROGRAM, ['alice', '--listen', me, '--no-discovery'], folder)
  alice.type('hello')
  await alice.waitForLine('alice> hello')
  const options = ['seen', me, '--listen', other, '--no-discovery', '--data', path.join(folder, 'data')]
  const seen = start(t, bot, options, path.resolve('.'))
  await alice.waitForLine(`connected to ${other}`, { stream: 'stderr' })
  await seen.waitForLine('connected to', { stream: 'stderr' }) // earlier messages are history to it
  alice.type('!seen bob')
  await alice.waitForLine('seen> I have never seen bob')
  alice.type('!seen alice')
  await alice.waitForLine('seen> alice said "!seen bob" at 2')
  // Its chat ends at the first line after the bot has exited, because writing it fails.
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

test('the bot passes the lint of this directory', BOUND, async t => {
  const folder = await directory(t)
  const config = JSON.parse(await readFile('biome.json', 'utf8'))
  await writeFile(path.join(folder, 'biome.json'), JSON.stringify({ ...config, vcs: { enabled: false } }))
  await writeFile(path.join(folder, 'seen.mjs'), programIn('docs/bots.md', 'seen.mjs'))
  const lint = () => new Child(t, LINTER, { args: ['check', '--error-on-warnings', 'seen.mjs'], cwd: folder })
  const passing = lint()
  assert.equal((await passing.exited).code, 0, passing.transcript())
  await writeFile(path.join(folder, 'seen.mjs'), "import b from 'node:zlib'\nimport a from 'node:fs'\nvar c = [a, b]\n")
  assert.notEqual((await lint().exited).code, 0, 'control: unsorted imports fail')
})

/** The program in a document that is to be saved under this name. */
function programIn(document: string, name: string): string {
  const block = blocksOf(readDocument(document)).find(({ directives }) => directives.saveAs === name)
  assert.ok(block, `${name} in ${document}`)
  return `${block.lines.join('\n')}\n`
}

async function directory(t: TestContext): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), 'program-'))
  t.after(() => rm(made, { recursive: true, force: true, maxRetries: 5 }))
  return made
}

function start(t: TestContext, program: string, args: readonly string[], cwd: string): Child {
  const env = { PERSISTED_CHAT_DATA: undefined, XDG_DATA_HOME: path.resolve(cwd, 'share') }
  return new Child(t, process.execPath, { args: [program, ...args], cwd, env })
}
