import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Message } from '../../src/chat/kinds/message.js'
import { openNode } from '../../src/node/open-node.js'
import type { Room } from '../../src/node/room.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { headOf } from './author.js'
import { ABSENT, CHUNK, Content, HOLDING, hashOfChunk, PAGE, PART, query, request, TOP } from './contents.js'
import { headsFrame, notesFrame } from './frames.js'
import type { HostilePeer } from './hostile-peer.js'
import { hostile, type Victim, victim } from './victims.js'

const BOUND = { timeout: 60_000 }
/** Bytes that may be in flight on a channel, and one frame more. */
const IN_FLIGHT_MAX = 2 * 262_144

type FileMessage = Message & { readonly kind: 'file' }

async function fileIn(room: Room): Promise<FileMessage> {
  for await (const message of room.messages({ live: true })) if (message.kind === 'file') return message
  return assert.fail('no file')
}

/** A victim that serves a file of `bytes`, and a peer with a file channel to it. */
async function serving(t: TestContext, bytes: number, reads = true) {
  const alice = await victim(t, 'alice')
  const content = new Content(randomBytes(bytes))
  const file = path.join(alice.data, 'film.bin')
  await writeFile(file, content.bytes)
  await alice.room.sendFile(file)
  const eve = await hostile(t, alice, { onFile: () => {}, reads })
  await eve.filesAre('open')
  return { alice, content, eve }
}

/** The next frames of the file channel that arrive. */
function arriving(peer: HostilePeer, count: number): Promise<Buffer[]> {
  const frames: Buffer[] = []
  return new Promise((resolve, reject) => {
    peer.on('file', body => {
      frames.push(body)
      if (frames.length === count) resolve(frames)
    })
    peer.once('close', () => reject(new Error('closed')))
  })
}

/** A victim that fetches a file whose author is gone, and a peer that answers its requests. */
async function fetching(t: TestContext, answer: (content: Content, question: Buffer, peer: HostilePeer) => void) {
  const alice = await victim(t, 'alice')
  const bob = await openNode({ name: 'bob', data: await temporaryDirectory(t), discovery: false })
  const room = await bob.room('lobby', { listen: '127.0.0.1:0' })
  alice.room.connect(room.address)
  const content = new Content(randomBytes(2 * 65_536 + 77))
  const file = path.join(alice.data, 'film.bin')
  await writeFile(file, content.bytes)
  await room.sendFile(file)
  const line = await fileIn(alice.room)
  assert.equal(line.root, content.root.toString('hex'), 'control: the root is as in the document')
  await bob.close()
  const saved = path.join(alice.data, 'saved')
  await mkdir(saved)
  const eve = await answering(t, alice, content, answer)
  const abort = new AbortController()
  const getting = alice.room.getFile(line, saved, { signal: abort.signal })
  getting.catch(() => {})
  const stored = path.join(alice.data, 'alice', 'lobby.files', `${line.root}.part`)
  return { alice, content, eve, getting, saved, stored, giveUp: () => abort.abort(new Error('given up')) }
}

async function answering(
  t: TestContext,
  alice: Victim,
  content: Content,
  answer: (content: Content, question: Buffer, peer: HostilePeer) => void,
): Promise<HostilePeer> {
  const peer = await hostile(t, alice, { onFile: (question, peer) => answer(content, question, peer) })
  await peer.filesAre('open')
  return peer
}

function honestly(content: Content, question: Buffer, peer: HostilePeer): void {
  const answer = content.answerTo(question)
  if (answer !== undefined) peer.sendFiles(answer)
}

