import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { appendFile, mkdir, readdir, readFile, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { isSameListing, type Listed, roomNeeded, withDatabaseCopy } from '../../src/cli/store/database-copy.js'
import { LevelStore } from '../../src/log/store/level-store.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const KEY = Buffer.from('a key')

async function database(t: TestContext): Promise<string> {
  const directory = path.join(await temporaryDirectory(t), 'original')
  const store = await LevelStore.open(directory)
  await store.commit([{ type: 'put', key: KEY, value: Buffer.from('a value') }])
  await store.close()
  return directory
}

/** Every file of a directory with its content and modification time. */
async function snapshot(directory: string): Promise<readonly string[]> {
  const names = (await readdir(directory, { recursive: true })).sort()
  return Promise.all(
    names.map(async name => {
      const file = path.join(directory, name)
      const found = await stat(file)
      return `${name} ${found.mtimeMs} ${found.isFile() ? (await readFile(file)).toString('hex') : ''}`
    }),
  )
}

/** TMPDIR for one test, to find what is left behind. */
async function ownTemporary(t: TestContext): Promise<string> {
  const directory = await temporaryDirectory(t)
  const before = process.env['TMPDIR']
  process.env['TMPDIR'] = directory
  t.after(() => {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
  })
  return directory
}

test('opens a copy, leaves the database unchanged and deletes the copy', async t => {
  const directory = await database(t)
  const before = await snapshot(directory)
  const scratch = await ownTemporary(t)
  const value = await withDatabaseCopy(directory, async copy => {
    assert.equal((await stat(path.dirname(copy))).mode & 0o777, 0o700)
    const store = await LevelStore.open(copy)
    try {
      return Buffer.from((await store.get(KEY)) ?? []).toString()
    } finally {
      await store.close()
    }
  })
  assert.equal(value, 'a value')
  assert.deepEqual(await snapshot(directory), before)
  assert.deepEqual(await readdir(scratch), [])
  await assert.rejects(
    withDatabaseCopy(directory, async () => {
      throw new Error('no')
    }),
    /^Error: no$/,
  )
  assert.deepEqual(await readdir(scratch), [])
})

const DAMAGE: Readonly<Record<string, (directory: string) => Promise<unknown>>> = {
  'without CURRENT': directory => rm(path.join(directory, 'CURRENT')),
  'with an empty CURRENT': directory => writeFile(path.join(directory, 'CURRENT'), ''),
  'with a CURRENT that names no manifest': directory => writeFile(path.join(directory, 'CURRENT'), 'notes\n'),
  'with a CURRENT that leads out of it': directory =>
    writeFile(path.join(directory, 'CURRENT'), '../original/MANIFEST-000002\n'),
  'with a large CURRENT': directory => truncate(path.join(directory, 'CURRENT'), 500_000_000),
  'with a CURRENT that names a manifest that is missing': directory =>
    writeFile(path.join(directory, 'CURRENT'), 'MANIFEST-999999\n'),
  'with a directory as CURRENT': async directory => {
    await rm(path.join(directory, 'CURRENT'))
    await mkdir(path.join(directory, 'CURRENT'))
  },
  'with a link as CURRENT': async directory => {
    await rename(path.join(directory, 'CURRENT'), path.join(directory, 'true'))
    await symlink('true', path.join(directory, 'CURRENT'))
  },
  'with a pipe as CURRENT': async directory => {
    await rm(path.join(directory, 'CURRENT'))
    await promisify(execFile)('mkfifo', [path.join(directory, 'CURRENT')])
  },
  'with a link as manifest': async directory => {
    const manifest = (await readFile(path.join(directory, 'CURRENT'), 'latin1')).trim()
    await rename(path.join(directory, manifest), path.join(directory, 'true'))
    await symlink('true', path.join(directory, manifest))
  },
}

test('rejects directories that are not databases and leaves them unchanged', { timeout: 20_000 }, async t => {
  for (const [what, damage] of Object.entries(DAMAGE)) {
    const directory = await database(t)
    await damage(directory)
    const names = (await readdir(directory)).sort()
    let isCalled = false
    await assert.rejects(
      withDatabaseCopy(directory, async () => {
        isCalled = true
      }),
      { code: 'DATA_UNUSABLE', message: `${directory} is not a scuttleup database` },
      what,
    )
    assert.equal(isCalled, false, what)
    assert.deepEqual((await readdir(directory)).sort(), names, what)
  }
})

test('does not follow symbolic links among the tables', async t => {
  const directory = await database(t)
  await symlink('/etc/passwd', path.join(directory, '999999.ldb'))
  await assert.rejects(
    withDatabaseCopy(directory, async () => {}),
    { code: 'DATA_UNUSABLE', message: /999999\.ldb is not a regular file$/ },
  )
})

test('gives up on a database that keeps changing', async t => {
  const directory = await database(t)
  const scratch = await ownTemporary(t)
  const log = path.join(directory, '999999.log')
  await writeFile(log, '')
  let isWriting = true
  const writing = (async () => {
    while (isWriting) await appendFile(log, 'x')
  })()
  try {
    await assert.rejects(
      withDatabaseCopy(directory, async () => {}),
      { code: 'DATA_UNUSABLE', message: `the database ${directory} keeps changing while it is copied` },
    )
  } finally {
    isWriting = false
    await writing
  }
  assert.deepEqual(await readdir(scratch), [])
})

test('rejects a database that does not fit on the disk before copying it', async t => {
  const directory = await database(t)
  const scratch = await ownTemporary(t)
  // A sparse file occupies no space itself.
  await writeFile(path.join(directory, '999999.ldb'), '')
  await truncate(path.join(directory, '999999.ldb'), 8 * 2 ** 40)
  await assert.rejects(
    withDatabaseCopy(directory, async () => {}),
    { code: 'DATA_UNUSABLE', message: /takes 83886\d\d MiB, and .* MiB free$|takes \d+ MiB, but .* has \d+ MiB free$/ },
  )
  assert.deepEqual(await readdir(scratch), [])
})

test('two listings agree only if names, sizes and times agree', () => {
  const file = (name: string, bytes = 1, writtenNs = 1n): Listed => ({ name, bytes, writtenNs })
  const listing = [file('CURRENT'), file('000003.log')]
  assert.equal(isSameListing(listing, listing.toReversed()), true)
  assert.equal(isSameListing([], []), true)
  for (const other of [
    [file('CURRENT')],
    [file('CURRENT'), file('000004.log')],
    [file('CURRENT'), file('000003.log', 2)],
    [file('CURRENT'), file('000003.log', 1, 2n)],
    [...listing, file('000005.ldb')],
  ]) {
    assert.equal(isSameListing(listing, other), false)
    assert.equal(isSameListing(other, listing), false)
  }
  assert.equal(roomNeeded([file('1.log', 10), file('2.ldb', 5)]) - roomNeeded([]), 25)
})
