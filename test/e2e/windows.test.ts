import assert from 'node:assert/strict'
import { chmod, stat } from 'node:fs/promises'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { type ChatPeer, linked, openChat, startChat } from '../helper/chat-process.js'
import { Child } from '../helper/child.js'
import { localAddresses } from '../helper/ports.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

// A second start of the same user on the same data.

const BOUND = { timeout: 240_000 }
const STDERR = { stream: 'stderr' } as const

/** Another window of a chat that runs; it says no address of its own. */
async function anotherWindow(t: TestContext, { me, data }: ChatPeer, ...options: readonly string[]): Promise<Child> {
  const window = startChat(t, [me, '--data', data, '--no-discovery', ...options])
  await window.waitForLine('this is another window of it', STDERR)
  return window
}

async function aliceAndBob(t: TestContext): Promise<{ alice: ChatPeer; bob: Child; first: Child }> {
  const [a = '', b = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  const alice: ChatPeer = { me: 'alice', listen: a, peers: [b], data }
  const bob = await openChat(t, { me: 'bob', listen: b, data })
  const first = await openChat(t, alice)
  await linked(first, b)
  return { alice, bob, first }
}

test('both windows see and say; the first leaves, and the other goes on as it was started', BOUND, async t => {
  const { alice, bob, first } = await aliceAndBob(t)
  first.type('from the first')
  await bob.waitForLine('alice> from the first')
  const second = await anotherWindow(t, alice)
  await second.waitForLine('alice> from the first')
  second.type('from the second')
  for (const each of [first, second, bob]) await each.waitForLine('alice> from the second')
  bob.type('hello to both')
  for (const each of [first, second]) await each.waitForLine('bob> hello to both')

  assert.equal(await first.stop('SIGINT'), 0)
  assert.ok(first.stderr.includes('info> the chat goes on in your other window'), first.transcript())
  await second.waitForLine('this one keeps the chat running now', STDERR)
  await linked(second, alice.peers?.[0] ?? '')
  second.type('the first is gone')
  await bob.waitForLine('alice> the first is gone')
  const third = await anotherWindow(t, alice)
  await third.waitForLine('alice> the first is gone')
  assert.equal(await third.stop(), 0)
  assert.equal(await second.stop(), 0)
  const lines = ['alice> from the first', 'alice> from the second', 'bob> hello to both', 'alice> the first is gone']
  assert.deepEqual(second.stdout, lines)
  assert.deepEqual(bob.stdout, lines)
})

test('the first is killed with -9 while lines of the other wait: they are said once, by the other', BOUND, async t => {
  const { alice, bob, first } = await aliceAndBob(t)
  const second = await anotherWindow(t, alice)
  second.type('before')
  await bob.waitForLine('alice> before')
  process.kill(first.pid ?? 0, 'SIGSTOP')
  second.type('nobody answers')
  second.type('nobody answers')
  second.type('still nobody')
  await first.stop('SIGKILL')
  await bob.waitForLine('alice> still nobody')
  await second.waitForLine('alice> still nobody')
  const lines = ['before', 'nobody answers', 'nobody answers', 'still nobody'].map(line => `alice> ${line}`)
  assert.deepEqual(bob.stdout, lines)
  assert.deepEqual(second.stdout, lines)
})

test('a window says that the first process is stopped, with its pid, and goes on when it answers', BOUND, async t => {
  const { alice, bob, first } = await aliceAndBob(t)
  const attached = await anotherWindow(t, alice)
  const pid = first.pid ?? 0
  process.kill(pid, 'SIGSTOP')
  const silent = `(pid ${pid}) has this chat open and does not answer; it may be stopped: continue it with fg`
  await attached.waitForLine(silent, STDERR)
  const late = startChat(t, [alice.me, '--data', alice.data, '--no-discovery'])
  await late.waitForLine(silent, STDERR)
  process.kill(pid, 'SIGCONT')
  await attached.waitForLine('the other process answers again', STDERR)
  await late.waitForLine('this is another window of it', STDERR)
  late.type('we go on')
  await bob.waitForLine('alice> we go on')
})

test('--message says its line through the chat that runs', BOUND, async t => {
  const { alice, bob, first } = await aliceAndBob(t)
  const message = await anotherWindow(t, alice, '--message', 'by the way')
  await bob.waitForLine('alice> by the way')
  assert.deepEqual(await message.exited, { code: 0, signal: null }, message.transcript())
  assert.equal(message.stderr.at(-1), 'info> last line delivered to 1 of 1 peers')
  await first.waitForLine('alice> by the way')
})

test('a seed keeps what is said for those who are not there at the same time, and has windows too', BOUND, async t => {
  const [a = '', b = '', k = ''] = await localAddresses(3)
  const data = await temporaryDirectory(t)
  const keeper: ChatPeer = { me: 'keeper', listen: k, data, options: ['--seed'] }
  const seed = await openChat(t, keeper)
  seed.type('nobody hears this')
  const alice = await openChat(t, { me: 'alice', listen: a, peers: [k], data, options: ['--message', 'hello'] })
  assert.equal((await alice.exited).code, 0, alice.transcript())
  const bob = await openChat(t, { me: 'bob', listen: b, peers: [k], data })
  await bob.waitForLine('alice> hello')
  const window = await anotherWindow(t, keeper)
  await window.waitForLine('alice> hello')
  window.type('from the window of the seed')
  await bob.waitForLine('keeper> from the window of the seed')
  assert.equal(await seed.stop(), 0)
  assert.deepEqual(seed.stdout, [])
  assert.deepEqual(bob.stdout, ['alice> hello', 'keeper> from the window of the seed'])
})

test('other users of the machine cannot attach, though they may look into the directory', BOUND, async t => {
  if (process.getuid?.() !== 0) return t.skip('only root can be somebody else')
  const [a = ''] = await localAddresses(1)
  const data = await temporaryDirectory(t)
  await openChat(t, { me: 'alice', listen: a, data })
  const door = path.join(data, 'alice/lobby.window')
  assert.equal((await stat(door)).mode & 0o777, 0o600)
  for (const directory of [data, path.dirname(door)]) await chmod(directory, 0o755)
  const script =
    'process.setgid(65534); process.setuid(65534);' +
    "require('net').connect(process.argv[1]).on('connect', () => console.log('in')).on('error', e => console.log(e.code))" +
    ".on('close', () => process.exit())"
  const stranger = new Child(t, process.execPath, { args: ['-e', script, door], cwd: '/' })
  assert.equal(await stranger.waitForLine(/./), 'EACCES')
  await stranger.exited
  await chmod(door, 0o666)
  const control = new Child(t, process.execPath, { args: ['-e', script, door], cwd: '/' })
  assert.equal(await control.waitForLine(/./), 'in', 'it is the mode that keeps him out')
})
