import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, chown, link, mkdir, readdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test from 'node:test'
import { promisify } from 'node:util'
import { type KeyFileEvent, loadKey, prepareKey } from '../../src/base/crypto/key-file.js'
import { ChatError } from '../../src/base/errors.js'
import { systemRandom } from '../../src/base/random.js'
import { hexOf } from '../../src/base/wire/bytes.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

// docs/protocol/storage.md §4: the key file.

test('reloads the same key from a file that contains its public key', async t => {
  const file = path.join(await temporaryDirectory(t), 'key')
  const made = await loadKey(file, systemRandom)
  assert.equal(made.isNew, true)
  const again = await loadKey(file, systemRandom)
  assert.deepEqual([hexOf(again.publicKey), again.isNew], [hexOf(made.publicKey), false])
  assert.match(await readFile(file, 'latin1'), new RegExp(`^[0-9a-f]{64}\n${hexOf(made.publicKey)}\n$`))
})

test('rejects a key file with any digit changed and leaves it unchanged', async t => {
  const file = path.join(await temporaryDirectory(t), 'key')
  await loadKey(file, systemRandom)
  const text = await readFile(file, 'latin1')
  for (let place = 0; place < text.length - 1; place++) {
    const changed = `${text.slice(0, place)}${text[place] === '0' ? '1' : '0'}${text.slice(place + 1)}`
    await writeFile(file, changed)
    const refusal = await loadKey(file, systemRandom).catch(error => error)
    assert.ok(refusal instanceof ChatError, `place ${place}`)
    assert.equal(refusal.code, 'DATA_UNUSABLE')
    assert.match(refusal.toLine(), /key (is damaged|contains no key)[^\n]*backup[^\n]*$/)
    assert.equal(await readFile(file, 'latin1'), changed)
  }
})

test('loads a key file without the public key', async t => {
  const file = path.join(await temporaryDirectory(t), 'key')
  const { publicKey } = await loadKey(file, systemRandom)
  const [seed] = (await readFile(file, 'latin1')).split('\n')
  for (const old of [`${seed}\n`, `${seed}`]) {
    await writeFile(file, old)
    assert.equal(hexOf((await loadKey(file, systemRandom)).publicKey), hexOf(publicKey))
  }
  assert.equal((await loadKey(file, systemRandom)).isChecked, false)
  const { old, commit } = await prepareKey(file, systemRandom)
  assert.equal(hexOf(old.publicKey), hexOf(publicKey))
  assert.equal(await readFile(await commit(), 'latin1'), seed)
  assert.equal((await loadKey(file, systemRandom)).isChecked, true)
})

test('leaves the old key in use until a prepared key is committed, then keeps both', async t => {
  const directory = await temporaryDirectory(t)
  const file = path.join(directory, 'key')
  const made = await loadKey(file, systemRandom)
  const before = await readFile(file)

  const discarded = await prepareKey(file, systemRandom)
  assert.deepEqual(await readFile(file), before)
  await discarded.discard()
  assert.deepEqual(await readdir(directory), ['key'])

  const { old, fresh, commit } = await prepareKey(file, systemRandom)
  assert.equal(hexOf(old.publicKey), hexOf(made.publicKey))
  assert.notEqual(hexOf(fresh.publicKey), hexOf(old.publicKey))
  assert.deepEqual(await readFile(file), before)
  const kept = await commit()
  assert.equal(kept, `${file}.${hexOf(old.publicKey).slice(0, 8)}`)
  assert.deepEqual(await readFile(kept), before)
  assert.equal(hexOf((await loadKey(file, systemRandom)).publicKey), hexOf(fresh.publicKey))
  assert.deepEqual((await readdir(directory)).sort(), ['key', path.basename(kept)])
})

