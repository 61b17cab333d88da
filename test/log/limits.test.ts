import assert from 'node:assert/strict'
import { pipeline } from 'node:stream'
import test from 'node:test'
import { crc32 } from 'node:zlib'
import { concat, utf8 } from '../../src/base/wire/bytes.js'
import { rowKey } from '../../src/compat/scuttleup/row-keys.js'
import type { LogEvent } from '../../src/log/events.js'
import { type LogId, logKey, logOfKey } from '../../src/log/format/author.js'
import { RUNS_MAX } from '../../src/log/limits.js'
import type { Log } from '../../src/log/log.js'
import type { SyncEvent } from '../../src/sync/events.js'
import { fixedQuota } from '../helper/fixed-quota.js'
import { logOver, replicate } from '../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import {
  alice,
  auditDisk,
  bob,
  entryOf,
  LOBBY_ID,
  OTHER_ROOM_ID,
  WrittenLog,
  withBitFlipped,
} from '../helper/signed-world.js'

// docs/protocol/storage.md §4.2 and wire.md §5.3: the limits of strangers' logs, and the rows that record the end of a log.

const written = new WrittenLog(
  alice,
  Array.from({ length: 60 }, (_, index) => entryOf(index, 400)),
)
const author = logOfKey(alice.publicKey)
const runs = written.runs(Array.from({ length: 60 }, (_, index) => index + 1))
const LIMIT = 10_000
const BIG_LIMIT = 1_000_000

const open = (disk: MemoryDisk, keys = bob, bytesMax = LIMIT): Promise<Log> =>
  logOver(new MemoryStore(disk), keys, { room: LOBBY_ID, quota: fixedQuota(bytesMax) })

const countIn = (log: Log, of: LogId = author): number => log.head.find(head => head.author === of)?.seq ?? 0

const FULL = { kind: 'stranger-limit' }

test('stops the log of a stranger at its limit, at a valid prefix, also after a restart', async () => {
  const disk = new MemoryDisk()
  let log = await open(disk)
  for (const run of runs) await log.addSigned(author, [run])
  const accepted = countIn(log)
  const bytes = written.entries.slice(0, accepted).reduce((sum, entry) => sum + entry.length + 2, 0)
  assert.ok(bytes <= LIMIT && bytes > LIMIT - 500, `${bytes} bytes`)
  await log.close()
  assert.equal(auditDisk(disk).logs.get(author)?.length, accepted)

  log = await open(disk)
  assert.deepEqual((await log.addSigned(author, runs.slice(accepted, accepted + 1)))?.reason, FULL)
  assert.equal(countIn(log), accepted)
  await log.close()
})

test('accepts a batch up to the limit of the log', async () => {
  const log = await open(new MemoryDisk())
  const refusal = await log.addSigned(author, runs)
  assert.deepEqual(refusal?.reason, FULL)
  assert.ok(countIn(log) > 20)
  await log.close()
})

test('lets our own logs exceed the limit, typed or fetched', async () => {
  const log = await open(new MemoryDisk(), alice)
  assert.equal(await log.addSigned(author, runs), undefined)
  for (let line = 0; line < 5; line++) await log.append({ username: 'alice', message: 'x'.repeat(5_000) })
  assert.equal(countIn(log), 60)
  assert.equal(countIn(log, log.id), 6, 'the opening of a run and five lines')
  await log.close()
})

test('stores at most 256 logs of one key, and continues to extend those', async () => {
  const log = await open(new MemoryDisk(), bob, BIG_LIMIT)
  const later = Array.from(
    { length: RUNS_MAX + 1 },
    (_, index) => new WrittenLog(alice, [entryOf(1), entryOf(2)], LOBBY_ID, 2 ** 24 + index),
  )
  for (const [index, written] of later.entries()) {
    const refusal = await log.addSigned(logOfKey(alice.publicKey, written.name.run), [written.run(1, 1)])
    const isRefused = index === RUNS_MAX
    assert.deepEqual(refusal?.reason, isRefused ? { kind: 'run-limit', runsMax: RUNS_MAX } : undefined)
  }
  const first = later[1] as WrittenLog
  assert.equal(await log.addSigned(logOfKey(alice.publicKey, first.name.run), [first.run(2, 2)]), undefined)
  await log.close()
})

test('limits an unsigned log too', async () => {
  const disk = new MemoryDisk()
  const dave = 'dave' as LogId
  const lines = Array.from({ length: 40 }, (_, line) =>
    utf8(`{"username":"dave","message":"${line} ${'x'.repeat(400)}"}`),
  )
  let log = await open(disk)
  const refusal = await log.add({ author: dave, first: 1, entries: lines })
  assert.deepEqual(refusal?.reason, FULL)
  const accepted = countIn(log, dave)
  assert.ok(accepted > 20 && accepted < 25)
  await log.close()
  log = await open(disk)
  assert.deepEqual((await log.add({ author: dave, first: accepted + 1, entries: lines.slice(accepted) }))?.reason, FULL)
  assert.equal(countIn(log, dave), accepted)
  await log.close()
})

