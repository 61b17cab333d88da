import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cp, mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test from 'node:test'
import { ClassicLevel } from 'classic-level'
import { LevelStore } from '../../../src/log/store/level-store.js'
import { checkDatabase, type FileFault } from '../../../src/log/store/leveldb/check.js'
import { unpackSnappy } from '../../../src/log/store/leveldb/snappy.js'
import { temporaryDirectory } from '../../helper/temporary-directory.js'
import { chance } from '../../long/chance.js'

const ENCODING = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const
const FLIPS = 150

/** A database with rows in tables of several blocks, and in a journal. */
async function database(directory: string): Promise<void> {
  for (let opening = 0; opening < 3; opening++) {
    const store = await LevelStore.open(directory)
    for (let commit = 0; commit < 4; commit++) {
      await store.commit(
        Array.from({ length: 60 }, (_, row) => ({
          type: 'put',
          key: Buffer.from(`${opening}.${commit}.${row}`),
          value: Buffer.from(`${row * 7919} is the value of row ${row} of ${commit}, `.repeat(4)),
        })),
      )
    }
    await store.close()
  }
}

const ROWS = 3 * 4 * 60

async function rowsIn(directory: string): Promise<number> {
  const level = new ClassicLevel(directory, ENCODING)
  try {
    await level.open()
    return (await level.iterator().all()).length
  } finally {
    await level.close()
  }
}

const problemsOf = (faults: readonly FileFault[]): string[] => faults.map(({ file, problem }) => `${file} ${problem}`)

test('finds no fault in an intact database, and no database in an empty directory', async t => {
  const directory = path.join(await temporaryDirectory(t), 'db')
  assert.deepEqual(await checkDatabase(directory), { exists: false, faults: [] })
  await database(directory)
  assert.deepEqual(await checkDatabase(directory), { exists: true, faults: [] })
})

test('finds any flipped bit in tables, journals, manifest and CURRENT, many of which LevelDB accepts', async t => {
  const base = await temporaryDirectory(t)
  const directory = path.join(base, 'db')
  await database(directory)
  const names = (await readdir(directory)).filter(name => /^(CURRENT|MANIFEST|\d)/.test(name))
  const random = chance(1)
  let believed = 0
  for (let flip = 0; flip < FLIPS; flip++) {
    const copy = path.join(base, `copy-${flip}`)
    await cp(directory, copy, { recursive: true })
    const name = names[Math.floor(random() * names.length)] as string
    const file = path.join(copy, name)
    const bytes = await readFile(file)
    if (bytes.length === 0) continue
    const at = Math.floor(random() * bytes.length)
    bytes[at] = (bytes[at] as number) ^ (1 << Math.floor(random() * 8))
    await writeFile(file, bytes)
    const { faults } = await checkDatabase(copy)
    // The footer of a table is padded with bytes that are never read.
    const isFilling = name.endsWith('.ldb') && at >= bytes.length - 48 && at < bytes.length - 8
    assert.ok(faults.some(({ file }) => file === name) || isFilling, `${name} at ${at}: ${problemsOf(faults)}`)
    // Control for some of the files: LevelDB opens the database without an error, and rows are missing.
    if (/\.log$/.test(name) && believed < 3 && (await rowsIn(copy)) < ROWS) believed++
    await rm(copy, { recursive: true })
  }
  assert.ok(believed > 0, 'LevelDB does not report the rows that it drops')
})

test('names each file that is missing or truncated', async t => {
  const base = await temporaryDirectory(t)
  const directory = path.join(base, 'db')
  await database(directory)
  const names = (await readdir(directory)).filter(name => /^(CURRENT|MANIFEST|\d)/.test(name))
  for (const name of names) {
    const copy = path.join(base, 'copy')
    await cp(directory, copy, { recursive: true })
    await rm(path.join(copy, name))
    const { exists, faults } = await checkDatabase(copy)
    assert.ok(exists)
    assert.equal(faults.length > 0, true, name)
    if (name.endsWith('.ldb')) {
      await cp(path.join(directory, name), path.join(copy, name))
      await truncate(path.join(copy, name), 700)
      assert.deepEqual(problemsOf((await checkDatabase(copy)).faults), [`${name} damaged`])
    }
    await rm(copy, { recursive: true })
  }
})

test('reports special files and links in place of database files without blocking on them', async t => {
  const base = await temporaryDirectory(t)
  const directory = path.join(base, 'db')
  await database(directory)
  const table = (await readdir(directory)).find(name => name.endsWith('.ldb')) as string
  await rm(path.join(directory, table))
  await mkdir(path.join(directory, table))
  assert.deepEqual(problemsOf((await checkDatabase(directory)).faults), [`${table} unreadable`])
  await rm(path.join(directory, table), { recursive: true })
  await symlink('/dev/zero', path.join(directory, table))
  assert.deepEqual(problemsOf((await checkDatabase(directory)).faults), [`${table} unreadable`])
})

