import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import test from 'node:test'
import fc from 'fast-check'
import type { LogEvent } from '../../src/log/events.js'
import { logOfKey } from '../../src/log/format/author.js'
import type { Entry, Members } from '../../src/log/format/entry.js'
import { SEGMENT_ENTRIES_BYTES_MAX } from '../../src/log/format/segment.js'
import { MERGE_SEGMENTS } from '../../src/log/frontier.js'
import { ENTRY_BYTES_MAX, SEGMENT_BYTES_MAX } from '../../src/log/limits.js'
import type { Log } from '../../src/log/log.js'
import { LevelStore } from '../../src/log/store/level-store.js'
import type { Row } from '../../src/log/store/store.js'
import { logOver } from '../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { audit, readSegment } from '../helper/signed-oracle.js'
import {
  alice,
  allRows,
  auditDisk,
  bob,
  entryOf,
  LOBBY_ID,
  WrittenLog,
  withBitFlipped,
} from '../helper/signed-world.js'

test('rejects an append that peers would reject and accepts the next one', async () => {
  const disk = new MemoryDisk()
  const log = await logOver(new MemoryStore(disk), alice)
  const said = { username: 'alice', message: 'hello' }
  const refused: unknown[] = [
    { ...said, toJSON: () => 'something else' },
    Object.assign(Object.create({ toJSON: () => ({}) }), said),
    Object.create(said),
    { type: 'open', ...said },
    {},
    { username: 'alice' },
    { username: 'alice', 1: '' },
    { username: 7, message: 'hello' },
    { ...said, message: 'x'.repeat(16 * 1024) },
  ]
  for (const members of refused) {
    await assert.rejects(log.append(members as Members), { code: 'BAD_MESSAGE' }, JSON.stringify(members).slice(0, 80))
  }
  const taken: unknown[] = [{ ...said, at: 'never' }, { ...said, 1: 'first' }, { ...said, sig: 'A'.repeat(86) }, said]
  for (const members of taken) await log.append(members as Members)
  await log.close()
  assert.equal(auditDisk(disk).logs.get(log.id)?.length, taken.length)
})

const say = (log: Log, message: string): Promise<Entry> => log.append({ username: 'alice', message })

/** A message whose entry has `bytes` bytes. */
const filling = (bytes: number): string =>
  'x'.repeat(bytes - '{"at":"1763670000123.0007","username":"alice","message":""}'.length)

async function textsOf(log: Log): Promise<string[]> {
  const texts: string[] = []
  for await (const entries of log.read()) texts.push(...entries.map(({ entry }) => Buffer.from(entry).toString()))
  return texts
}

test('signs entries that are appended together with as few signatures as possible, in order', async () => {
  for (const count of [1, 2, 3, 100, 1_999, 2_000]) {
    const disk = new MemoryDisk()
    const log = await logOver(new MemoryStore(disk), alice)
    const appended = await Promise.all(Array.from({ length: count }, (_, line) => say(log, `line ${line}`)))
    assert.deepEqual(
      appended.map(({ seq }) => seq),
      Array.from({ length: count }, (_, line) => line + 1),
    )
    const audit = auditDisk(disk)
    const stored = (audit.logs.get(log.id) ?? []).map(entry => Buffer.from(entry).toString())
    assert.deepEqual(
      stored.map(text => JSON.parse(text).message),
      Array.from({ length: count }, (_, line) => `line ${line}`),
    )
    assert.deepEqual(await textsOf(log), stored)
    assert.equal(
      audit.segments,
      Math.ceil(stored.reduce((sum, text) => sum + text.length + 10, 0) / SEGMENT_ENTRIES_BYTES_MAX),
      String(count),
    )
    assert.deepEqual(await log.verify(log.id), { last: count, fault: undefined })
    await log.close()
  }
})

