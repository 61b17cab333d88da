import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import test from 'node:test'
import { systemRandom } from '../../src/base/random.js'
import { SeededRandom } from '../../src/base/seeded-random.js'
import { bufferOf } from '../../src/base/wire/bytes.js'
import { authorOfKey } from '../../src/log/format/author.js'
import { packEntry } from '../../src/log/format/packed.js'
import { decodeSegment } from '../../src/log/format/segment.js'
import { OwnMark } from '../../src/log/mark/own-mark.js'
import { LevelStore } from '../../src/log/store/level-store.js'
import { logOver } from '../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { alice, bob, carol, entryOf, saltOf, WrittenLog } from '../helper/signed-world.js'
import { idOf, read, shownAs, withStubs } from '../helper/stub-world.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const entriesOf = (count: number, bytes = 0): Uint8Array[] => Array.from({ length: count }, (_, i) => entryOf(i, bytes))

test('stores stubs, and shows consecutive ones as one gap', async () => {
  const written = new WrittenLog(alice, entriesOf(10))
  const log = await logOver(new MemoryStore(), bob)
  assert.equal(
    await log.addSigned(idOf(written), [withStubs(written.run(1, 10), seq => seq < 4 || seq === 7)]),
    undefined,
  )
  assert.deepEqual(
    log.head.map(({ seq }) => seq),
    [10],
  )
  assert.deepEqual(await read(log), ['4', '5', '6', '8', '9', '10'])
  assert.deepEqual(await read(log, { gaps: true }), ['1+3 missing', '4', '5', '6', '7+1 missing', '8', '9', '10'])
  assert.deepEqual(await read(log, { gaps: true, last: 4 }), ['6', '7+1 missing', '8', '9', '10'])
  assert.equal(await log.entry(idOf(written), 2), undefined)
  assert.deepEqual(await log.verify(idOf(written)), {
    last: 10,
    fault: undefined,
    without: { deleted: 0, 'kept-out': 0, expired: 0, 'not-given': 0, missing: 4 },
  })
  await log.close()
})

test('adds content to stubs, also after a restart, and rejects content with another hash', async () => {
  const disk = new MemoryDisk()
  const written = new WrittenLog(alice, entriesOf(6))
  const id = idOf(written)
  let log = await logOver(new MemoryStore(disk), bob)
  await log.addSigned(id, [withStubs(written.run(1, 6), () => true)])
  const [first, second, third] = written.packed
  assert.ok(first && second && third)
  // Another salt, another text, and content of another place.
  assert.equal(await log.contents.add(id, { first: 1, entries: [packEntry(saltOf(9), entryOf(0))] }), 0)
  assert.equal(await log.contents.add(id, { first: 2, entries: [packEntry(saltOf(1), entryOf(1, 200))] }), 0)
  assert.equal(await log.contents.add(id, { first: 1, entries: [second, third] }), 0)
  assert.deepEqual(await read(log), [])
  assert.equal(await log.contents.add(id, { first: 2, entries: [second, third] }), 2)
  assert.equal(await log.contents.add(id, { first: 2, entries: [second, third] }), 0)
  for (let starts = 0; starts < 2; starts++) {
    assert.deepEqual(await read(log, { gaps: true }), ['1+1 missing', '2', '3', '4+3 missing'])
    assert.deepEqual(log.contents.missing(id), [
      { from: 1, to: 2 },
      { from: 4, to: 7 },
    ])
    await log.close()
    log = await logOver(new MemoryStore(disk), bob)
  }
  assert.deepEqual(Buffer.from((await log.entry(id, 3))?.entry ?? []), Buffer.from(entryOf(2)))
  assert.equal(await log.contents.add(id, { first: 1, entries: written.packed }), 4)
  assert.deepEqual(log.contents.missing(id), [])
  assert.deepEqual((await log.verify(id)).without, undefined)
  await log.close()
})