test('overwrites no backup and replaces no key that changed in the meantime', async t => {
  const file = path.join(await temporaryDirectory(t), 'key')
  const { publicKey } = await loadKey(file, systemRandom)
  const first = await readFile(file)
  const occupied = `${file}.${hexOf(publicKey).slice(0, 8)}`
  await writeFile(occupied, 'something of the user')
  const kept = await (await prepareKey(file, systemRandom)).commit()
  assert.equal(kept, `${occupied}-2`)
  assert.equal(await readFile(occupied, 'utf8'), 'something of the user')
  assert.deepEqual(await readFile(kept), first)

  const late = await prepareKey(file, systemRandom)
  const renewed = await readFile(file)
  await writeFile(file, first)
  await assert.rejects(late.commit(), { code: 'DATA_UNUSABLE', message: /has changed in the meantime$/ })
  assert.deepEqual(await readFile(file), first)
  await writeFile(file, renewed)
})

test('overwrites no other file and follows no symbolic link', async t => {
  const directory = await temporaryDirectory(t)
  const file = path.join(directory, 'key')
  const precious = path.join(directory, 'precious')
  await writeFile(precious, 'years of work')
  await symlink(precious, `${file}.new`)
  await loadKey(file, systemRandom)
  assert.equal(await readFile(precious, 'utf8'), 'years of work')
  assert.deepEqual((await readdir(directory)).sort(), ['key', 'key.new', 'precious'])
})

test('rejects keys that are not small regular files, without blocking, and leaves them unchanged', {
  timeout: 10_000,
}, async t => {
  const directory = await temporaryDirectory(t)
  const elsewhere = path.join(directory, 'elsewhere')
  await loadKey(elsewhere, systemRandom)
  const large = path.join(directory, 'large')
  await writeFile(large, await readFile(elsewhere))
  await truncate(large, 500_000_000)
  const kinds: Record<string, (file: string) => Promise<unknown>> = {
    pipe: file => promisify(execFile)('mkfifo', [file]),
    directory: file => mkdir(file),
    link: file => symlink(elsewhere, file),
    'dangling link': file => symlink(path.join(directory, 'nowhere'), file),
    loop: file => symlink(file, file),
    device: file => symlink('/dev/zero', file),
    'large file': file => link(large, file),
    'empty file': file => writeFile(file, ''),
  }
  for (const [kind, make] of Object.entries(kinds)) {
    const home = await temporaryDirectory(t)
    const file = path.join(home, 'key')
    await make(file)
    const refusal = await loadKey(file, systemRandom).catch(error => error)
    assert.ok(refusal instanceof ChatError, kind)
    assert.equal(refusal.code, 'DATA_UNUSABLE', kind)
    assert.match(refusal.toLine(), /key (is not a regular file|contains no key)[^\n]*backup[^\n]*$/, kind)
    assert.deepEqual(await readdir(home), ['key'], kind)
  }
})

test('restricts a key that other users can read and reports that once', async t => {
  const file = path.join(await temporaryDirectory(t), 'key')
  const events: KeyFileEvent[] = []
  await loadKey(file, systemRandom, event => events.push(event))
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  await chmod(file, 0o644)
  await loadKey(file, systemRandom, event => events.push(event))
  await loadKey(file, systemRandom, event => events.push(event))
  assert.deepEqual(events, [{ kind: 'key-open-to-others', file }])
  assert.equal((await stat(file)).mode & 0o777, 0o600)
})

test('rejects a key that another user owns', { skip: process.getuid?.() !== 0 }, async t => {
  const file = path.join(await temporaryDirectory(t), 'key')
  await loadKey(file, systemRandom)
  await chown(file, 65534, 65534)
  await assert.rejects(loadKey(file, systemRandom), {
    code: 'DATA_UNUSABLE',
    message: `the key ${file} belongs to another user (uid 65534), who could sign as you`,
  })
})

test('concurrent first starts agree on one key', async t => {
  const file = path.join(await temporaryDirectory(t), 'key')
  const keys = await Promise.all(Array.from({ length: 8 }, () => loadKey(file, systemRandom)))
  assert.equal(new Set(keys.map(({ publicKey }) => hexOf(publicKey))).size, 1)
  assert.equal(keys.filter(({ isNew }) => isNew).length, 1)
})
