import assert from 'node:assert/strict'
import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import test, { type TestContext } from 'node:test'
import { frame } from '../../src/base/wire/frames.js'
import type { CloseReason } from '../../src/net/events.js'
import type { RawConnection } from '../../src/net/peer-source.js'
import { RecordOpener, RecordSealer } from '../../src/net/sealed/records.js'
import { SealedConnection } from '../../src/net/sealed/sealed-connection.js'
import { type ConnectionsWorld, openConnections } from '../helper/connections-world.js'
import { type Direction, openProxy, type Passage, RecordSplitter, type Tamper } from '../helper/proxy.js'

const BOUND = { timeout: 30_000 }

/** The splitter of a direction. Before the first record are an address, 0x00 and a message of the key exchange. */
const splitterOf = (direction: Direction, { connections: { me } }: ConnectionsWorld): RecordSplitter =>
  new RecordSplitter(frame(Buffer.from(me)).length + 1 + (direction === 'to-target' ? 34 : 49))

/** An attack on alice's records after the handshake. Returns the bytes that bob receives instead of a record. */
type Attack = (record: Uint8Array, index: number, passage: Passage, fromBob: readonly Uint8Array[]) => Uint8Array[]

/** alice writes six times to bob through a proxy. Resolves with why bob's connection closed. */
async function reasonAfter(t: TestContext, attack: Attack): Promise<CloseReason | undefined> {
  const bob = await openConnections(t, { me: 'bob:1', peer: 2 })
  const alice = await openConnections(t)
  const splitters = { 'to-target': splitterOf('to-target', alice), 'to-dialler': splitterOf('to-dialler', bob) }
  const fromBob: Uint8Array[] = []
  let index = 0
  const tamper: Tamper = (bytes, direction, passage) => {
    const { plain, records } = splitters[direction].split(bytes)
    if (direction === 'to-dialler') {
      fromBob.push(...records)
      return [bytes]
    }
    // The first record proves alice's key.
    return [
      plain,
      ...records.flatMap(record => (index++ === 0 ? [record] : attack(record, index - 1, passage, fromBob))),
    ]
  }
  const proxy = await openProxy(t, bob.address, tamper)
  alice.connections.add('bob', proxy.address)
  await Promise.all([alice, bob].map(peer => peer.until(() => peer.connections.connections.length === 1)))
  const stream = alice.connections.connections[0]?.stream
  for (let turn = 0; turn < 6; turn++) {
    stream?.write(frame(Buffer.alloc(100, turn)))
    await new Promise(resolve => setImmediate(resolve))
  }
  stream?.destroy()
  await bob.until(() => bob.lost.length > 0)
  return bob.lost[0]
}

const cases: readonly (readonly [string, CloseReason, Attack])[] = [
  [
    'changes a record',
    'altered',
    (record, i) => [i === 2 ? record.map((byte, at) => (at === 40 ? byte ^ 1 : byte)) : record],
  ],
  ['swaps two records', 'altered', swapping()],
  ['repeats a record', 'altered', (record, i) => (i === 2 ? [record, record] : [record])],
  ['leaves a record out', 'altered', (record, i) => (i === 2 ? [] : [record])],
  [
    'adds a record',
    'altered',
    (record, i) => (i === 2 ? [Buffer.concat([Buffer.from([0, 40]), Buffer.alloc(40)]), record] : [record]),
  ],
  [
    'reflects a record of the receiver',
    'altered',
    (record, i, _, fromBob) => (i === 2 ? [fromBob[0] ?? record] : [record]),
  ],
  [
    'cuts the connection between two records',
    'cut',
    (record, i, passage) => {
      if (i === 2) setImmediate(() => passage.cut())
      return i < 2 ? [record] : []
    },
  ],
  [
    'cuts the connection within a record',
    'cut',
    (record, i, passage) => {
      if (i === 2) setImmediate(() => passage.cut())
      return i < 2 ? [record] : i === 2 ? [record.subarray(0, 30)] : []
    },
  ],
  ['passes everything', 'closed', record => [record]],
]

function swapping(): Attack {
  let kept: Uint8Array | undefined
  return (record, i) => {
    if (i === 2) kept = record
    return i === 2 ? [] : i === 3 && kept !== undefined ? [record, kept] : [record]
  }
}

