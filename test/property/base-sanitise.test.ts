import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { sanitise, sanitisedJson } from '../../src/base/sanitise.js'

const NEVER_SHOWN =
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\u2800\ufff0-\ufff8\ufffe\uffff]/u
const PICTOGRAPH = /^\p{Extended_Pictographic}$/u
const SKIN = /^[\u{1f3fb}-\u{1f3ff}]$/u

/** The first code point of a line that no line may hold, found by what Unicode says of it. Emoji may hold two of them. */
function forbiddenIn(line: string): string | undefined {
  const points = [...line]
  const isPictograph = (index: number) => PICTOGRAPH.test(points[index] ?? '')
  const bad = points.findIndex((point, index) => {
    if (!NEVER_SHOWN.test(point)) return false
    const before = points[index - 1] ?? ''
    if (point === '\u200d') {
      const base = before === '\ufe0f' || SKIN.test(before) ? index - 2 : index - 1
      return !(isPictograph(base) && isPictograph(index + 1))
    }
    if (point === '\ufe0f' && /^[0-9#*]$/.test(before)) return points[index + 1] !== '\u20e3'
    return !((point === '\ufe0e' || point === '\ufe0f') && isPictograph(index - 1))
  })
  return points[bad]
}

const NASTY = [
  ...['\u001b[2J', '\u001b]0;title\u0007', '\u009b31m', '\r', '\n', '\t', '\u0085', '\u0000', '\u007f', '\b'],
  ...['\u2028', '\u2029', '\u202e', '\u202a', '\u2066', '\u2069', '\u200e', '\u200f', '\u061c'],
  ...['\u200b', '\u200c', '\u200d', '\u2060', '\ufeff', '\u00ad', '\u034f', '\u115f', '\u3164', '\uffa0', '\u2800'],
  ...[
    '\u180b',
    '\u180e',
    '\ufe00',
    '\ufe0e',
    '\ufe0f',
    '\u{e0041}',
    '\u{e0100}',
    '\u{1d173}',
    '\u{1bca0}',
    '\u{13430}',
  ],
  ...['\ud800', '\udfff', '\udbff\ud800', '\ufffe', '\ufdd0', '\u{f0000}', '\u0600', '\u06dd', '\u{110bd}'],
  ...[
    '👨\u200d👩\u200d👧',
    '❤\ufe0f',
    '👍🏽',
    '1\ufe0f\u20e3',
    '\u20e3',
    '\u0301',
    '\u0301\u0301\u0301\u0301\u0301',
    '🏴',
  ],
  ...['a', 'é', 'שלום', 'مرحبا', '한', '中', '‹U+202E›'],
]

const text = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom(...NASTY) },
      { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 3 }) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffff }).map(unit => String.fromCharCode(unit)) },
    ),
    { maxLength: 12 },
  )
  .map(parts => parts.join(''))

test('no forbidden code point comes out of 20,000 random and nasty strings', () => {
  fc.assert(
    fc.property(text, text => {
      const line = sanitise(text)
      assert.equal(forbiddenIn(line), undefined)
      assert.equal(sanitise(line), line)
    }),
    { numRuns: 20_000 },
  )
})

test('the harness finds a sanitiser that takes out controls alone', () => {
  const naive = (text: string) => text.replace(/\p{Cc}/gu, '')
  const { failed } = fc.check(
    fc.property(text, text => forbiddenIn(naive(text)) === undefined),
    { numRuns: 20_000 },
  )
  assert.ok(failed)
})

test('no code point is forbidden and comes out, alone or between letters', () => {
  for (let code = 0; code <= 0x10ffff; code++) {
    const point = String.fromCodePoint(code)
    const line = sanitise(`a${point}b`)
    assert.equal(forbiddenIn(line), undefined, `U+${code.toString(16)}`)
    assert.ok(line.startsWith('a') && line.endsWith('b') && line.length > 2, `U+${code.toString(16)}`)
  }
})

test('at most four marks stay on one character', () => {
  fc.assert(fc.property(text, text => assert.doesNotMatch(sanitise(text), /\p{M}{5}/u)))
})

test('JSON reads back exactly, on one line without any forbidden code point', () => {
  const value = fc.oneof(text, fc.array(text), fc.dictionary(text, text), fc.jsonValue())
  fc.assert(
    fc.property(value, value => {
      const line = sanitisedJson(value)
      assert.doesNotMatch(line, NEVER_SHOWN)
      assert.equal(JSON.stringify(JSON.parse(line)), JSON.stringify(value))
    }),
    { numRuns: 5_000 },
  )
})
