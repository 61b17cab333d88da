import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../src/base/clock.js'
import { keyPairOf } from '../../src/base/crypto/signing.js'
import { FileStore } from '../../src/files/store/file-store.js'
import type { DropReason } from '../../src/log/content/gap-rows.js'
import type { Entry } from '../../src/log/format/entry.js'
import { FileLines, lineName } from '../../src/node/files/file-lines.js'
import { contentOf } from '../helper/file-contents.js'
import { logOver } from '../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const WORK = { signal: new AbortController().signal, onProgress: () => {} }

/** A log with two lines that refer to one content, which is stored. */
async function twoLines(t: TestContext) {
  const directory = await temporaryDirectory(t)
  const file = path.join(directory, 'photo.bin')
  await writeFile(file, contentOf(100_000))
  const store = await FileStore.open(path.join(directory, 'lobby.files'))
  const log = await logOver(new MemoryStore(new MemoryDisk()), keyPairOf(Buffer.alloc(32, 1)))
  const { root, size } = await store.add(file, WORK)
  const append = async (): Promise<Entry> => {
    const line = await log.append({
      username: 'alice',
      message: 'sent photo.bin',
      type: 'file',
      name: 'photo.bin',
      root,
      size,
    })
    await store.refer(root, lineName(line))
    return line
  }
  const lines = [await append(), await append()] as const
  const fileLines = new FileLines({ log, store, clock: systemClock, remove: each => store.remove(each) })
  t.after(async () => {
    await fileLines.close()
    await store.close()
    await log.close()
  })
  const drop = async ({ author, seq }: Entry, reason: DropReason): Promise<void> => {
    await log.contents.dropAll(author, [{ from: seq, to: seq + 1 }], reason)
    await fileLines.settled()
  }
  return { store, lines, drop, append, add: () => store.add(file, WORK), log }
}

for (const reason of ['deleted', 'expired'] as const)
  test(`deletes a content when the last line that refers to it is ${reason}`, async t => {
    const { store, lines, drop } = await twoLines(t)
    await drop(lines[0], reason)
    assert.equal(store.all.length, 1, 'control: another line refers to it')
    await drop(lines[1], reason)
    assert.deepEqual(store.all, [])
  })

test('keeps file content when its lines are dropped because of their size: nobody else may have fetched it', async t => {
  const { store, lines, drop } = await twoLines(t)
  for (const line of lines) await drop(line, 'kept-out')
  assert.equal(store.all.length, 1)
  await drop(lines[0], 'deleted')
  assert.equal(store.all.length, 1, 'control: another line refers to it')
  await drop(lines[1], 'deleted')
  assert.deepEqual(store.all, [])
})

test('keeps file content that the user sends again while its last line is deleted', async t => {
  const { store, lines, drop, add, append, log } = await twoLines(t)
  await drop(lines[0], 'deleted')
  const read = log.entries.bind(log)
  log.entries = async function* (range) {
    yield* read(range)
    await add() // its line follows when the check is over
  }
  await drop(lines[1], 'deleted')
  log.entries = read
  assert.equal(store.all.length, 1)
  await drop(await append(), 'deleted')
  assert.deepEqual(store.all, [])
})
