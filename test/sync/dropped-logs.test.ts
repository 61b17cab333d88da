import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { hash } from '../../src/base/crypto/hash.js'
import { type KeyPair, keyPairOf } from '../../src/base/crypto/signing.js'
import { utf8 } from '../../src/base/wire/bytes.js'
import { FRAME_BYTES_MAX, FrameReader } from '../../src/base/wire/frames.js'
import { authorOf, type LogId, logOfKey } from '../../src/log/format/author.js'
import { encodeSegment, type Segment } from '../../src/log/format/segment.js'
import type { Log } from '../../src/log/log.js'
import { withOverrides } from '../../src/sim/world/overridden.js'
import type { TreeConnection } from '../../src/sync/broadcast-tree.js'
import { decodeFrame, encodeHeads, encodeNotes, encodeSegments } from '../../src/sync/codec.js'
import { createNativeStream } from '../../src/sync/native-replication.js'
import { PeerSession } from '../../src/sync/peer-session.js'
import { Quota } from '../../src/sync/quota/stranger-quota.js'
import { logOver, replicatorOf } from '../helper/logs.js'
import { MemoryStore } from '../helper/memory-store.js'
import { alice, bob, entryOf, WrittenLog } from '../helper/signed-world.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const MIB = 1024 * 1024
/** Logs of strangers that fit into the pool of each peer. */
const LOGS_MAX = 32
const STRANGERS = 120
/** Largest number of turns of the event loop until everything has arrived. */
const TURNS_MAX = 2_000

const KNOWN: readonly string[] = [alice, bob].map(({ publicKey }) => logOfKey(publicKey))

const strangerOf = (index: number) => new WrittenLog(keyPairOf(hash(utf8(`stranger ${index}`))), [entryOf(index)])
const segmentsOf = (written: WrittenLog): Uint8Array[] =>
  written.runs().map(run => encodeSegment({ ...run, key: written.keys.publicKey, run: 0 } as Segment))
const logOf = ({ keys }: WrittenLog): LogId => logOfKey(keys.publicKey)

interface Peer {
  readonly log: Log
  readonly name: string
  /** The connection to the other peer, as its broadcast tree sees it. */
  connection: TreeConnection | undefined
}

/** A peer with room for few logs of strangers. `says`: whether it tells the other peer which logs it drops. */
async function peer(t: TestContext, keys: KeyPair, says: boolean): Promise<Peer> {
  const clock = new VirtualClock()
  const known = { isKnown: (author: string) => KNOWN.includes(author), onKnown: () => () => {} }
  const quota = new Quota({ known, clock, diskBytesMax: 16 * MIB })
  const log = await logOver(new MemoryStore(), keys, { quota, clock })
  t.after(() => log.close())
  if (!says) log.on = withoutShortened(log)
  const made: Peer = { log, name: log.id, connection: undefined }
  const { tree } = replicatorOf(log)
  const open = tree.open.bind(tree)
  tree.open = (...given) => {
    made.connection = open(...given)
    return made.connection
  }
  return made
}

/** Ignores listeners of the event `shortened`. */
function withoutShortened(log: Log): Log['on'] {
  const on = log.on.bind(log)
  return ((name, listener) => (name === 'shortened' ? log : on(name, listener))) as Log['on']
}

/** Strangers connect to alice and to bob, who are connected all the time. Resolves when all logs that are still stored have arrived. */
async function strangersComeAndGo(t: TestContext, says: boolean): Promise<readonly [Peer, Peer]> {
  const peers = [await peer(t, alice, says), await peer(t, bob, says)] as const
  const [one, other] = peers.map(({ log }, index) => {
    const { id } = peers[1 - index]?.log ?? log
    return replicatorOf(log).createStream({
      peer: authorOf(id),
      replica: id,
      introducer: { id, block: id, author: id },
    })
  })
  if (one === undefined || other === undefined) assert.fail()
  one.pipe(other).pipe(one)
  t.after(() => one.destroy())
  for (let index = 0; index < STRANGERS; index++) {
    const written = strangerOf(index)
    const { log } = peers[index % 2] ?? assert.fail()
    await log.addSigned(logOf(written), written.runs(), { id: `${index}`, block: `${index}`, author: undefined })
  }
  const has = ({ log }: Peer): boolean => log.localSeq(logOf(strangerOf(STRANGERS - 1))) === 1
  const isBounded = (): boolean => peers.every(peer => has(peer) && rowsOf(peer) <= LOGS_MAX + 2)
  for (let turn = 0; turn < TURNS_MAX && !isBounded(); turn++) await new Promise(setImmediate)
  return peers
}