test('stores entries of every size up to 16 KiB, alone and together, and rejects one byte more', async () => {
  const disk = new MemoryDisk()
  const log = await logOver(new MemoryStore(disk), alice)
  await assert.rejects(say(log, filling(ENTRY_BYTES_MAX + 1)), { code: 'BAD_MESSAGE' })
  await say(log, filling(ENTRY_BYTES_MAX))
  const sizes = [ENTRY_BYTES_MAX, 60, ENTRY_BYTES_MAX - 1, 127, 128, ENTRY_BYTES_MAX, ENTRY_BYTES_MAX, 200]
  await Promise.all(sizes.map(bytes => say(log, filling(bytes))))
  const { logs } = auditDisk(disk)
  assert.deepEqual(
    logs.get(log.id)?.map(({ length }) => length),
    [ENTRY_BYTES_MAX, ...sizes],
  )
  await log.close()
})

test('splits entries of any length into full, signed segments within the limit', async () => {
  const size = fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 60, max: 200 }) },
    { weight: 2, arbitrary: fc.constantFrom(127, 128, ENTRY_BYTES_MAX - 1, ENTRY_BYTES_MAX) },
    { weight: 1, arbitrary: fc.integer({ min: 200, max: ENTRY_BYTES_MAX }) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(size, { minLength: 1, maxLength: 60 }), async sizes => {
      const disk = new MemoryDisk()
      const log = await logOver(new MemoryStore(disk), alice)
      await Promise.all(sizes.map(bytes => say(log, filling(bytes))))
      await log.close()
      assert.deepEqual(
        auditDisk(disk)
          .logs.get(log.id)
          ?.map(({ length }) => length),
        sizes,
      )
      let left = 0
      for (const [key, value] of allRows(disk)) {
        if (key[0] !== 0x73) continue
        const [entry] = readSegment(value.subarray(4)).entries
        assert.ok((entry?.length ?? 0) + 3 > left, 'it would have fitted the segment before')
        left = SEGMENT_BYTES_MAX - (value.length - 4)
      }
    }),
    { numRuns: 40 },
  )
})

test('reopens a log in LevelDB unchanged and continues it', async t => {
  const directory = await mkdtemp(path.join(tmpdir(), 'signed-'))
  t.after(() => rm(directory, { recursive: true }))
  const texts: string[] = []
  for (const count of [1, 200, 1_000, 1]) {
    const store = await LevelStore.open(directory)
    const log = await logOver(store, alice)
    assert.deepEqual(await textsOf(log), texts)
    const appended = await Promise.all(Array.from({ length: count }, (_, line) => say(log, `line ${line}`)))
    texts.push(...appended.map(({ entry }) => Buffer.from(entry).toString()))
    assert.deepEqual(await textsOf(log), texts)
    assert.deepEqual(await log.verify(log.id), { last: texts.length, fault: undefined })
    const rows: Row[] = []
    for await (const page of store.pages({ gte: Buffer.of(0), lt: Buffer.of(0xff) })) rows.push(...page)
    const { logs } = audit(LOBBY_ID, rows)
    assert.deepEqual(
      logs.get(log.id)?.map(entry => Buffer.from(entry).toString()),
      texts,
    )
    await log.close()
  }
})

test('joins small segments in the background without changing any entry', async () => {
  const disk = new MemoryDisk()
  const log = await logOver(new MemoryStore(disk), alice)
  const sizes = [60, 70, 80, 5_000, 61, ENTRY_BYTES_MAX, 62]
  for (let line = 0; line < 2 * MERGE_SEGMENTS; line++) {
    await say(log, filling(sizes[line % sizes.length] ?? 60))
    if (line % 21 === 20) auditDisk(disk)
  }
  const texts = await textsOf(log)
  await turns(200)
  const { segments, logs } = auditDisk(disk)
  assert.ok(segments < MERGE_SEGMENTS, String(segments))
  assert.deepEqual(
    logs.get(log.id)?.map(entry => Buffer.from(entry).toString()),
    texts,
  )
  assert.deepEqual(await textsOf(log), texts)
  await log.close()
})

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise(resolve => setImmediate(resolve))
}

