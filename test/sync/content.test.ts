import assert from 'node:assert/strict'
import { type Duplex, pipeline } from 'node:stream'
import test from 'node:test'
import type { LogContents } from '../../src/log/content/log-contents.js'
import type { LogId } from '../../src/log/format/author.js'
import type { Log } from '../../src/log/log.js'
import { decodeFrame, encodeContent, encodeContentRequest, encodeGaps, encodeHeads } from '../../src/sync/codec.js'
import { CONTENT_RETRY_MS_MAX, GAP_RANGES_MAX } from '../../src/sync/limits.js'
import { PeerSession } from '../../src/sync/peer-session.js'
import { replicasIn } from '../../src/sync/receipts.js'
import { logOver, replicate, replicatorOf } from '../helper/logs.js'
import { MemoryStore } from '../helper/memory-store.js'
import { alice, bob, carol, entryOf, keysOfByte, WrittenLog } from '../helper/signed-world.js'
import { idOf, read, withStubs } from '../helper/stub-world.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const clock = new VirtualClock()
const open = (keys: typeof alice): Promise<Log> => logOver(new MemoryStore(), keys, { clock })

function connect(a: Log, b: Log): () => void {
  const [one, two] = [
    replicate(a, { dialect: 'native', live: true, replica: b.author, peer: b.author }),
    replicate(b, { dialect: 'native', live: true, replica: a.author, peer: a.author }),
  ]
  pipeline(one, two, one, () => {})
  return () => {
    one.destroy()
    two.destroy()
  }
}

async function settle(turns = 60): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise(resolve => setImmediate(resolve))
}

/** A log that does not report its gaps to peers. */
function silent(log: Log): Log {
  Object.defineProperty(log.contents, 'gaps', { value: () => [] })
  return log
}

const written = new WrittenLog(
  alice,
  Array.from({ length: 200 }, (_, index) => entryOf(index, 300)),
)
const id = idOf(written)
const all = Array.from({ length: 200 }, (_, index) => `${index + 1}`)

test('fetches content from any peer that has it, whoever sent the stubs', async () => {
  const [honest, stripping, reader] = [await open(bob), silent(await open(carol)), await open(keysOfByte(4))]
  await honest.addSigned(id, written.runs([50, 100]))
  await stripping.addSigned(
    id,
    written.runs().map(run => withStubs(run, () => true)),
  )
  const ends = [connect(stripping, reader)]
  await settle()
  assert.deepEqual(
    reader.head.map(({ seq }) => seq),
    [200],
  )
  assert.deepEqual(await read(reader), [])
  ends.push(connect(honest, reader))
  await settle(200)
  assert.deepEqual(await read(reader), all)
  assert.deepEqual(reader.contents.missing(id), [])
  for (const end of ends) end()
  for (const log of [honest, stripping, reader]) await log.close()
})

test('backs off to one request every ten minutes for a peer without the content', async () => {
  const [stripping, reader] = [silent(await open(carol)), await open(keysOfByte(4))]
  await stripping.addSigned(
    id,
    written.runs().map(run => withStubs(run, () => true)),
  )
  let requests = 0
  const contents = stripping.contents.read.bind(stripping.contents)
  Object.defineProperty(stripping.contents, 'read', {
    value: (...given: Parameters<LogContents['read']>) => {
      requests++
      return contents(...given)
    },
  })
  const end = connect(stripping, reader)
  await settle()
  const counts: number[] = []
  for (let period = 0; period < 12; period++) {
    const before = requests
    for (let step = 0; step < 60; step++) {
      clock.advance(CONTENT_RETRY_MS_MAX / 60)
      await settle(8)
    }
    counts.push(requests - before)
  }
  assert.ok(requests >= 12, `${requests} requests`)
  for (const count of counts.slice(2)) assert.ok(count <= 1, `${counts}`)
  end()
  for (const log of [stripping, reader]) await log.close()
})

