import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdir, readlink, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { askNode } from '../../src/host/client/connect.js'
import { LevelStore } from '../../src/log/store/level-store.js'
import { CHAT_PROGRAM, type ChatPeer, connectedTo, openChat, startChat } from '../helper/chat-process.js'
import { Child } from '../helper/child.js'
import { processesOf, storm } from '../helper/node-storm.js'
import { localAddresses } from '../helper/ports.js'
import { ended, isRunning, nodePid } from '../helper/running-node.js'
import { Stopwatch } from '../helper/stopwatch.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

// Several faces of one user, and the node that serves them.

const BOUND = { timeout: 300_000 }
const STDERR = { stream: 'stderr' } as const
const run = promisify(execFile)

/** Another face of a user whose node runs. */
async function anotherFace(t: TestContext, { me, data }: ChatPeer, ...options: readonly string[]): Promise<Child> {
  const face = startChat(t, [me, '--data', data, '--no-discovery', ...options])
  await face.waitForLine('in another window or program', STDERR)
  return face
}

async function aliceAndBob(t: TestContext): Promise<{ alice: ChatPeer; bob: Child; first: Child; node: number }> {
  const [a = '', b = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  const alice: ChatPeer = { me: 'alice', listen: a, peers: [b], data }
  const bob = await openChat(t, { me: 'bob', listen: b, data })
  const first = await openChat(t, alice)
  await connectedTo(first, b)
  return { alice, bob, first, node: (await nodePid(alice)) ?? assert.fail('no node runs') }
}

test('shows and sends in two faces, and keeps serving one when the other leaves', BOUND, async t => {
  const { alice, bob, first, node } = await aliceAndBob(t)
  first.type('from the first')
  await bob.waitForLine('alice> from the first')
  const second = await anotherFace(t, alice)
  await second.waitForLine('alice> from the first')
  second.type('from the second')
  for (const each of [first, second, bob]) await each.waitForLine('alice> from the second')
  bob.type('hello to both')
  for (const each of [first, second]) await each.waitForLine('bob> hello to both')

  assert.equal(await first.stop('SIGINT'), 0)
  assert.ok(first.stderr.includes('info> the chat continues without this face'), first.transcript())
  second.type('the first is gone')
  await bob.waitForLine('alice> the first is gone')
  assert.equal(await nodePid(alice), node)
  const third = await anotherFace(t, alice)
  await third.waitForLine('alice> the first is gone')
  assert.equal(await third.stop(), 0)
  assert.equal(await second.stop(), 0)
  await ended(node)
  const lines = ['alice> from the first', 'alice> from the second', 'bob> hello to both', 'alice> the first is gone']
  assert.deepEqual(second.stdout, lines)
  assert.deepEqual(bob.stdout, lines)
})

test('sends pending lines once, through the next node, after the node is killed with -9', BOUND, async t => {
  const { alice, bob, first, node } = await aliceAndBob(t)
  const second = await anotherFace(t, alice)
  second.type('before')
  await bob.waitForLine('alice> before')
  process.kill(node, 'SIGSTOP')
  second.type('nobody answers')
  second.type('nobody answers')
  second.type('still nobody')
  process.kill(node, 'SIGKILL')
  await bob.waitForLine('alice> still nobody')
  for (const face of [first, second]) await face.waitForLine('alice> still nobody')
  const lines = ['before', 'nobody answers', 'nobody answers', 'still nobody'].map(line => `alice> ${line}`)
  for (const each of [bob, first, second]) assert.deepEqual(each.stdout, lines)
})

test('starts the next node with the options of the previous one, whichever face starts it', BOUND, async t => {
  const { alice, bob, first, node } = await aliceAndBob(t)
  const second = await anotherFace(t, alice)
  await first.stop('SIGKILL')
  process.kill(node, 'SIGKILL')
  second.type('still connected')
  await bob.waitForLine('alice> still connected')
  const next = (await nodePid(alice)) ?? assert.fail('no node runs')
  assert.notEqual(next, node)
  assert.equal(await second.stop(), 0)
  await ended(next)
})

test('faces report since when the node does not answer, and when it answers again', BOUND, async t => {
  const { alice, bob, first, node } = await aliceAndBob(t)
  process.kill(node, 'SIGSTOP')
  const silent = new RegExp(`the node \\(pid ${node}\\) has not answered since \\d\\d:\\d\\d; .*stop --kill alice`)
  await first.waitForLine(silent, STDERR)
  const late = startChat(t, [alice.me, '--data', alice.data, '--no-discovery'])
  await late.waitForLine(silent, STDERR)
  first.type('said while it was stopped')
  process.kill(node, 'SIGCONT')
  await first.waitForLine('the node answers again', STDERR)
  await late.waitForLine('in another window or program', STDERR)
  await bob.waitForLine('alice> said while it was stopped')
  late.type('we go on')
  await bob.waitForLine('alice> we go on')
  assert.deepEqual(bob.stdout, ['alice> said while it was stopped', 'alice> we go on'])
})

test('stop --kill kills a node that does not answer, and its faces continue with the next one', BOUND, async t => {
  const { alice, bob, first, node } = await aliceAndBob(t)
  process.kill(node, 'SIGSTOP')
  const stop = startChat(t, ['stop', 'alice', '--kill', '--data', alice.data])
  assert.equal((await stop.exited).code, 0, stop.transcript())
  assert.equal(isRunning(node), false)
  first.type('through the next node')
  await bob.waitForLine('alice> through the next node')
})

test('a face that is suspended for seconds delays no one, and catches up', BOUND, async t => {
  const { alice, bob, first } = await aliceAndBob(t)
  const second = await anotherFace(t, alice)
  process.kill(second.pid ?? 0, 'SIGSTOP')
  for (let line = 0; line < 1_500; line++) first.type(`${line} ${'x'.repeat(2_000)}`)
  await bob.waitForLine('alice> 1499 x')
  process.kill(second.pid ?? 0, 'SIGCONT')
  await second.waitForLine('alice> 1499 x')
  assert.equal(second.stdout.length, 1_500)
  assert.equal(await second.stop(), 0)
})

test('three faces that start at the same time share one node', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const args = ['alice', '--data', data, '--no-discovery', '--listen', '127.0.0.1:0']
  const faces = [1, 2, 3].map(() => startChat(t, args))
  for (const face of faces) await face.waitForLine('info> listening on', STDERR)
  faces[0]?.type('hello')
  for (const face of faces) await face.waitForLine('alice> hello')
  const node = (await nodePid({ me: 'alice', data })) ?? assert.fail('no node runs')
  for (const face of faces) assert.equal(await face.stop(), 0, face.transcript())
  await ended(node)
  assert.deepEqual(await processesOf(data), [])
})

