import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Message } from '../../src/chat/kinds/message.js'
import { PartialContent } from '../../src/files/store/partial-content.js'
import type { FileProgress } from '../../src/node/files/download.js'
import { openNode } from '../../src/node/open-node.js'
import type { Room } from '../../src/node/room.js'
import { contentOf } from '../helper/file-contents.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const BOUND = { timeout: 300_000 }
const CONTENT = contentOf(700_001)

type FileMessage = Message & { readonly kind: 'file' }

/** Rooms of several people in one process, connected with each other. */
async function rooms<const N extends string>(t: TestContext, ...names: readonly N[]) {
  const data = await temporaryDirectory(t)
  const file = path.join(data, 'photo.bin')
  await writeFile(file, CONTENT)
  const opened: Room[] = []
  for (const name of names) {
    const node = await openNode({ name, data, discovery: false })
    t.after(() => node.close())
    const room = await node.room('lobby', { listen: '127.0.0.1:0' })
    for (const other of opened) room.connect(other.address)
    opened.push(room)
    await mkdir(path.join(data, `saved-${name}`))
  }
  const savedBy = (name: N): string => path.join(data, `saved-${name}`)
  const stored = (name: N): Promise<string[]> => readdir(path.join(data, name, 'lobby.files')).catch(() => [])
  return { opened, data, file, savedBy, stored }
}

/** The files that were sent in a room, once there are `count`. */
async function filesIn(room: Room, count: number): Promise<readonly FileMessage[]> {
  const files: FileMessage[] = []
  for await (const message of room.messages({ live: true })) {
    if (message.kind === 'file') files.push(message)
    if (files.length === count) break
  }
  return files
}

async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await isSo())) await pause(5)
}

test('fetches a file from whoever has fetched it, when its author is gone', BOUND, async t => {
  const { opened, file, savedBy } = await rooms(t, 'alice', 'bob', 'carol')
  const [alice = assert.fail(), bob = assert.fail(), carol = assert.fail()] = opened
  await alice.sendFile(file)
  for (const room of [bob, carol]) await filesIn(room, 1)
  const [line = assert.fail()] = await filesIn(bob, 1)
  await bob.getFile(line, savedBy('bob'))
  await alice.close()
  const holders: number[] = []
  const onProgress = (progress: FileProgress): void => void holders.push(progress.holders)
  const saved = await carol.getFile(line, savedBy('carol'), { onProgress })
  assert.deepEqual(await readFile(saved), CONTENT)
})

test('waits for a holder, and ends when the user gives up', BOUND, async t => {
  const { opened, file, savedBy, stored } = await rooms(t, 'alice', 'bob')
  const [alice = assert.fail(), bob = assert.fail()] = opened
  await alice.sendFile(file)
  const [line = assert.fail()] = await filesIn(bob, 1)
  await alice.close()
  const abort = new AbortController()
  const getting = bob.getFile(line, savedBy('bob'), { signal: abort.signal })
  await until(async () => (await stored('bob')).length > 0)
  abort.abort(new Error('given up'))
  await assert.rejects(getting, { message: 'given up' })
  assert.deepEqual(await readdir(savedBy('bob')), [])
})

test('reports a full disk, and continues from the chunks that were written', BOUND, async t => {
  const { opened, file, savedBy } = await rooms(t, 'alice', 'bob')
  const [alice = assert.fail(), bob = assert.fail()] = opened
  await alice.sendFile(file)
  const [line = assert.fail()] = await filesIn(bob, 1)
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  const writes = t.mock.method(PartialContent.prototype, 'write', () => Promise.reject(full))
  await assert.rejects(bob.getFile(line, savedBy('bob')), {
    code: 'DATA_UNUSABLE',
    message: 'the file cannot be stored: no space left on the disk',
  })
  writes.mock.restore()
  assert.deepEqual(await readFile(await bob.getFile(line, savedBy('bob'))), CONTENT)
})

test('keeps file content while another line refers to it, and deletes it with the last one', BOUND, async t => {
  const { opened, file, savedBy, stored } = await rooms(t, 'alice', 'bob')
  const [alice = assert.fail(), bob = assert.fail()] = opened
  await alice.sendFile(file)
  await alice.sendFile(file)
  const [first = assert.fail(), second = assert.fail()] = await filesIn(bob, 2)
  assert.equal(first.root, second.root)
  await bob.getFile(first, savedBy('bob'))
  await alice.erase(first)
  // The other line is found in the log, and takes the place of the deleted one.
  const linesOf = async (): Promise<string> => {
    const name = (await stored('bob')).find(each => each.endsWith('.lines'))
    return name === undefined
      ? ''
      : readFile(path.join(path.dirname(savedBy('bob')), 'bob', 'lobby.files', name), 'utf8')
  }
  await until(async () => (await linesOf()).endsWith(`/${second.seq}"]`))
  await until(async () => (await stored('alice')).length === 3) // without the draft of a file that is written
  await bob.getFile(second, savedBy('bob'))
  await alice.erase(second)
  await until(async () => (await stored('alice')).length + (await stored('bob')).length === 0)
  await assert.rejects(bob.getFile(second, savedBy('bob')), { code: 'FILE_UNUSABLE' })
})

test('a line that states a wrong size fetches nothing, and does not block the file for others', BOUND, async t => {
  const { opened, file, savedBy } = await rooms(t, 'alice', 'bob', 'mallory')
  const [alice = assert.fail(), bob = assert.fail(), mallory = assert.fail()] = opened
  await alice.sendFile(file)
  const [line = assert.fail()] = await filesIn(mallory, 1)
  await mallory.say({ kind: 'file', name: 'photo.bin', root: line.root, size: line.size + 1 })
  const files = await filesIn(bob, 2)
  const wrong = files.find(({ size }) => size !== line.size) ?? assert.fail('no such line')
  const abort = new AbortController()
  const waiting = bob.getFile(wrong, savedBy('bob'), { signal: abort.signal })
  await assert.rejects(bob.getFile(line, savedBy('bob')), { code: 'FILE_UNUSABLE' })
  abort.abort(new Error('given up'))
  await assert.rejects(waiting, { message: 'given up' })
  assert.deepEqual(await readFile(await bob.getFile(line, savedBy('bob'))), CONTENT)
})

test('fetches again what the user changed or deleted, and leaves their file alone', BOUND, async t => {
  const { opened, file, savedBy } = await rooms(t, 'alice', 'bob')
  const [alice = assert.fail(), bob = assert.fail()] = opened
  await alice.sendFile(file)
  const [line = assert.fail()] = await filesIn(bob, 1)
  const first = await bob.getFile(line, savedBy('bob'))
  await writeFile(first, 'changed', { flag: 'r+' })
  const changed = await readFile(first)
  const second = await bob.getFile(line, savedBy('bob'))
  assert.deepEqual([await readFile(first), await readFile(second)], [changed, CONTENT])
  await rm(second)
  assert.deepEqual(await readFile(await bob.getFile(line, savedBy('bob'))), CONTENT)
})
