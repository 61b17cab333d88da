// Who can fetch a file, from whom, and what remains on the disk.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { loadKey } from '../../src/base/crypto/key-file.js'
import { systemRandom } from '../../src/base/random.js'
import { hexOf } from '../../src/base/wire/bytes.js'
import { homeOf } from '../../src/node/paths.js'
import { HOLDING, query } from '../attack/contents.js'
import { HostilePeer } from '../attack/hostile-peer.js'
import { openChat, startChat } from '../helper/chat-process.js'
import { Child } from '../helper/child.js'
import { countingProxy, FILE_SCRIPT, hashOf } from '../helper/file-kills.js'
import { freePorts, localAddresses } from '../helper/ports.js'
import { privateRoomOf } from '../helper/private-room-files.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const BOUND = { timeout: 300_000 }
const MIB = 2 ** 20
const CONTENT = randomBytes(3 * MIB + 5)

type Fields = Record<string, unknown>

async function run(t: TestContext, data: string, ...args: readonly string[]): Promise<string[]> {
  const child = startChat(t, [...args, '--data', data])
  const { code } = await child.exited
  assert.equal(code, 0, child.transcript())
  return child.stdout
}

/** The line of the file that alice has sent, as a member sees it. */
async function fileLine(child: Child): Promise<Fields> {
  return JSON.parse(await child.waitForLine('"name":"plan.bin"')) as Fields
}

const get = (child: Child, { author, run, seq }: Fields, directory: string): void =>
  child.type(JSON.stringify({ kind: 'get', to: { author, run, seq }, path: directory }))

/** alice's private room, with members who have seen the line of a file. */
async function privateRoom<const N extends string>(t: TestContext, ...names: readonly N[]) {
  const data = await temporaryDirectory(t)
  const [a = '', ...addresses] = await localAddresses(1 + names.length)
  await run(t, data, 'room', 'new', 'alice', 'ops', '--no-rescue')
  const options = ['--room', 'ops', '--json']
  const alice = await openChat(t, { me: 'alice', listen: a, data, options })
  const children = new Map<string, Child>()
  for (const [index, me] of names.entries()) {
    const listen = addresses[index] ?? assert.fail('no address')
    const [code = ''] = await run(t, data, 'invite', 'alice', 'ops')
    await run(t, data, 'join', me, code, a, '--no-discovery', '--listen', listen)
    children.set(me, await openChat(t, { me, listen, peers: [a], data, options }))
  }
  const file = path.join(data, 'plan.bin')
  await writeFile(file, CONTENT)
  alice.type(JSON.stringify({ kind: 'file', path: file }))
  const { id } = await privateRoomOf(data, 'alice', 'ops')
  const directoryOf = async (me: string, name: string): Promise<string> => {
    const directory = path.join(data, `${name}-${me}`)
    await mkdir(directory, { recursive: true })
    return directory
  }
  return {
    data,
    port: Number(a.split(':').at(-1)),
    id: Buffer.from(id),
    childOf: (me: N): Child => children.get(me) ?? assert.fail(`${me} is no member`),
    savedBy: (me: N) => directoryOf(me, 'saved'),
    home: (me: string) => homeOf(data, me, 'ops', id),
  }
}