test('repairs a database that lost files and keeps the damaged one; reading it changes no file', async t => {
  const base = await temporaryDirectory(t)
  for (const lost of [/^CURRENT$/, /^MANIFEST/, /^\d+\.log$/]) {
    const directory = path.join(base, `db${lost.source.length}`)
    await database(directory)
    for (const name of (await readdir(directory)).filter(name => lost.test(name))) await rm(path.join(directory, name))
    const before = (await readdir(directory)).sort()
    await assert.rejects(LevelStore.open(directory), { code: 'LOG_CORRUPT' })
    const { store: copy, faults } = await LevelStore.openCopy(directory)
    assert.ok(faults.length > 0)
    const expected = lost.test('000001.log') ? (2 / 3) * ROWS : ROWS
    assert.equal(await count(copy), expected)
    await copy.close()
    assert.deepEqual(
      (await readdir(directory)).filter(name => !/^LOG/.test(name)).sort(),
      before.filter(name => !/^LOG/.test(name)),
    )
    let kept = ''
    const store = await LevelStore.openOrRepair(directory, where => {
      kept = where
    })
    assert.equal(await count(store), expected)
    await store.close()
    assert.deepEqual(
      (await readdir(kept)).filter(name => !/^LOG/.test(name)).sort(),
      before.filter(name => !/^LOG/.test(name)),
    )
    assert.deepEqual(await checkDatabase(directory), { exists: true, faults: [] })
  }
})

test('keeps all commits of a damaged journal except the damaged one, while LevelDB drops all after it', async t => {
  const directory = path.join(await temporaryDirectory(t), 'db')
  await database(directory)
  const journal = (await readdir(directory)).find(name => name.endsWith('.log')) as string
  const file = path.join(directory, journal)
  const bytes = await readFile(file)
  bytes[100] = (bytes[100] as number) ^ 1
  await writeFile(file, bytes)
  const control = `${directory}-control`
  await cp(directory, control, { recursive: true })
  assert.ok((await rowsIn(control)) < ROWS - 60)
  const store = await LevelStore.openOrRepair(directory, () => {})
  assert.equal(await count(store), ROWS - 60)
  await store.close()
})

test('finishes a repair that crashed between its two renames', async t => {
  const directory = path.join(await temporaryDirectory(t), 'db')
  await database(directory)
  await cp(directory, `${directory}.repaired`, { recursive: true })
  await rm(directory, { recursive: true })
  const store = await LevelStore.openOrRepair(directory, () => assert.fail('there is nothing to repair'))
  assert.equal(await count(store), ROWS)
  await store.close()
})

test('does not repair a database that another process has open', async t => {
  const directory = path.join(await temporaryDirectory(t), 'db')
  await database(directory)
  const store = await LevelStore.open(directory)
  await writeFile(path.join(directory, 'CURRENT'), 'rubbish')
  await assert.rejects(
    LevelStore.openOrRepair(directory, () => assert.fail('it is in use')),
    { code: 'LOG_LOCKED' },
  )
  await store.close()
})

test('rejects blocks that are not valid Snappy', () => {
  const random = chance(7)
  for (let round = 0; round < 2_000; round++) {
    const bytes = Uint8Array.from({ length: Math.floor(random() * 60) }, () => Math.floor(random() * 256))
    unpackSnappy(bytes) // undefined or bytes, never an error
  }
  assert.equal(unpackSnappy(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 1)), undefined)
  assert.deepEqual(unpackSnappy(Uint8Array.of(6, 0b100, 97, 98, 0b0000_0001, 2)), Buffer.from('ababab'))
})

async function count(store: LevelStore): Promise<number> {
  let rows = 0
  for await (const page of store.pages({ gte: Buffer.alloc(0), lt: Buffer.of(255) })) rows += page.length
  return rows
}

test('reports a journal with duplicated contents, on which LevelDB aborts, and keeps each change once', async t => {
  const directory = path.join(await temporaryDirectory(t), 'db')
  for (const row of ['a', 'b', 'c']) {
    const store = await LevelStore.open(directory)
    await store.commit([{ type: 'put', key: Buffer.from(row), value: Buffer.from(row) }])
    await store.close()
  }
  const journal = (await readdir(directory)).find(name => name.endsWith('.log')) as string
  const bytes = await readFile(path.join(directory, journal))
  await writeFile(path.join(directory, journal), Buffer.concat([bytes, bytes]))
  const control = `${directory}-control`
  await cp(directory, control, { recursive: true })
  const worker = new URL('../../../src/log/store/leveldb/repair-worker.js', import.meta.url).pathname
  const { status } = spawnSync(process.execPath, [worker, 'open', control])
  assert.notEqual(status, 0)
  assert.deepEqual(problemsOf((await checkDatabase(directory)).faults), [`${journal} repeated-records`])
  const store = await LevelStore.openOrRepair(directory, () => {})
  assert.equal(await count(store), 3)
  await store.close()
})