test('loses and duplicates nothing when faces are killed with -9 under load', BOUND, async t => {
  const { stored } = await storm(t, { faces: 4, kills: 10, victim: 'face' })
  assert.ok(stored > 100)
})

test('loses and duplicates nothing when the node is killed with -9 under load', BOUND, async t => {
  const { typed, stored } = await storm(t, { faces: 4, kills: 10, victim: 'node' })
  assert.equal(stored, typed)
})

test('--message sends its line through the running node', BOUND, async t => {
  const { alice, bob, first } = await aliceAndBob(t)
  const message = await anotherFace(t, alice, '--message', 'by the way')
  await bob.waitForLine('alice> by the way')
  assert.deepEqual(await message.exited, { code: 0, signal: null }, message.transcript())
  assert.equal(message.stderr.at(-1), 'info> last line delivered to 1 of 1 peers')
  await first.waitForLine('alice> by the way')
})

test('a node without faces delivers messages between peers that are never online together', BOUND, async t => {
  const [a = '', b = '', k = ''] = await localAddresses(3)
  const data = await temporaryDirectory(t)
  const keeper: ChatPeer = { me: 'keeper', listen: k, data, options: ['--seed'] }
  const seed = await openChat(t, keeper)
  seed.type('nobody hears this')
  const alice = await openChat(t, { me: 'alice', listen: a, peers: [k], data, options: ['--message', 'hello'] })
  assert.equal((await alice.exited).code, 0, alice.transcript())
  const bob = await openChat(t, { me: 'bob', listen: b, peers: [k], data })
  await bob.waitForLine('alice> hello')
  const face = startChat(t, ['keeper', '--data', data])
  await face.waitForLine('alice> hello')
  face.type('from a face of the seed')
  await bob.waitForLine('keeper> from a face of the seed')
  assert.equal(await face.stop(), 0)
  assert.ok(face.stderr.includes('info> the chat continues without this face'), face.transcript())
  assert.equal(await nodePid(keeper), seed.pid, 'keeps running without faces')
  assert.equal(await seed.stop(), 0)
  assert.deepEqual(seed.stdout, [])
  assert.deepEqual(bob.stdout, ['alice> hello', 'keeper> from a face of the seed'])
})

