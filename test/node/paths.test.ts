import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test from 'node:test'
import { homeOf } from '../../src/node/paths.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

test('gives each name its own directory and keeps existing ones', async t => {
  const data = await temporaryDirectory(t)
  const homes = ['alice', 'Alice', 'ALICE'].map(name => homeOf(data, name).directory)
  assert.equal(homes[0], path.join(data, 'alice'))
  assert.equal(new Set(homes.map(home => home.toLowerCase())).size, 3)
  await mkdir(path.join(data, 'Alice'))
  assert.equal(homeOf(data, 'Alice').directory, path.join(data, 'Alice'))
  assert.equal(homeOf(data, 'ALICE').directory, homes[2])
  assert.deepEqual(await readdir(data), ['Alice'])
})

test('finds an existing home in a directory that cannot be listed', async t => {
  const data = await temporaryDirectory(t)
  await mkdir(path.join(data, 'alice'))
  await mkdir(path.join(data, 'Bob'))
  await chmod(data, 0o300)
  try {
    assert.equal(homeOf(data, 'alice').directory, path.join(data, 'alice'))
    assert.equal(homeOf(data, 'Bob').directory, path.join(data, 'Bob'))
  } finally {
    await chmod(data, 0o700)
  }
})

test('keeps the home of a user named books beside a file books.txt', async t => {
  const data = await temporaryDirectory(t)
  await writeFile(path.join(data, 'books.txt'), 'Emma\n')
  const { directory } = homeOf(data, 'books')
  assert.equal(directory, path.join(data, 'books'))
  await mkdir(directory)
  assert.equal(homeOf(data, 'books').directory, directory)
})
