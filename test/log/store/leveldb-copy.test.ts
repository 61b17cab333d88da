import assert from 'node:assert/strict'
import { readdir, utimes } from 'node:fs/promises'
import path from 'node:path'
import test from 'node:test'
import { utf8 } from '../../../src/base/wire/bytes.js'
import { LevelStore } from '../../../src/log/store/level-store.js'
import { temporaryDirectory } from '../../helper/temporary-directory.js'

test('copies a database whose tables change for a while', async t => {
  const directory = path.join(await temporaryDirectory(t), 'database')
  const store = await LevelStore.open(directory)
  await store.commit([{ type: 'put', key: utf8('key'), value: utf8('value') }])
  t.after(() => store.close())
  const manifest = (await readdir(directory)).find(name => name.startsWith('MANIFEST-')) ?? ''
  // Changes files like a compaction, for longer than the first tries take.
  let changes = 0
  const changing = (async () => {
    for (; changes < 2_000; changes++) await utimes(path.join(directory, manifest), changes, changes)
  })()
  const { store: copy, faults } = await LevelStore.openCopy(directory)
  assert.deepEqual(faults, [])
  assert.deepEqual(await copy.get(utf8('key')), utf8('value'))
  await copy.close()
  await changing
})
