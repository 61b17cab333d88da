// The rows of unsigned authors, byte for byte those of scuttleup: either program opens what the other wrote.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import test from 'node:test'
import level7 from 'level7'
import scuttleup from 'scuttleup'
import { utf8 } from '../../src/base/wire/bytes.js'
import * as keys from '../../src/compat/scuttleup/row-keys.js'
import type { LogId, Seq } from '../../src/log/format/author.js'
import type { Log } from '../../src/log/log.js'
import { LevelStore } from '../../src/log/store/level-store.js'
import { logIn, replicate } from '../helper/logs.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

/** Seqs around which lexicographic integers grow by a byte. */
const EDGES = [1, 2, 250, 251, 252, 506, 507, 508, 66_042, 66_043, 16_843_258, 16_843_259, 2 ** 32 - 2, 2 ** 32 - 1]

interface Change {
  readonly peer: string
  readonly seq: number
  readonly entry: string
}

async function openScuttleup(directory: string) {
  const database = level7(directory)
  await database.open()
  const log = scuttleup(database, { valueEncoding: 'utf-8' })
  await new Promise<void>(resolve => log.on('ready', resolve))
  return {
    log,
    append: (entry: string) =>
      new Promise<void>((resolve, reject) => log.append(entry, error => (error ? reject(error) : resolve()))),
    read: async (): Promise<Change[]> => {
      const changes: Change[] = []
      const stream = log.createReadStream({})
      stream.on('data', change => changes.push(change))
      await once(stream, 'end')
      return changes
    },
    /** Reads from `other` until `count` entries have arrived. */
    replicate: async (other: { log: typeof log }, count: number): Promise<void> => {
      let left = count
      const done = new Promise<void>(resolve => {
        log.on('append', () => {
          if (--left === 0) resolve()
        })
      })
      const [mine, theirs] = [
        log.createReplicationStream({ live: true }),
        other.log.createReplicationStream({ live: true }),
      ]
      mine.pipe(theirs).pipe(mine)
      await done
      mine.destroy()
      theirs.destroy()
    },
    close: () => database.close(),
  }
}

async function readAll(log: Log): Promise<Change[]> {
  const changes: Change[] = []
  for await (const batch of log.read()) {
    for (const { author, seq, entry } of batch) changes.push({ peer: author, seq, entry: String(Buffer.from(entry)) })
  }
  return changes
}

const byPlace = (a: Change, b: Change): number => (a.peer === b.peer ? a.seq - b.seq : a.peer < b.peer ? -1 : 1)

const line = (username: string, n: number): string => JSON.stringify({ username, message: `line ${n}` })

test('reads what scuttleup wrote, under the same keys byte for byte', async t => {
  const [aliceAt, bobAt] = [await temporaryDirectory(t), await temporaryDirectory(t)]
  const alice = await openScuttleup(aliceAt)
  const bob = await openScuttleup(bobAt)
  for (let i = 1; i <= 600; i++) await alice.append(line('alice', i))
  for (let i = 1; i <= 10; i++) await bob.append(line('bob', i))
  await bob.replicate(alice, 600)
  const written = await bob.read()
  assert.equal(written.length, 610)
  await alice.close()
  await bob.close()

  const store = await LevelStore.open(bobAt)
  const found: string[] = []
  for await (const page of store.keys(keys.ALL_ROWS)) found.push(...page.map(key => Buffer.from(key).toString('hex')))
  await store.close()
  const expected = written.map(({ peer, seq }) => Buffer.from(keys.rowKey(peer as LogId, seq)).toString('hex'))
  assert.deepEqual(found, expected.sort())

  const log = await logIn(bobAt)
  t.after(() => log.close())
  assert.deepEqual((await readAll(log)).sort(byPlace), written.sort(byPlace))
})

test('writes unsigned logs that scuttleup reads', async t => {
  const directory = await temporaryDirectory(t)
  const log = await logIn(directory)
  await log.append({ username: 'alice', message: 'signed, and no row' })
  const authors = ['bob', 'carol'] as LogId[]
  for (const author of authors) {
    for (let first = 1; first <= 520; first += 40) {
      const entries = Array.from({ length: 40 }, (_, i) => utf8(line(author, first + i)))
      assert.equal(await log.add({ author, first, entries }), undefined)
    }
  }
  await log.close()

  const scuttleupLog = await openScuttleup(directory)
  t.after(() => scuttleupLog.close())
  const expected = authors.flatMap(peer =>
    Array.from({ length: 520 }, (_, i): Change => ({ peer, seq: i + 1, entry: line(peer, i + 1) })),
  )
  assert.deepEqual((await scuttleupLog.read()).sort(byPlace), expected)
})

