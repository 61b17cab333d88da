import assert from 'node:assert/strict'
import { appendFile, mkdir, readdir, readFile, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import type { FileId } from '../../src/files/format/hash-tree.js'
import { CHUNK_BYTES } from '../../src/files/limits.js'
import { FileStore, type FileWork } from '../../src/files/store/file-store.js'
import { chunksOf, contentOf, treeOfContent } from '../helper/file-contents.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const WORK: FileWork = { signal: new AbortController().signal, onProgress: () => {} }
const CONTENT = contentOf(5 * CHUNK_BYTES + 77)
const TREE = treeOfContent(CONTENT)

async function places(t: TestContext) {
  const root = await temporaryDirectory(t)
  const [directory, saved] = [path.join(root, 'lobby.files'), path.join(root, 'saved')]
  await mkdir(saved)
  const open = async (): Promise<FileStore> => {
    const store = await FileStore.open(directory)
    t.after(() => store.close())
    return store
  }
  return { root, directory, saved, open }
}

/** Fetches some chunks of a content, as a transfer does, without ending it. */
async function fetchChunks(store: FileStore, file: FileId, chunks: readonly number[]) {
  const partial = await store.begin(file)
  await partial.write({ level: 'top', index: 0 }, TREE.top)
  await partial.write({ level: 'page', index: 0 }, TREE.hashes)
  for (const index of chunks)
    await partial.write({ level: 'chunk', index }, chunksOf(CONTENT)[index] ?? assert.fail('no such chunk'))
  return partial
}

test('stores what is sent, serves each piece, and has it after a restart', async t => {
  const { root, open } = await places(t)
  const source = path.join(root, 'a.bin')
  await writeFile(source, CONTENT)
  const file = await (await open()).add(source, WORK)
  assert.deepEqual(file, { root: TREE.root, size: CONTENT.length })
  const store = await open()
  assert.ok(store.isComplete(file))
  assert.deepEqual(await store.read(file.root, { level: 'top', index: 0 }), Buffer.from(TREE.top))
  assert.deepEqual(await store.read(file.root, { level: 'page', index: 0 }), Buffer.from(TREE.hashes))
  for (const [index, chunk] of chunksOf(CONTENT).entries())
    assert.deepEqual(await store.read(file.root, { level: 'chunk', index }), chunk)
  for (const piece of [
    { level: 'chunk', index: 6 },
    { level: 'page', index: 1 },
    { level: 'top', index: 1 },
  ] as const)
    assert.equal(await store.read(file.root, piece), undefined)
})

test('stores an empty file', async t => {
  const { root, saved, open } = await places(t)
  const source = path.join(root, 'empty')
  await writeFile(source, '')
  const store = await open()
  const file = await store.add(source, WORK)
  assert.equal(file.size, 0)
  assert.equal((await stat(await store.save(file.root, saved, 'empty'))).size, 0)
})

test('saves under names that are free, and replaces nothing', async t => {
  const { root, saved, open } = await places(t)
  const source = path.join(root, 'a.bin')
  await writeFile(source, CONTENT)
  const store = await open()
  const { root: content } = await store.add(source, WORK)
  await writeFile(path.join(saved, 'photo.jpg'), 'mine')
  const paths = [await store.save(content, saved, '../photo.jpg'), await store.save(content, saved, 'photo.jpg')]
  assert.deepEqual(
    paths.map(each => path.basename(each)),
    ['_photo.jpg', 'photo (2).jpg'],
  )
  assert.equal(await readFile(path.join(saved, 'photo.jpg'), 'utf8'), 'mine')
  for (const each of paths) assert.deepEqual(await readFile(each), CONTENT)
  await assert.rejects(store.save(content, path.join(root, 'nowhere'), 'x'), { code: 'FILE_UNUSABLE' })
  await assert.rejects(store.add(root, WORK), { code: 'FILE_UNUSABLE' })
  await assert.rejects(store.add(path.join(root, 'nothing'), WORK), { code: 'FILE_UNUSABLE' })
})

test('says in which directory it cannot save, and leaves no file open', async t => {
  const { root, saved, open } = await places(t)
  const source = path.join(root, 'a.bin')
  await writeFile(source, CONTENT)
  const store = await open()
  const file = await store.add(source, WORK)
  const missing = path.join(saved, 'missing')
  const message = `the file cannot be saved in ${missing}: no such file or directory`
  await assert.rejects(store.save(file.root, missing, 'a.bin'), { code: 'FILE_UNUSABLE', message })
  const before = (await readdir('/dev/fd')).length
  // Neither a link nor a copy can have this name.
  for (let times = 0; times < 5; times++)
    await assert.rejects(store.save(file.root, `${saved}\0`, 'a.bin'), { code: 'FILE_UNUSABLE' })
  assert.equal((await readdir('/dev/fd')).length, before)
  await assert.rejects(store.add(path.join(root, 'b.bin'), WORK), {
    message: `${path.join(root, 'b.bin')} cannot be sent: no such file or directory`,
  })
})

test('does not fill the disk with a file that does not fit', async t => {
  const { root, directory, open } = await places(t)
  const source = path.join(root, 'a.bin')
  await writeFile(source, CONTENT)
  const store = await open()
  t.mock.method(store, 'free', async () => CONTENT.length - 1)
  await assert.rejects(store.add(source, WORK), { code: 'FILE_UNUSABLE', message: /^not sent: .* disk has left$/ })
  await assert.rejects(readdir(directory), { code: 'ENOENT' })
})

test('has space for a file if the disk has what is missing of it, or cannot say', async t => {
  const { open } = await places(t)
  const store = await open()
  const free = t.mock.method(store, 'free', async () => CONTENT.length - 1)
  assert.equal(await store.hasSpaceFor(TREE), false)
  const partial = await fetchChunks(store, TREE, [0, 2])
  t.after(() => partial.close())
  await partial.sync()
  assert.equal(await store.hasSpaceFor(TREE), true)
  free.mock.mockImplementation(async () => CHUNK_BYTES)
  assert.equal(await store.hasSpaceFor(TREE), false)
  free.mock.mockImplementation(async () => 0)
  assert.equal(await store.hasSpaceFor(TREE), true)
})

test('finds by their hashes the chunks that were written before a crash, and no others', async t => {
  const { directory, open } = await places(t)
  await fetchChunks(await open(), TREE, [0, 2, 5])
  // A torn write, as after a power cut.
  await writeFile(path.join(directory, `${TREE.root}.part`), 'x', { flag: 'r+' })
  const partial = await (await open()).begin(TREE)
  t.after(() => partial.close())
  const { top, pages, chunks } = await partial.stored(WORK.signal, () => {})
  assert.deepEqual([top !== undefined, [...pages.keys()]], [true, [0]])
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5].filter(index => chunks.has(index)),
    [2, 5],
  )
})