/** Number of logs whose heads at the other peer are remembered. */
const rowsOf = ({ connection }: Peer): number => [...(connection?.announcedLogs ?? [])].length

/** Number of strangers' logs that the other peer has, according to its receipts. */
function receiptsOf({ log }: Peer, other: Peer): number {
  const { receipts } = replicatorOf(log)
  const strangers = Array.from({ length: STRANGERS }, (_, index) => logOf(strangerOf(index)))
  return strangers.filter(author => receipts.isAt(other.name, { author, seq: 1 })).length
}

test('a connection remembers no more logs than both sides have, however many strangers come and go', async t => {
  const [one, other] = await strangersComeAndGo(t, true)
  for (const [near, far] of [
    [one, other],
    [other, one],
  ] as const) {
    assert.ok(rowsOf(near) <= LOGS_MAX + 2, `${rowsOf(near)} logs in the tree`)
    assert.ok(receiptsOf(near, far) <= LOGS_MAX, `${receiptsOf(near, far)} logs in the receipts`)
  }
})

test('control: it remembers all of them if the other side does not announce drops', async t => {
  const [one, other] = await strangersComeAndGo(t, false)
  assert.ok(rowsOf(one) > 2 * LOGS_MAX, `${rowsOf(one)}`)
  assert.ok(receiptsOf(one, other) > 2 * LOGS_MAX, `${receiptsOf(one, other)}`)
})

test('forgets the head at the other side, and its subscription, once either side announces that it dropped a log', () => {
  const written = strangerOf(1)
  const author = logOf(written)
  const session = new PeerSession(() => false, [])
  session.receive(encodeSegments(segmentsOf(written)))
  assert.equal(session.seqOf(author), 1)
  session.receive(encodeNotes([{ kind: 'announce', author, seq: 0 }]))
  assert.equal(session.seqOf(author), 0)
  session.receive(encodeNotes([{ kind: 'subscribe', author, seq: 0 }]))
  const range = { author, from: 1, to: 2 }
  assert.equal(session.relayMode(range).kind, 'send', 'control')
  session.notes([{ kind: 'announce', author, seq: 0 }])
  assert.equal(session.relayMode(range).kind, 'announce')
})

test('announces a drop after entries of the log that were being read at the time', async t => {
  const log = await logOver(new MemoryStore(), alice)
  t.after(() => log.close())
  const written = strangerOf(1)
  const relayed = { kind: 'segments', author: logOf(written), segments: segmentsOf(written), last: 1 } as const
  const reading = withOverrides(log, {
    async *follow() {
      yield relayed
    },
  })
  const stream = createNativeStream(withOverrides(replicatorOf(log), { log: reading }))
  stream.write(encodeHeads([]))
  const frames = new FrameReader(FRAME_BYTES_MAX)
  for await (const bytes of stream) frames.push(bytes)
  const kinds: string[] = []
  for (let read = frames.next(); read.kind === 'frame'; read = frames.next()) {
    const sent = decodeFrame(read.body)
    kinds.push(sent.kind === 'notes' ? JSON.stringify(sent.notes) : sent.kind)
  }
  const note = JSON.stringify([{ author: relayed.author, seq: 0, kind: 'announce' }])
  assert.deepEqual(kinds.slice(-2), ['segments', note])
})