test('status shows a running node, and stop ends it with its faces', BOUND, async t => {
  const { alice, bob, first, node } = await aliceAndBob(t)
  const ask = async (...args: readonly string[]): Promise<Child> => {
    const child = startChat(t, [...args, '--data', alice.data])
    await child.exited
    return child
  }
  const status = await ask('status', 'alice', '--json')
  const { me, pid, rooms, filesReplaced, stays } = JSON.parse(status.stdout[0] ?? '')
  assert.deepEqual({ me, pid, filesReplaced, stays }, { me: 'alice', pid: node, filesReplaced: false, stays: false })
  const [listen = '', connection = ''] = [alice.listen ?? '', alice.peers?.[0] ?? '']
  assert.deepEqual(rooms, [{ room: 'lobby', open: true, faces: 1, connections: [connection], plain: [], listen }])
  const everyone = await ask('status')
  assert.match(everyone.stdout.join('\n'), /^alice {2}pid \d+, since .*\n {2}lobby {2}1 face, listening on/m)
  assert.match(everyone.stdout.join('\n'), /^bob {2}pid \d+/m)

  const stop = await ask('stop', 'alice')
  assert.deepEqual([(await stop.exited).code, stop.stderr], [0, ['info> alice was stopped']])
  assert.equal((await first.exited).code, 0, first.transcript())
  assert.ok(first.stderr.includes('info> alice was stopped'), first.transcript())
  await ended(node)
  await bob.waitForLine('alice left', STDERR)
  const after = await ask('status', 'alice')
  assert.deepEqual([(await after.exited).code, after.stderr], [1, ['info> alice is not running']])
  assert.equal((await (await ask('stop', 'alice')).exited).code, 0)
})

test('rejects options that differ from those of the running node with 2 and a hint', BOUND, async t => {
  const { alice, first } = await aliceAndBob(t)
  const other = startChat(t, ['alice', '--data', alice.data, '--no-discovery', '--listen', '127.0.0.1:1'])
  assert.equal((await other.exited).code, 2)
  const line = `alice already runs with --listen ${alice.listen}: persisted-chat stop alice, or leave the option out`
  assert.deepEqual(other.stderr, [`persisted-chat: ${line}`])
  first.type('still here')
  await first.waitForLine('alice> still here')
})

