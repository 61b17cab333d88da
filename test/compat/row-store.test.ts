import assert from 'node:assert/strict'
import test from 'node:test'
import { EMPTY, textOf, utf8 } from '../../src/base/wire/bytes.js'
import { headKey, rowKey, sideRowKey } from '../../src/compat/scuttleup/row-keys.js'
import { headWrite, RowStore } from '../../src/compat/scuttleup/row-store.js'
import type { LogId, Seq } from '../../src/log/format/author.js'
import type { Entry } from '../../src/log/format/entry.js'
import type { Head } from '../../src/log/format/heads.js'
import { type Hlc, HybridClock, hlcAt, justAfter } from '../../src/log/format/hybrid-clock.js'
import { SEQ_MAX } from '../../src/log/limits.js'
import type { Write } from '../../src/log/store/store.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const bob = 'bob' as LogId
const carol = 'carol' as LogId
const HOURS_12 = 12 * 60 * 60 * 1000

const plain = (text: string): Uint8Array => utf8(JSON.stringify({ username: 'bob', message: text }))
const timed = (at: Hlc, text = 'hello'): Uint8Array => utf8(JSON.stringify({ at, username: 'bob', message: text }))
const put = (key: Uint8Array, value: Uint8Array): Write => ({ type: 'put', key, value })
/** A row as scuttleup writes it, for any id. */
const row = (id: string, hexSeq: string, text = 'hello'): Write => put(utf8(`c\u00ff${id}\u00ff${hexSeq}`), plain(text))

function setUp(rows: readonly Write[] = [], pageRows = 3) {
  const disk = new MemoryDisk()
  disk.write(rows)
  const store = new MemoryStore(disk, pageRows)
  const time = new VirtualClock()
  const holes: [LogId, Seq][] = []
  const open = () => new RowStore(store, new HybridClock(time), (author, seq) => holes.push([author, seq]))
  return { disk, store, time, holes, open, logs: open() }
}

async function all(pages: AsyncIterable<readonly Entry[]>): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const page of pages) entries.push(...page)
  return entries
}

const messageOf = ({ entry }: Entry): string => JSON.parse(String(Buffer.from(entry))).message
const places = (entries: readonly Entry[]): Seq[] => entries.map(({ seq }) => seq)

/** Stores entries as a log does. */
function store(disk: MemoryDisk, logs: RowStore, author: LogId, head: Head | undefined, entries: Uint8Array[]): Head {
  const plan = logs.plan(author, head, entries)
  assert.ok(plan.head !== undefined && plan.fault === undefined)
  disk.write([...plan.writes, headWrite(plan.head)])
  return plan.head
}

test('keeps the time that an entry states if it is later than the previous one and not far ahead', () => {
  const { logs, time } = setUp()
  const [first, second] = [hlcAt(time.now() - 5_000), hlcAt(time.now() + HOURS_12)]
  const { entries, writes, head } = logs.plan(bob, undefined, [timed(first), timed(second)])
  assert.deepEqual(
    entries.map(({ at }) => at),
    [first, second],
  )
  const size = entries.reduce((sum, { entry }) => sum + entry.length, 0)
  assert.deepEqual(head, { author: bob, seq: 2, first, last: second, size })
  assert.deepEqual(
    writes.map(({ key }) => key),
    [rowKey(bob, 1), sideRowKey('checksum', bob, 1), rowKey(bob, 2), sideRowKey('checksum', bob, 2)],
  )
})

test('stores the time of arrival for entries that state none, a repeated one or one far ahead', async () => {
  const { logs, time, disk, open } = setUp()
  const now = hlcAt(time.now())
  const entries = [timed(now), timed(now), plain('no at'), timed(hlcAt(time.now() + HOURS_12 + 1)), timed(hlcAt(5))]
  const head = store(disk, logs, bob, undefined, entries)
  const expected = [now, justAfter(now)]
  while (expected.length < 5) expected.push(justAfter(expected.at(-1) as Hlc))
  assert.equal(head.last, expected.at(-1))
  for (const seq of [2, 3, 4, 5])
    assert.equal(textOf(disk.get(sideRowKey('hlc', bob, seq)) ?? EMPTY), expected[seq - 1])
  assert.equal(disk.get(sideRowKey('hlc', bob, 1)), undefined)

  time.advance(1_000_000)
  const again = open()
  await again.load()
  assert.deepEqual(
    (await all(again.read(bob, 1, 6))).map(({ at }) => at),
    expected,
    'its place does not change',
  )
  assert.deepEqual(
    (await all(again.readBack(bob, 1, 6))).map(({ at }) => at),
    expected.toReversed(),
  )
})

