import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, chown, lchown, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { systemClock } from '../../src/base/clock.js'
import { loadKey } from '../../src/base/crypto/key-file.js'
import { systemRandom } from '../../src/base/random.js'
import { hexOf } from '../../src/base/wire/bytes.js'
import { connectTo, listenAt } from '../../src/host/protocol/socket.js'
import type { NodeEvent } from '../../src/node/events.js'
import { checkHome, isForeign, secureHome } from '../../src/node/home-guard.js'
import { type Home, homeOf } from '../../src/node/paths.js'
import { openLog } from '../../src/node/stored-log.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const SOMEBODY = 65534
const isRoot = process.getuid?.() === 0

async function world(t: TestContext) {
  const data = await temporaryDirectory(t)
  const events: NodeEvent[] = []
  return { data, home: homeOf(data, 'alice'), events, report: (event: NodeEvent) => void events.push(event) }
}

/** Opens alice's logs and appends one message. */
async function say(home: Home, report: (event: NodeEvent) => void): Promise<string> {
  const { log } = await openLog(home, report)
  try {
    await log.append({ username: 'alice', message: 'hello' })
    return log.id
  } finally {
    await log.close()
  }
}

test('creates a home with mode 0700 and accepts it without a report', async t => {
  const { home, events, report } = await world(t)
  await secureHome(home, report)
  await secureHome(home, report)
  assert.equal((await stat(home.directory)).mode & 0o777, 0o700)
  assert.deepEqual(events, [])
})

test('restricts a home that other users can access and reports that once', async t => {
  for (const [mode, access] of [
    [0o755, 'read'],
    [0o710, 'read'],
    [0o777, 'write'],
    [0o720, 'write'],
  ] as const) {
    const { home, events, report } = await world(t)
    await mkdir(home.directory)
    await chmod(home.directory, mode)
    await checkHome(home, report)
    await checkHome(home, report)
    assert.deepEqual(events, [{ kind: 'directory-open-to-others', directory: home.directory, access }])
    assert.equal((await stat(home.directory)).mode & 0o777, 0o700)
  }
})

test('rejects a home or database that another user planted', { skip: !isRoot }, async t => {
  const { data, home, report } = await world(t)
  const elsewhere = path.join(data, 'elsewhere')
  const refusal = { code: 'DATA_UNUSABLE', message: /belongs to another user \(uid 65534\); refusing to use it$/ }
  await mkdir(elsewhere)

  await mkdir(home.directory)
  await chown(home.directory, SOMEBODY, SOMEBODY)
  await assert.rejects(openLog(home, report), refusal)
  assert.deepEqual(await readdir(home.directory), [])
  await rm(home.directory, { recursive: true })

  // Another user's link is rejected wherever it points; our own link only if its target belongs to another user.
  await symlink(elsewhere, home.directory)
  await checkHome(home, report)
  await lchown(home.directory, SOMEBODY, SOMEBODY)
  await assert.rejects(openLog(home, report), refusal)
  await lchown(home.directory, 0, 0)
  await chown(elsewhere, SOMEBODY, SOMEBODY)
  await assert.rejects(openLog(home, report), refusal)
  await rm(home.directory)

  await mkdir(home.directory)
  await mkdir(home.database)
  await chown(home.database, SOMEBODY, SOMEBODY)
  await assert.rejects(openLog(home, report), refusal)
  assert.deepEqual(await readdir(home.directory), ['lobby'])
})

test('rejects logs without a key instead of creating a new key', async t => {
  const { data, home, report } = await world(t)
  const id = await say(home, report)
  const key = await readFile(home.keyFile)
  await rm(home.keyFile)
  for (const room of [undefined, 'ops']) {
    await assert.rejects(openLog(homeOf(data, 'alice', room), report), {
      code: 'DATA_UNUSABLE',
      message: `the key ${home.keyFile} is missing, but there are logs in ${home.database}`,
      hint: `Restore the key from a backup; or, to start over as a new author, move ${home.directory} aside.`,
    })
    const left = (await readdir(home.directory)).filter(name => !name.includes('.mark'))
    assert.deepEqual(left, ['lobby'])
  }
  await writeFile(home.keyFile, key, { mode: 0o600 })
  assert.equal(await say(home, report), id)
})

test('does not open unrelated files as a database', async t => {
  const { home, report } = await world(t)
  await mkdir(home.database, { recursive: true })
  for (const name of ['000001.log', '000007.ldb', 'LOG']) await writeFile(path.join(home.database, name), name)
  await assert.rejects(openLog(home, report), { code: 'DATA_UNUSABLE' })
  assert.deepEqual((await readdir(home.database)).sort(), ['000001.log', '000007.ldb', 'LOG'])
})

test('reports a key without a checksum line that has no entries in the logs', async t => {
  const { home, events, report } = await world(t)
  await say(home, report)
  const [seed = ''] = (await readFile(home.keyFile, 'latin1')).split('\n')
  await writeFile(home.keyFile, `${seed}\n`)
  await say(home, report)
  assert.deepEqual(events, [])
  await writeFile(home.keyFile, `${seed[0] === 'a' ? 'b' : 'a'}${seed.slice(1)}\n`)
  await say(home, report)
  assert.deepEqual(events, [{ kind: 'key-without-entries', file: home.keyFile }])
})

test('uses a key whose database was not created before a crash', async t => {
  const { home, report } = await world(t)
  await secureHome(home, report)
  const { publicKey } = await loadKey(home.keyFile, systemRandom)
  // Whether it was used before is unknown, and so it continues in a new run.
  assert.match(await say(home, report), new RegExp(`^${hexOf(publicKey)}`))
})

test('rejects a directory with unrelated files and keeps its mode', async t => {
  const { home, report } = await world(t)
  await mkdir(home.directory)
  await chmod(home.directory, 0o755)
  await writeFile(path.join(home.directory, 'holiday.jpg'), 'a picture')
  await assert.rejects(openLog(home, report), {
    code: 'DATA_UNUSABLE',
    message: `${home.directory} contains files that this program did not create; refusing to use it`,
  })
  assert.deepEqual(await readdir(home.directory), ['holiday.jpg'])
  assert.equal((await stat(home.directory)).mode & 0o777, 0o755)
})

test('recognises its own entries, also after people moved some aside', () => {
  for (const names of [
    [],
    ['.DS_Store', 'lost+found'],
    ['key'],
    ['lobby'],
    ['0123456789abcdef'],
    ['key.1c6d1c4f'],
    ['key~'],
    ['lobby.old', 'notes'],
    ['lobby.damaged-1'],
    ['lobby.window'],
  ]) {
    assert.equal(isForeign(names), false, names.join(' '))
  }
  for (const names of [
    ['holiday.jpg'],
    ['keyboard.md'],
    ['lobbying', '.git'],
    ['0123456789abcdef0'],
    ['src', 'package.json'],
  ])
    assert.equal(isForeign(names), true, names.join(' '))
})

test('neither removes nor connects to a socket of another user', { skip: !isRoot }, async t => {
  const { home, report } = await world(t)
  await secureHome(home, report)
  const socket = path.join(home.directory, 'node.sock')
  const server = createServer().listen(socket)
  await once(server, 'listening')
  t.after(() => void server.close())
  await chmod(socket, 0o600)
  await chown(socket, SOMEBODY, SOMEBODY)
  assert.equal(await connectTo(home.directory, systemClock), undefined)
  await assert.rejects(
    listenAt(home.directory, () => {}),
    /belongs to another user$/,
  )
  assert.deepEqual(await readdir(home.directory), ['node.sock'])
})
