import assert from 'node:assert/strict'
import { chmod, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test from 'node:test'
import { keyPairOf } from '../../../src/base/crypto/signing.js'
import { ChatError } from '../../../src/base/errors.js'
import { SeededRandom } from '../../../src/base/seeded-random.js'
import { utf8 } from '../../../src/base/wire/bytes.js'
import { rowKey } from '../../../src/compat/scuttleup/row-keys.js'
import type { LogId } from '../../../src/log/format/author.js'
import type { Entry } from '../../../src/log/format/entry.js'
import type { Log } from '../../../src/log/log.js'
import { LevelStore } from '../../../src/log/store/level-store.js'
import type { Range, Store, Write } from '../../../src/log/store/store.js'
import { VirtualDisk } from '../../../src/sim/virtual/disk.js'
import { Lifecycle } from '../../../src/sim/virtual/lifecycle.js'
import type { Cleanup } from '../../helper/child.js'
import { FaultyStore } from '../../helper/faulty-store.js'
import { logIn } from '../../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../../helper/memory-store.js'
import { passingTime } from '../../helper/passing-time.js'
import { temporaryDirectory } from '../../helper/temporary-directory.js'

const put = (key: string, value = key): Write => ({ type: 'put', key: utf8(key), value: utf8(value) })
const range = (gte: string, lt: string, more: Partial<Range> = {}): Range => ({ gte: utf8(gte), lt: utf8(lt), ...more })
const key = (n: number): string => `k${String(n).padStart(5, '0')}`

async function keysOf(store: Store, asked: Range): Promise<string[]> {
  const keys: string[] = []
  for await (const page of store.keys(asked)) keys.push(...page.map(key => String(Buffer.from(key))))
  return keys
}

async function rowsOf(store: Store, asked: Range): Promise<[string, string][]> {
  const rows: [string, string][] = []
  for await (const page of store.pages(asked)) {
    for (const [key, value] of page) rows.push([String(Buffer.from(key)), String(Buffer.from(value))])
  }
  return rows
}

const codeIs = (code: string) => (error: unknown) => error instanceof ChatError && error.code === code && !!error.hint

/** The contract of every store: of LevelDB, the simulator and tests. */
const stores: Record<string, (cleanup: Cleanup) => Promise<Store>> = {
  LevelStore: async cleanup => LevelStore.open(path.join(await temporaryDirectory(cleanup), 'log')),
  VirtualStore: async cleanup =>
    new VirtualDisk(passingTime(cleanup), new SeededRandom(1, 'contract')).open(new Lifecycle()),
  MemoryStore: async () => new MemoryStore(new MemoryDisk(), 3),
  FaultyStore: async () => new FaultyStore(new MemoryDisk(), { of: () => undefined }, 3),
}

for (const [name, open] of Object.entries(stores)) {
  test(`${name}: reads committed rows by key and in byte order`, async t => {
    const store = await open(t)
    await store.commit([put('b'), put('a'), { type: 'put', key: Buffer.of(0x61, 0xff), value: utf8('high') }])
    await store.commit([put('ab', ''), put('b', 'again')])
    assert.deepEqual(await store.get(utf8('b')).then(value => value && String(Buffer.from(value))), 'again')
    assert.equal(await store.get(utf8('c')), undefined)
    assert.deepEqual(
      (await rowsOf(store, range('a', 'z'))).map(([, value]) => value),
      ['a', '', 'high', 'again'],
    )
    await store.close()
  })

  test(`${name}: reads ranges in both directions, with their bounds and limit`, async t => {
    const store = await open(t)
    await store.commit(Array.from({ length: 10 }, (_, i) => put(key(i))))
    const all = Array.from({ length: 10 }, (_, i) => key(i))
    const table: [Range, string[]][] = [
      [range(key(0), key(10)), all],
      [range(key(2), key(5)), all.slice(2, 5)],
      [range(key(2), key(5), { reverse: true }), all.slice(2, 5).reverse()],
      [range(key(0), key(10), { limit: 4 }), all.slice(0, 4)],
      [range(key(0), key(10), { reverse: true, limit: 4 }), all.slice(6).reverse()],
      [range(key(0), key(10), { limit: 0 }), []],
      [range(key(0), key(10), { limit: 10 }), all],
      [range(key(0), key(10), { limit: 11 }), all],
      [range(key(5), key(5)), []],
      [range(key(5), key(2)), []],
      [range('x', 'y'), []],
    ]
    for (const [asked, expected] of table) {
      assert.deepEqual(await keysOf(store, asked), expected)
      assert.deepEqual(
        await rowsOf(store, asked),
        expected.map(key => [key, key]),
      )
    }
    await store.close()
  })

  test(`${name}: deletes and writes in one commit, and reopens unchanged`, async t => {
    const store = await open(t)
    await store.commit([put('a'), put('b')])
    await store.commit([{ type: 'del', key: utf8('a') }, put('c'), { type: 'del', key: utf8('none') }])
    await store.reopen()
    assert.deepEqual(await keysOf(store, range('a', 'z')), ['b', 'c'])
    await store.commit([put('d')])
    assert.deepEqual(await keysOf(store, range('a', 'z')), ['b', 'c', 'd'])
    await store.close()
  })

  test(`${name}: resumes readers when the store is reopened`, async t => {
    const store = await open(t)
    await store.commit(Array.from({ length: 3_000 }, (_, i) => put(key(i))))
    const all = Array.from({ length: 3_000 }, (_, i) => key(i))
    for (const more of [{}, { reverse: true }, { limit: 2_500 }, { reverse: true, limit: 2_999 }]) {
      const found: string[] = []
      let pages = 0
      for await (const page of store.keys(range(key(0), key(3_000), more))) {
        found.push(...page.map(key => String(Buffer.from(key))))
        if (pages++ === 0) await store.reopen()
      }
      assert.ok(pages > 1)
      const expected = 'reverse' in more ? all.toReversed() : all
      assert.deepEqual(found, expected.slice(0, more.limit))
    }
    const reading = Promise.all(all.slice(0, 200).map(key => store.get(utf8(key))))
    await store.reopen()
    assert.ok((await reading).every(value => value !== undefined))
    await store.close()
  })

  test(`${name}: closes after a reader stopped early`, async t => {
    const store = await open(t)
    await store.commit(Array.from({ length: 100 }, (_, i) => put(key(i))))
    for await (const _ of store.pages(range(key(0), key(100)))) break
    await store.close()
  })

  test(`${name}: reads and writes nothing once it is closed`, async t => {
    const store = await open(t)
    await store.close()
    await assert.rejects(store.commit([put('a')]))
    await assert.rejects(store.get(utf8('a')))
    await assert.rejects(keysOf(store, range('a', 'z')))
  })
}

test('reads pages of about 64 KiB however long the log is', async t => {
  const store = await LevelStore.open(await temporaryDirectory(t))
  await store.commit(Array.from({ length: 200 }, (_, i) => put(key(i), 'x'.repeat(10_000))))
  for await (const page of store.pages(range(key(0), key(200)))) assert.ok(page.length <= 8, `${page.length} rows`)
  await store.close()
})

test('rejects a second open until the first store is closed', async t => {
  const directory = await temporaryDirectory(t)
  const first = await LevelStore.open(directory)
  await assert.rejects(LevelStore.open(directory), codeIs('LOG_LOCKED'))
  await assert.rejects(logIn(directory), codeIs('LOG_LOCKED'))
  await first.commit([put('a')])
  await first.close()
  const second = await LevelStore.open(directory)
  assert.deepEqual(await keysOf(second, range('a', 'z')), ['a'])
  await second.close()
})

test('creates missing directories for their owner only', async t => {
  const above = path.join(await temporaryDirectory(t), 'a')
  const store = await LevelStore.open(path.join(above, 'b', 'c'))
  await store.close()
  assert.equal((await stat(above)).mode & 0o777, 0o700)
})

test('reports an unusable directory in one sentence', async t => {
  const file = path.join(await temporaryDirectory(t), 'file')
  await writeFile(file, '')
  await assert.rejects(LevelStore.open(file), codeIs('DATA_UNUSABLE'))
  await assert.rejects(LevelStore.open(path.join(file, 'below')), codeIs('DATA_UNUSABLE'))
  await assert.rejects(LevelStore.open('/proc/none/log'), codeIs('DATA_UNUSABLE'))
})

test('reports a damaged database and closes it', async t => {
  const directory = await temporaryDirectory(t)
  const store = await LevelStore.open(directory)
  await store.close()
  const current = await readFile(path.join(directory, 'CURRENT'))
  await writeFile(path.join(directory, 'CURRENT'), 'nonsense')
  await assert.rejects(LevelStore.open(directory), codeIs('LOG_CORRUPT'))
  await writeFile(path.join(directory, 'CURRENT'), current)
  await (await LevelStore.open(directory)).close()
})

test('does not reopen while the disk accepts no write, and keeps reading', async t => {
  const directory = await temporaryDirectory(t)
  const store = await LevelStore.open(directory)
  await store.commit([put('a')])
  await rename(directory, `${directory}-away`) // the directory of the write test
  await assert.rejects(store.reopen())
  assert.deepEqual(await keysOf(store, range('a', 'z')), ['a'])
  await rename(`${directory}-away`, directory)
  await store.reopen()
  assert.deepEqual(await keysOf(store, range('a', 'z')), ['a'])
  assert.ok(!(await readdir(directory)).some(name => name.startsWith('scratch')))
  await store.close()
})

test('reports an invalid key file and closes the database', async t => {
  const directory = await temporaryDirectory(t)
  await writeFile(path.join(directory, 'key'), 'not a key')
  await chmod(path.join(directory, 'key'), 0o600)
  await assert.rejects(logIn(directory), codeIs('DATA_UNUSABLE'))
  await (await LevelStore.open(directory)).close()
})

const line = utf8('{"username":"bob","message":"hello"}')

async function readAll(log: Log): Promise<string[]> {
  const places: string[] = []
  for await (const batch of log.read()) places.push(...batch.map(({ author, seq }) => `${author} ${seq}`))
  return places
}

test('opens and reads a database with a gap and with invalid ids', { timeout: 60_000 }, async t => {
  const directory = await temporaryDirectory(t)
  const store = await LevelStore.open(directory)
  const [bob, carol] = ['bob', 'carol'] as [LogId, LogId]
  const odd = ['__proto__', 'constructor', 'a\u00ffb', 'bob\u00ff01', ''].map(id => utf8(`c\u00ff${id}\u00ff01`))
  const rows = [rowKey(bob, 1), rowKey(bob, 1_000_000), rowKey(carol, 1), rowKey(carol, 2), ...odd]
  await store.commit(rows.map(key => ({ type: 'put', key, value: line })))
  await store.close()

  for (let opening = 0; opening < 2; opening++) {
    const log = await logIn(directory)
    assert.deepEqual((await readAll(log)).sort(), ['bob 1', 'carol 1', 'carol 2'])
    assert.deepEqual(log.head.map(({ author, seq }) => `${author} ${seq}`).sort(), ['bob 1', 'carol 2'])
    await log.close()
  }
  assert.equal(Reflect.get({}, 'seq'), undefined)
})

test('opens the log of an author whose key ends in 255', { timeout: 60_000 }, async t => {
  const seed = Buffer.alloc(32)
  while (keyPairOf(seed).publicKey.at(-1) !== 255) seed.writeUInt32LE(seed.readUInt32LE() + 1)
  const keys = keyPairOf(seed)
  const directory = await temporaryDirectory(t)
  for (let seq = 1; seq <= 3; seq++) {
    const log = await logIn(directory, { keys })
    assert.equal((await log.append({ username: 'alice', message: 'hello' })).seq, seq)
    assert.deepEqual(
      await readAll(log),
      Array.from({ length: seq }, (_, i) => `${log.id} ${i + 1}`),
    )
    assert.deepEqual(await log.verify(log.id), { last: seq, fault: undefined })
    await log.close()
  }
})

test('appends an entry of 16 KiB and rejects one byte more', async t => {
  const log = await logIn(await temporaryDirectory(t))
  const { entry } = await log.append({ username: 'alice', message: '' })
  const message = 'x'.repeat(16 * 1024 - entry.length)
  const full = await log.append({ username: 'alice', message })
  assert.equal(full.entry.length, 16 * 1024)
  assert.deepEqual((await log.entry(log.id, 2))?.entry, full.entry)
  await assert.rejects(log.append({ username: 'alice', message: `${message}x` }), { code: 'BAD_MESSAGE' })
  assert.equal((await log.append({ username: 'alice', message: 'after' })).seq, 3)
  await log.close()
})

test('stores 12 MB appended in one turn in several commits, in order', async t => {
  const log = await logIn(await temporaryDirectory(t))
  const spans: number[] = []
  log.on('entries', ({ to }) => spans.push(to - 1))
  const message = 'é'.repeat(3_000)
  const said = await Promise.all(
    Array.from({ length: 2_000 }, (_, i) => log.append({ username: 'alice', message: `${i} ${message}` })),
  )
  assert.ok(spans.length > 2)
  assert.equal(spans.at(-1), 2_000)
  const stored: Entry[] = []
  for await (const entries of log.read()) stored.push(...entries)
  const described = ({ seq, at, entry }: Entry): string => `${seq} ${at} ${Buffer.from(entry)}`
  assert.deepEqual(said.map(described), stored.map(described))
  assert.deepEqual(await log.verify(log.id), { last: 2_000, fault: undefined })
  await log.close()
})
