import assert from 'node:assert/strict'
import test from 'node:test'
import { wrapWords } from '../../src/ui/terminal/word-wrap.js'

/** The rows of a text after a prefix of `first` cells. */
const wrapped = (text: string, columns: number, first = 0, indent = 0): string[] =>
  wrapWords(text, { columns, first, indent }).map(
    (row, index) => ' '.repeat(index === 0 ? first : row.indent) + row.text,
  )

test('breaks between words', () => {
  assert.deepEqual(wrapped('one two three four', 9), ['one two', 'three', 'four'])
  assert.deepEqual(wrapped('one two', 7), ['one two'])
  assert.deepEqual(wrapped('', 7), [''])
})

test('indents all rows but the first', () => {
  assert.deepEqual(wrapped('one two three', 9, 4, 2), ['    one', '  two', '  three'])
})

test('leaves the first row to its prefix when no word fits beside it', () => {
  assert.deepEqual(wrapped('three four', 9, 6, 2), ['      ', '  three', '  four'])
})

test('drops spaces at a break and keeps all others', () => {
  assert.deepEqual(wrapped('  if a:  b', 20), ['  if a:  b'])
  assert.deepEqual(wrapped('one    two', 6), ['one', 'two'])
})

test('breaks a word only when it is longer than a row', () => {
  assert.deepEqual(wrapped('a abcdefghijkl b', 6, 0, 2), ['a abcd', '  efgh', '  ijkl', '  b'])
  assert.deepEqual(wrapped('abcd efghijkl', 6), ['abcd', 'efghij', 'kl'])
})

test('keeps a URL whole where it fits a row, with less indent if needed', () => {
  const url = 'https://a.example/b'
  assert.deepEqual(wrapped(`see ${url} there`, 22, 8, 4), ['        see', `   ${url}`, '    there'])
  assert.deepEqual(wrapped(`see ${url}`, 19, 8, 4), ['        see', url])
  assert.equal(wrapped(`see ${url}`, 18, 8, 4).length, 3)
})

test("does not move other long words left of the indent, where they could look like another person's row", () => {
  const forged = '12:00\u00a0bob\u00a0│\u00a0pay\u00a0him'
  assert.ok(
    wrapped(`x ${forged}`, 22, 8, 4)
      .slice(1)
      .every(row => row.startsWith('    ')),
  )
})

test('breaks East Asian text between characters, never before closing punctuation', () => {
  assert.deepEqual(wrapped('一二三四五六。', 12), ['一二三四五', '六。'])
  assert.deepEqual(wrapped('ab一二', 5), ['ab一', '二'])
})

test('does not break inside a grapheme', () => {
  assert.deepEqual(wrapped('👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧', 5), ['👨‍👩‍👧👨‍👩‍👧', '👨‍👩‍👧'])
  assert.deepEqual(wrapped('e\u0301'.repeat(4), 3), ['e\u0301'.repeat(3), 'e\u0301'])
})
