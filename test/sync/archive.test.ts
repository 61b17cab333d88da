import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { readVarint } from '../../src/base/wire/bytes.js'
import { FRAME_BYTES_MAX, frame } from '../../src/base/wire/frames.js'
import { type LogId, logOfKey } from '../../src/log/format/author.js'
import type { Segment } from '../../src/log/format/segment.js'
import type { SignedRun } from '../../src/log/format/segment-plan.js'
import type { Log } from '../../src/log/log.js'
import { archiveOf, readArchive } from '../../src/sync/archive.js'
import { logOver } from '../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { hex } from '../helper/signed-oracle.js'
import {
  alice,
  allRows,
  auditDisk,
  bob,
  carol,
  entryOf,
  LOBBY_ID,
  OTHER_ROOM_ID,
  WrittenLog,
} from '../helper/signed-world.js'

// docs/protocol/storage.md §6: signed logs in a file.

async function openLog(keys = carol): Promise<{ log: Log; disk: MemoryDisk }> {
  const disk = new MemoryDisk()
  return { log: await logOver(new MemoryStore(disk), keys, { room: LOBBY_ID }), disk }
}

const lines = (count: number, bytes: number, username = 'alice'): Uint8Array[] =>
  Array.from({ length: count }, (_, index) => entryOf(index, bytes, username))

/** The export of a log with these entries, in segments that end at `ends`. */
async function exportOf(logs: readonly WrittenLog[], ends: readonly number[] = []): Promise<Uint8Array> {
  const { log } = await openLog()
  for (const written of logs) {
    for (const run of written.runs(ends)) {
      assert.equal(await log.addSigned(logOfKey(written.name.key), [run]), undefined)
    }
  }
  const parts: Uint8Array[] = []
  for await (const part of archiveOf(log, LOBBY_ID)) parts.push(part)
  await log.close()
  return Buffer.concat(parts)
}

async function* pieces(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const textsOf = (disk: MemoryDisk): Record<string, string[]> =>
  Object.fromEntries([...auditDisk(disk).logs].map(([author, entries]) => [author, entries.map(hex)]))

const written = (...logs: readonly WrittenLog[]): Record<string, string[]> =>
  Object.fromEntries(logs.map(({ name, entries }) => [hex(name.key), entries.map(hex)]))

test('imports every exported entry, however the file is cut, and changes nothing the second time', async () => {
  const arbitrary = fc.record({
    counts: fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 })),
    bytes: fc.constantFrom(0, 100, 3_000, 16_384),
    ends: fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 10 }),
    size: fc.constantFrom(1, 7, 1_000, 65_536, 10_000_000),
  })
  await fc.assert(
    fc.asyncProperty(arbitrary, async ({ counts: [ofAlice, ofBob], bytes, ends, size }) => {
      const logs = [new WrittenLog(alice, lines(ofAlice, bytes)), new WrittenLog(bob, lines(ofBob, bytes, 'bob'))]
      const file = await exportOf(logs, ends)
      const { log, disk } = await openLog()
      const most = Math.max(size, Math.ceil(file.length / 2_000))
      assert.deepEqual(await readArchive(log, LOBBY_ID, pieces(file, most)), { added: ofAlice + ofBob, refused: [] })
      assert.deepEqual(textsOf(disk), written(...logs))
      const rows = allRows(disk)
      assert.deepEqual(await readArchive(log, LOBBY_ID, pieces(file)), { added: 0, refused: [] })
      assert.deepEqual(allRows(disk), rows)
      await log.close()
    }),
    { numRuns: 25 },
  )
})

test('adds missing entries on import and keeps what is stored', async () => {
  const whole = new WrittenLog(alice, lines(30, 90))
  const part = new WrittenLog(alice, whole.entries.slice(0, 10))
  const bobs = new WrittenLog(bob, lines(3, 90, 'bob'))
  const { log, disk } = await openLog()
  await log.append({ username: 'carol', message: 'mine' })
  assert.equal((await readArchive(log, LOBBY_ID, pieces(await exportOf([part, bobs]))))?.added, 13)
  assert.equal((await readArchive(log, LOBBY_ID, pieces(await exportOf([whole]))))?.added, 20)
  assert.equal((await readArchive(log, LOBBY_ID, pieces(await exportOf([part]))))?.added, 0)
  const texts = textsOf(disk)
  assert.equal(texts[log.id]?.length, 1)
  assert.deepEqual({ ...texts, [log.id]: undefined }, { ...written(whole, bobs), [log.id]: undefined })
  await log.close()
})

