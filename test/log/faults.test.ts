// Fails the disk at each write in turn: no acknowledged entry is lost, and nothing hangs.

import assert from 'node:assert/strict'
import test from 'node:test'
import { keyPairOf } from '../../src/base/crypto/signing.js'
import { ChatError } from '../../src/base/errors.js'
import { utf8 } from '../../src/base/wire/bytes.js'
import type { LogEvent } from '../../src/log/events.js'
import type { LogId, Seq } from '../../src/log/format/author.js'
import { decodeEntry, type Entry } from '../../src/log/format/entry.js'
import type { Segment } from '../../src/log/format/segment.js'
import type { Log } from '../../src/log/log.js'
import { type Fault, type Faults, FaultyStore } from '../helper/faulty-store.js'
import { logOver } from '../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { entryOf, WrittenLog } from '../helper/signed-world.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const WRITES = 50
const WRITERS = 3
const LINES = 25
const keys = keyPairOf(Buffer.alloc(32, 1))
const bob = 'bob' as LogId
const bobsLine = (seq: Seq): Uint8Array => utf8(JSON.stringify({ username: 'bob', message: `bob ${seq}` }))

const messageOf = ({ entry }: Entry): string => decodeEntry(entry)?.message ?? ''

async function readAll(log: Log): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const batch of log.read()) entries.push(...batch)
  return entries
}

interface Found {
  /** The entries on disk after a restart. */
  readonly restarted: readonly Entry[]
  readonly acknowledged: readonly Entry[]
  readonly rejected: readonly string[]
  /** Our entries that were reported as stored although their append was rejected. */
  readonly recovered: readonly Entry[]
  /** The entries that a live reader received since the start. */
  readonly seen: readonly Entry[]
  readonly store: FaultyStore
}

/** Concurrent appends, entries of a peer and a live reader, while the disk fails. */
async function run(faults: (index: number) => Fault | undefined, options: Omit<Faults, 'of'> = {}): Promise<Found> {
  const disk = new MemoryDisk()
  let opened = Number.POSITIVE_INFINITY
  const store = new FaultyStore(disk, { of: index => faults(index - opened), ...options })
  const clock = new VirtualClock()
  const log = await logOver(store, keys, { clock })
  opened = store.commits
  const acknowledged: Entry[] = []
  const rejected: string[] = []
  const recovered: Entry[] = []
  const seen: Entry[] = []
  log.on('recovered', entry => recovered.push(entry))
  const stop = new AbortController()
  const watching = (async () => {
    for await (const batch of log.read({ live: true, signal: stop.signal })) seen.push(...batch)
  })()

  const writer = async (name: string): Promise<void> => {
    for (let i = 0; i < LINES; i++) {
      const message = `${name} ${i}`
      try {
        acknowledged.push(await log.append({ username: 'alice', message }))
      } catch (error) {
        assert.ok(error instanceof ChatError && /^LOG_(WRITE_FAILED|READ_ONLY)$/.test(error.code), String(error))
        rejected.push(message)
        await log.writable()
      }
    }
  }
  const peer = async (): Promise<void> => {
    for (let seq = 1; seq <= 2 * LINES; seq++) {
      // The peer resends entries, as connections do.
      const first = Math.max(1, seq - 2)
      const entries = Array.from({ length: seq - first + 1 }, (_, i) => bobsLine(first + i))
      assert.equal(await log.add({ author: bob, first, entries }), undefined)
    }
  }
  const names = Array.from({ length: WRITERS }, (_, i) => `writer ${i}`)
  await clock.during(Promise.all([...names.map(writer), peer()]))
  await clock.during(log.append({ username: 'alice', message: 'the last' }).then(entry => acknowledged.push(entry)))
  const total = log.head.reduce((sum, { seq }) => sum + seq, 0)
  while (seen.length < total) await new Promise(resolve => setImmediate(resolve))
  stop.abort()
  await watching
  await log.close()

  const again = await logOver(new MemoryStore(disk), keys, { clock })
  const restarted = await readAll(again)
  await again.close()
  return { restarted, acknowledged, rejected, recovered, seen, store }
}

const idOf = ({ author, seq }: Entry): string => `${author} ${seq}`

/** The guarantee that a run violated; undefined if it violated none. */
function faultOf({ restarted, acknowledged, rejected, recovered, seen, store }: Found): string | undefined {
  const byId = new Map(restarted.map(entry => [idOf(entry), entry]))
  for (const entry of acknowledged) {
    const found = byId.get(idOf(entry))
    if (found === undefined || messageOf(found) !== messageOf(entry)) return `lost: ${messageOf(entry)}`
  }
  const ids = acknowledged.map(idOf)
  if (new Set(ids).size !== ids.length) return 'a seq was used twice'
  const own = restarted.filter(({ author }) => author !== bob).map(messageOf)
  const expected = [...acknowledged, ...recovered].map(messageOf)
  if (own.toSorted().join() !== expected.toSorted().join()) return 'the stored entries are not those that were reported'
  if (recovered.some(entry => !rejected.includes(messageOf(entry)))) return 'recovered, but never rejected'
  const bobs = restarted.filter(({ author }) => author === bob).map(messageOf)
  if (bobs.join() !== Array.from({ length: 2 * LINES }, (_, i) => `bob ${i + 1}`).join()) return 'lost a line of bob'
  const shown = seen.map(idOf).toSorted().join()
  if (shown !== restarted.map(idOf).toSorted().join()) return 'a reader did not see each entry once'
  if (store.commitsAfterFailure > 0) return 'written with a handle that had failed'
  return undefined
}