test('counts only content as received, and counts it once it is there', async () => {
  const [author, holder] = [await open(alice), await open(bob)]
  for (let i = 0; i < 5; i++) await author.append({ username: 'alice', message: `line ${i}` })
  const end = connect(author, holder)
  await settle()
  const { receipts } = replicatorOf(author)
  const on = (seq: number): number => receipts.of({ author: author.id, seq }).on
  assert.deepEqual([1, 3, 5].map(on), [1, 1, 1])
  await holder.contents.drop(author.id, { from: 2, to: 4 }, 'kept-out')
  await settle()
  assert.deepEqual([1, 2, 3, 4, 5].map(on), [1, 0, 0, 1, 1])
  end()
  await settle()
  const again = connect(author, holder)
  await settle()
  assert.deepEqual([1, 2, 3, 4, 5].map(on), [1, 0, 0, 1, 1])
  again()
  for (const log of [author, holder]) await log.close()
})

test('gets receipts for contents that are fetched', async () => {
  const [author, stripping, reader] = [await open(alice), silent(await open(carol)), await open(keysOfByte(4))]
  for (let i = 0; i < 5; i++) await author.append({ username: 'alice', message: `line ${i}` })
  const ends = [connect(author, stripping)]
  await settle()
  await stripping.contents.drop(author.id, { from: 1, to: 6 }, 'kept-out')
  ends.push(connect(stripping, reader))
  await settle()
  assert.deepEqual(await read(reader), [])
  ends.push(connect(author, reader))
  await settle(100)
  assert.equal((await read(reader)).length, 5)
  const { receipts } = replicatorOf(author)
  assert.equal(receipts.of({ author: author.id, seq: 3 }).of, 2)
  // The stripping peer reports no gaps, so its receipts are accepted. The reader reported gaps, and later that it has none.
  assert.equal(receipts.of({ author: author.id, seq: 3 }).on, 2)
  for (const end of ends) end()
  for (const log of [author, stripping, reader]) await log.close()
})

test('says where it has no content in at most 64 ranges, and fetches through more than that', async () => {
  const [holder, partial, reader] = [await open(bob), await open(carol), await open(keysOfByte(4))]
  await holder.addSigned(id, written.runs())
  await partial.addSigned(
    id,
    written.runs().map(run => withStubs(run, seq => seq % 2 === 0)),
  )
  assert.equal(partial.contents.gaps(id, GAP_RANGES_MAX).length, 64)
  const ends = [connect(partial, reader)]
  await settle(200)
  assert.deepEqual(
    await read(reader),
    all.filter((_, index) => index % 2 === 0),
  )
  ends.push(connect(holder, reader))
  await settle(600)
  assert.deepEqual(await read(reader), all)
  // The reader has reported that its gaps shrank, so the partial peer has fetched all content too.
  assert.deepEqual(await read(partial), all)
  for (const end of ends) end()
  for (const log of [holder, partial, reader]) await log.close()
})

test('requests control entries first', async () => {
  const opening = Buffer.from('{"at":"1763670001000.0000","type":"open","runs":[],"username":"","message":""}')
  const mixed = new WrittenLog(alice, [...written.entries, opening])
  const [stripping, reader] = [silent(await open(carol)), await open(keysOfByte(4))]
  await stripping.addSigned(
    id,
    mixed.runs().map(run => withStubs(run, () => true)),
  )
  const asked: number[] = []
  Object.defineProperty(stripping.contents, 'read', {
    value: async (_log: LogId, { from }: { from: number }) => {
      asked.push(from)
      return []
    },
  })
  const end = connect(stripping, reader)
  await settle()
  assert.deepEqual(asked.slice(0, 2), [201, 1])
  end()
  for (const log of [stripping, reader]) await log.close()
})