test('continues where the other program stopped, in both directions', async t => {
  const directory = await temporaryDirectory(t)
  const first = await openScuttleup(directory)
  await first.append(line('alice', 1))
  const [{ peer } = assert.fail('nothing was written')] = await first.read()
  await first.close()

  const author = peer as LogId
  const native = await logIn(directory)
  assert.equal(await native.add({ author, first: 2, entries: [utf8(line('alice', 2))] }), undefined)
  await native.close()

  const second = await openScuttleup(directory)
  await second.append(line('alice', 3))
  await second.close()

  const last = await logIn(directory)
  t.after(() => last.close())
  const expected = [1, 2, 3].map((seq): Change => ({ peer, seq, entry: line('alice', seq) }))
  assert.deepEqual(await readAll(last), expected)
  assert.deepEqual(last.head, [{ author, seq: 3 as Seq }])
})

test('replicates with scuttleup, backlog and live', { timeout: 120_000 }, async t => {
  const scuttleupLog = await openScuttleup(await temporaryDirectory(t))
  const native = await logIn(await temporaryDirectory(t))
  const author = 'bob' as LogId
  await scuttleupLog.append(line('alice', 1))
  await native.add({ author, first: 1, entries: [1, 2, 3].map(n => utf8(line('bob', n))) })
  const entry = await native.append({ username: 'carol', message: 'signed' })
  const [theirs, stream] = [scuttleupLog.log.createReplicationStream({ live: true }), replicate(native)]
  theirs.pipe(stream).pipe(theirs)
  await scuttleupLog.append(line('alice', 2))
  await native.add({ author, first: 4, entries: [utf8(line('bob', 4))] })
  const has = async (count: number): Promise<Change[]> => {
    for (;;) {
      const changes = await scuttleupLog.read()
      if (changes.length >= count) return changes
    }
  }
  const changes = await has(7)
  while (!native.head.some(({ author, seq }) => author !== 'bob' && author !== native.id && seq === 2))
    await once(native, 'entries')
  stream.destroy()
  theirs.destroy()
  await scuttleupLog.close()
  const unsigned = (all: readonly Change[]) => all.filter(({ peer }) => peer !== native.id).sort(byPlace)
  assert.deepEqual(unsigned(changes), unsigned(await readAll(native)))
  assert.equal(unsigned(changes).length, 6)
  const sent = changes.find(({ peer }) => peer === native.id)
  assert.equal(sent?.seq, entry.seq)
  assert.match(
    sent?.entry ?? '',
    /^\{"at":"[\d.]{18}","username":"carol","message":"signed","salt":"[\w-]{11}","sig":"[\w-]{86}"\}$/,
  )
  await native.close()
})

test('encodes row keys in the order of their numbers', () => {
  for (const author of ['a', 'cixq1k2p30000abcd1234efgh', '-', 'x'.repeat(64)] as LogId[]) {
    for (const seq of EDGES) {
      assert.deepEqual(keys.parseRowKey(keys.rowKey(author, seq)), { id: author, author, seq })
      assert.ok(Buffer.compare(keys.rowKey(author, seq), keys.rowKey(author, seq + 1)) < 0, String(seq))
      assert.equal(keys.sideRowSeq(keys.sideRowKey('hlc', author, seq)), seq)
      assert.ok(
        Buffer.compare(keys.sideRowKey('hlc', author, seq), keys.sideRowKey('hlc', author, seq + 1)) < 0,
        String(seq),
      )
    }
  }
})

test('finds no seq in keys that scuttleup never writes', () => {
  for (const rest of ['', 'ff', 'zz', '0', '01f', 'FB01', '00', 'fb', 'ff0102030405060708', '01\u00ff']) {
    const { seq, id } = keys.parseRowKey(utf8(`c\u00ffbob\u00ff${rest}`))
    assert.equal(seq, undefined, rest)
    assert.ok(id === 'bob' || id === 'bob\u00ff01')
  }
  assert.equal(keys.parseRowKey(utf8('c\u00ff__proto__\u00ff01')).author, undefined)
  assert.equal(keys.parseRowKey(utf8('c\u00ffa\u00ffb\u00ff01')).author, undefined)
  assert.equal(keys.parseRowKey(utf8('c\u00ffa\u00ffb\u00ff01')).id, 'a\u00ffb')
})