test('plans nothing after an invalid entry and says why', () => {
  const { logs } = setUp()
  const { entries, head, fault } = logs.plan(bob, undefined, [plain('one'), utf8('not JSON'), plain('three')])
  assert.deepEqual([places(entries), head?.seq], [[1], 1])
  assert.deepEqual(fault, { kind: 'malformed-entry' })
  const nothing = logs.plan(bob, undefined, [utf8('7')])
  assert.deepEqual([nothing.writes, nothing.entries, nothing.head], [[], [], undefined])
})

test('ends a log at the highest seq', () => {
  const { logs, time } = setUp()
  const at = hlcAt(time.now())
  const head: Head = { author: bob, seq: SEQ_MAX - 1, first: at, last: at, size: 0 }
  const plan = logs.plan(bob, head, [plain('last'), plain('one too many')])
  assert.equal(plan.head?.seq, SEQ_MAX)
  assert.deepEqual(plan.fault, { kind: 'log-length-limit' })
})

test('reads any range of a log in both directions, for any page size', async () => {
  for (const pageRows of [1, 2, 3, 100]) {
    const { logs, disk, holes } = setUp([], pageRows)
    store(
      disk,
      logs,
      bob,
      undefined,
      [1, 2, 3, 4, 5].map(n => plain(`line ${n}`)),
    )
    for (let from = 1; from <= 6; from++) {
      for (let to = from; to <= 6; to++) {
        const expected = [1, 2, 3, 4, 5].slice(from - 1, to - 1)
        assert.deepEqual(places(await all(logs.read(bob, from, to))), expected)
        assert.deepEqual(places(await all(logs.readBack(bob, from, to))), expected.toReversed())
      }
    }
    assert.deepEqual(holes, [])
  }
})

test('ends reading at a missing row and reports it', async () => {
  for (const pageRows of [1, 3, 100]) {
    const { logs, disk, holes } = setUp([], pageRows)
    store(
      disk,
      logs,
      bob,
      undefined,
      [1, 2, 3, 4, 5, 6].map(n => plain(`line ${n}`)),
    )
    disk.write([{ type: 'del', key: rowKey(bob, 4) }])
    assert.deepEqual(places(await all(logs.read(bob, 1, 7))), [1, 2, 3])
    assert.deepEqual(places(await all(logs.readBack(bob, 1, 7))), [6, 5])
    assert.deepEqual(holes, [
      [bob, 4],
      [bob, 4],
    ])
  }
})

test('adopts the rows of scuttleup once, when opened', async () => {
  const { open, store } = setUp([row('bob', '01'), row('bob', '02'), row('carol', '01')])
  const heads = await open().load()
  assert.deepEqual([heads.get(bob)?.seq, heads.get(carol)?.seq, heads.size], [2, 1, 2])
  const { commits } = store
  assert.deepEqual(await open().load(), heads)
  assert.equal(store.commits, commits)
})

test('adopts rows that scuttleup wrote after a known head', async () => {
  const { open, disk } = setUp([row('bob', '01')])
  await open().load()
  disk.write([row('bob', '02'), row('bob', '03')])
  assert.equal((await open().load()).get(bob)?.seq, 3)
})

test('rebuilds a damaged head from the rows', async () => {
  const { open, disk } = setUp([row('bob', '01'), row('bob', '02')])
  const heads = await open().load()
  for (const value of ['', '{}', '{"seq":9}', '\u0000', '{"seq":"2","first":"x","last":"y"}']) {
    disk.write([put(headKey(bob), utf8(value))])
    const again = (await open().load()).get(bob)
    assert.deepEqual([again?.seq, again?.first], [2, heads.get(bob)?.first])
  }
})

test('ends a log before a gap without reading beyond it', async () => {
  const { open, store } = setUp([row('bob', '01'), put(rowKey(bob, 1_000_000), plain('beyond')), row('carol', '01')])
  const logs = open()
  const heads = await logs.load()
  assert.deepEqual([heads.get(bob)?.seq, heads.get(carol)?.seq], [1, 1])
  assert.deepEqual((await all(logs.read(bob, 1, 2))).map(messageOf), ['hello'])
  assert.ok(store.rowsRead < 30, `${store.rowsRead} rows were read`)
})

test('ignores a log without its first row', async () => {
  const { open } = setUp([row('bob', '02'), row('carol', '01')])
  const heads = await open().load()
  assert.deepEqual([heads.has(bob), heads.get(carol)?.seq], [false, 1])
})