test('stores contents that are longer together than a segment', async () => {
  const written = new WrittenLog(alice, entriesOf(60, 8_000))
  const id = idOf(written)
  const log = await logOver(new MemoryStore(), bob)
  await log.addSigned(id, [withStubs(written.run(1, 60), () => true)])
  assert.equal(await log.contents.add(id, { first: 1, entries: written.packed }), 60)
  assert.equal((await read(log)).length, 60)
  assert.equal((await log.verify(id)).fault, undefined)
  // A segment for a peer has as many contents as fit into it.
  const other = await logOver(new MemoryStore(), carol)
  for await (const relayed of log.relay()) {
    if (relayed.kind !== 'segments') continue
    const segments = relayed.segments.map(decodeSegment)
    for (const segment of segments) assert.equal(segment && (await other.addSigned(id, [segment])), undefined)
  }
  const shown = await read(other)
  assert.ok(shown.length > 10 && shown.length < 20, `${shown.length} contents`)
  assert.equal(other.head[0]?.seq, 60)
  for (const each of [log, other]) await each.close()
})

test('accepts content that comes with entries already stored as stubs', async () => {
  const written = new WrittenLog(alice, entriesOf(6))
  const log = await logOver(new MemoryStore(), bob)
  await log.addSigned(idOf(written), [withStubs(written.run(1, 4), () => true)])
  assert.equal(await log.addSigned(idOf(written), [written.run(1, 6)]), undefined)
  assert.deepEqual(await read(log, { gaps: true }), ['1', '2', '3', '4', '5', '6'])
  await log.close()
})

test('shows a live reader content that comes late, once', async () => {
  const written = new WrittenLog(alice, entriesOf(6))
  const id = idOf(written)
  const log = await logOver(new MemoryStore(), bob)
  await log.addSigned(id, [withStubs(written.run(1, 4), seq => seq === 2 || seq === 3)])
  const shown: string[] = []
  const abort = new AbortController()
  const reading = (async () => {
    for await (const entries of log.read({ live: true, gaps: true, signal: abort.signal })) {
      shown.push(...entries.map(shownAs))
      if (shown.length >= 7) abort.abort()
    }
  })()
  while (shown.length < 3) await new Promise(resolve => setImmediate(resolve))
  await log.contents.add(id, { first: 2, entries: written.packed.slice(1, 2) })
  await log.addSigned(id, [written.run(5, 6)])
  await log.contents.add(id, { first: 3, entries: written.packed.slice(2, 3) })
  await reading
  assert.deepEqual(shown.slice(0, 3), ['1', '2+2 missing', '4'])
  assert.deepEqual(shown.slice(3).sort(), ['2', '3', '5', '6'])
  await log.close()
})

test('drops content for good, except that of control entries', async () => {
  const disk = new MemoryDisk()
  const opening = Buffer.from('{"at":"1763670000003.0000","type":"open","runs":[],"username":"","message":""}')
  const written = new WrittenLog(alice, [entryOf(0), entryOf(1), entryOf(2), opening, entryOf(4), entryOf(5)])
  const id = idOf(written)
  let log = await logOver(new MemoryStore(disk), bob)
  await log.addSigned(id, written.runs([2]))
  await log.contents.drop(id, { from: 2, to: 4 }, 'deleted')
  await log.contents.drop(id, { from: 4, to: 6 }, 'kept-out')
  // Content of dropped places that arrives later is not stored.
  assert.equal(await log.contents.add(id, { first: 1, entries: written.packed }), 0)
  await log.addSigned(id, written.runs())
  for (let starts = 0; starts < 2; starts++) {
    assert.deepEqual(await read(log, { gaps: true }), ['1', '2+2 deleted', '4', '5+1 kept-out', '6'])
    assert.deepEqual(log.contents.missing(id), [])
    assert.deepEqual((await log.verify(id)).without, {
      deleted: 2,
      'kept-out': 1,
      expired: 0,
      'not-given': 0,
      missing: 0,
    })
    await log.close()
    log = await logOver(new MemoryStore(disk), bob)
  }
  await log.close()
})

