import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test from 'node:test'
import type { KeyPair } from '../../src/base/crypto/signing.js'
import { keyPairOf } from '../../src/base/crypto/signing.js'
import type { LogEvent } from '../../src/log/events.js'
import { logKey, logOfKey } from '../../src/log/format/author.js'
import type { Entry } from '../../src/log/format/entry.js'
import { segmentKey } from '../../src/log/format/segment-rows.js'
import type { Log } from '../../src/log/log.js'
import { LevelStore } from '../../src/log/store/level-store.js'
import type { Range, Row, Store, Write } from '../../src/log/store/store.js'
import { logOver } from '../helper/logs.js'
import { inDirectory } from '../long/long-run.js'

const keys: KeyPair = keyPairOf(Buffer.alloc(32, 1))

/** A store with hooks between two reads and at each commit. */
class WatchedStore implements Store {
  onRead: (() => Promise<void>) | undefined
  onCommit: ((writes: readonly Write[]) => void) | undefined
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#store.get(key)
  }

  async *pages(range: Range): AsyncGenerator<readonly Row[]> {
    await this.#read()
    yield* this.#store.pages(range)
  }

  async *keys(range: Range): AsyncGenerator<readonly Uint8Array[]> {
    for await (const keys of this.#store.keys(range)) {
      await this.#read()
      yield keys
    }
  }

  /** The next read waits for this. */
  async #read(): Promise<void> {
    const act = this.onRead
    this.onRead = undefined
    await act?.()
  }

  async commit(writes: readonly Write[]): Promise<void> {
    await this.#store.commit(writes)
    this.onCommit?.(writes)
  }

  reopen(): Promise<void> {
    return this.#store.reopen()
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}

/** An entry of our log. Unlike `Log.entry`, it does not read from the segment cache. */
async function readFromDisk(log: Log, seq: number): Promise<Entry | undefined> {
  for await (const [entry] of log.read({ since: [{ author: log.id, seq: seq - 1 }] })) return entry
  return undefined
}

test('misses no entry when a segment is joined while it is read', async () => {
  await inDirectory(async directory => {
    const store = new WatchedStore(await LevelStore.open(directory))
    const log = await logOver(store, keys)
    const events: LogEvent[] = []
    log.on('event', event => events.push(event))
    const say = (line: number) => log.append({ username: 'alice', message: `line ${line}` })
    for (let line = 1; line < 64; line++) await say(line)
    store.onRead = async () => {
      const joined = new Promise<void>(resolve => {
        store.onCommit = writes => {
          if (writes.some(({ type }) => type === 'del')) resolve()
        }
      })
      await say(64)
      await joined
    }
    const entry = await readFromDisk(log, 40)
    assert.match(String(Buffer.from(entry?.entry ?? [])), /"line 40"/)
    assert.deepEqual(events, [])
    assert.equal((await say(65)).seq, 65)
    await log.close()
  })
})

test('continues in a new run when our log has a hole, and assigns no seq twice', async () => {
  await inDirectory(async directory => {
    const store = new WatchedStore(await LevelStore.open(directory))
    const log = await logOver(store, keys)
    const given = new Set<string>()
    const say = async (line: number) => {
      const { author, seq } = await log.append({ username: 'alice', message: `line ${line}` })
      assert.ok(!given.has(`${author}/${seq}`), `place ${seq} is given out twice`)
      given.add(`${author}/${seq}`)
      return author
    }
    for (let line = 1; line <= 10; line++) await say(line)
    await store.commit([{ type: 'del', key: segmentKey(logKey(keys.publicKey, 0), 5) }])
    const isReported = once(log, 'event')
    const reading = readFromDisk(log, 5)
    await isReported
    // Before the end of the log is known.
    const saying = Promise.all([say(11), say(12)])
    const isLost = once(log, 'lost')
    assert.equal(await reading, undefined)
    await isLost
    const runs = await saying
    assert.equal(new Set(runs).size, 1)
    assert.notEqual(runs[0], logOfKey(keys.publicKey))
    const lines: string[] = []
    for await (const batch of log.read())
      for (const { entry } of batch) lines.push(JSON.parse(Buffer.from(entry).toString()).message)
    assert.deepEqual(lines, ['line 1', 'line 2', 'line 3', 'line 4', '', 'line 11', 'line 12'])
    await log.close()
  })
})

test('makes readers wait while the database cannot be reopened, and ends them on close', async () => {
  await inDirectory(async directory => {
    const store = await LevelStore.open(directory)
    const key = Buffer.from('k')
    await store.commit([{ type: 'put', key, value: Buffer.from('v') }])
    const current = path.join(directory, 'CURRENT')
    const manifest = await readFile(current)
    const rows = async () => {
      const values: string[] = []
      for await (const page of store.pages({ gte: key, lt: Buffer.from('l') })) values.push(...page.map(String))
      return values
    }
    await writeFile(current, 'nothing')
    await assert.rejects(store.reopen(), { code: 'LOG_CORRUPT' })
    const reading = Promise.all([store.get(key).then(String), rows()])
    await assert.rejects(store.reopen(), { code: 'LOG_CORRUPT' })
    await writeFile(current, manifest)
    await store.reopen()
    assert.deepEqual(await reading, ['v', ['k,v']])

    await writeFile(current, 'nothing')
    await assert.rejects(store.reopen(), { code: 'LOG_CORRUPT' })
    const ended = assert.rejects(Promise.all([store.get(key), rows()]))
    await store.close()
    await ended
  })
})

test('reports a row without a segment once, and skips it afterwards', async () => {
  await inDirectory(async directory => {
    const store = new WatchedStore(await LevelStore.open(directory))
    const log = await logOver(store, keys)
    await Promise.all(
      Array.from({ length: 10 }, (_, line) => log.append({ username: 'alice', message: `${line + 1}` })),
    )
    await store.commit([{ type: 'put', key: segmentKey(logKey(keys.publicKey, 0), 5), value: Buffer.from('damaged') }])
    const isSeen = once(log, 'lost')
    await readFromDisk(log, 7)
    await isSeen
    const seqs: number[] = []
    for await (const batch of log.read()) seqs.push(...batch.map(({ seq }) => seq))
    assert.deepEqual(
      seqs,
      Array.from({ length: 10 }, (_, index) => index + 1),
    )
    assert.equal((await log.append({ username: 'alice', message: 'on' })).seq, 11)
    assert.deepEqual(await log.verify(log.id), { last: 11, fault: undefined })
    await log.close()
  })
})
