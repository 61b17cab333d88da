// No command creates, modifies or deletes files that are not its own.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, readlink, rename, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { promisify } from 'node:util'
import level7 from 'level7'
import scuttleup from 'scuttleup'
import { authorOfKey } from '../../src/log/format/author.js'
import { CRC_BYTES } from '../../src/log/store/checked-row.js'
import { LevelStore } from '../../src/log/store/level-store.js'
import type { Write } from '../../src/log/store/store.js'
import { homeOf, markPaths } from '../../src/node/paths.js'
import { CHAT_PROGRAM, startChat } from '../helper/chat-process.js'
import { localAddresses } from '../helper/ports.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const BOUND = { timeout: 300_000 }

interface Outcome {
  readonly code: number | null
  readonly stdout: readonly string[]
  readonly stderr: readonly string[]
}

async function runs(t: TestContext, args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  const child = startChat(t, args, { env })
  const { code } = await child.exited
  return { code, stdout: child.stdout, stderr: child.stderr }
}

/** Sends one message as `me`, which creates logs. */
async function speak(t: TestContext, data: string, me: string, text = 'hello'): Promise<void> {
  const [at = ''] = await localAddresses(1)
  const child = startChat(t, [me, '--no-discovery', '--listen', at, '--data', data])
  child.type(text)
  await child.waitForLine(`${me}> ${text}`)
  assert.equal(await child.stop(), 0)
}

/** Every entry below a directory with its type, modification time and content. */
async function snapshot(directory: string): Promise<readonly string[]> {
  const lines: string[] = []
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name)
    if (entry.isSymbolicLink()) lines.push(`${file} -> ${await readlink(file)}`)
    else if (!entry.isFile()) lines.push(file)
    else {
      const { mtimeMs, size } = await stat(file)
      lines.push(`${file} ${mtimeMs} ${size} ${size < 1e6 ? (await readFile(file)).toString('hex') : ''}`)
    }
  }
  return lines.sort()
}

/** Creates a scuttleup database with `count` messages. */
async function scuttleupDatabase(directory: string, count: number): Promise<void> {
  const database = level7(directory)
  const logs = scuttleup(database)
  for (let number = 1; number <= count; number++) {
    const entry = JSON.stringify({ username: 'walter', message: `line ${number}` })
    await new Promise<void>((resolve, reject) => logs.append(entry, error => (error ? reject(error) : resolve())))
  }
  await database.close()
}

test('rejects what is neither an export nor a database and leaves it unchanged', BOUND, async t => {
  const folder = await temporaryDirectory(t)
  const data = path.join(folder, 'data')
  await speak(t, data, 'bob')
  const at = (name: string): string => path.join(folder, name)
  await mkdir(at('weblogs'))
  for (const name of ['000001.log', '000007.log', '20231101.log', '99999.log', '000009.ldb', '3.sst', 'LOG', '1.dbtmp'])
    await writeFile(path.join(at('weblogs'), name), `content of ${name}`)
  await mkdir(at('empty'))
  await mkdir(path.join(at('tree'), 'a/b'), { recursive: true })
  await writeFile(path.join(at('tree'), 'a/b/000001.log'), 'notes')
  await symlink(at('nowhere'), at('dangling'))
  await symlink(at('loop'), at('loop'))
  await promisify(execFile)('mkfifo', [at('pipe')])
  await writeFile(at('notes.txt'), 'notes')
  await writeFile(at('large'), '')
  await truncate(at('large'), 500_000_000)
  const sources = [
    'weblogs',
    'empty',
    'tree',
    'dangling',
    'loop',
    'pipe',
    'notes.txt',
    'large',
    'missing',
    'data',
    'data/bob',
  ]
  const before = await snapshot(folder)
  for (const source of [...sources.map(at), '/dev/zero', '/dev/null']) {
    const { code, stdout, stderr } = await runs(t, ['import', 'alice', source, '--data', data])
    assert.equal(code, 1, source)
    assert.deepEqual(stdout, [], source)
    assert.equal(stderr.length, 1, stderr.join('\n'))
    assert.match(stderr[0] ?? '', /^persisted-chat: .*Name /, source)
    assert.deepEqual(await snapshot(folder), before, source)
  }
})

test('imports a scuttleup database and leaves it unchanged', BOUND, async t => {
  const folder = await temporaryDirectory(t)
  const [data, theirs, scratch] = ['data', 'theirs', 'scratch'].map(name => path.join(folder, name)) as [
    string,
    string,
    string,
  ]
  const foreign = path.join(theirs, 'scuttleup')
  for (const directory of [scratch, theirs]) await mkdir(directory)
  await scuttleupDatabase(foreign, 5)
  const before = await snapshot(foreign)
  const beside = (await stat(theirs)).mtimeMs
  const imported = await runs(t, ['import', 'alice', foreign, '--data', data], { TMPDIR: scratch })
  assert.deepEqual([imported.code, imported.stderr.at(-1)], [0, 'info> imported 5 new entries'])
  assert.equal((await stat(theirs)).mtimeMs, beside, 'nothing was created beside the database meanwhile')
  assert.deepEqual(await snapshot(foreign), before)
  assert.deepEqual(await readdir(scratch), [])
  const { stdout } = await runs(t, ['log', 'alice', '--data', data])
  assert.deepEqual(
    stdout,
    [1, 2, 3, 4, 5].map(number => `walter (unsigned)> line ${number}`),
  )
})