const bodyOf = (bytes: Uint8Array): Uint8Array =>
  bytes.subarray((bytes[0] ?? 0) < 0x80 ? 1 : (bytes[1] ?? 0) < 0x80 ? 2 : 3)

test('ignores content that was not requested, and content of other places', () => {
  const session = new PeerSession(() => false, [])
  session.receive(encodeHeads([]))
  const content = (first: number, count: number): Uint8Array =>
    encodeContent(id, { first, entries: written.packed.slice(first - 1, first - 1 + count) })
  assert.deepEqual(session.receive(content(1, 2)), [])
  session.requestContent({ author: id, from: 3, to: 5 })
  assert.deepEqual(session.receive(content(1, 2)), [])
  assert.deepEqual(session.receive(content(3, 3)), [])
  assert.deepEqual(
    session.receive(content(3, 2)).map(({ kind }) => kind),
    ['content'],
  )
  assert.deepEqual(session.receive(content(3, 2)), [])
})

test('rejects malformed content and gaps', () => {
  const good = bodyOf(encodeContent(id, { first: 1, entries: written.packed.slice(0, 2) }))
  assert.equal(decodeFrame(good).kind, 'content')
  assert.deepEqual(decodeFrame(good.subarray(0, -1)), { kind: 'bad', reason: 'malformed-content' })
  assert.deepEqual(decodeFrame(good.subarray(0, 30)), { kind: 'bad', reason: 'malformed-content' })
  const note = (ranges: [number, number][]): Uint8Array =>
    bodyOf(encodeGaps([{ author: id, ranges: ranges.map(([from, to]) => ({ from, to })) }]))
  assert.equal(
    decodeFrame(
      note([
        [1, 2],
        [3, 4],
      ]),
    ).kind,
    'notes',
  )
  for (const bad of [
    [[0, 2]],
    [[2, 2]],
    [
      [3, 5],
      [4, 6],
    ],
    [
      [3, 5],
      [1, 2],
    ],
  ] as [number, number][][])
    assert.deepEqual(decodeFrame(note(bad)), { kind: 'bad', reason: 'malformed-note' }, JSON.stringify(bad))
  const many = Array.from({ length: GAP_RANGES_MAX + 1 }, (_, index): [number, number] => [
    2 * index + 1,
    2 * index + 2,
  ])
  assert.equal(decodeFrame(note(many.slice(1))).kind, 'notes')
  assert.deepEqual(decodeFrame(note(many)), { kind: 'bad', reason: 'malformed-note' })
  const request = decodeFrame(bodyOf(encodeContentRequest({ author: id, from: 3, to: 9 })))
  assert.deepEqual(request, { kind: 'content-request', range: { author: id, from: 3, to: 9 } })
})

test('counts no entry as stored beyond the end of a full list of gaps', () => {
  const without = Array.from({ length: GAP_RANGES_MAX }, (_, index) => ({ from: 2 * index + 1, to: 2 * index + 2 }))
  const on = (ranges: typeof without, seq: number): number =>
    replicasIn({ connected: [{ seq: 1_000, without: ranges }], left: [], differing: [] }, seq).on
  assert.equal(on(without, 2), 1)
  assert.equal(on(without, 1), 0)
  assert.equal(on(without, 500), 0)
  assert.equal(on(without.slice(1), 500), 1)
})

test('sends a scuttleup peer a log up to the first place without content', async () => {
  const [partial, other] = [await open(bob), await open(carol)]
  await partial.addSigned(id, [written.run(1, 9)])
  await partial.addSigned(
    id,
    written.runs([9]).map(run => withStubs(run, seq => seq === 10)),
  )
  const [one, two] = [partial, other].map(log => replicate(log, { dialect: 'scuttleup', live: false })) as [
    Duplex,
    Duplex,
  ]
  await new Promise(resolve => pipeline(one, two, one, resolve))
  assert.deepEqual(await read(other), all.slice(0, 9))
  for (const log of [partial, other]) await log.close()
})
