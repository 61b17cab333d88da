import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { keyPairOf } from '../../src/base/crypto/signing.js'
import { utf8 } from '../../src/base/wire/bytes.js'
import type { LogId, Seq } from '../../src/log/format/author.js'
import type { Entry } from '../../src/log/format/entry.js'
import type { Digest } from '../../src/log/format/heads.js'
import { hlcAt } from '../../src/log/format/hybrid-clock.js'
import type { Log } from '../../src/log/log.js'
import type { ReadOptions } from '../../src/log/options.js'
import { lastEntries } from '../../src/log/read/last-entries.js'
import { type LogRange, merge, type ReadLog } from '../../src/log/read/merge.js'
import { logOver } from '../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { VirtualClock } from '../helper/virtual-clock.js'

/** Batch sizes of a merge. */
const BATCH = 512

const compare = (a: Entry, b: Entry): number => {
  if (a.at !== b.at) return a.at < b.at ? -1 : 1
  if (a.author !== b.author) return a.author < b.author ? -1 : 1
  return a.seq - b.seq
}

const placeOf = ({ author, seq }: Entry): string => `${author} ${seq}`

async function all(batches: AsyncIterable<readonly Entry[]>): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const batch of batches) {
    assert.ok(batch.length <= BATCH)
    entries.push(...batch)
  }
  return entries
}

/** Logs whose clocks advance by the given steps: small ones, so that many entries share a clock reading. */
const steps = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 40 })
const logs = fc.array(fc.tuple(fc.nat(20), steps), { maxLength: 6 }).map(logs =>
  logs.map(([start, steps], index) => {
    let time = start
    return steps.map((step, i): Entry => {
      time += step
      return { author: `author${index}` as LogId, seq: i + 1, at: hlcAt(0, time), entry: utf8('') }
    })
  }),
)

/** Numbers of entries and logs, including the boundaries. */
const count = (total: number) =>
  fc.oneof(fc.constantFrom(0, 1, Math.max(0, total - 1), total, total + 1), fc.nat(total + 2))

/** Logs in memory, read in pages of some size. */
function readerOf(logs: readonly (readonly Entry[])[], pageSize: number) {
  const opened: LogId[] = []
  let entriesRead = 0
  const byAuthor = new Map(logs.flatMap(log => (log[0] === undefined ? [] : [[log[0].author, log] as const])))
  const read = (isBackwards: boolean): ReadLog =>
    async function* ({ author, from, to }) {
      opened.push(author)
      const log = (byAuthor.get(author) ?? []).slice(from - 1, to - 1)
      const ordered = isBackwards ? log.toReversed() : log
      for (let i = 0; i < ordered.length; i += pageSize) {
        const page = ordered.slice(i, i + pageSize)
        entriesRead += page.length
        yield page
      }
    }
  return { read, opened, entriesRead: () => entriesRead }
}

function stretchesOf(logs: readonly (readonly Entry[])[]): LogRange[] {
  return logs.flatMap(log => {
    const [first] = log
    const last = log.at(-1)
    if (first === undefined || last === undefined) return []
    return [{ author: first.author, from: 1, to: log.length + 1, first: first.at, last: last.at }]
  })
}

test('returns the entries of any logs in sorted order, forwards and backwards', async () => {
  await fc.assert(
    fc.asyncProperty(logs, fc.integer({ min: 1, max: 10 }), async (logs, pageSize) => {
      const sorted = logs.flat().sort(compare).map(placeOf)
      const reader = readerOf(logs, pageSize)
      const forwards = await all(merge(stretchesOf(logs), reader.read(false)))
      assert.deepEqual(forwards.map(placeOf), sorted)
      const backwards = await all(merge(stretchesOf(logs), reader.read(true), true))
      assert.deepEqual(backwards.map(placeOf), sorted.toReversed())
    }),
    { numRuns: 300 },
  )
})

test('finds the last entries of any logs', async () => {
  const cases = logs.chain(logs => fc.tuple(fc.constant(logs), count(logs.flat().length)))
  await fc.assert(
    fc.asyncProperty(cases, fc.integer({ min: 1, max: 10 }), async ([logs, count], pageSize) => {
      const reader = readerOf(logs, pageSize)
      const { from } = await lastEntries(stretchesOf(logs), reader.read(true), count)
      const expected = new Map<LogId, Seq>()
      const sorted = logs.flat().sort(compare)
      for (const { author, seq } of count === 0 ? [] : sorted.slice(-count).reverse()) expected.set(author, seq)
      assert.deepEqual([...from].sort(), [...expected].sort())
    }),
    { numRuns: 300 },
  )
})

test('opens a log only when its first entry is next', async () => {
  const logs = [0, 1, 2].map(index =>
    Array.from(
      { length: BATCH },
      (_, i): Entry => ({
        author: `author${index}` as LogId,
        seq: i + 1,
        at: hlcAt(index * 1_000, i),
        entry: utf8(''),
      }),
    ),
  )
  const reader = readerOf(logs, 100)
  const batches = merge(stretchesOf(logs), reader.read(false))
  await batches.next()
  assert.deepEqual(reader.opened, ['author0'])
  await batches.return(undefined)
})

async function open(store: MemoryStore): Promise<{ log: Log; clock: VirtualClock }> {
  const clock = new VirtualClock()
  return { log: await logOver(store, keyPairOf(Buffer.alloc(32, 1)), { clock }), clock }
}