test('commands on the stored logs work while a node runs', BOUND, async t => {
  const { alice, bob, first, node } = await aliceAndBob(t)
  const say = async (line: string): Promise<void> => {
    first.type(line)
    await bob.waitForLine(`> ${line}`)
    await first.waitForLine(`> ${line}`)
  }
  await say('hello')
  const data = await temporaryDirectory(t)
  const carol = await openChat(t, { me: 'carol', listen: '127.0.0.1:0', data })
  carol.type('from a stick')
  await carol.waitForLine('carol> from a stick')
  assert.equal(await carol.stop(), 0)
  const stick = path.join(data, 'stick')
  const run = async (...args: readonly string[]): Promise<Child> => {
    const child = startChat(t, args)
    assert.equal((await child.exited).code, 0, child.transcript())
    return child
  }
  await run('export', 'carol', stick, '--data', data)
  const logs = ['--data', alice.data] as const
  await run('log', 'alice', ...logs)
  await run('verify', 'alice', ...logs)
  await run('export', 'alice', path.join(data, 'exported'), ...logs)

  const imports = [1, 2].map(() => run('import', 'alice', stick, ...logs))
  const printed = (await Promise.all(imports)).flatMap(({ stderr }) => stderr)
  assert.deepEqual(printed.sort(), ['info> imported 0 new entries', 'info> imported 1 new entries'])
  await first.waitForLine('carol> from a stick')
  await bob.waitForLine('carol> from a stick')
  await say('after the import')

  await run('repair', 'alice', ...logs)
  await run('renew', 'alice', ...logs)
  await say('under the new key')
  assert.equal(await nodePid(alice), node, 'the same node serves all the time')
  const authors = (await run('log', 'alice', '--json', ...logs)).stdout.map(line => JSON.parse(line))
  const by = (message: string): unknown => authors.find(entry => entry.message === message)?.author
  assert.notEqual(by('under the new key'), by('hello'))
})

test('a node opens its rooms again when a command that closed them is killed', BOUND, async t => {
  const { alice, bob, first } = await aliceAndBob(t)
  const home = { me: 'alice', directory: path.join(alice.data, 'alice') }
  const paused = (await askNode(home, 'pause')) ?? assert.fail('no node runs')
  first.type('typed while the rooms are closed')
  const database = path.join(home.directory, 'lobby')
  const store = await LevelStore.open(database)
  await store.close()
  paused.close()
  await bob.waitForLine('alice> typed while the rooms are closed')
  await first.waitForLine('alice> typed while the rooms are closed')
  await assert.rejects(LevelStore.open(database), { code: 'LOG_LOCKED' }, 'control: the room has its database open')
})

test(
  'a node inherits no stream of the face that started it: a command substitution ends with its face',
  BOUND,
  async t => {
    const [b = ''] = await localAddresses(1)
    const data = await temporaryDirectory(t)
    await openChat(t, { me: 'bob', listen: b, data })
    const chat = `${process.execPath} ${CHAT_PROGRAM} carol ${b} --data ${data} --no-discovery --listen 127.0.0.1:0`
    const substitution = new Child(t, 'sh', {
      args: ['-c', `x=$(${chat} --message hello --timeout 120 2>&1); echo "$x"`],
    })
    await substitution.waitForLine('last line delivered to 1 of 1 peers')
    assert.equal((await substitution.exited).code, 0)

    const face = await openChat(t, { me: 'carol', listen: '127.0.0.1:0', peers: [b], data })
    const node = (await nodePid({ me: 'carol', data })) ?? assert.fail('no node runs')
    const streams = await Promise.all([0, 1, 2].map(fd => readlink(`/proc/${node}/fd/${fd}`)))
    assert.deepEqual(streams, ['/dev/null', '/dev/null', '/dev/null'])
    assert.equal(await face.stop(), 0)
    await ended(node)
  },
)

test('rejects a planted socket', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const first = await openChat(t, { me: 'alice', listen: '127.0.0.1:0', data })
  await first.stop()
  const heard: string[] = []
  const planted = createServer(socket => {
    const challenge = Buffer.from(
      `\u0001${JSON.stringify({ is: 'challenge', version: [2, 0], nonce: 'a'.repeat(64) })}`,
    )
    socket.write(Buffer.concat([Buffer.of(challenge.length), challenge]))
    socket.on('data', bytes => {
      heard.push(bytes.toString('latin1'))
      const welcome = Buffer.from(`\u0001${JSON.stringify({ is: 'welcome', proof: 'b'.repeat(64) })}`)
      socket.write(Buffer.concat([Buffer.of(welcome.length), welcome]))
    })
    socket.on('error', () => {})
  })
  const file = path.join(data, 'alice', 'node.sock')
  const mask = process.umask(0o177)
  await new Promise<void>(resolve => void planted.listen(file, resolve))
  process.umask(mask)
  t.after(() => void planted.close())
  const face = startChat(t, ['alice', '--data', data, '--no-discovery', '--message', 'my secret'])
  assert.equal((await face.exited).code, 1)
  assert.match(face.stderr.join('\n'), /the program that answers at the socket .* is not the node of alice/)
  assert.ok(heard.length > 0 && !heard.join('').includes('my secret'))
})

