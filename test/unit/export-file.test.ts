import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { writeExport } from '../../src/cli/export-file.js'
import { archiveOf } from '../../src/log/archive.js'
import { Log } from '../../src/log/log.js'
import { MemoryStore } from '../helper/memory-store.js'
import { LOBBY_ID } from '../helper/signed-world.js'
import { keysOf } from '../long/ledger.js'

async function world(t: TestContext): Promise<{ readonly log: Log; readonly folder: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'export-'))
  const log = await Log.over(new MemoryStore(), keysOf('alice'))
  t.after(async () => {
    await log.close()
    await rm(folder, { recursive: true })
  })
  await log.append({ username: 'alice', message: 'hello' })
  return { log, folder }
}

test('an export takes the place of an older one, and of nothing else', async t => {
  const { log, folder } = await world(t)
  const [ours, theirs] = [path.join(folder, 'alice.logs'), path.join(folder, 'thesis.txt')]
  await writeExport(ours, archiveOf(log, LOBBY_ID))
  const before = await readFile(ours)
  await log.append({ username: 'alice', message: 'hello again' })
  await writeExport(ours, archiveOf(log, LOBBY_ID))
  assert.ok((await readFile(ours)).length > before.length)
  await writeFile(`${theirs}.part`, 'a part of it')
  for (const text of ['', 'persisted-chat/export', 'years of work']) {
    await writeFile(theirs, text)
    await assert.rejects(writeExport(theirs, archiveOf(log, LOBBY_ID)), {
      code: 'DATA_UNUSABLE',
      message: `${theirs} cannot be written: it exists, and is no export`,
      hint: 'Choose another file.',
    })
    assert.equal(await readFile(theirs, 'utf8'), text)
  }
  await assert.rejects(writeExport(folder, archiveOf(log, LOBBY_ID)), /it exists, and is no export$/)
  assert.deepEqual((await readdir(folder)).sort(), ['alice.logs', 'thesis.txt', 'thesis.txt.part'])
})

test('an export that fails half-way leaves the older one, and nothing beside it', async t => {
  const { log, folder } = await world(t)
  const file = path.join(folder, 'alice.logs')
  await writeExport(file, archiveOf(log, LOBBY_ID))
  const before = await readFile(file)
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(100)
    throw new Error('the disk does not answer')
  }
  await assert.rejects(writeExport(file, failing()), /the disk does not answer/)
  assert.deepEqual(await readFile(file), before)
  assert.deepEqual(await readdir(folder), ['alice.logs'])
  await assert.rejects(writeExport(path.join(folder, 'none', 'x'), archiveOf(log, LOBBY_ID)), /no such file/)
})
