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

test('a private room is founded, entered with a code, and closed to somebody who was removed', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const [a = '', b = ''] = await localAddresses(2)
  const founded = await run(t, data, 'room', 'new', 'alice', 'ops', '--json')
  const { room, id, rescue } = JSON.parse(founded.stdout[0] ?? '')
  assert.equal(room, 'ops')
  assert.match(id, /^[0-9a-f]{16}$/)
  assert.equal(rescue.split(' ').length, 24)
  const alice = await openChat(t, { me: 'alice', listen: a, data, options: ['--room', 'ops'] })
  const { stdout } = await run(t, data, 'invite', 'alice', 'ops')
  const [code = ''] = stdout
  assert.match(code, /^PC-([0-9A-Z]{4}-){11}[0-9A-Z]{4}$/)

  const mistyped = `${code.slice(0, -1)}${code.endsWith('0') ? '1' : '0'}`
  const refused = await run(t, data, 'join', 'bob', mistyped)
  assert.equal(refused.code, 1)
  assert.match(refused.stderr.join(), /the code is mistyped/)

  const local = ['--no-discovery', '--listen', b]
  const joined = await run(t, data, 'join', 'bob', code, a, '--json', ...local)
  assert.deepEqual([joined.code, JSON.parse(joined.stdout[0] ?? '').id], [0, id], joined.stderr.join('\n'))
  assert.match((await run(t, data, 'join', 'carol', code, a, ...local)).stderr.join(), /used as often as it allows/)
  assert.match((await run(t, data, 'join', 'bob', code, a, ...local)).stderr.join(), /a member of ops already/)

  const bob = await openChat(t, { me: 'bob', listen: b, peers: [a], data, options: ['--room', 'ops'] })
  bob.type('hello')
  await alice.waitForLine('bob> hello')
  const members = await run(t, data, 'members', 'alice', 'ops', '--json')
  const seen = await run(t, data, 'members', 'bob', 'ops', '--json')
  assert.deepEqual(seen.stdout, members.stdout)
  assert.deepEqual(members.stdout.map(line => JSON.parse(line).role).sort(), ['founder', 'host'])

  await run(t, data, 'remove', 'alice', 'ops', 'bob')
  await bob.waitForLine('warn> alice removed you from this room', { stream: 'stderr' })
  alice.type('secret')
  await alice.waitForLine('alice> secret')
  bob.type('does anybody hear me')
  await bob.waitForLine('you are no longer a member of this room', { stream: 'stderr' })
  assert.ok(!bob.stdout.some(line => line.includes('secret')))
  const again = await run(t, data, 'join', 'bob', (await run(t, data, 'invite', 'alice', 'ops')).stdout[0] ?? '', a)
  assert.match(again.stderr.join(), /you were removed from ops by alice/)
})

test('a code that nobody could answer admits after a restart', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const [a = '', b = ''] = await localAddresses(2)
  await run(t, data, 'room', 'new', 'alice', 'ops', '--no-rescue')
  const [code = ''] = (await run(t, data, 'invite', 'alice', 'ops')).stdout
  const local = ['--no-discovery', '--listen', b]
  const waiting = await run(t, data, 'join', 'bob', code, a, '--timeout', '6', ...local)
  assert.match(waiting.stderr.join(), /waiting for somebody who may admit you: nobody is connected yet/)
  assert.match(waiting.stderr.join(), /nobody has admitted you yet/)
  await openChat(t, { me: 'alice', listen: a, data, options: ['--room', 'ops'] })
  const bob = await openChat(t, { me: 'bob', listen: b, peers: [a], data })
  await bob.waitForLine('info> you are a member of ops now', { stream: 'stderr' })
})

test('a private room is not announced, and does not report that it is', BOUND, async t => {
  const data = await temporaryDirectory(t)
  await run(t, data, 'room', 'new', 'alice', 'ops', '--no-rescue')
  const room = startChat(t, ['alice', '--data', data, '--room', 'ops'])
  await room.waitForLine('listening on', { stream: 'stderr' })
  const lobby = startChat(t, ['alice', '--data', data])
  await lobby.waitForLine('announced as', { stream: 'stderr' }) // control
  room.type('hello')
  await room.waitForLine('alice> hello')
  assert.ok(!room.stderr.some(line => line.includes('announced')), room.stderr.join('\n'))
})

test('a machine that joins with --seed keeps the room, and is shown as a keeper', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const [a = '', b = '', c = ''] = await localAddresses(3)
  await run(t, data, 'room', 'new', 'alice', 'ops', '--no-rescue')
  const alice = await openChat(t, { me: 'alice', listen: a, data, options: ['--room', 'ops'] })
  const invite = () => run(t, data, 'invite', 'alice', 'ops', '--as', 'member')
  const [code = ''] = (await invite()).stdout
  const attic = startChat(t, ['join', 'attic', code, a, '--no-discovery', '--listen', c, '--seed', '--data', data])
  await attic.waitForLine('listening on', { stream: 'stderr' })
  alice.type('kept')
  await alice.waitForLine('alice> kept')
  const rooms = async (): Promise<string> => (await run(t, data, 'rooms', 'alice')).stdout.join('\n')
  while (!(await rooms()).includes('kept by attic'));
  const members = await run(t, data, 'members', 'alice', 'ops')
  assert.match(members.stdout.join('\n'), /attic {2}member .*keeps the room/)

  const [second = ''] = (await invite()).stdout
  assert.equal((await run(t, data, 'join', 'bob', second, a, '--no-discovery', '--listen', b)).code, 0)
  alice.stop()
  await alice.exited
  const bob = await openChat(t, { me: 'bob', listen: b, peers: [c], data, options: ['--room', 'ops'] })
  await bob.waitForLine('alice> kept')
})
