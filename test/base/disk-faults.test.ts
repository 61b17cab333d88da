import assert from 'node:assert/strict'
import test from 'node:test'
import { ChatError } from '../../src/base/errors.js'
import { diskFaultWords, unusableHint } from '../../src/base/files/disk-faults.js'

const withCode = (code: string): Error => Object.assign(new Error(`${code}: whatever`), { code })
/** A system error as LevelDB reports it. */
const levelError = (words: string): Error =>
  Object.assign(new Error(`IO error: data/alice/lobby/LOCK: ${words}`), { code: 'LEVEL_IO_ERROR' })

test('names each cause by its system code, however deeply it is wrapped', () => {
  for (const [code, words] of [
    ['EACCES', 'permission denied'],
    ['EPERM', 'permission denied'],
    ['EROFS', 'the file system is read-only'],
    ['ENOSPC', 'no space left on the disk'],
    ['EDQUOT', 'no space left on the disk'],
    ['ENOTDIR', 'part of its path is not a directory'],
  ] as const) {
    assert.equal(diskFaultWords(withCode(code)), words)
    assert.equal(diskFaultWords(new ChatError('DATA_UNUSABLE', 'no', { cause: withCode(code) })), words)
  }
})

test('recognises the cause in a message from LevelDB, which has no code', () => {
  for (const [words, known] of [
    ['Permission denied', 'permission denied'],
    ['Read-only file system', 'the file system is read-only'],
    ['No space left on device', 'no space left on the disk'],
    ['Not a directory', 'part of its path is not a directory'],
  ] as const) {
    assert.equal(diskFaultWords(new Error('Database is not open', { cause: levelError(words) })), known)
  }
})

test('suggests another directory only if that would help', () => {
  assert.match(unusableHint(withCode('EACCES')), /owner/)
  assert.match(unusableHint(levelError('Read-only file system')), /^Copy it to a writable disk/)
  assert.match(unusableHint(withCode('ENOSPC')), /^Free some space/)
  for (const unknown of [withCode('EIO'), new Error('no'), 'no', undefined]) {
    assert.equal(diskFaultWords(unknown), undefined)
    assert.equal(unusableHint(unknown), 'Choose another with {data}.')
  }
})
