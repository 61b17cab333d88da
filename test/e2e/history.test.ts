import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { openChat, startChat } from '../helper/chat-process.js'
import { localAddresses } from '../helper/ports.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

// Which of the earlier lines newcomers to a private room read.

const BOUND = { timeout: 300_000 }

async function run(t: TestContext, data: string, ...args: readonly string[]) {
  const child = startChat(t, [...args, '--data', data])
  const { code } = await child.exited
  return { code, stdout: child.stdout, stderr: child.stderr }
}

/** The output of `log` for the room: lines, and counts of places without content. */
async function shown(t: TestContext, data: string, me: string): Promise<unknown[]> {
  const { stdout } = await run(t, data, 'log', me, '--room', 'ops', '--json')
  return stdout.map(line => JSON.parse(line)).map(({ message, state, count }) => message ?? `${count} ${state}`)
}

async function untilShown(t: TestContext, data: string, me: string, lines: readonly string[]): Promise<void> {
  while (String(await shown(t, data, me)) !== String(lines)) await pause(100)
}

async function invited(t: TestContext, data: string, by: string, options: readonly string[] = []) {
  const { stdout, stderr } = await run(t, data, 'invite', by, 'ops', ...options)
  return { code: stdout[0] ?? '', text: stderr.join('\n') }
}

test(
  'a room with --history 2 gives newcomers two lines, from whomever they come, and after restarts',
  BOUND,
  async t => {
    const data = await temporaryDirectory(t)
    const [a = '', b = '', c = ''] = await localAddresses(3)
    assert.match(
      (await run(t, data, 'room', 'new', 'alice', 'ops', '--history', '0')).stderr.join(),
      /Expected all, none, or a number of lines/,
    )
    await run(t, data, 'room', 'new', 'alice', 'ops', '--no-rescue', '--history', '2')
    const alice = await openChat(t, { me: 'alice', listen: a, data, options: ['--room', 'ops'] })
    for (let i = 1; i <= 5; i++) alice.type(`line ${i}`)
    await untilShown(t, data, 'alice', ['line 1', 'line 2', 'line 3', 'line 4', 'line 5'])
    const { code, text } = await invited(t, data, 'alice')
    assert.match(text, /whoever uses it reads the last 2 lines/)
    const joined = await run(t, data, 'join', 'bob', code, a, '--no-discovery', '--listen', b)
    assert.match(joined.stderr.join('\n'), /you read the last 2 lines/)
    const bob = await openChat(t, { me: 'bob', listen: b, peers: [a], data, options: ['--room', 'ops'] })
    await bob.waitForLine('alice> line 5')
    alice.type('line 6')
    await bob.waitForLine('alice> line 6')
    const ofBob = ['3 not-given', 'line 4', 'line 5', 'line 6']
    await untilShown(t, data, 'bob', ofBob)
    const verified = await run(t, data, 'verify', 'bob', '--room', 'ops', '--json')
    assert.equal(verified.code, 0)
    const without = { deleted: 0, 'kept-out': 0, expired: 0, 'not-given': 3, missing: 0 }
    assert.deepEqual(JSON.parse(verified.stdout[0] ?? '').without, without)

    // After a restart of both, and with all content asked for again.
    await alice.stop()
    await bob.stop()
    const again = await openChat(t, { me: 'bob', listen: b, data, options: ['--room', 'ops'] })
    await again.waitForLine('info> 3 older lines are not given to newcomers of this room', { stream: 'stderr' })
    await again.waitForLine('alice> line 4')
    again.type('from bob')
    await untilShown(t, data, 'bob', [...ofBob, 'from bob'])

    // While alice is away, a newcomer whom bob admits cannot get lines from bob that bob did not receive.
    const second = await invited(t, data, 'bob')
    const json = await run(t, data, 'join', 'carol', second.code, b, '--no-discovery', '--listen', c, '--json')
    assert.equal(JSON.parse(json.stdout[0] ?? '').history, '2')
    const carol = await openChat(t, { me: 'carol', listen: c, peers: [b], data, options: ['--room', 'ops'] })
    await carol.waitForLine('bob> from bob')
    await untilShown(t, data, 'carol', ['5 not-given', 'line 6', 'from bob'])
    const back = await openChat(t, { me: 'alice', listen: a, peers: [b, c], data, options: ['--room', 'ops'] })
    back.type('alice is back')
    await carol.waitForLine('alice> alice is back')
    await untilShown(t, data, 'carol', ['5 not-given', 'line 6', 'from bob', 'alice is back'])
    const rooms = await run(t, data, 'rooms', 'carol', '--json')
    const ops = rooms.stdout.map(line => JSON.parse(line)).find(({ room }) => room === 'ops')
    assert.ok(ops.unread <= 3, `${JSON.stringify(ops)}`)
  },
)

test('a room gives newcomers nothing or all, as its founder says at that time', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const [a = '', b = '', c = ''] = await localAddresses(3)
  await run(t, data, 'room', 'new', 'alice', 'ops', '--no-rescue', '--history', 'none')
  const alice = await openChat(t, { me: 'alice', listen: a, data, options: ['--room', 'ops'] })
  alice.type('before')
  await untilShown(t, data, 'alice', ['before'])
  const { code, text } = await invited(t, data, 'alice')
  assert.match(text, /whoever uses it reads nothing said before/)
  const joined = await run(t, data, 'join', 'bob', code, a, '--no-discovery', '--listen', b)
  assert.match(joined.stderr.join('\n'), /you read nothing said before/)
  const bob = await openChat(t, { me: 'bob', listen: b, peers: [a], data, options: ['--room', 'ops'] })
  alice.type('after')
  await bob.waitForLine('alice> after')
  await untilShown(t, data, 'bob', ['1 not-given', 'after'])

  assert.match(
    (await run(t, data, 'room', 'history', 'bob', 'ops', 'all')).stderr.join(),
    /this takes the role founder/,
  )
  const set = await run(t, data, 'room', 'history', 'alice', 'ops', 'all', '--json')
  assert.deepEqual(JSON.parse(set.stdout[0] ?? ''), { room: 'ops', history: 'all' })
  const second = await invited(t, data, 'alice')
  assert.match(second.text, /whoever uses it reads all earlier lines/)
  await run(t, data, 'join', 'carol', second.code, a, '--no-discovery', '--listen', c)
  const carol = await openChat(t, { me: 'carol', listen: c, peers: [a, b], data, options: ['--room', 'ops'] })
  await carol.waitForLine('alice> after')
  await untilShown(t, data, 'carol', ['before', 'after'])
  await untilShown(t, data, 'bob', ['1 not-given', 'after'])
})