test('leaves unsigned logs out of an export, because nothing verifies them', async () => {
  const { log } = await openLog()
  await log.add({
    author: 'ciz9ebxt60000' as LogId,
    first: 1,
    entries: [Buffer.from('{"username":"d","message":""}')],
  })
  await log.append({ username: 'carol', message: 'signed' })
  const parts: Uint8Array[] = []
  for await (const part of archiveOf(log, LOBBY_ID)) parts.push(part)
  const other = await openLog(alice)
  assert.deepEqual(await readArchive(other.log, LOBBY_ID, pieces(Buffer.concat(parts))), { added: 1, refused: [] })
  assert.deepEqual(other.log.head, [{ author: log.id, seq: 1 }])
  await log.close()
  await other.log.close()
})

test('rejects exports of other rooms, other files and empty files', async () => {
  const file = await exportOf([new WrittenLog(alice, lines(2, 90))])
  const { log } = await openLog()
  assert.deepEqual(await readArchive(log, OTHER_ROOM_ID, pieces(file)), {
    added: 0,
    refused: [],
    fault: 'other-room',
  })
  assert.equal((await readArchive(log, LOBBY_ID, pieces(new Uint8Array(0)))).fault, 'not-an-export')
  assert.equal(
    (await readArchive(log, LOBBY_ID, pieces(Buffer.from('{"not":"an export"}'.repeat(10))))).fault,
    'not-an-export',
  )
  assert.equal((await readArchive(log, LOBBY_ID, pieces(file.subarray(0, 55)))).fault, 'not-an-export')
  assert.deepEqual(log.head, [])
  assert.deepEqual(await readArchive(log, LOBBY_ID, pieces(file.subarray(0, 56))), { added: 0, refused: [] })
  await log.close()
})

/** Asserts that each log on the disk is a prefix of the written log. Returns the number of entries. */
function assertPrefixes(disk: MemoryDisk, ...logs: readonly WrittenLog[]): number {
  let count = 0
  const all = written(...logs)
  for (const [author, entries] of Object.entries(textsOf(disk))) {
    assert.deepEqual(entries, all[author]?.slice(0, entries.length), author)
    count += entries.length
  }
  return count
}

/** Imports into an empty log. */
async function imported(t: TestContext, file: Uint8Array, ...logs: readonly WrittenLog[]) {
  const { log, disk } = await openLog()
  t.after(() => log.close())
  const report = await readArchive(log, LOBBY_ID, pieces(file))
  const count = assertPrefixes(disk, ...logs)
  assert.equal(report?.added ?? 0, count)
  return { report, count, texts: textsOf(disk) }
}

const SEGMENT_LENGTH_BYTES = 2

test('rejects and names the damaged part and keeps the rest, whichever byte is damaged', async t => {
  const alices = new WrittenLog(alice, lines(6, 70))
  const bobs = new WrittenLog(bob, lines(2, 70, 'bob'))
  const file = await exportOf([alices, bobs], [2, 4])
  const head = 'persisted-chat/export/2\n'.length + 32
  /** The offsets of frame lengths: a damaged one shifts all later frames. */
  const lengths = new Set<number>()
  /** The offsets of the segments' first seqs: a segment with a lower one is skipped as a duplicate. */
  const firsts = new Set<number>()
  let bobsFrame = file.length
  for (let at = head; at < file.length; ) {
    const length = readVarint(file, at, FRAME_BYTES_MAX)
    assert.equal(length.kind, 'value')
    if (length.kind !== 'value') return
    const keyAt = Buffer.from(file.subarray(0, length.next + length.value)).indexOf(Buffer.from(bob.publicKey), at)
    if (keyAt !== -1) bobsFrame = Math.min(bobsFrame, at)
    const type = 1
    for (let place = 0; place < 4; place++) firsts.add(length.next + type + SEGMENT_LENGTH_BYTES + 32 + place)
    for (; at < length.next; at++) lengths.add(at)
    at = length.next + length.value
  }
  const isAlicesFirst = Buffer.from(file).indexOf(alice.publicKey) < Buffer.from(file).indexOf(bob.publicKey)
  assert.ok(isAlicesFirst)
  const bobsAt = Buffer.from(file).indexOf(bob.publicKey)
  for (let at = 0; at < file.length; at++) {
    const changed = Uint8Array.from(file)
    changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
    const { report, count, texts } = await imported(t, changed, alices, bobs)
    if (at < head) {
      assert.equal(report.fault, at < head - 32 ? 'not-an-export' : 'other-room', `byte ${at}`)
      continue
    }
    assert.equal(report.fault, undefined)
    // A damaged signature loses nothing if the next signature covers the same entries.
    if (count < 8 && !firsts.has(at))
      assert.ok(report.refused.length > 0, `byte ${at}: ${count} entries, and nothing was refused`)
    for (const { kind } of report.refused) assert.ok(['log', 'part', 'rest'].includes(kind))
    // Earlier logs are imported, and so are later ones unless the frames are shifted.
    if (at > bobsAt) assert.equal(texts[hex(alice.publicKey)]?.length, 6, `byte ${at}`)
    if (at < bobsFrame && !lengths.has(at)) assert.equal(texts[hex(bob.publicKey)]?.length, 2, `byte ${at}`)
  }
})