test('skips malformed ids in the database', async () => {
  const ids = ['', '__proto__', 'constructor', 'a\u00ffb', '\u00ff', '\u00ff\u00ff', 'b\u00ff01', 'x y', '0'.repeat(64)]
  const { open } = setUp([...ids.flatMap(id => [row(id, '01'), row(id, '02')]), row('bob', '01'), row('carol', '01')])
  const heads = await open().load()
  assert.deepEqual([...heads.keys()].sort(), [bob, carol])
  assert.equal(Reflect.get({}, 'seq'), undefined)
})

test('keeps an id that contains a separator out of other logs', async () => {
  const forged = [
    row('bob\u00ff01', '02', 'forged'),
    row('bob\u00ff01', '03', 'forged'),
    row('bob\u00fffe', '04', 'forged'),
  ]
  for (const pageRows of [1, 100]) {
    const { open, holes } = setUp([row('bob', '01'), ...forged, row('bob', '02'), row('bob', '03')], pageRows)
    const logs = open()
    assert.equal((await logs.load()).get(bob)?.seq, 3)
    assert.deepEqual((await all(logs.read(bob, 1, 4))).map(messageOf), ['hello', 'hello', 'hello'])
    assert.deepEqual((await all(logs.readBack(bob, 1, 4))).map(messageOf), ['hello', 'hello', 'hello'])
    assert.deepEqual(await logs.verify(bob, 3), { last: 3, fault: undefined })
    assert.deepEqual(holes, [])
  }
  const alone = setUp([row('bob', '01'), ...forged]).open()
  assert.equal((await alone.load()).get(bob)?.seq, 1)
})

test('finds every log among keys that are not rows', { timeout: 60_000 }, async () => {
  const odd = ['c\u00ff', 'c\u00ffbo', 'c\u00ffbob', 'c\u00ffzz', 'c\u00ffbob\u00ff01zz', 'c\u00ffbob\u00ffzz'].map(
    key => put(utf8(key), plain('odd')),
  )
  const broken = ['63c3bf62ff', '63c3bf6280', '63c3bff5c3bf3031'].map(hex => put(Buffer.from(hex, 'hex'), plain('odd')))
  const { open } = setUp([...odd, ...broken, row('bob', '01'), row('bob0', '01'), row('carol', '01')])
  assert.deepEqual([...(await open().load()).keys()].sort(), [bob, 'bob0', carol])
})

test('checks every row when it verifies a log', async () => {
  const { logs, disk } = setUp()
  store(
    disk,
    logs,
    bob,
    undefined,
    [1, 2, 3].map(n => plain(`line ${n}`)),
  )
  assert.deepEqual(await logs.verify(bob, 3), { last: 3, fault: undefined })
  assert.deepEqual(await logs.verify(bob, 4), { last: 3, fault: { kind: 'missing', from: 4, to: 4 } })
  disk.write([put(rowKey(bob, 3), utf8('{'))])
  assert.deepEqual(await logs.verify(bob, 3), { last: 2, fault: { kind: 'damaged-entry', seq: 3 } })
  disk.write([{ type: 'del', key: rowKey(bob, 2) }])
  assert.deepEqual(await logs.verify(bob, 3), { last: 1, fault: { kind: 'missing', from: 2, to: 2 } })
})

test('treats a damaged entry as missing and reads an entry of a scuttleup peer without a checksum', async () => {
  const { logs, disk, holes, open } = setUp()
  const head = store(disk, logs, bob, undefined, [plain('one'), plain('two'), plain('three')])
  assert.deepEqual(await logs.verify(bob, 3), { last: 3, fault: undefined })
  const key = rowKey(bob, 2)
  const good = disk.get(key) ?? EMPTY
  const damaged = utf8((textOf(good) ?? '').replace('two', 'tWo'))
  disk.write([put(key, damaged)])
  assert.deepEqual((await all(logs.read(bob, 1, 4))).map(messageOf), ['one'])
  assert.deepEqual((await all(logs.readBack(bob, 1, 4))).map(messageOf), ['three'])
  assert.deepEqual(holes, [
    [bob, 2],
    [bob, 2],
  ])
  assert.deepEqual(await logs.verify(bob, 3), { last: 1, fault: { kind: 'damaged-entry', seq: 2 } })
  disk.write([put(key, good), { type: 'del', key: sideRowKey('checksum', bob, 2) }])
  assert.deepEqual((await all(logs.read(bob, 1, 4))).map(messageOf), ['one', 'two', 'three'])
  assert.deepEqual(await logs.verify(bob, 3), { last: 1, fault: { kind: 'missing-checksum', seq: 2 } })
  disk.write([put(rowKey(bob, 4), plain('four'))])
  assert.equal((await open().load()).get(bob)?.seq, head.seq + 1)
  assert.notEqual(disk.get(sideRowKey('checksum', bob, 4)), undefined)
})