test('delivers each entry once to readers and peers while segments are joined', async () => {
  for (let delay = 0; delay < 2 * MERGE_SEGMENTS; delay += 3) {
    const disk = new MemoryDisk()
    const log = await logOver(new MemoryStore(disk, 1), alice)
    const events: LogEvent[] = []
    log.on('event', event => events.push(event))
    for (let line = 1; line <= MERGE_SEGMENTS; line++) await log.append({ username: 'alice', message: `line ${line}` })
    await turns(delay)
    const expected = Array.from({ length: MERGE_SEGMENTS }, (_, index) => index + 1)
    const [all, middle, relayed] = await Promise.all([seqsOf(log, 0), seqsOf(log, 40), relayedSeqs(log, 40)])
    assert.deepEqual(all, expected)
    assert.deepEqual(middle, expected.slice(40))
    assert.deepEqual(
      [...new Set(relayed)].filter(seq => seq > 40),
      expected.slice(40),
    )
    assert.deepEqual(events, [])
    assert.deepEqual(log.head, [{ author: log.id, seq: MERGE_SEGMENTS }])
    await turns(2 * MERGE_SEGMENTS)
    assert.equal(auditDisk(disk).segments, 1, 'they were joined meanwhile')
    await log.close()
  }
})

async function seqsOf(log: Log, since: number, author = log.id): Promise<number[]> {
  const seqs: number[] = []
  for await (const entries of log.read({ since: [{ author, seq: since }] })) {
    seqs.push(...entries.map(({ seq }) => seq))
  }
  return seqs
}

async function relayedSeqs(log: Log, since: number): Promise<number[]> {
  const seqs: number[] = []
  for await (const relayed of log.relay([{ author: log.id, seq: since }])) {
    if (relayed.kind !== 'segments') continue
    for (const bytes of relayed.segments) {
      const { first, entries } = readSegment(bytes)
      seqs.push(...entries.map((_, index) => first + index))
    }
  }
  return seqs
}

test('reads refetched entries from any seq after damage in other segments', async () => {
  const written = new WrittenLog(
    alice,
    Array.from({ length: 60 }, (_, index) => entryOf(index, 90)),
  )
  const author = logOfKey(alice.publicKey)
  for (const [before, again] of [
    [
      [10, 20, 30],
      [35, 60],
    ],
    [
      [10, 20, 30, 40, 50, 60],
      [25, 45, 60],
    ],
    [
      [1, 2, 3, 30, 60],
      [40, 60],
    ],
  ] as const) {
    const disk = new MemoryDisk()
    const log = await logOver(new MemoryStore(disk), bob)
    let first = 1
    for (const last of before) {
      await log.addSigned(author, [written.run(first, last)])
      first = last + 1
    }
    const damaged = allRows(disk).find(([key]) => key[0] === 0x73 && key.at(-1) === before[0] + 1)
    assert.ok(damaged)
    disk.write([{ type: 'put', key: damaged[0], value: withBitFlipped(damaged[1], 4_000) }])
    await seqsOf(log, 0, author)
    await turns(20)
    assert.deepEqual(log.head, [{ author, seq: before[0] }])
    first = before[0] + 1
    for (const last of again) {
      assert.equal(await log.addSigned(author, [written.run(first, last)]), undefined)
      first = last + 1
    }
    const events: LogEvent[] = []
    log.on('event', event => events.push(event))
    for (let since = 0; since < 60; since++) {
      const rest = Array.from({ length: 60 - since }, (_, index) => since + index + 1)
      assert.deepEqual(await seqsOf(log, since, author), rest, `read from ${since + 1} on: ${JSON.stringify(events)}`)
      assert.equal((await log.entry(author, since + 1))?.seq, since + 1)
    }
    assert.deepEqual(events, [])
    assert.deepEqual(await log.verify(author), { last: 60, fault: undefined })
    await log.close()
    const reopened = await logOver(new MemoryStore(disk), bob)
    assert.deepEqual(reopened.head, [{ author, seq: 60 }])
    await reopened.close()
  }
})