test('stores entries that arrive where content was dropped as stubs', async () => {
  const written = new WrittenLog(alice, entriesOf(4))
  const id = idOf(written)
  const log = await logOver(new MemoryStore(), bob)
  await log.contents.drop(id, { from: 2, to: 4 }, 'deleted')
  await log.addSigned(id, written.runs())
  assert.deepEqual(await read(log, { gaps: true }), ['1', '2+2 deleted', '4'])
  await log.close()
})

test('completes a drop that a crash interrupted', async () => {
  const disk = new MemoryDisk()
  const written = new WrittenLog(alice, entriesOf(4))
  const id = idOf(written)
  class CrashingStore extends MemoryStore {
    left = Number.POSITIVE_INFINITY
    override async commit(writes: Parameters<MemoryStore['commit']>[0]): Promise<void> {
      if (this.left-- <= 0) return new Promise(() => {})
      return super.commit(writes)
    }
  }
  for (let commits = 1; commits < 4; commits++) {
    const copy = disk.copy()
    const store = new CrashingStore(copy)
    const log = await logOver(store, bob)
    await log.addSigned(id, written.runs())
    store.left = commits
    void log.contents.drop(id, { from: 2, to: 3 }, 'deleted')
    for (let turn = 0; turn < 100; turn++) await new Promise(resolve => setImmediate(resolve))
    const next = await logOver(new MemoryStore(copy), bob)
    const shown = await read(next, { gaps: true })
    // The first commit is the empty one that waits for entries to be written.
    if (commits > 1) assert.deepEqual(shown, ['1', '2+1 deleted', '3', '4'], `after ${commits} commits`)
    await next.close()
  }
})

/** All bytes of all files below a directory. */
async function allBytes(directory: string): Promise<Buffer> {
  const files = await readdir(directory, { recursive: true, withFileTypes: true })
  const contents = files.filter(file => file.isFile()).map(file => readFile(path.join(file.parentPath, file.name)))
  return Buffer.concat(await Promise.all(contents))
}

/** A text that compression hardly changes. */
const secretOf = (index: number): string => bufferOf(new SeededRandom(index).bytes(30)).toString('base64url')

test('leaves nothing of dropped content in any file', async t => {
  const directory = await temporaryDirectory(t)
  const author = authorOfKey(bob.publicKey)
  const mark = await OwnMark.open({
    author,
    file: path.join(directory, 'home.mark'),
    copy: path.join(directory, 'state', 'copy.mark'),
    random: systemRandom,
    onEvent: event => assert.fail(event.kind),
  })
  const log = await logOver(await LevelStore.open(path.join(directory, 'database')), bob, { mark })
  const sent = new WrittenLog(
    alice,
    Array.from({ length: 300 }, (_, i) =>
      Buffer.from(JSON.stringify({ ...JSON.parse(String(entryOf(i))), message: secretOf(i) })),
    ),
  )
  // Entry by entry, so that segments are joined; then stubs whose content comes later; then entries of our own.
  for (let seq = 1; seq < 200; seq++) await log.addSigned(idOf(sent), [sent.run(seq, seq)])
  await log.addSigned(idOf(sent), [withStubs(sent.run(200, 300), () => true)])
  await log.contents.add(idOf(sent), { first: 1, entries: sent.packed })
  for (let i = 0; i < 20; i++) await log.append({ username: 'bob', message: secretOf(1_000 + i) })
  const contains = (bytes: Buffer, index: number): boolean =>
    bytes.includes(secretOf(index)) || bytes.includes(Buffer.from(secretOf(index)).toString('base64').slice(4, 28))
  const before = await allBytes(directory)
  // The control: all content is there before.
  assert.ok(before.includes(secretOf(100)) && before.includes(secretOf(250)) && before.includes(secretOf(1_019)))
  await log.contents.drop(idOf(sent), { from: 50, to: 290 }, 'deleted')
  await log.contents.drop(log.id, { from: 3, to: 21 }, 'deleted')
  const after = await allBytes(directory)
  const left = [...Array(300).keys(), ...Array.from({ length: 20 }, (_, i) => 1_000 + i)].filter(index =>
    contains(after, index),
  )
  const isDropped = (index: number): boolean => (index >= 49 && index < 289) || index > 1_001
  assert.deepEqual(left.filter(isDropped), [])
  assert.ok(left.length > 30, `${left.length} of 62 contents that were not dropped are found`)
  assert.equal((await log.verify(idOf(sent))).fault, undefined)
  await log.append({ username: 'bob', message: 'still here' })
  await log.close()
  const reopened = await logOver(await LevelStore.open(path.join(directory, 'database')), bob)
  assert.equal((await read(reopened, { gaps: true })).length, 49 + 1 + 11 + 2 + 1 + 1)
  await reopened.close()
})