/** How many bytes of contents are in a directory. */
async function storedIn(directory: string): Promise<number> {
  const names = await readdir(directory).catch(() => [])
  const contents = names.filter(name => !name.endsWith('.tree') && !name.endsWith('.lines'))
  const sizes = await Promise.all(contents.map(async name => (await stat(path.join(directory, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

test('members get the files of a private room, and people who were removed, and strangers, do not', BOUND, async t => {
  const { data, port, id, childOf, savedBy, home } = await privateRoom(t, 'bob', 'mallory')
  const [bob, mallory] = [childOf('bob'), childOf('mallory')]
  const [line] = [await fileLine(bob), await fileLine(mallory)]
  const root = Buffer.from(String(line['root']), 'hex')
  // A stranger who knows the id of the room, and the root.
  const stranger = HostilePeer.dial(port, { roomId: id, onFile: () => {} })
  const rejected = assert.rejects(stranger, /closed in the handshake: rooms/)
  await run(t, data, 'remove', 'alice', 'ops', 'mallory')
  await mallory.waitForLine('removed you from this room', { stream: 'stderr' })
  get(mallory, line, await savedBy('mallory'))
  get(bob, line, await savedBy('bob'))
  await bob.waitForLine('"event":"saved"')
  assert.deepEqual(await readFile(path.join(await savedBy('bob'), 'plan.bin')), CONTENT, 'control: a member')
  await rejected
  assert.equal(await storedIn(home('mallory').files), 0)
  assert.deepEqual(await readdir(await savedBy('mallory')), [])

  await bob.stop()
  const keys = await loadKey(home('bob').keyFile, systemRandom)
  const held = new Promise<Buffer>(resolve => {
    const member = {
      publicKey: Buffer.from(keys.publicKey),
      hex: hexOf(keys.publicKey),
      sign: (message: Buffer) => Buffer.from(keys.sign(message)),
    }
    void HostilePeer.dial(port, { roomId: id, keys: member, onFile: body => resolve(body) }).then(async peer => {
      t.after(() => peer.end())
      await peer.filesAre('open')
      peer.sendFiles(query(root, CONTENT.length))
    })
  })
  assert.deepEqual(
    Buffer.from((await held).subarray(0, 34)),
    Buffer.concat([Buffer.of(HOLDING ?? 0), root, Buffer.of(1)]),
  )
})

test('leave --forget deletes the files of a room, and everything else that belongs to it', BOUND, async t => {
  const { data, childOf, savedBy, home } = await privateRoom(t, 'bob')
  const bob = childOf('bob')
  get(bob, await fileLine(bob), await savedBy('bob'))
  await bob.waitForLine('"event":"saved"')
  assert.equal(await storedIn(home('bob').files), CONTENT.length, 'control: before')
  await bob.stop()
  const { directory, databaseName, database } = home('bob')
  // As `--message` leaves it.
  await writeFile(`${database}.message`, '{}')
  const left = async (): Promise<string[]> => (await readdir(directory)).filter(name => name.startsWith(databaseName))
  assert.ok((await left()).length > 3, 'control: before')
  await run(t, data, 'leave', 'bob', 'ops', '--forget')
  assert.deepEqual(await left(), [])
  assert.deepEqual(await readFile(path.join(await savedBy('bob'), 'plan.bin')), CONTENT, 'the saved file stays')
})

test('a file comes from two holders at once, and goes on when one of them is killed', BOUND, async t => {
  const directory = await temporaryDirectory(t)
  const file = path.join(directory, 'film.bin')
  const content = randomBytes(96 * MIB + 5)
  await writeFile(file, content)
  const [a = 0, c = 0] = await freePorts(2)
  const start = async (...args: readonly (string | number)[]): Promise<Child> => {
    for (const saved of ['bob', 'carol']) await mkdir(path.join(directory, `saved-${saved}`), { recursive: true })
    return new Child(t, process.execPath, { args: [FILE_SCRIPT, ...args.map(String)] })
  }
  const alice = await start('send', directory, a, file)
  await alice.waitForLine('ready')
  const carol = await start('get', directory, a, path.join(directory, 'saved-carol'), 'carol', c)
  await carol.waitForLine('saved ')
  const [fromAlice, fromCarol] = [await countingProxy(t, a), await countingProxy(t, c)]
  const bob = await start('get', directory, `${fromAlice.port},${fromCarol.port}`, path.join(directory, 'saved-bob'))
  while (fromAlice.bytes < 8 * MIB || fromCarol.bytes < 8 * MIB) await pause(1)
  await alice.stop('SIGKILL')
  const [first, second] = [fromAlice.bytes, fromCarol.bytes]
  assert.ok(first + second < content.length, `${first} and ${second} bytes before one was killed`)
  const saved = (await bob.waitForLine('saved ')).slice('saved '.length)
  assert.equal(await hashOf(saved), await hashOf(file))
  assert.ok(first + fromCarol.bytes < 1.1 * content.length, 'little is sent twice')
})