test('rejects databases of this program and of others and leaves them unchanged', BOUND, async t => {
  const folder = await temporaryDirectory(t)
  const data = path.join(folder, 'data')
  await speak(t, data, 'bob')
  const ours = path.join(data, 'bob/lobby')
  const before = await snapshot(ours)
  const own = await runs(t, ['import', 'alice', ours, '--data', data])
  assert.equal(own.code, 1)
  assert.match(own.stderr.at(-1) ?? '', /is a database of this program\. Export its logs to a file/)
  assert.deepEqual(await snapshot(ours), before)

  const theirs = path.join(folder, 'theirs')
  const store = await LevelStore.open(theirs)
  await store.commit([{ type: 'put', key: Buffer.from('url:1'), value: Buffer.from('https://example.org') }])
  await store.close()
  const untouched = await snapshot(theirs)
  const other = await runs(t, ['import', 'alice', theirs, '--data', data])
  assert.equal(other.code, 1)
  assert.match(other.stderr.at(-1) ?? '', /theirs is a database of another program\. Name a file written by export/)
  assert.deepEqual(await snapshot(theirs), untouched)
})

test('rejects a damaged database, leaves it unchanged and no copy behind', BOUND, async t => {
  const folder = await temporaryDirectory(t)
  const foreign = path.join(folder, 'scuttleup')
  await scuttleupDatabase(foreign, 3)
  const journal = (await readdir(foreign)).find(name => name.endsWith('.log')) ?? ''
  const bytes = await readFile(path.join(foreign, journal))
  bytes[10] = (bytes[10] ?? 0) ^ 1
  await writeFile(path.join(foreign, journal), bytes)
  const before = await snapshot(foreign)
  const { code, stderr } = await runs(t, ['import', 'alice', foreign, '--data', path.join(folder, 'data')])
  assert.equal(code, 1)
  assert.match(stderr.at(-1) ?? '', /the database .* is damaged\. Open it once with the program that created it/)
  assert.deepEqual(await snapshot(foreign), before)
  assert.deepEqual((await readdir(folder)).sort(), ['data', 'scuttleup'])
})

test('imports a database that another process has open', BOUND, async t => {
  const folder = await temporaryDirectory(t)
  const foreign = path.join(folder, 'scuttleup')
  await scuttleupDatabase(foreign, 3)
  const database = level7(foreign)
  await database.open()
  try {
    const { code, stderr } = await runs(t, ['import', 'alice', foreign, '--data', path.join(folder, 'data')])
    assert.deepEqual([code, stderr.at(-1)], [0, 'info> imported 3 new entries'])
  } finally {
    await database.close()
  }
})

test('exports to stdout, with notices on stderr', BOUND, async t => {
  const folder = await temporaryDirectory(t)
  const [data, file, piped] = ['data', 'alice.logs', 'piped.logs'].map(name => path.join(folder, name)) as [
    string,
    string,
    string,
  ]
  await speak(t, data, 'alice')
  assert.equal((await runs(t, ['export', 'alice', file, '--data', data])).code, 0)
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [CHAT_PROGRAM, 'export', 'alice', '-', '--data', data],
    { encoding: 'buffer', cwd: folder },
  )
  assert.deepEqual(stdout, await readFile(file))
  assert.equal(stderr.toString(), 'info> exported 1 signed logs to stdout\n')
  assert.deepEqual((await readdir(folder)).sort(), ['alice.logs', 'data'])
  await writeFile(piped, stdout)
  assert.equal((await runs(t, ['import', 'bob', piped, '--data', data])).stderr.at(-1), 'info> imported 1 new entries')
})

test('rejects a database of version 0.1 with one line; its key goes on in a new database', BOUND, async t => {
  const data = path.join(await temporaryDirectory(t), 'data')
  await speak(t, data, 'bob')
  const [database, key] = [path.join(data, 'bob/lobby'), path.join(data, 'bob/key')]
  const store = await LevelStore.open(database)
  const rows: Write[] = []
  for await (const page of store.pages({ gte: Buffer.of(0), lt: Buffer.of(255) }))
    for (const [key, value] of page) rows.push({ type: 'put', key, value: value.subarray(CRC_BYTES) })
  // Its rows have no checksums, and none names the format.
  await store.commit([...rows, { type: 'del', key: Buffer.from('v') }])
  await store.close()
  const before = await readFile(key)
  const author = authorOfKey(Buffer.from(before.toString().split('\n')[1] ?? '', 'hex'))
  const { file, copy } = markPaths(homeOf(data, 'bob'), author)
  for (const mark of [file, copy]) if (mark !== undefined) await writeFile(mark, 'a mark of version 0.1')
  for (const args of [
    ['bob', '--no-discovery'],
    ['log', 'bob'],
    ['verify', 'bob'],
  ]) {
    const { code, stdout, stderr } = await runs(t, [...args, '--data', data])
    assert.equal(code, 1, args[0])
    assert.deepEqual(stdout, [])
    const lines = stderr.filter(line => line.includes('0.1'))
    assert.equal(lines.length, 1, stderr.join('\n'))
    assert.match(lines[0] ?? '', /written by persisted-chat 0\.1.*Move the database directory aside/)
  }
  await rename(database, `${database}.old`)
  await speak(t, data, 'bob', 'hello again')
  assert.deepEqual(await readFile(key), before)
  const { stdout } = await runs(t, ['log', 'bob', '--data', data])
  assert.deepEqual(stdout, ['bob> hello again'])
})
