import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test from 'node:test'
import { hexOf } from '../../src/base/bytes.js'
import { ChatError } from '../../src/base/errors.js'
import { systemRandom } from '../../src/base/random.js'
import { loadKey, replaceKey } from '../../src/log/identity.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

// PROTOCOL.md §4: the file that holds the key.

test('a key is the same the next time, and its file says whose it is', async t => {
  const file = path.join(await temporaryDirectory(t), 'key')
  const made = await loadKey(file, systemRandom)
  assert.equal(made.isNew, true)
  const again = await loadKey(file, systemRandom)
  assert.deepEqual([hexOf(again.publicKey), again.isNew], [hexOf(made.publicKey), false])
  assert.match(await readFile(file, 'latin1'), new RegExp(`^[0-9a-f]{64}\n${hexOf(made.publicKey)}\n$`))
})

test('whatever digit of it is another, nobody becomes somebody else, and the file is left as it is', async t => {
  const file = path.join(await temporaryDirectory(t), 'key')
  await loadKey(file, systemRandom)
  const text = await readFile(file, 'latin1')
  for (let place = 0; place < text.length - 1; place++) {
    const changed = `${text.slice(0, place)}${text[place] === '0' ? '1' : '0'}${text.slice(place + 1)}`
    await writeFile(file, changed)
    const refusal = await loadKey(file, systemRandom).catch(error => error)
    assert.ok(refusal instanceof ChatError, `place ${place}`)
    assert.equal(refusal.code, 'DATA_UNUSABLE')
    assert.match(refusal.toLine(), /key (is damaged|holds no key)[^\n]*backup[^\n]*$/)
    assert.equal(await readFile(file, 'latin1'), changed)
  }
})

test('a key from before its file said whose it is is read as it was', async t => {
  const file = path.join(await temporaryDirectory(t), 'key')
  const { publicKey } = await loadKey(file, systemRandom)
  const [seed] = (await readFile(file, 'latin1')).split('\n')
  for (const old of [`${seed}\n`, `${seed}`]) {
    await writeFile(file, old)
    assert.equal(hexOf((await loadKey(file, systemRandom)).publicKey), hexOf(publicKey))
  }
  const { old, kept } = await replaceKey(file, systemRandom)
  assert.equal(hexOf(old.publicKey), hexOf(publicKey))
  assert.equal(await readFile(kept, 'latin1'), seed)
})