/** Entries and their authors. Author 0 is the owner of the log, whose clock is used; other authors may choose their `at`. */
const written = fc.array(
  fc.record({ who: fc.nat(3), offsetMs: fc.option(fc.integer({ min: -5, max: 5 })), passMs: fc.nat(2) }),
  { maxLength: 60 },
)

async function write(log: Log, clock: VirtualClock, lines: typeof written extends fc.Arbitrary<infer T> ? T : never) {
  const seqs = new Map<LogId, Seq>()
  for (const [index, { who, offsetMs, passMs }] of lines.entries()) {
    clock.advance(passMs)
    const members = { username: `user${who}`, message: `line ${index}` }
    if (who === 0) {
      await log.append(members)
      continue
    }
    const author = `author${who}` as LogId
    const first = (seqs.get(author) ?? 0) + 1
    seqs.set(author, first)
    const at = offsetMs === null ? {} : { at: hlcAt(clock.now() + offsetMs) }
    assert.equal(await log.add({ author, first, entries: [utf8(JSON.stringify({ ...at, ...members }))] }), undefined)
  }
}

/** All entries of a log, sorted independently. */
async function sortedEntries(log: Log): Promise<Entry[]> {
  const entries: Entry[] = []
  for (const { author, seq } of log.head) {
    for (let place = 1; place <= seq; place++) {
      const entry = await log.entry(author, place)
      assert.ok(entry)
      entries.push(entry)
    }
  }
  return entries.sort(compare)
}

const plain = (entries: readonly Entry[]) =>
  entries.map(({ author, seq, at, entry }) => ({ author, seq, at, entry: String(Buffer.from(entry)) }))

test('reads the history after any heads, and its last entries, in sorted order', async () => {
  const cut = fc.tuple(fc.nat(4), fc.oneof(fc.constantFrom(0, 1), fc.nat(60)))
  const asked = fc.tuple(fc.array(cut, { maxLength: 4 }), fc.option(fc.oneof(fc.constantFrom(0, 1), fc.nat(70))))
  await fc.assert(
    fc.asyncProperty(written, fc.array(asked, { maxLength: 4 }), async (lines, questions) => {
      const disk = new MemoryDisk()
      const { log, clock } = await open(new MemoryStore(disk, 3))
      await write(log, clock, lines)
      const sorted = await sortedEntries(log)
      assert.equal(sorted.length, lines.length)
      const total = sorted.length
      const check = async (log: Log, options: ReadOptions): Promise<void> => {
        const known = new Map(options.since?.map(({ author, seq }) => [author, seq]))
        const behind = sorted.filter(({ author, seq }) => seq > (known.get(author) ?? 0))
        const expected = options.last === undefined ? behind : options.last === 0 ? [] : behind.slice(-options.last)
        assert.deepEqual(plain(await all(log.read(options))), plain(expected))
      }
      await check(log, {})
      for (const last of [0, 1, total - 1, total, total + 1]) if (last >= 0) await check(log, { last })
      for (const [cuts, last] of questions) {
        const since = cuts.map(([who, seq]): Digest => {
          const author = who === 0 ? log.id : (`author${who}` as LogId)
          return { author, seq }
        })
        await check(log, { since, ...(last !== null && { last }) })
      }
      await log.close()

      const again = await open(new MemoryStore(disk, 7))
      await check(again.log, {})
      await again.log.close()
    }),
    { numRuns: 60 },
  )
})

test('reads histories around the size of a batch completely', async () => {
  for (const count of [BATCH - 1, BATCH, BATCH + 1, 2 * BATCH]) {
    const { log } = await open(new MemoryStore())
    const entries = Array.from({ length: count }, (_, i) => utf8(JSON.stringify({ username: 'b', message: `${i}` })))
    for (const [who, share] of [entries.slice(0, 200), entries.slice(200)].entries()) {
      await log.add({ author: `author${who}` as LogId, first: 1, entries: share })
    }
    for (const last of [undefined, BATCH - 1, BATCH, BATCH + 1]) {
      const read = await all(log.read(last === undefined ? {} : { last }))
      assert.equal(read.length, Math.min(count, last ?? count))
      assert.deepEqual(read, read.toSorted(compare))
    }
    await log.close()
  }
})

test('finds the last n entries by reading about n', async () => {
  const authors = 10
  const perAuthor = 1_000
  const pageRows = 10
  const store = new MemoryStore(new MemoryDisk(), pageRows)
  const { log, clock } = await open(store)
  // Half of the logs extend to the end of the conversation, half stop long before it.
  for (let who = 0; who < authors; who++) {
    const entries = Array.from({ length: perAuthor }, (_, i) => {
      const at = hlcAt(clock.now() - (who < 5 ? 0 : 10_000_000) + i * 10 + who)
      return utf8(JSON.stringify({ at, username: 'x', message: `${i}` }))
    })
    await log.add({ author: `author${who}` as LogId, first: 1, entries })
  }
  for (const last of [0, 1, 20, 300]) {
    const before = store.rowsRead
    assert.equal((await all(log.read({ last }))).length, last)
    const rowsRead = store.rowsRead - before
    // Each unsigned entry has its checksum in another row.
    const most = 2 * (2 * last + 3 * 5 * pageRows)
    assert.ok(rowsRead <= most, `${rowsRead} rows were read for the last ${last}`)
  }
  await log.close()
})
