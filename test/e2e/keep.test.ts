import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { homeOf } from '../../src/node/paths.js'
import { CHAT_PROGRAM, openChat, startChat } from '../helper/chat-process.js'
import { localAddresses } from '../helper/ports.js'
import { privateRoomOf } from '../helper/private-room-files.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { TerminalWindow } from '../helper/terminal.js'
import { writeLines } from '../helper/written-log.js'

// Retention: content that a room, or one computer, drops by age or size.

const BOUND = { timeout: 300_000 }
const DAY_MS = 86_400_000

async function run(t: TestContext, data: string, ...args: readonly string[]) {
  const child = startChat(t, [...args, '--data', data])
  const { code } = await child.exited
  return { code, stdout: child.stdout, stderr: child.stderr }
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await pause(100)
}

test('a room that keeps lines for two days drops older ones at every member, and says so', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const [a = '', b = ''] = await localAddresses(2)
  assert.match((await run(t, data, 'room', 'new', 'alice', 'ops', '--keep', '2x')).stderr.join(), /Expected a time/)
  await run(t, data, 'room', 'new', 'alice', 'ops', '--no-rescue', '--keep', '7d')
  const lines = [6, 5, 3, 1].map(days => ({ message: `${days} days ago`, agoMs: days * DAY_MS }))
  await writeLines(data, 'alice', lines, await privateRoomOf(data, 'alice', 'ops'))
  const alice = await openChat(t, { me: 'alice', listen: a, data, options: ['--room', 'ops'] })
  const [code = ''] = (await run(t, data, 'invite', 'alice', 'ops')).stdout
  await run(t, data, 'join', 'bob', code, a, '--no-discovery', '--listen', b)
  const bob = await openChat(t, { me: 'bob', listen: b, peers: [a], data, options: ['--room', 'ops'] })
  await bob.waitForLine('alice> 6 days ago')

  assert.match((await run(t, data, 'room', 'keep', 'bob', 'ops', '2d')).stderr.join(), /this takes the role founder/)
  assert.match((await run(t, data, 'room', 'keep', 'alice', 'ops', '2d')).stderr.join(), /ops keeps 2d, for everybody/)
  const shown = async (me: string): Promise<unknown[]> => {
    const { stdout } = await run(t, data, 'log', me, '--room', 'ops', '--json')
    return stdout.map(line => JSON.parse(line)).map(({ message, state, count }) => message ?? `${count} ${state}`)
  }
  for (const me of ['alice', 'bob']) await until(async () => String(await shown(me)) === '3 expired,1 days ago')
  const { stdout } = await run(t, data, 'verify', 'bob', '--room', 'ops', '--json')
  assert.deepEqual(JSON.parse(stdout[0] ?? '').without, {
    deleted: 0,
    'kept-out': 0,
    expired: 3,
    'not-given': 0,
    missing: 0,
  })
  await alice.stop()
  await bob.stop()
  const again = await openChat(t, { me: 'bob', listen: b, data, options: ['--room', 'ops'] })
  await again.waitForLine('info> 3 lines are older than the room keeps', { stream: 'stderr' })
  await again.waitForLine('alice> 1 days ago')
})

