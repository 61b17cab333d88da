import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { Editor } from '../../src/ui/terminal/editor/editor.js'
import { inputRows, promptOf } from '../../src/ui/terminal/editor/input-rows.js'
import type { Key } from '../../src/ui/terminal/keys.js'

const key = (name: string, how: Partial<Key> = {}): Key => ({ name, text: '', ctrl: false, alt: false, ...how })
const ctrl = (name: string): Key => key(name, { ctrl: true })
const alt = (name: string): Key => key(name, { alt: true })
const typed = (text: string): Key => key(text, { text })

function edited(...keys: readonly Key[]): Editor {
  const editor = new Editor()
  for (const each of keys) editor.press(each)
  return editor
}

const type = (text: string): Key[] => [...text].map(typed)

test('inserts typed text at the cursor', () => {
  assert.equal(edited(...type('helo'), key('left'), typed('l')).text, 'hello')
  assert.equal(edited(...type('ello'), key('home'), typed('h')).text, 'hello')
})

test('treats a grapheme as one character: a family, a flag, a letter with marks', () => {
  for (const character of ['👨‍👩‍👧', '🇮🇹', 'e\u0301', '한']) {
    const editor = edited(typed('a'), typed(character), typed('b'))
    assert.equal(editor.characters.length, 3)
    editor.press(key('left'))
    editor.press(key('backspace'))
    assert.equal(editor.text, 'ab')
  }
})

test('joins a combining mark to the letter before it', () => {
  const editor = edited(typed('e'), typed('\u0301'))
  assert.equal(editor.characters.length, 1)
  assert.equal(editor.cursor, 1)
})

test('moves over and deletes words as readline does', () => {
  assert.equal(edited(...type('one two three'), ctrl('w')).text, 'one two ')
  assert.equal(edited(...type('one two three'), alt('b'), alt('b'), ctrl('k')).text, 'one ')
  assert.equal(edited(...type('one two'), ctrl('a'), alt('f'), typed('!')).text, 'one! two')
  assert.equal(edited(...type('one two'), ctrl('a'), alt('d')).text, ' two')
  assert.equal(edited(...type('one two'), ctrl('u'), ctrl('y'), ctrl('y')).text, 'one twoone two')
})

test('starts a new line on Alt-Enter, and moves between lines on Up and Down', () => {
  const editor = edited(...type('one'), alt('return'), ...type('second'))
  assert.equal(editor.text, 'one\nsecond')
  editor.press(key('up'))
  editor.press(typed('!'))
  assert.equal(editor.text, 'one!\nsecond')
  editor.press(key('down'))
  editor.press(typed('?'))
  assert.equal(editor.text, 'one!\nseco?nd')
})

test('recalls earlier lines on Up, and the draft on Down', () => {
  const editor = new Editor()
  for (const line of ['first', 'second']) {
    editor.insert(line)
    editor.finish()
  }
  editor.insert('third')
  const recalled = ['up', 'up', 'up', 'down', 'down', 'down'].map(name => {
    editor.press(key(name))
    return editor.text
  })
  assert.deepEqual(recalled, ['second', 'first', 'first', 'second', 'third', 'third'])
})

test('requests sending on Enter, completion on Tab, and the end on Ctrl-D in an empty line', () => {
  const editor = new Editor()
  assert.equal(editor.press(ctrl('d')), 'end-of-input')
  editor.insert('ab')
  editor.moveTo(0)
  assert.equal(editor.press(ctrl('d')), 'none')
  assert.equal(editor.text, 'b')
  assert.equal(editor.press(key('return')), 'send')
  assert.equal(editor.press(key('tab')), 'complete')
})

test('keeps the cursor within the text for any keys', () => {
  const names = ['left', 'right', 'home', 'end', 'up', 'down', 'backspace', 'delete', 'enter', 'tab', 'x', '']
  const anyKey = fc.record({
    name: fc.oneof(fc.constantFrom(...names), fc.constantFrom(...'abdefhjknpuwy', '__proto__', 'constructor')),
    text: fc.oneof(fc.constant(''), fc.string({ unit: 'grapheme', maxLength: 2 }), fc.constant('\u0301')),
    ctrl: fc.boolean(),
    alt: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(anyKey, { maxLength: 60 }), keys => {
      const editor = new Editor()
      for (const each of keys) {
        editor.press(each)
        assert.ok(editor.cursor >= 0 && editor.cursor <= editor.characters.length)
        assert.equal(editor.characters.join(''), editor.text)
      }
    }),
  )
})

test('ignores input beyond the longest line', () => {
  const editor = new Editor()
  editor.insert('x'.repeat(16 * 1024))
  editor.insert('y')
  assert.equal(editor.text.length, 16 * 1024)
})

test('wraps the line being written, with the cursor where the next character goes', () => {
  const rows = (text: string, cursor: number, width = 10) =>
    inputRows('me> ', [...text], cursor, { columns: width, rows: 6 })
  assert.deepEqual(rows('abc', 3), { rows: ['me> abc'], cursor: { x: 7, y: 0 } })
  assert.deepEqual(rows('abcdefgh', 8), { rows: ['me> abcde', '    fgh'], cursor: { x: 7, y: 1 } })
  assert.deepEqual(rows('ab\ncd', 1), { rows: ['me> ab', '    cd'], cursor: { x: 5, y: 0 } })
  assert.deepEqual(rows('你好吗', 3), { rows: ['me> 你好', '    吗'], cursor: { x: 6, y: 1 } })
})

test('shows the rows around the cursor of a long line, none wider than the terminal', () => {
  const text = [...'word '.repeat(60)]
  for (let cursor = 0; cursor <= text.length; cursor++) {
    const { rows, cursor: place } = inputRows('me> ', text, cursor, { columns: 30, rows: 6 })
    assert.ok(rows.length <= 6)
    assert.ok(place.y >= 0 && place.y < rows.length, `${cursor}: ${place.y}`)
    for (const row of rows) assert.ok(row.length < 30)
  }
})

test('sanitises pasted text', () => {
  const { rows } = inputRows('me> ', ['\u001b', '[', '2', 'J', '\u202e'], 0, { columns: 40, rows: 6 })
  assert.deepEqual(rows, ['me> ␛[2J‹U+202E›'])
})

test('leaves two thirds of the row to the line being written', () => {
  assert.equal(promptOf('alice', 79), 'alice> ')
  assert.equal(promptOf('bartholomew-the-third', 79), 'bartholomew-the-third> ')
  assert.equal(promptOf('bartholomew-the-third', 39), 'bartholomew-…> ')
  assert.equal(promptOf('alice', 7), '> ')
})
