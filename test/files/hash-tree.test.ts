import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import {
  chunkHash,
  chunksIn,
  fileRootOf,
  isChunk,
  isFileSize,
  isPage,
  isTop,
  pagesIn,
  treeOf,
} from '../../src/files/format/hash-tree.js'
import { CHUNK_BYTES, FILE_BYTES_MAX, PAGE_HASHES_MAX } from '../../src/files/limits.js'
import { contentOf, treeOfContent } from '../helper/file-contents.js'

interface Vector {
  readonly size: number
  readonly root: string
}

const VECTORS = JSON.parse(readFileSync('test/vectors/files.json', 'utf8')) as { readonly trees: readonly Vector[] }

test('the roots of the test vectors match', () => {
  for (const { size, root } of VECTORS.trees) assert.equal(treeOfContent(contentOf(size)).root, root, String(size))
})

test('verifies each level against the one above', () => {
  const content = contentOf(2 * CHUNK_BYTES + 5)
  const tree = treeOfContent(content)
  const { size, top, hashes } = tree
  assert.ok(isTop(tree, top))
  assert.ok(!isTop({ ...tree, size: size + 1 }, top))
  assert.ok(!isTop(tree, hashes))
  assert.ok(isPage(size, top, 0, hashes))
  assert.ok(!isPage(size, top, 0, hashes.subarray(32)))
  const chunk = content.subarray(CHUNK_BYTES, 2 * CHUNK_BYTES)
  assert.ok(isChunk(size, hashes, 1, chunk))
  assert.ok(!isChunk(size, hashes, 0, chunk))
  assert.ok(!isChunk(size, hashes, 1, chunk.subarray(1)))
  assert.ok(isChunk(size, hashes, 2, content.subarray(2 * CHUNK_BYTES)))
})

test('no hash of one level is one of another', () => {
  const bytes = new Uint8Array(32).fill(7)
  const { top } = treeOf(1, bytes)
  assert.notDeepEqual(top, chunkHash(bytes))
})

test('an empty content has a root, and the largest one fits into two levels', () => {
  const empty = treeOf(0, new Uint8Array(0))
  assert.ok(isTop(empty, new Uint8Array(0)))
  assert.deepEqual([chunksIn(0), pagesIn(0)], [0, 0])
  assert.equal(pagesIn(FILE_BYTES_MAX), PAGE_HASHES_MAX)
})

test('accepts roots and sizes of the right form only', () => {
  assert.equal(fileRootOf('A'.repeat(64)), undefined)
  assert.equal(fileRootOf('a'.repeat(63)), undefined)
  assert.equal(fileRootOf(7), undefined)
  for (const size of [-1, 0.5, Number.NaN, FILE_BYTES_MAX + 1, '7', undefined]) assert.ok(!isFileSize(size))
  for (const size of [0, 1, FILE_BYTES_MAX]) assert.ok(isFileSize(size))
})
