import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { openChat, startChat } from '../helper/chat-process.js'
import { localAddresses } from '../helper/ports.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const BOUND = { timeout: 300_000 }

/** Runs a command that ends; gives its lines. */
async function run(t: TestContext, data: string, ...args: readonly string[]) {
  const child = startChat(t, [...args, '--data', data])
  const { code } = await child.exited
  return { code, stdout: child.stdout, stderr: child.stderr }
}

/** The key of an identity. */
async function keyOf(t: TestContext, data: string, me: string): Promise<string> {
  const { stdout } = await run(t, data, 'log', me, '--json')
  return JSON.parse(stdout[0] ?? '').author
}

/** Gives an identity a key, and a line in the lobby. */
const begin = (t: TestContext, data: string, me: string) =>
  run(t, data, me, '--no-discovery', '--listen', '127.0.0.1:0', '--message', 'here', '--timeout', '0')

async function pin(t: TestContext, data: string, me: string, name: string): Promise<void> {
  const { code, stderr } = await run(t, data, 'people', me, 'accept', name, await keyOf(t, data, name))
  assert.equal(code, 0, stderr.join('\n'))
}

test('a direct message waits for its recipient, over restarts of both, and reaches nobody else', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const [a = '', b = '', m = ''] = await localAddresses(3)
  for (const me of ['alice', 'bob', 'mallory']) await begin(t, data, me)
  await pin(t, data, 'alice', 'bob')
  await pin(t, data, 'bob', 'alice')

  const local = ['--no-discovery', '--listen', a]
  const said = await run(
    t,
    data,
    'alice',
    b,
    '--room',
    '@bob',
    '--message',
    'for bob alone',
    '--timeout',
    '1',
    ...local,
  )
  assert.equal(said.code, 1)
  assert.match(said.stderr.join('\n'), /bob gets it when you are both connected/)

  const alice = await openChat(t, { me: 'alice', listen: a, peers: [b, m], data, options: ['--room', '@bob'] })
  const mallory = await openChat(t, { me: 'mallory', listen: m, peers: [a], data })
  const bob = await openChat(t, { me: 'bob', listen: b, peers: [a], data, options: ['--room', '@alice'] })
  await bob.waitForLine('alice> for bob alone')
  bob.type('for alice alone')
  await alice.waitForLine('bob> for alice alone')
  assert.ok(!mallory.stdout.some(line => line.includes('alone')))
  const rooms = await run(t, data, 'rooms', 'alice', '--json')
  const direct = rooms.stdout.map(line => JSON.parse(line)).find(({ kind }) => kind === 'direct')
  assert.deepEqual([direct.room, direct.members], ['@bob', 2])
  const log = await run(t, data, 'log', 'alice', '--room', '@bob')
  assert.match(log.stdout.join('\n'), /for bob alone[\s\S]*for alice alone/)
})

test('a direct message comes to a chat that shows another room', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const [a = '', b = ''] = await localAddresses(2)
  for (const me of ['alice', 'bob']) await begin(t, data, me)
  await pin(t, data, 'alice', 'bob')
  await pin(t, data, 'bob', 'alice')
  const bob = await openChat(t, { me: 'bob', listen: b, data })
  const alice = await openChat(t, { me: 'alice', listen: a, peers: [b], data, options: ['--room', '@bob'] })
  alice.type('psst')
  await bob.waitForLine('info> alice wrote to you: /join @alice shows it', { stream: 'stderr' })
  assert.ok(!bob.stdout.some(line => line.includes('psst')))
  const history = await run(t, data, 'bob', '--room', '@alice', '--message', 'read it', '--timeout', '20')
  assert.equal(history.code, 0, history.stderr.join('\n'))
  await alice.waitForLine('bob> read it')
})

test('declines outside the chat, with and without a node', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const [a = '', b = ''] = await localAddresses(2)
  for (const me of ['alice', 'bob']) await begin(t, data, me)
  await pin(t, data, 'bob', 'alice')
  const ask = () => openChat(t, { me: 'bob', listen: b, peers: [a], data, options: ['--room', '@alice'] })
  const lobby = { me: 'alice', listen: a, peers: [b], data }
  const decline = (...words: string[]) => run(t, data, 'people', 'alice', 'decline', ...words)
  const alice = await openChat(t, lobby)
  const bob = await ask()
  bob.type('may I?')
  await alice.waitForLine('asks to talk with you', { stream: 'stderr' })
  const stranger = await decline('carol')
  assert.equal(stranger.code, 2)
  assert.match(stranger.stderr.join('\n'), /nobody called carol asks to talk/)
  const declined = await decline('bob', '--json')
  assert.deepEqual(JSON.parse(declined.stdout[0] ?? ''), { declined: await keyOf(t, data, 'bob'), name: 'bob' })
  await alice.stop()
  assert.match((await decline('bob')).stderr.join('\n'), /nobody called bob asks to talk/)
})
