// A TCP proxy between two real peers: what it can read, change and cut.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { LOBBY, roomId } from '../../src/log/format/room-id.js'
import { parseAddress } from '../../src/net/lan/address.js'
import { CHAT_PROGRAM, openChat } from '../helper/chat-process.js'
import { freePorts } from '../helper/ports.js'
import { openProxy } from '../helper/proxy.js'
import { startScuttleup } from '../helper/scuttleup-peer.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const execFileAsync = promisify(execFile)
const BOUND = { timeout: 300_000 }
const LINES = ['the treasure is below the old oak', 'bring a spade and say nothing']

/** Every form of the secrets that a capture must not contain. */
async function secretsIn(data: string, names: readonly string[], room: string): Promise<Buffer[]> {
  const keys = await Promise.all(names.map(name => readFile(path.join(data, name, 'key'), 'utf8')))
  const hex = [...keys.map(key => key.split('\n')[1] ?? ''), Buffer.from(roomId(room)).toString('hex')]
  assert.ok(hex.every(digits => /^[0-9a-f]{64}$/.test(digits)))
  return [
    ...LINES.map(line => Buffer.from(line)),
    ...(room === LOBBY ? [] : [Buffer.from(room)]),
    ...hex.flatMap(digits => [Buffer.from(digits), Buffer.from(digits, 'hex'), Buffer.from(digits.slice(0, 16))]),
  ]
}

const countIn = (captured: Buffer, secrets: readonly Buffer[]): number =>
  secrets.filter(secret => captured.includes(secret)).length

/** alice listens, bob reaches her through a proxy; both say a line. */
async function converse(t: TestContext, options: readonly string[]) {
  const data = await temporaryDirectory(t)
  const [port = 0] = await freePorts(1)
  const alice = await openChat(t, { me: 'alice', listen: `127.0.0.1:${port}`, data, options })
  const proxy = await openProxy(t, { host: '127.0.0.1', port })
  const place = `127.0.0.1:${proxy.address.port}`
  const bob = await openChat(t, { me: 'bob', listen: '127.0.0.1:0', peers: [place], data, options })
  alice.type(LINES[0] ?? '')
  await bob.waitForLine(`alice> ${LINES[0]}`)
  bob.type(LINES[1] ?? '')
  await alice.waitForLine(`bob> ${LINES[1]}`)
  return { alice, bob, proxy, data }
}

test('a proxy between two peers in a room sees no line, key, name of the room or id', BOUND, async t => {
  const room = 'treasure-hunters'
  const { proxy, data } = await converse(t, ['--room', room])
  const captured = proxy.captured()
  assert.ok(captured.length > 1_000)
  assert.equal(countIn(captured, await secretsIn(data, ['alice', 'bob'], room)), 0)
  assert.ok(captured.includes('127.0.0.1:'), 'control: addresses are not sealed')
})

test('control: a proxy before a scuttleup peer sees lines and keys', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const [port = 0, theirPort = 0] = await freePorts(2)
  const alice = await openChat(t, { me: 'alice', listen: `127.0.0.1:${port}`, data })
  const proxy = await openProxy(t, { host: '127.0.0.1', port })
  const peers = [`127.0.0.1:${proxy.address.port}`]
  const dave = startScuttleup(t, {
    me: `localhost:${theirPort}`,
    peers,
    data: path.join(data, 'dave'),
    username: 'dave',
  })
  await alice.waitForLine('not encrypted', { stream: 'stderr' })
  alice.type(LINES[0] ?? '')
  await dave.waitForLine(`alice> ${LINES[0]}`)
  dave.type(LINES[1] ?? '')
  await alice.waitForLine(`dave (unsigned)> ${LINES[1]}`)
  const captured = proxy.captured()
  const secrets = await secretsIn(data, ['alice'], LOBBY)
  assert.ok(countIn(captured, secrets) >= 3, 'both lines and the key')
  const { stdout } = await execFileAsync(process.execPath, [CHAT_PROGRAM, 'status', 'alice', '--data', data])
  assert.match(stdout, /connected to \S+ \(plain: scuttleup peer\)/)
})

test('a changed bit ends the connection, says so, and the peers connect again', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const [port = 0] = await freePorts(1)
  const alice = await openChat(t, { me: 'alice', listen: `127.0.0.1:${port}`, data })
  let isArmed = false
  const proxy = await openProxy(t, parseAddress(`127.0.0.1:${port}`), (bytes, direction) => {
    if (!isArmed || direction === 'to-dialler') return [bytes]
    isArmed = false
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
    return [bytes]
  })
  const place = `127.0.0.1:${proxy.address.port}`
  const bob = await openChat(t, { me: 'bob', listen: '127.0.0.1:0', peers: [place], data })
  await alice.waitForLine('info> connected to', { stream: 'stderr' })
  await bob.waitForLine('info> connected to', { stream: 'stderr' })
  isArmed = true
  bob.type(LINES[1] ?? '')
  await alice.waitForLine('something was changed, repeated or left out on its way', { stream: 'stderr' })
  await alice.waitForLine(`bob> ${LINES[1]}`)
})
