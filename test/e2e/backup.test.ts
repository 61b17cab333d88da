import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { openChat, startChat } from '../helper/chat-process.js'
import { localAddresses } from '../helper/ports.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const BOUND = { timeout: 300_000 }
const PASSPHRASE = 'correct horse battery'

/** Runs a command that ends. */
async function run(t: TestContext, passphrase: string | undefined, ...args: readonly string[]) {
  const env = passphrase === undefined ? {} : { PERSISTED_CHAT_PASSPHRASE: passphrase }
  const child = startChat(t, args, { env })
  const { code } = await child.exited
  return { code, stdout: child.stdout, stderr: child.stderr.join('\n') }
}

/** A user with a private room that bob is a member of: three lines are read, two are unread. */
async function openWorld(t: TestContext) {
  const root = await temporaryDirectory(t)
  const [a = '', b = ''] = await localAddresses(2)
  const places = { alice: path.join(root, 'alice'), bob: path.join(root, 'bob'), backup: path.join(root, 'backup') }
  const own = ['--data', places.alice]
  await run(t, undefined, 'room', 'new', 'alice', 'ops', '--no-rescue', ...own)
  const { stdout } = await run(t, undefined, 'invite', 'alice', 'ops', ...own)
  const open = (room: string, data = places.alice) =>
    openChat(t, { me: 'alice', listen: a, peers: [b], data, options: ['--room', room] })
  const alice = await open('ops')
  await run(t, undefined, 'join', 'bob', stdout[0] ?? '', a, '--data', places.bob, '--no-discovery', '--listen', b)
  const bob = await openChat(t, { me: 'bob', listen: b, peers: [a], data: places.bob, options: ['--room', 'ops'] })
  for (const line of ['one', 'two', 'three']) {
    bob.type(line)
    await alice.waitForLine(`bob> ${line}`)
  }
  alice.type('mine before')
  await bob.waitForLine('alice> mine before')
  const left = await run(t, undefined, 'stop', 'alice', ...own)
  assert.equal(left.code, 0, left.stderr)
  for (const line of ['four', 'five']) {
    bob.type(line)
    await bob.waitForLine(`bob> ${line}`)
  }
  return { places, own, bob, open, listen: a, bobAt: b }
}

/** How many lines of a room are unread, once that is `expected`. */
async function waitForUnread(t: TestContext, data: string, room: string, expected: number): Promise<void> {
  for (;;) {
    const { stdout } = await run(t, undefined, 'rooms', 'alice', '--json', '--data', data)
    const found = stdout.map(line => JSON.parse(line)).find(item => item.room === room)
    if (found?.unread === expected) return
  }
}

test('a restored home has its former rooms and unread counts, and all peers accept its next line', BOUND, async t => {
  const { places, own, bob, open, listen, bobAt } = await openWorld(t)
  const written = await run(t, PASSPHRASE, 'backup', 'alice', places.backup, ...own)
  assert.equal(written.code, 0, written.stderr)
  assert.match(written.stderr, /rehearsed restoring it: .* of alice of .*, 1 room and \d+ pe/)
  const key = await readFile(path.join(places.alice, 'alice', 'key'), 'utf8')
  await rm(places.alice, { recursive: true })

  const restored = await run(t, PASSPHRASE, 'restore', 'alice', places.backup, ...own)
  assert.equal(restored.code, 0, restored.stderr)
  assert.equal(await readFile(path.join(places.alice, 'alice', 'key'), 'utf8'), key)
  const peers = ['--listen', listen, '--no-discovery']
  startChat(t, ['node', 'alice', bobAt, '--room', 'ops', ...peers, ...own])
  await waitForUnread(t, places.alice, 'ops', 2)
  const alice = await open('ops')
  await alice.waitForLine('bob> five')
  await alice.waitForLine('alice> mine before')
  alice.type('mine after')
  await bob.waitForLine('alice> mine after')
  await waitForUnread(t, places.alice, 'ops', 0)
  const log = await run(t, undefined, 'log', 'bob', '--room', 'ops', '--data', places.bob)
  const lines = log.stdout.map(line => line.slice(line.indexOf(' ') + 1))
  assert.deepEqual(lines, ['one', 'two', 'three', 'mine before', 'four', 'five', 'mine after'], log.stderr)
  const verified = await run(t, undefined, 'verify', 'bob', '--room', 'ops', '--data', places.bob)
  assert.equal(verified.code, 0, verified.stderr)
})

test('a key alone brings neither rooms nor counts', BOUND, async t => {
  const { places, own, open } = await openWorld(t)
  const file = path.join(places.alice, 'alice', 'key')
  const key = await readFile(file)
  await rm(places.alice, { recursive: true })
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, key)
  await open('lobby')
  const { stdout } = await run(t, undefined, 'rooms', 'alice', '--json', ...own)
  assert.deepEqual(
    stdout.map(line => JSON.parse(line).room),
    ['lobby'],
  )
})

test('restoring says in one line what is wrong, and writes nothing', BOUND, async t => {
  const root = await temporaryDirectory(t)
  const [data, file, other] = [path.join(root, 'data'), path.join(root, 'backup'), path.join(root, 'other')]
  const said = await openChat(t, { me: 'alice', data, listen: (await localAddresses(1))[0] ?? '' })
  await said.stop('SIGINT')
  const backUp = (passphrase?: string) => run(t, passphrase, 'backup', 'alice', file, '--data', data)
  const restore = (passphrase = PASSPHRASE, me = 'alice', from = file) =>
    run(t, passphrase, 'restore', me, from, '--data', other)
  assert.match((await backUp()).stderr, /there is no passphrase/)
  assert.match((await backUp('short')).stderr, /fewer than 8 characters/)
  assert.equal((await backUp(PASSPHRASE)).code, 0)
  const bytes = await readFile(file)
  assert.ok(!bytes.includes('alice'), 'sealed')

  const again = await run(t, PASSPHRASE, 'restore', 'alice', file, '--data', data)
  assert.deepEqual([again.code, /alice has a key or logs already/.test(again.stderr)], [1, true])
  assert.match((await restore('another one')).stderr, /this is not the passphrase of/)
  assert.match((await restore(PASSPHRASE, 'bob')).stderr, /is a backup of alice, not of bob/)
  const newer = Buffer.from(bytes)
  newer[22] = 2
  await writeFile(file, newer)
  assert.match((await restore()).stderr, /written by a newer version/)
  for (let at = 23; at < bytes.length; at += 67) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ 0x10
    await writeFile(file, changed)
    const { code, stderr } = await restore()
    assert.equal(code, 1)
    assert.match(stderr, /this is not the passphrase of|is damaged|the end of .* is missing/)
    assert.equal(stderr.trim().split('\n').length, 1)
  }
  for (const length of [0, 5, 22, 40, bytes.length - 1]) {
    await writeFile(file, bytes)
    await truncate(file, length)
    assert.match((await restore()).stderr, /is missing|is not a backup/)
  }
  assert.deepEqual(await readdir(root), ['backup', 'data'])
  await writeFile(file, bytes)
  assert.equal((await restore()).code, 0, 'control')
})