test('imports a truncated file as far as it goes and reports where it ends', async t => {
  const alices = new WrittenLog(alice, lines(6, 70))
  const file = await exportOf([alices], [2, 4])
  const { log } = await openLog()
  await log.close()
  let most = 0
  for (let end = 56; end <= file.length; end += 3) {
    const { report, count } = await imported(t, file.subarray(0, end), alices)
    assert.ok(count >= most)
    most = count
    const isWhole = [0, 2, 4, 6].includes(count) && report?.refused.length === 0
    assert.ok(isWhole || isDeepStrictEqual(report?.refused, [{ kind: 'rest', reason: 'incomplete-segment' }]))
  }
  assert.equal((await imported(t, file, alices)).count, 6)
})

test('exports and imports fork proofs, the entries below a fork and its branches', async () => {
  const one = new WrittenLog(alice, lines(6, 70))
  const other = new WrittenLog(alice, [...one.entries.slice(0, 3), ...lines(6, 80).slice(3)])
  const author = logOfKey(alice.publicKey)
  const { log } = await openLog()
  await log.addSigned(author, one.runs())
  await log.addProof([one.run(1, 6), other.run(1, 6)].map(run => segmentOf(run)) as [Segment, Segment])
  assert.equal(log.forkOf(author), 4)
  const parts: Uint8Array[] = []
  for await (const part of archiveOf(log, LOBBY_ID)) parts.push(part)
  await log.close()

  const there = await openLog(bob)
  assert.deepEqual(await readArchive(there.log, LOBBY_ID, pieces(Buffer.concat(parts), 100)), { added: 6, refused: [] })
  assert.equal(there.log.forkOf(author), 4)
  assert.equal(
    there.log.head.reduce((sum, { seq }) => sum + seq, 0),
    6,
  )
  assert.equal((await there.log.verify(author)).fault, undefined)
  assert.deepEqual(await readArchive(there.log, LOBBY_ID, pieces(Buffer.concat(parts))), { added: 0, refused: [] })
  await there.log.close()
})

const segmentOf = (run: SignedRun): Segment => ({ key: alice.publicKey, run: 0, before: new Uint8Array(32), ...run })

test('reports frames of a later version and imports the rest', async t => {
  const log = new WrittenLog(alice, lines(3, 70))
  const file = await exportOf([log])
  const { report } = await imported(
    t,
    Buffer.concat([file.subarray(0, 56), frame(Buffer.of(99)), file.subarray(56)]),
    log,
  )
  assert.deepEqual(report, { added: 3, refused: [{ kind: 'part', reason: 'unknown-frame' }] })
})

test('imports our own log from an export, and continues in a new run', async () => {
  const carols = new WrittenLog(carol, lines(30, 90, 'carol'))
  const file = await exportOfOwn(carols)
  const { log, disk } = await openLog()
  assert.deepEqual(await readArchive(log, LOBBY_ID, pieces(file)), { added: 30, refused: [] })
  const { author, seq } = await log.append({ username: 'carol', message: 'back' })
  assert.deepEqual([author === logOfKey(carol.publicKey), seq], [false, 2])
  await log.close()
  assert.equal(auditDisk(disk).logs.get(logOfKey(carol.publicKey))?.length, 30)
})

async function exportOfOwn(written: WrittenLog): Promise<Uint8Array> {
  const { log } = await openLog(alice)
  await log.addSigned(logOfKey(written.name.key), written.runs([3, 9]))
  const parts: Uint8Array[] = []
  for await (const part of archiveOf(log, LOBBY_ID)) parts.push(part)
  await log.close()
  return Buffer.concat(parts)
}

test('gives up early on crafted files', async () => {
  const { log } = await openLog()
  const head = Buffer.concat([Buffer.from('persisted-chat/export/3\n'), LOBBY_ID])
  const size = 65_536
  const fillings: Record<string, Uint8Array> = {
    'empty frames': Buffer.alloc(size),
    'frames of a later version': Buffer.alloc(size, frame(Buffer.of(99))),
    'frames without segments': Buffer.alloc(size, frame(Buffer.of(2))),
    'malformed frames': Buffer.alloc(size, frame(Buffer.of(2, 1))),
  }
  for (const [what, filling] of Object.entries(fillings)) {
    let read = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield head
      for (;;) {
        read += filling.length
        assert.ok(read <= 2 * size, what)
        yield filling
      }
    }
    const { added, refused } = await readArchive(log, LOBBY_ID, endless())
    assert.equal(added, 0, what)
    assert.ok(refused.length > 0 && refused.length <= 3, what)
    assert.equal(refused.at(-1)?.kind, 'rest', what)
  }
  await log.close()
})
