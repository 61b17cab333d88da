import assert from 'node:assert/strict'
import test from 'node:test'
import type { AuthorId } from '../../src/log/format/author.js'
import { NAME_COLOURS, paletteOf } from '../../src/ui/palette.js'

const author = (first: number): AuthorId => first.toString(16).padStart(2, '0').repeat(32) as AuthorId
const WHITE = 1
const BLACK = 0

/** Relative luminance of one of the 216 colours of xterm's cube (WCAG 2.2). */
function luminance(code: number): number {
  const place = code - 16
  const [red = 0, green = 0, blue = 0] = [Math.floor(place / 36), Math.floor(place / 6) % 6, place % 6].map(level => {
    const value = (level === 0 ? 0 : 55 + level * 40) / 255
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

const contrast = (a: number, b: number): number => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)

test('gives the first ten people ten different colours', () => {
  for (const depth of [4, 8, 24]) {
    const palette = paletteOf(true, depth)
    // All of these keys would share one colour if it were taken from their first byte.
    const people = Array.from({ length: 10 }, (_, index) => author(index * 10))
    const shown = people.map(each => palette.name(each, 'x'))
    assert.equal(new Set(shown).size, 10)
    assert.deepEqual(
      people.map(each => palette.name(each, 'x')),
      shown,
      'and keep them',
    )
  }
})

test('has only name colours that are readable on white and on black', () => {
  for (const code of NAME_COLOURS) {
    assert.ok(contrast(luminance(code), WHITE) >= 3, `${code} on white`)
    assert.ok(contrast(luminance(code), BLACK) >= 3, `${code} on black`)
  }
})

test('control: yellow on white fails the contrast check', () => {
  assert.ok(contrast(luminance(226), WHITE) < 3)
})

test('does not use yellow for warnings', () => {
  assert.equal(paletteOf(true, 8).alarm('x'), '\u001b[1m\u001b[35mx\u001b[39m\u001b[22m')
})

test('uses no colours without a terminal, with NO_COLOR, or without colour support', t => {
  assert.equal(paletteOf(false, 8).alarm('x'), 'x')
  assert.equal(paletteOf(true, 1).name(author(1), 'x'), 'x')
  const before = process.env['NO_COLOR']
  t.after(() => {
    if (before === undefined) delete process.env['NO_COLOR']
    else process.env['NO_COLOR'] = before
  })
  process.env['NO_COLOR'] = '1'
  assert.equal(paletteOf(true, 8).name(author(1), 'x'), 'x')
})