test('other users of the machine cannot attach, even if they can list the directory', BOUND, async t => {
  if (process.getuid?.() !== 0) return t.skip('only root can run as another user')
  const [a = ''] = await localAddresses(1)
  const data = await temporaryDirectory(t)
  await openChat(t, { me: 'alice', listen: a, data })
  const socket = path.join(data, 'alice/node.sock')
  assert.equal((await stat(socket)).mode & 0o777, 0o600)
  for (const name of ['node.secret', 'node.log', 'node.pid'])
    assert.equal((await stat(path.join(data, 'alice', name))).mode & 0o777, 0o600, name)
  for (const directory of [data, path.dirname(socket)]) await chmod(directory, 0o755)
  const script =
    'process.setgid(65534); process.setuid(65534);' +
    "require('net').connect(process.argv[1]).on('connect', () => console.log('in')).on('error', e => console.log(e.code))" +
    ".on('close', () => process.exit())"
  const stranger = new Child(t, process.execPath, { args: ['-e', script, socket], cwd: '/' })
  assert.equal(await stranger.waitForLine(/./), 'EACCES')
  await stranger.exited
  await chmod(socket, 0o666)
  const control = new Child(t, process.execPath, { args: ['-e', script, socket], cwd: '/' })
  assert.equal(await control.waitForLine(/./), 'in', 'control: the mode of the socket keeps them out')
  await control.stop('SIGKILL')
})

test('runs as the first process of a container, and exits within 5 s on SIGTERM', BOUND, async t => {
  const isPossible = await run('unshare', ['--pid', '--fork', '--mount-proc', 'true']).then(
    () => true,
    () => false,
  )
  if (!isPossible) return t.skip('no namespaces here')
  const data = await temporaryDirectory(t)
  const [a = ''] = await localAddresses(1)
  const node = [process.execPath, CHAT_PROGRAM, 'node', 'alice', '--listen', a, '--no-discovery', '--data', data]
  const container = new Child(t, 'unshare', { args: ['--pid', '--fork', '--mount-proc', '--kill-child', ...node] })
  await container.waitForLine('info> listening on', STDERR)
  const face = startChat(t, ['alice', '--data', data, '--no-discovery'])
  await face.waitForLine('is in the chat already', STDERR)
  face.type('into the container')
  await face.waitForLine('alice> into the container')
  const pids = (await processesOf(data)).filter(pid => pid !== face.pid && pid !== container.pid)
  assert.equal(pids.length, 1, 'the container runs no other process')
  const stopwatch = new Stopwatch()
  process.kill(pids[0] ?? 0, 'SIGTERM')
  assert.equal((await container.exited).code, 0, container.transcript())
  assert.ok(stopwatch.ms < 5_000)
  assert.equal((await face.exited).code, 0, face.transcript())
  const verify = startChat(t, ['verify', 'alice', '--data', data])
  assert.equal((await verify.exited).code, 0, verify.transcript())
})

test('works in a data directory whose path is too long for a socket', BOUND, async t => {
  const data = path.join(await temporaryDirectory(t), 'x'.repeat(120))
  await mkdir(data)
  const first = await openChat(t, { me: 'alice', listen: '127.0.0.1:0', data })
  first.type('hello')
  await first.waitForLine('alice> hello')
  const second = await anotherFace(t, { me: 'alice', data })
  await second.waitForLine('alice> hello')
})
