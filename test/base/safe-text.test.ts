import assert from 'node:assert/strict'
import test from 'node:test'
import { sanitise, sanitisedJson } from '../../src/base/safe-text.js'

test('leaves ordinary text unchanged', () => {
  for (const text of [
    '',
    'plain text, with punctuation: "quotes" & <tags> \\ / %20',
    'naïve café, Ångström',
    'e\u0301 a\u0308\u0304',
    'שלום עולם',
    'مرحبا بالعالم ١٢٣',
    'नमस्ते दुनिया',
    'สวัสดี',
    '한국어 日本語 中文',
    'ܫܠܡܐ',
    '👋 👍🏽 🇩🇪 🏳️‍🌈 🏳️‍⚧️',
    '👨‍👩‍👧‍👦 👩‍❤️‍💋‍👨 🧑🏽‍🤝‍🧑🏻 🕵🏻‍♂️ 🧑‍💻 ❤️‍🔥',
    '☺️ ✔︎ ™️ 1️⃣ #️⃣ *️⃣',
    'x̂ = ½ · π²',
  ]) {
    assert.equal(sanitise(text), text)
  }
})

test('shows controls as their pictures', () => {
  assert.equal(sanitise('\u001b[31mred\u0007\u0000'), '␛[31mred␇␀')
  assert.equal(sanitise('one\r\ntwo\nthree'), 'one␍⏎two⏎three')
  assert.equal(sanitise('a\tb'), 'a    b')
  assert.equal(sanitise('\u007f\u009b\u0085'), '␡‹U+009B›‹U+0085›')
})

test('spells out invisible and reordering characters', () => {
  assert.equal(sanitise('\u202eolleh'), '‹U+202E›olleh')
  assert.equal(sanitise('a\u2028b\u2029'), 'a‹U+2028›b‹U+2029›')
  assert.equal(sanitise('a\u200bb\ufeff'), 'a‹U+200B›b‹U+FEFF›')
  assert.equal(sanitise('\u{e0041}'), '‹U+E0041›')
  assert.equal(sanitise('\ud800x'), '‹U+D800›x')
})

test('spells out joiners and style selectors outside emoji, so that no two names look the same', () => {
  assert.equal(sanitise('ali\u200dce'), 'ali‹U+200D›ce')
  assert.equal(sanitise('\u200d👩'), '‹U+200D›👩')
  assert.equal(sanitise('👩\u200d'), '👩‹U+200D›')
  assert.equal(sanitise('👩\u200d\u200d👩'), '👩‹U+200D›‹U+200D›👩')
  assert.equal(sanitise('alice\ufe0f'), 'alice‹U+FE0F›')
  assert.equal(sanitise('alice1\ufe0f'), 'alice1‹U+FE0F›')
  assert.equal(sanitise('❤\ufe0f\ufe0f'), '❤\ufe0f‹U+FE0F›')
})

test('removes combining marks that would paint over other lines', () => {
  assert.equal(sanitise(`Z${'\u0301'.repeat(100)}algo`), `Z${'\u0301'.repeat(4)}algo`)
})

test('keeps private-use characters', () => {
  assert.equal(sanitise('\u{f0000}\ue000'), '\u{f0000}\ue000')
})

test('escapes forbidden code points in JSON', () => {
  assert.equal(sanitisedJson({ message: 'a\u202e\u001b👨\u200d👩' }), '{"message":"a\\u202e\\u001b👨\\u200d👩"}')
  assert.equal(sanitisedJson('\u{e0041}'), '"\\udb40\\udc41"')
  assert.equal(sanitisedJson('\ud800'), '"\\ud800"')
})
