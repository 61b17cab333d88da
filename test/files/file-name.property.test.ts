import assert from 'node:assert/strict'
import path from 'node:path'
import test from 'node:test'
import fc from 'fast-check'
import { sanitise } from '../../src/base/safe-text.js'
import { numberedName, savedName, sentName } from '../../src/files/format/file-name.js'
import { FILE_NAME_BYTES_MAX } from '../../src/files/limits.js'

const HARD = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({
    unit: fc.constantFrom('.', '/', '\\', ' ', '\u202e', '\0', 'a', '~', '-', ':', 'é', '😀'),
    maxLength: 300,
  }),
  fc.constantFrom(
    '',
    '.',
    '..',
    '../../etc/passwd',
    'C:\\x',
    'con',
    'NUL.txt',
    'com1.tar.gz',
    '.bashrc',
    'aux .c',
    'x'.repeat(999),
  ),
)

test('every name becomes one harmless path component', () => {
  fc.assert(
    fc.property(HARD, fc.integer({ min: 1, max: 999 }), (name, number) => {
      for (const saved of [savedName(name), numberedName(savedName(name), number)]) {
        assert.equal(path.posix.basename(`/d/${saved}`), saved)
        assert.equal(path.win32.basename(`c:\\d\\${saved}`), saved)
        assert.equal(path.posix.dirname(path.posix.normalize(`/d/${saved}`)), '/d')
        assert.doesNotMatch(saved, /^[.\s~-]|[.\s]$|[/\\:*?"<>|]/u)
        assert.equal(sanitise(saved), saved)
        assert.ok(saved.length > 0 && Buffer.byteLength(saved) <= 255)
        assert.doesNotMatch(saved.split('.')[0]?.trim() ?? '', /^(con|prn|aux|nul|com\d|lpt\d)$/i)
      }
    }),
    { numRuns: 500 },
  )
})

test('keeps ordinary names, and the ending of long ones', () => {
  for (const name of ['photo.jpg', 'Übersicht 2026.pdf', 'archive.tar.gz', 'README', '写真.png', 'it’s (1).txt'])
    assert.equal(savedName(name), name.normalize('NFC'))
  assert.match(savedName(`${'é'.repeat(300)}.jpeg`), /^é+\.jpeg$/)
  assert.equal(numberedName('photo.jpg', 2), 'photo (2).jpg')
  assert.equal(numberedName('README', 3), 'README (3)')
})

test('a sent name fits into a line, and is saved under the same name again', () => {
  fc.assert(fc.property(HARD, name => Buffer.byteLength(sentName(name)) <= FILE_NAME_BYTES_MAX))
  fc.assert(fc.property(HARD, name => savedName(savedName(name)) === savedName(name)))
})