test('a computer with less space drops what others keep, and fetches it when asked', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const [a = '', b = ''] = await localAddresses(2)
  await run(t, data, 'room', 'new', 'alice', 'ops', '--no-rescue')
  const lines = Array.from({ length: 1_500 }, (_, i) => ({
    message: `line ${i} ${randomBytes(11_000).toString('base64')}`,
    agoMs: 1_500_000,
  }))
  const privateRoom = await privateRoomOf(data, 'alice', 'ops')
  await writeLines(data, 'alice', [...lines, { message: 'the end', agoMs: 1_000 }], privateRoom)
  await openChat(t, { me: 'alice', listen: a, data, options: ['--room', 'ops', '--last', '1'] })
  const [code = ''] = (await run(t, data, 'invite', 'alice', 'ops')).stdout
  await run(t, data, 'join', 'bob', code, a, '--no-discovery', '--listen', b)
  const command = [process.execPath, CHAT_PROGRAM, 'bob', a, '--listen', b, '--no-discovery', '--data', data]
  const bob = await TerminalWindow.open(t, [...command, '--room', 'ops', '--last', '1'])
  await bob.waitFor(/#ops · 1 connected/)
  const files = async (me: string): Promise<number> => {
    const { database } = homeOf(data, me, 'ops', privateRoom.id)
    const names = await readdir(database)
    const sizes = await Promise.all(
      names.map(name =>
        stat(path.join(database, name)).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
    )
    return sizes.reduce((sum, size) => sum + size, 0)
  }
  const sizeOfAll = await files('alice')
  assert.ok(sizeOfAll > 18e6, `${sizeOfAll}`)
  await until(async () => (await files('bob')) > 18e6)
  await bob.waitFor('the end') // long lines that arrive later would move the answers off the screen
  await bob.enter('/keep 1d')
  await bob.waitFor('! this takes the role founder')
  await bob.enter('/keep 16MB')
  await bob.waitFor('this computer keeps 16MB of it')
  const keptOut = async (): Promise<number> => {
    const { stdout, stderr } = await run(t, data, 'verify', 'bob', '--room', 'ops', '--json')
    assert.equal(stdout.length, 1, stderr.join('\n'))
    const { ok, without } = JSON.parse(stdout[0] ?? '')
    assert.ok(ok, stdout.join())
    // While a sample of the lines is fetched back, they are missing.
    return (without?.missing ?? 0) === 0 ? (without?.['kept-out'] ?? 0) : 0
  }
  await until(async () => (await keptOut()) > 0 && (await files('bob')) <= 16e6)
  assert.ok((await files('alice')) >= sizeOfAll)
  assert.ok((await files('bob')) > 10e6, 'no more goes than has to')
  await bob.press('C-c')
  await bob.ended()
  const back = await TerminalWindow.open(t, [...command, '--room', 'ops', '--last', '1'])
  await back.waitFor(/── \d+ older lines are (with alice|not kept here): \/fetch ──/)
  await back.waitFor(/#ops · 1 connected/)
  await back.enter('/fetch 20')
  await back.waitFor('fetched 20 lines')
  await back.waitFor(/older lines are with alice: \/fetch/)
  const left = await keptOut()
  assert.ok(left > 100)
  const fetched = await run(t, data, 'fetch', 'bob', '5', '--room', 'ops', '--json')
  const { holders, ...counts } = JSON.parse(fetched.stdout[0] ?? '')
  assert.equal(fetched.code, 0)
  assert.deepEqual(counts, { room: 'ops', fetched: 5, count: left - 5, expired: 0, notGiven: 0 })
  assert.equal(holders.length, 1)
  assert.match((await run(t, data, 'fetch', 'bob', '1', '--room', 'ops')).stderr.join('\n'), /fetched 1 line: /)
  const all = await run(t, data, 'fetch', 'alice', '--room', 'ops')
  assert.deepEqual([all.code, /no line of #ops was dropped/.test(all.stderr.join())], [0, true], all.stderr.join())
})

test('the command fetch says why it fetches nothing', BOUND, async t => {
  const data = await temporaryDirectory(t)
  await run(t, data, 'room', 'new', 'alice', 'ops', '--no-rescue')
  const failed = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await run(t, data, 'fetch', 'alice', ...args)
    return `${code} ${[...stdout, ...stderr].join(' ')}`
  }
  assert.match(await failed('0'), /^2 .*Expected a number of lines, or all/)
  assert.match(await failed('--room', 'ops'), /^1 .*alice is not running/)
  const [a = ''] = await localAddresses(1)
  await openChat(t, { me: 'alice', listen: a, data })
  assert.match(await failed('--room', 'ops'), /^[12] .*ops is not open/)
})