test('control: a damaged tree makes all chunks unknown', async t => {
  const { directory, open } = await places(t)
  await fetchChunks(await open(), TREE, [0, 2, 5])
  await truncate(path.join(directory, `${TREE.root}.tree`), 20)
  const partial = await (await open()).begin(TREE)
  t.after(() => partial.close())
  assert.equal((await partial.stored(WORK.signal, () => {})).chunks.count, 0)
})

test('a complete content that the user changed is neither served nor written, and is fetched again', async t => {
  const { saved, directory, open } = await places(t)
  const store = await open()
  await store.complete(TREE.root, await fetchChunks(store, TREE, [0, 1, 2, 3, 4, 5]))
  const file = await store.save(TREE.root, saved, 'notes.txt')
  assert.ok(await store.isSound(TREE.root, WORK))
  await writeFile(file, 'my own text', { flag: 'r+' })
  await appendFile(file, 'more of it')
  const edited = await readFile(file)
  assert.equal(await store.read(TREE.root, { level: 'chunk', index: 0 }), undefined)
  assert.ok(!(await store.isSound(TREE.root, WORK)))
  assert.ok(!store.isComplete(TREE))
  await store.complete(TREE.root, await fetchChunks(store, TREE, [0, 1, 2, 3, 4, 5]))
  assert.deepEqual(await readFile(file), edited)
  assert.deepEqual(await readFile(path.join(directory, TREE.root)), CONTENT)
})

test('serves no chunk that was changed in place after it was served', async t => {
  const { root, saved, open } = await places(t)
  const source = path.join(root, 'a.bin')
  await writeFile(source, CONTENT)
  const store = await open()
  const { root: content } = await store.add(source, WORK)
  const read = (index: number) => store.read(content, { level: 'chunk', index })
  assert.deepEqual(await read(0), chunksOf(CONTENT)[0])
  const file = await store.save(content, saved, 'a.bin')
  assert.deepEqual(await read(0), chunksOf(CONTENT)[0])
  const { atime, mtime } = await stat(file)
  await writeFile(file, 'x', { flag: 'r+' })
  await utimes(file, atime, mtime)
  assert.equal(await read(0), undefined)
  assert.deepEqual(await read(1), chunksOf(CONTENT)[1])
})

test('reads chunks that are requested at once, in any order, and none beyond the end of a file that was cut', async t => {
  const { root, saved, open } = await places(t)
  const source = path.join(root, 'a.bin')
  await writeFile(source, CONTENT)
  const store = await open()
  const { root: content } = await store.add(source, WORK)
  const readAll = (indices: readonly number[]) =>
    Promise.all(indices.map(index => store.read(content, { level: 'chunk', index })))
  const order = [4, 0, 1, 5, 2, 1]
  assert.deepEqual(
    await readAll(order),
    order.map(index => chunksOf(CONTENT)[index]),
  )
  await truncate(await store.save(content, saved, 'a.bin'), 3 * CHUNK_BYTES + 1)
  assert.deepEqual(
    (await readAll([0, 1, 2, 3, 4, 5])).map(chunk => chunk !== undefined),
    [true, true, true, false, false, false],
  )
})

test('remembers the lines of a content, and deletes all of its files', async t => {
  const { directory, open } = await places(t)
  const store = await open()
  await store.complete(TREE.root, await fetchChunks(store, TREE, [0, 1, 2, 3, 4, 5]))
  await store.refer(TREE.root, 'a/1')
  await store.refer(TREE.root, 'b/7')
  const again = await open()
  assert.deepEqual([...again.linesOf(TREE.root)], ['a/1', 'b/7'])
  assert.equal(await again.unrefer(TREE.root, 'a/1'), false)
  assert.equal(await again.unrefer(TREE.root, 'b/7'), true)
  await again.remove(TREE.root)
  assert.deepEqual(await readdir(directory), [])
})
