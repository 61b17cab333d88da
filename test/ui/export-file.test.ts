import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { lstat, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { writeReport } from '../../src/cli/labs/report-file.js'
import type { Log } from '../../src/log/log.js'
import { type ChatSimulationOptions, simulateChat } from '../../src/sim/runs/chat-simulation.js'
import { reportOf } from '../../src/sim/runs/report.js'
import { archiveOf } from '../../src/sync/archive.js'
import { writeExport } from '../../src/ui/export-file.js'
import { logOver } from '../helper/logs.js'
import { MemoryStore } from '../helper/memory-store.js'
import { LOBBY_ID } from '../helper/signed-world.js'
import { keysOf } from '../long/ledger.js'

const CHAT: ChatSimulationOptions = {
  seed: 1,
  peers: 2,
  topology: 'mesh',
  loss: 0,
  delayMsMin: 1,
  delayMsMax: 5,
  partitionMinutes: 0,
  churn: 0,
  minutes: 1,
  lines: 2,
}

async function world(t: TestContext): Promise<{ readonly log: Log; readonly folder: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'export-'))
  const log = await logOver(new MemoryStore(), keysOf('alice'))
  t.after(async () => {
    await log.close()
    await rm(folder, { recursive: true })
  })
  await log.append({ username: 'alice', message: 'hello' })
  return { log, folder }
}

test('replaces an older export and no other file', async t => {
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
      message: `${theirs} cannot be written: it exists, and is not an export`,
      hint: 'Choose another file.',
    })
    assert.equal(await readFile(theirs, 'utf8'), text)
  }
  await assert.rejects(writeExport(folder, archiveOf(log, LOBBY_ID)), /it exists, and is not an export$/)
  assert.deepEqual((await readdir(folder)).sort(), ['alice.logs', 'thesis.txt', 'thesis.txt.part'])
})

test('keeps the older export when a new one fails', async t => {
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

test('follows no symbolic link, blocks on no pipe and touches no other file', {
  timeout: 20_000,
}, async t => {
  const { log, folder } = await world(t)
  const at = (name: string): string => path.join(folder, name)
  await writeFile(at('precious'), 'years of work')
  await symlink(at('precious'), at('x.logs.part'))
  await writeFile(at('y.logs.part'), 'notes')
  await writeExport(at('x.logs'), archiveOf(log, LOBBY_ID))
  await writeExport(at('y.logs'), archiveOf(log, LOBBY_ID))
  await symlink(at('x.logs'), at('link.logs'))
  await symlink(at('nowhere'), at('dangling.logs'))
  await symlink('/dev/null', at('device.logs'))
  await promisify(execFile)('mkfifo', [at('pipe.logs')])
  const before = await readFile(at('x.logs'))
  for (const [name, why] of [
    ['link.logs', 'it is a symbolic link'],
    ['dangling.logs', 'it is a symbolic link'],
    ['device.logs', 'it is a symbolic link'],
    ['pipe.logs', 'it exists, and is not an export'],
  ] as const) {
    await assert.rejects(writeExport(at(name), archiveOf(log, LOBBY_ID)), {
      code: 'DATA_UNUSABLE',
      message: `${at(name)} cannot be written: ${why}`,
    })
  }
  assert.deepEqual(await readFile(at('x.logs')), before)
  assert.equal((await lstat(at('x.logs'))).mode & 0o777, 0o600)
  assert.equal(await readFile(at('precious'), 'utf8'), 'years of work')
  assert.equal(await readFile(at('y.logs.part'), 'utf8'), 'notes')
  assert.equal((await readdir(folder)).filter(name => name.startsWith('.')).length, 0)
})

test('keeps a file that appears while the export is written', async t => {
  const { log, folder } = await world(t)
  const file = path.join(folder, 'alice.logs')
  async function* slow(): AsyncGenerator<Uint8Array> {
    yield* archiveOf(log, LOBBY_ID)
    await writeFile(file, 'notes')
  }
  await assert.rejects(writeExport(file, slow()), { code: 'DATA_UNUSABLE' })
  assert.equal(await readFile(file, 'utf8'), 'notes')
  assert.deepEqual(await readdir(folder), ['alice.logs'])
})

test('replaces an older report and no other file', async t => {
  const { folder } = await world(t)
  const file = path.join(folder, 'report.html')
  const figures = await simulateChat(CHAT, () => {})
  await writeReport(file, reportOf(figures))
  await writeReport(file, reportOf(figures))
  const thesis = path.join(folder, 'thesis.html')
  await writeFile(thesis, '<!doctype html>\n<title>thesis</title>')
  await assert.rejects(writeReport(thesis, reportOf(figures)), {
    code: 'DATA_UNUSABLE',
    message: `${thesis} cannot be written: it exists, and is not a report of simulate`,
  })
  assert.equal(await readFile(thesis, 'utf8'), '<!doctype html>\n<title>thesis</title>')
})