test('leaves nothing of dropped content in a small database, which LevelDB had only in memory', async t => {
  const directory = await temporaryDirectory(t)
  for (const count of [1, 2, 7]) {
    const database = path.join(directory, `database-${count}`)
    const log = await logOver(await LevelStore.open(database), bob)
    for (let i = 0; i < count; i++) await log.append({ username: 'bob', message: secretOf(i) })
    assert.ok((await allBytes(database)).includes(secretOf(0)), 'control: it is there before')
    await log.contents.drop(log.id, { from: 1, to: 2 }, 'deleted')
    const after = await allBytes(database)
    assert.ok(!after.includes(secretOf(0)), `${count} entries`)
    if (count > 1) assert.ok(after.includes(secretOf(1)))
    await log.append({ username: 'bob', message: secretOf(99) })
    await log.contents.drop(log.id, { from: count + 1, to: count + 2 }, 'deleted')
    assert.ok(!(await allBytes(database)).includes(secretOf(99)), `${count} entries, later`)
    await log.close()
  }
})

test('keeps all other entries in the files when content in the middle of a log is dropped', async t => {
  const directory = await temporaryDirectory(t)
  const database = path.join(directory, 'database')
  const log = await logOver(await LevelStore.open(database), bob)
  const sent = new WrittenLog(alice, entriesOf(300, 2_000))
  for (let seq = 1; seq < 300; seq += 10) await log.addSigned(idOf(sent), [sent.run(seq, Math.min(300, seq + 9))])
  for (const [from, to] of [
    [1, 41],
    [101, 257],
    [290, 301],
  ] as const)
    await log.contents.drop(idOf(sent), { from, to }, 'kept-out')
  const kept = Array.from({ length: 300 }, (_, i) => i + 1).filter(
    seq => !(seq < 41 || (seq > 100 && seq < 257) || seq > 289),
  )
  assert.deepEqual(await read(log), kept.map(String))
  await log.close()
  const reopened = await logOver(await LevelStore.open(database), bob)
  assert.deepEqual(await read(reopened), kept.map(String))
  assert.equal((await reopened.verify(idOf(sent))).fault, undefined)
  await reopened.close()
})

test('leaves nothing of dropped content in any file while a reader is paused in the middle, and the reader continues', async t => {
  const directory = await temporaryDirectory(t)
  const database = path.join(directory, 'database')
  const store = await LevelStore.open(database)
  const log = await logOver(store, bob)
  const count = 400
  for (let i = 0; i < count; i++) await log.append({ username: 'bob', message: `${secretOf(i)} `.padEnd(2_000, 'x') })
  const reader = store.pages({ gte: Buffer.from('s'), lt: Buffer.from('t') })
  let rows: number = (await reader.next()).value?.length ?? 0
  assert.ok((await allBytes(database)).includes(secretOf(count - 1)), 'control: it is there before')
  await log.contents.drop(log.id, { from: 2, to: count + 1 }, 'deleted')
  const after = await allBytes(database)
  assert.ok(after.includes(secretOf(0)))
  for (const index of [1, count - 1]) assert.ok(!after.includes(secretOf(index)), `${index}`)
  const isRead = rows > 0
  for await (const page of reader) rows += page.length
  let stored = 0
  for await (const page of store.keys({ gte: Buffer.from('s'), lt: Buffer.from('t') })) stored += page.length
  assert.ok(isRead && rows === stored, `${rows} of ${stored} rows`)
  await log.close()
})