test('counts restored entries of an unsigned log once', async () => {
  const disk = new MemoryDisk()
  const dave = 'dave' as LogId
  const lines = Array.from({ length: 20 }, (_, line) =>
    utf8(`{"username":"dave","message":"${line} ${'x'.repeat(400)}"}`),
  )
  for (let round = 0; round < 3; round++) {
    const log = await open(disk)
    assert.equal(await log.add({ author: dave, first: 1, entries: lines }), undefined, `round ${round}`)
    assert.equal(countIn(log, dave), 20)
    await log.close()
    for (let seq = 11; seq <= 20; seq++) disk.write([{ type: 'del', key: rowKey(dave, seq) }])
  }
})

const HEAD_KEY = concat([utf8('h'), logKey(alice.publicKey, 0)])

test('rebuilds a head with any flipped bit from the segments', async () => {
  const disk = new MemoryDisk()
  const log = await open(disk)
  await log.addSigned(author, runs.slice(0, 3))
  await log.close()
  const head = disk.get(HEAD_KEY) as Uint8Array
  for (let bit = 0; bit < head.length * 8; bit++) {
    const damaged = disk.copy()
    damaged.write([{ type: 'put', key: HEAD_KEY, value: withBitFlipped(head, bit) }])
    const reopened = await open(damaged)
    assert.equal(await reopened.addSigned(author, runs.slice(3, 4)), undefined)
    await reopened.close()
    assert.equal(auditDisk(damaged).logs.get(author)?.length, 4, `bit ${bit}`)
  }
})

test('rebuilds a head with a wrong chain value although its checksum is correct', async () => {
  const disk = new MemoryDisk()
  const log = await open(disk)
  await log.addSigned(author, runs.slice(0, 3))
  await log.close()
  const text = Buffer.from(disk.get(HEAD_KEY)?.subarray(4) ?? []).toString()
  const value = utf8(text.replace(/"chain":"[0-9a-f]{64}"/, `"chain":"${'0'.repeat(64)}"`))
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(value))
  disk.write([{ type: 'put', key: HEAD_KEY, value: concat([checksum, value]) }])
  const reopened = await open(disk)
  assert.equal(await reopened.addSigned(author, runs.slice(3, 4)), undefined)
  await reopened.close()
  assert.equal(auditDisk(disk).logs.get(author)?.length, 4)
})

test('rebuilds a head in the old format, which has no checksum and size', async () => {
  const disk = new MemoryDisk()
  const log = await open(disk)
  await log.addSigned(author, runs.slice(0, 3))
  await log.close()
  const text = Buffer.from(disk.get(HEAD_KEY)?.subarray(4) ?? []).toString()
  disk.write([{ type: 'put', key: HEAD_KEY, value: utf8(text.replace(/,"size":\d+/, '')) }])
  const reopened = await open(disk)
  assert.equal(await reopened.addSigned(author, runs.slice(3, 4)), undefined)
  await reopened.close()
  assert.equal(auditDisk(disk).logs.get(author)?.length, 4)
})

test('stores a log from a peer up to its limit, reports that once, and continues with other logs', async t => {
  const theirs = await open(new MemoryDisk(), alice, Number.POSITIVE_INFINITY)
  t.after(() => theirs.close())
  for (let line = 0; line < 250; line++) await theirs.append({ username: 'alice', message: 'x'.repeat(4_000) })
  const mine = await open(new MemoryDisk(), bob, BIG_LIMIT)
  t.after(() => mine.close())
  const rejections: SyncEvent[] = []
  const stops: LogEvent[] = []
  mine.on('event', event => stops.push(event))
  const [one, other] = [
    replicate(theirs, { live: true, dialect: 'native' }),
    replicate(mine, { live: true, dialect: 'native', onEvent: event => rejections.push(event) }),
  ]
  pipeline(one, other, one, () => {})
  t.after(() => one.destroy())
  while (stops.length === 0 || countIn(mine) < 224) await new Promise(resolve => setImmediate(resolve))
  const accepted = countIn(mine)
  // Seven segments of 32 entries; an eighth would exceed the limit.
  assert.equal(accepted, 224)
  await theirs.append({ username: 'alice', message: 'more' })
  await theirs.add({ author: 'dave' as LogId, first: 1, entries: [utf8('{"username":"dave","message":"hello"}')] })
  while (countIn(mine, 'dave' as LogId) === 0) await new Promise(resolve => setImmediate(resolve))
  assert.equal(countIn(mine), accepted)
  assert.deepEqual(rejections, [])
  assert.deepEqual(
    stops.map(event => ({ ...event, last: 0 })),
    [{ kind: 'log-stopped', author, seq: 224, last: 0 }],
  )
})

test('accepts unsigned authors only in the lobby', async () => {
  const run = { author: 'dave' as LogId, first: 1, entries: [utf8('{"username":"dave","message":"hello"}')] }
  const room = await logOver(new MemoryStore(), bob, { room: OTHER_ROOM_ID })
  assert.deepEqual((await room.add(run))?.reason, { kind: 'unsigned-log' })
  assert.deepEqual(room.head, [])
  await room.close()
  const lobby = await open(new MemoryDisk())
  assert.equal(await lobby.add(run), undefined)
  await lobby.close()
})