for (const [what, reason, attack] of cases) {
  test(`reports ${reason} when a man in the middle ${what}`, BOUND, async t => {
    assert.equal(await reasonAfter(t, attack), reason)
  })
}

test('what arrived before a cut is read, and half of a record is not', BOUND, async t => {
  const bob = await openConnections(t, { me: 'bob:1', peer: 2 })
  const heard: Buffer[] = []
  bob.connections.on('connection', ({ stream }) => stream.on('data', (bytes: Buffer) => heard.push(bytes)))
  const alice = await openConnections(t)
  const splitter = splitterOf('to-target', alice)
  let seen = 0
  const proxy = await openProxy(t, bob.address, (bytes, direction, passage) => {
    if (direction === 'to-dialler') return [bytes]
    const { plain, records } = splitter.split(bytes)
    return [
      plain,
      ...records.flatMap(record => {
        if (seen++ < 3) return [record] // the proof, the rooms and the first frame
        setImmediate(() => passage.cut())
        return [record.subarray(0, -1)]
      }),
    ]
  })
  alice.connections.add('bob', proxy.address)
  await Promise.all([alice, bob].map(peer => peer.until(() => peer.connections.connections.length === 1)))
  const stream = alice.connections.connections[0]?.stream
  stream?.write(frame(Buffer.from('whole')))
  await new Promise(resolve => setImmediate(resolve))
  stream?.write(frame(Buffer.from('half')))
  await bob.until(() => bob.lost.length > 0)
  assert.deepEqual(Buffer.concat(heard), frame(Buffer.from('whole')))
})

test('seals everything that is written in one turn into one record', BOUND, async t => {
  const bob = await openConnections(t, { me: 'bob:1', peer: 2 })
  const alice = await openConnections(t)
  const splitter = splitterOf('to-target', alice)
  const lengths: number[] = []
  const proxy = await openProxy(t, bob.address, (bytes, direction) => {
    if (direction === 'to-target') lengths.push(...splitter.split(bytes).records.map(({ length }) => length))
    return [bytes]
  })
  alice.connections.add('bob', proxy.address)
  await Promise.all([alice, bob].map(peer => peer.until(() => peer.connections.connections.length === 1)))
  const stream = alice.connections.connections[0]?.stream
  for (let i = 0; i < 100; i++) stream?.write(frame(Buffer.alloc(120)))
  stream?.destroy()
  await bob.until(() => bob.lost.length > 0)
  const [, rooms, ...others] = lengths
  assert.equal(rooms, 3 + 1 + 8 * 16 + 19, 'one room, and seven random tags')
  assert.deepEqual(others, [100 * 122 + 19])
})

const KEY = Buffer.alloc(32, 1)
const HEADER = Buffer.alloc(24, 2)
/** Less than a paused reader buffers, so that the raw connection is read to its end. */
const TEXT = Buffer.alloc(40_000, 3)

/** A sealed connection over TCP without half-open sockets whose raw connection closes while the reader is paused. */
async function closedWhilePaused(t: TestContext, records: Uint8Array): Promise<SealedConnection> {
  const server = net.createServer(socket => void socket.resume().end(records))
  t.after(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const raw: Socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1')
  const sealed = new SealedConnection(raw as unknown as RawConnection, {
    sealer: new RecordSealer(KEY, HEADER),
    opener: new RecordOpener(KEY),
  })
  await once(raw, 'close')
  return sealed
}

/** Resumes reading. Resolves with all bytes that arrive until the connection closes. */
async function readToClose(sealed: SealedConnection): Promise<Buffer> {
  const read: Buffer[] = []
  sealed.on('data', (bytes: Buffer) => void read.push(bytes))
  if (!sealed.closed) await new Promise(resolve => sealed.once('close', resolve))
  return Buffer.concat(read)
}

test('a paused reader reads everything after the raw connection closed', BOUND, async t => {
  const sealed = await closedWhilePaused(t, new RecordSealer(KEY, HEADER).seal(TEXT, true))
  assert.deepEqual(await readToClose(sealed), TEXT)
  assert.equal(sealed.fault, undefined)
})

test('a paused reader reads what arrived before the raw connection was cut', BOUND, async t => {
  const sealed = await closedWhilePaused(t, new RecordSealer(KEY, HEADER).seal(TEXT))
  assert.deepEqual(await readToClose(sealed), TEXT)
  assert.equal(sealed.fault, 'cut')
})