test('control: an independent peer fetches a file, and verifies it', BOUND, async t => {
  const { content, eve } = await serving(t, 3 * 65_536 + 5)
  const arrived = arriving(eve, 7)
  const requests = [request(content.root, TOP, 0), request(content.root, PAGE, 0)]
  const chunks = [0, 1, 2, 3].map(index => request(content.root, CHUNK, index))
  eve.sendFiles(query(content.root, content.bytes.length), ...requests, ...chunks)
  const [holding, top, page, ...parts] = await arrived
  assert.deepEqual([holding?.[0], holding?.[33]], [HOLDING, 1])
  assert.deepEqual([top?.subarray(38), page?.subarray(38)], [content.top, content.page])
  assert.deepEqual(
    parts.map(part => hashOfChunk(part.subarray(38))),
    content.chunks.map(hashOfChunk),
  )
})

test('reveals nothing about contents that no line names', BOUND, async t => {
  const { eve } = await serving(t, 1_000)
  const other = new Content(randomBytes(1_000))
  const arrived = arriving(eve, 4)
  const pieces = [TOP, PAGE, CHUNK].map(level => request(other.root, level, 0))
  eve.sendFiles(query(other.root, other.bytes.length), ...pieces)
  const [holding, ...rest] = await arrived
  assert.deepEqual(holding?.subarray(33), Buffer.of(0))
  assert.deepEqual(
    rest.map(([type]) => type),
    [ABSENT, ABSENT, ABSENT],
  )
})

for (const reads of [true, false])
  test(
    `sends ${reads ? 'everything to a peer that reads (control)' : 'one window to a peer that requests without reading'}`,
    BOUND,
    async t => {
      const { alice, content, eve } = await serving(t, 16 * 65_536, reads)
      const all = arriving(eve, 16)
      all.catch(() => {})
      eve.sendFiles(...content.chunks.map((_, index) => request(content.root, CHUNK, index)))
      if (reads) return assert.deepEqual(Buffer.concat((await all).map(part => part.subarray(38))), content.bytes)
      const line = new Promise(resolve => eve.on('frame', body => body.includes('after it') && resolve(undefined)))
      await alice.room.say('after it')
      // The line arrives after the bytes in flight.
      eve.send(headsFrame([]), notesFrame('subscribe', [headOf(Buffer.from(alice.room.id, 'hex'), 0)]))
      await line
      assert.ok(eve.filesReceived <= IN_FLIGHT_MAX, `${eve.filesReceived} bytes arrived`)
      eve.sendFiles(...Array.from({ length: 17 }, () => request(content.root, CHUNK, 0)))
      await eve.filesAre('closed')
      assert.ok(!eve.isClosed, 'the room stays open')
    },
  )

test('closes the file channel of a peer that sends wrong chunks, and fetches them from others', BOUND, async t => {
  const { alice, content, eve, getting, saved, stored } = await fetching(t, (content, question, peer) => {
    const answer = content.answerTo(question)
    if (answer === undefined) return
    const isChunk = answer[0] === PART && answer[33] === CHUNK
    peer.sendFiles(isChunk ? Buffer.concat([answer.subarray(0, 38), randomBytes(answer.length - 38)]) : answer)
  })
  await eve.filesAre('closed')
  assert.ok(!eve.isClosed, 'the room stays open')
  assert.equal((await stat(stored)).size, 0, 'nothing of it is stored')
  await answering(t, alice, content, honestly)
  assert.deepEqual(await readFile(await getting), content.bytes, 'control: an honest peer')
  assert.deepEqual(await readdir(saved), ['film.bin'])
})

for (const [what, bodies] of [
  ['a bitmap of a wrong length', content => [content.holding(Buffer.alloc(200_001))]],
  ['Holding again and again', content => Array.from({ length: 1_000 }, () => content.holding(Buffer.of(0, 7)))],
] satisfies [string, (content: Content) => Buffer[]][])
  test(`closes the file channel of a peer that sends ${what}`, BOUND, async t => {
    const { eve, getting, giveUp } = await fetching(t, (content, question, peer) => {
      if (content.answerTo(question)?.[0] === HOLDING) for (const body of bodies(content)) peer.sendFiles(body)
    })
    await eve.filesAre('closed')
    assert.ok(!eve.isClosed, 'the room stays open')
    giveUp()
    await assert.rejects(getting, { message: 'given up' })
  })
