// What an outsider can observe of a private room.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { hexOf } from '../../src/base/wire/bytes.js'
import { roomId } from '../../src/log/format/room-id.js'
import { roomLabel } from '../../src/membership/format/room.js'
import { roomTag } from '../../src/net/lan/mdns/service-records.js'
import { CHAT_PROGRAM, connectedTo, openChat, startChat } from '../helper/chat-process.js'
import { noHosts } from '../helper/network.js'
import { freePorts } from '../helper/ports.js'
import { privateRoomOf } from '../helper/private-room-files.js'
import { openProxy } from '../helper/proxy.js'
import { RoomHosts } from '../helper/room-hosts.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const BOUND = { timeout: 300_000 }
const PUBLIC = 'dev'
const LINE = 'the treasure is below the old oak'

/** Prints every packet of multicast DNS on the network, in hex. */
const CAPTURE = `
const socket = require('dgram').createSocket({ type: 'udp4', reuseAddr: true })
socket.on('message', bytes => console.log(bytes.toString('hex')))
socket.bind(5353, () => { socket.addMembership('224.0.0.251', process.argv[1]); console.log('up') })
`

/** All texts that would reveal a private room: its name, id and label, and the tag that would announce the id. */
const tracesOf = (id: Uint8Array): Buffer[] => [
  Buffer.from('ops'),
  Buffer.from(id),
  ...[hexOf(id), roomLabel(id), roomTag(id)].flatMap(text => [Buffer.from(text), Buffer.from(text, 'hex')]),
]

test('mDNS, doctor and a dictionary of names find a public room, and nothing of a private one', {
  ...BOUND,
  skip: noHosts ?? false,
}, async t => {
  const hosts = await RoomHosts.open(t, { alice: 'founder', bob: 'member' })
  hosts.add('oscar')
  const { host, data } = hosts.of('oscar')
  const capture = host.start(process.execPath, ['-e', CAPTURE, host.address])
  await capture.waitForLine('up')
  await hosts.chat('alice', PUBLIC)
  await connectedTo(await hosts.chat('bob', PUBLIC), 'alice')
  hosts.of('alice').chat?.type(LINE)
  await hosts.screenOf('bob').waitForLine(`alice> ${LINE}`)

  const doctor = async (room: string): Promise<string[]> => {
    const args = ['doctor', 'oscar', 'alice', '--room', room, '--json', '--data', data]
    const child = host.start(process.execPath, [CHAT_PROGRAM, ...args])
    await child.exited
    const { findings }: { findings: { check: string; what: string }[] } = JSON.parse(child.stdout.join('\n'))
    return findings
      .filter(({ check }) => check === 'peer' || check === 'others')
      .map(({ what }) => what.replaceAll(room, 'X'))
  }
  const [ofPrivate, ofNone, ofPublic] = [await doctor('ops'), await doctor('zebra'), await doctor(PUBLIC)]
  assert.deepEqual(ofPrivate, ofNone)
  assert.notDeepEqual(ofPublic, ofNone, 'control: a public room is found')

  const { id } = await privateRoomOf(hosts.of('alice').data, 'alice', 'ops')
  const packets = Buffer.concat(capture.stdout.slice(1).map(line => Buffer.from(line, 'hex')))
  assert.ok(packets.includes('alice'), 'control: people are announced')
  assert.ok(packets.includes(roomTag(roomId(PUBLIC))), 'control: a public room is announced')
  for (const trace of tracesOf(id)) assert.ok(!packets.includes(trace), trace.toString())
})

test('a proxy between two members sees nothing of their room', BOUND, async (t: TestContext) => {
  const data = await temporaryDirectory(t)
  const [port = 0] = await freePorts(1)
  const run = async (...args: readonly string[]): Promise<string[]> => {
    const child = startChat(t, [...args, '--data', data])
    const { code } = await child.exited
    assert.equal(code, 0, child.transcript())
    return child.stdout
  }
  await run('room', 'new', 'alice', 'ops', '--no-rescue')
  const alice = await openChat(t, { me: 'alice', listen: `127.0.0.1:${port}`, data, options: ['--room', 'ops'] })
  const proxy = await openProxy(t, { host: '127.0.0.1', port })
  const place = `127.0.0.1:${proxy.address.port}`
  const [code = ''] = await run('invite', 'alice', 'ops')
  await run('join', 'bob', code, place, '--no-discovery', '--listen', '127.0.0.1:0')
  const bob = await openChat(t, { me: 'bob', peers: [place], data, options: ['--room', 'ops'] })
  alice.type(LINE)
  await bob.waitForLine(`alice> ${LINE}`)
  await run('remove', 'alice', 'ops', 'bob')
  await bob.waitForLine('removed you from this room', { stream: 'stderr' })
  const captured = proxy.captured()
  const { id } = await privateRoomOf(data, 'alice', 'ops')
  assert.ok(captured.includes('127.0.0.1:'), 'control: addresses are not sealed')
  const digits = code.replaceAll('-', '')
  for (const trace of [...tracesOf(id), Buffer.from(LINE), Buffer.from(code), Buffer.from(digits)])
    assert.ok(!captured.includes(trace), trace.toString())
})
