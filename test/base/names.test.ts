import assert from 'node:assert/strict'
import test from 'node:test'
import { ChatError } from '../../src/base/errors.js'
import { checkName, chosenComponent, pathComponentOf } from '../../src/base/names.js'

test('accepts letters, digits and marks of any script', () => {
  for (const name of [
    'alice',
    'a',
    'Alice-2_b',
    'Ärger',
    'محمد',
    '李雷',
    '👩🏽',
    "o'neill",
    '__proto__',
    'constructor',
    'books',
    'bench',
    'x'.repeat(32),
    '愛'.repeat(21), // 63 bytes
    `${'é'.repeat(31)}x`, // 63 bytes
  ]) {
    assert.equal(checkName(name, 'your name'), name)
  }
})

test('rejects names that are invalid in a path, on a terminal or in DNS, and says why', () => {
  const table: [name: string, why: RegExp][] = [
    ['', /is empty/],
    ['x'.repeat(33), /longer than 32 characters/],
    ['👩'.repeat(33), /longer than 32 characters/],
    ['é'.repeat(32), /longer than 63 bytes/], // 64 bytes
    [`${'愛'.repeat(21)}x`, /longer than 63 bytes/], // 64 bytes
    ['al ice', /a space/],
    ['.', /a dot/],
    ['..', /a dot/],
    ['alice.local', /a dot/],
    ['a/b', /contain \//],
    ['a\\b', /contain \\/],
    ['a:b', /contain :/],
    ['%61', /contain %/],
    ['a\u0000', /U\+0000/],
    ['a\n', /U\+000A/],
    ['\u001b[2J', /U\+001B/],
    ['a\u00a0b', /U\+00A0/],
    ['a\u200bb', /U\+200B/],
    ['a\u202eb', /U\+202E/],
    ['👨\u200d👩', /U\+200D/],
    ['a\u2800', /U\+2800/],
    ['a\u3164', /U\+3164/],
    ['❤\ufe0f', /U\+FE0F/],
    ['a\ud800', /U\+D800/],
    ['a\u{e0041}', /U\+E0041/],
    ['-x', /begin with -/],
    ['--help', /begin with -/],
  ]
  for (const [name, why] of table) {
    assert.throws(
      () => checkName(name, 'your name'),
      error => error instanceof ChatError && error.code === 'BAD_NAME' && why.test(error.message) && !!error.hint,
      JSON.stringify(name),
    )
  }
})

test('normalises names to NFC before measuring them', () => {
  assert.equal(checkName('e\u0301', 'your name'), '\u00e9')
  assert.equal(checkName('e\u0301'.repeat(31), 'your name'), '\u00e9'.repeat(31))
  assert.equal(checkName('\u1112\u1161\u11ab', 'your name'), '한')
})

test('encodes a name as one path component and leaves plain characters readable', () => {
  assert.equal(pathComponentOf('alice-2_b'), 'alice-2_b')
  assert.equal(pathComponentOf('Alice-2_B'), '%41lice-2_%42')
  assert.equal(pathComponentOf('__proto__'), '__proto__')
  assert.equal(pathComponentOf('é'), '%c3%a9')
  assert.equal(pathComponentOf('👩'), '%f0%9f%91%a9')
  assert.equal(pathComponentOf('..'), '%2e%2e')
  assert.equal(pathComponentOf('%2e'), '%252e')
})

/** A directory with the given entries, on a case-sensitive or case-insensitive file system. */
const disk = (stored: readonly string[], ignoresCase: boolean) => ({
  partOf: (name: string) =>
    chosenComponent(name, stored, component =>
      stored.some(other => (ignoresCase ? other.toLowerCase() === component.toLowerCase() : other === component)),
    ),
})

test('gives names that differ only in case separate directories, in any order, on any file system', () => {
  for (const ignoresCase of [false, true]) {
    for (const names of [
      ['alice', 'Alice', 'ALICE'],
      ['ALICE', 'Alice', 'alice'],
      ['Alice', 'alice', 'aLICE'],
    ]) {
      const stored: string[] = []
      for (const name of names) stored.push(disk(stored, ignoresCase).partOf(name))
      assert.equal(new Set(stored.map(part => part.toLowerCase())).size, 3, stored.join(' '))
      assert.deepEqual(
        names.map(name => disk(stored, ignoresCase).partOf(name)),
        stored,
      )
      assert.ok(stored.includes('alice'))
    }
  }
})

test('keeps using an existing directory with the exact name', () => {
  for (const ignoresCase of [false, true]) {
    const { partOf } = disk(['Alice', 'books.txt'], ignoresCase)
    assert.equal(partOf('Alice'), 'Alice')
    assert.equal(partOf('ALICE'), '%41%4c%49%43%45')
    assert.equal(partOf('alice'), ignoresCase ? '%61%6c%69%63%65' : 'alice')
  }
  assert.equal(disk(['Alice', '%61%6c%69%63%65'], true).partOf('alice'), '%61%6c%69%63%65')
})