for (const fault of ['not stored', 'stored'] as const) {
  test(`loses nothing acknowledged and never hangs when any of ${WRITES} writes fails and is ${fault}`, async () => {
    let recovered = 0
    for (let write = 0; write < WRITES; write++) {
      const found = await run(index => (index === write ? fault : undefined))
      assert.equal(faultOf(found), undefined, `write ${write}`)
      assert.equal(found.store.failures, 1, `write ${write} was made`)
      recovered += found.recovered.length
    }
    assert.equal(recovered > 0, fault === 'stored', `${recovered} entries were recovered`)
  })
}

test('detects lost acknowledged entries in a store that continues without a reopen (control)', async () => {
  for (const fault of ['not stored', 'stored'] as const) {
    let caught = 0
    for (let write = 0; write < WRITES; write += 10) {
      const found = await run(index => (index === write ? fault : undefined), { isReopening: false })
      if (faultOf(found)?.startsWith('lost') === true) caught++
    }
    assert.equal(caught, WRITES / 10)
  }
})

test('loses nothing on a disk that fails repeatedly and recovers slowly', async () => {
  const found = await run(index => (index % 3 === 1 ? (index % 2 === 0 ? 'stored' : 'not stored') : undefined), {
    failingReopens: 4,
  })
  assert.equal(faultOf(found), undefined)
  assert.ok(found.store.failures > 10)
})

test('reports a failing disk once, with the reason, and reports its recovery', async () => {
  const store = new FaultyStore(new MemoryDisk(), { of: index => (index === fails ? 'not stored' : undefined) })
  let fails = -1
  const clock = new VirtualClock()
  const log = await logOver(store, keys, { clock })
  fails = store.commits
  const events: LogEvent[] = []
  log.on('event', event => events.push(event))
  const say = () => log.append({ username: 'alice', message: 'hello' })
  await assert.rejects(say(), { code: 'LOG_WRITE_FAILED' })
  assert.equal(log.isReadOnly, true)
  await assert.rejects(say(), { code: 'LOG_READ_ONLY' })
  const entries: Entry[] = []
  for await (const batch of log.read()) entries.push(...batch)
  assert.deepEqual(entries, [], 'it still reads')
  await clock.during(log.writable())
  assert.equal((await say()).seq, 1)
  assert.deepEqual(events, [
    { kind: 'disk-failed', failure: { reason: 'full', detail: 'no space left on device' } },
    { kind: 'disk-recovered' },
  ])
  await log.close()
})

test('leaves the database closed when the disk fails during close', async () => {
  const store = new FaultyStore(new MemoryDisk(), { of: index => (index === fails ? 'not stored' : undefined) })
  let fails = -1
  const clock = new VirtualClock()
  const log = await logOver(store, keys, { clock })
  fails = store.commits
  const failing = assert.rejects(log.append({ username: 'alice', message: 'hello' }), { code: 'LOG_WRITE_FAILED' })
  await Promise.resolve()
  await log.close()
  await failing
  clock.advance(60_000)
  assert.deepEqual([store.reopens, store.isClosed], [0, true])
})

test('releases all waiters for a failed disk when the log is closed', async () => {
  const store = new FaultyStore(new MemoryDisk(), {
    of: index => (index >= fails ? 'not stored' : undefined),
    failingReopens: Number.POSITIVE_INFINITY,
  })
  let fails = Number.POSITIVE_INFINITY
  const log = await logOver(store, keys, { clock: new VirtualClock() })
  fails = store.commits
  const adding = log.add({ author: bob, first: 1, entries: [bobsLine(1)] })
  while (!log.isReadOnly) await new Promise(resolve => setImmediate(resolve))
  const waiting = log.writable()
  await log.close()
  assert.equal(await adding, undefined)
  await waiting
  await assert.rejects(log.append({ username: 'alice', message: 'late' }), { code: 'LOG_CLOSED' })
})

test('closes a database that cannot be read on opening and says why', async () => {
  class Unreadable extends MemoryStore {
    override async get(): Promise<Uint8Array | undefined> {
      throw new Error('input/output error')
    }
    // biome-ignore lint/correctness/useYield: it never yields
    override async *pages(): AsyncGenerator<never> {
      throw new Error('input/output error')
    }
  }
  const store = new Unreadable()
  await assert.rejects(logOver(store, keys), error => {
    return error instanceof ChatError && error.code === 'DATA_UNUSABLE' && /input\/output error/.test(error.message)
  })
  assert.equal(store.isClosed, true)
})

test('stores a fork proof that arrived while the disk was full as soon as there is space', async () => {
  let fails = -1
  const store = new FaultyStore(new MemoryDisk(), { of: index => (index === fails ? 'not stored' : undefined) })
  const clock = new VirtualClock()
  const log = await logOver(store, keys, { clock })
  fails = store.commits
  const forkPoints: number[] = []
  log.on('fork', ({ forkedAt }) => forkPoints.push(forkedAt))
  const mallory = keyPairOf(Buffer.alloc(32, 2))
  const segments = [100, 101].map(bytes => {
    const written = new WrittenLog(mallory, [entryOf(1), entryOf(2, bytes)])
    return { key: mallory.publicKey, run: 0, before: written.chains[0] as Uint8Array, ...written.run(1, 2, false) }
  })
  await assert.rejects(log.append({ username: 'alice', message: 'hello' }), { code: 'LOG_WRITE_FAILED' })
  await clock.during(log.addProof(segments as [Segment, Segment]))
  assert.deepEqual(forkPoints, [2])
  await log.close()
})
