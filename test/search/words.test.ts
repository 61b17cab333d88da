import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { fold, wordsOf } from '../../src/search/words.js'

const BOUND = { timeout: 60_000 }

const same = (...texts: readonly string[]): void => {
  for (const text of texts) assert.deepEqual(wordsOf(text), wordsOf(texts[0] ?? ''), text)
}

test('words are equal whatever their case, accents, width and composition', () => {
  same('zoe', 'Zoë', 'ZOE\u0308', 'ｚｏｅ')
  same('strasse', 'Straße', 'STRASSE', 'STRAẞE')
  same('izmir', 'İzmir', 'IZMIR', 'ızmır')
  same('οδοσ', 'Οδός', 'ΟΔΟΣ')
  same('lodz', 'Łódź')
  same('aether', 'Æther')
  same('שלום', 'שָׁלוֹם')
  same('سلام', 'سَلَام')
})

test('marks that make another letter stay', () => {
  assert.notEqual(fold('が'), fold('か'))
  assert.notEqual(fold('กั'), fold('กา'))
  assert.equal(fold('한'), fold('한'.normalize('NFD')))
})

test('divides words at spaces and punctuation, and where a dictionary divides them', () => {
  assert.deepEqual(wordsOf("don't panic: example.com"), ['don', 't', 'panic', 'example', 'com'])
  assert.deepEqual(wordsOf('東京都に行く'), ['東京', '都', 'に', '行く'])
  assert.deepEqual(wordsOf('สวัสดีชาวโลก'), ['สวัสดี', 'ชาว', 'โลก'])
  assert.deepEqual(wordsOf('Приве́т, мир'), ['привет', 'мир'])
  assert.deepEqual(wordsOf('see 東京 soon'), ['see', '東京', 'soon'])
  assert.deepEqual(wordsOf('  …  '), [])
})

test('emoji are words, whatever their skin tone and style', () => {
  assert.deepEqual(wordsOf('yes👍🏽!'), ['yes', '👍'])
  assert.deepEqual(wordsOf('❤️ ❤'), ['❤', '❤'])
  assert.deepEqual(wordsOf('🇩🇪'), ['🇩🇪'])
})

test('a text of nothing but marks takes no longer than another one', BOUND, () => {
  const timeOf = (text: string): number => {
    const start = process.cpuUsage()
    wordsOf(text)
    const { user, system } = process.cpuUsage(start)
    return (user + system) / 1_000
  }
  const length = 60_000
  timeOf('é'.repeat(length))
  // Normalizing sorts the marks of each letter by insertion.
  const marks = `a${'\u0300'.repeat(length / 2)}${'\u0316'.repeat(length / 2)}`
  assert.ok(timeOf(marks) < 200, 'marks')
  assert.deepEqual(wordsOf(marks), ['a'])
  assert.deepEqual(wordsOf(fold(marks)), wordsOf(marks))
})

test('folding twice changes nothing, and a text has the words of its folded form', BOUND, () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), text => {
      assert.equal(fold(fold(text)), fold(text))
      assert.deepEqual(wordsOf(fold(text)), wordsOf(text))
    }),
    { numRuns: 3_000 },
  )
})

test('the words of ASCII text are those that the segmenter finds, without punctuation', BOUND, () => {
  const segmenter = new Intl.Segmenter('en', { granularity: 'word' })
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme-ascii', maxLength: 60 }), text => {
      const segments = Array.from(segmenter.segment(text.toLowerCase())).filter(({ isWordLike }) => isWordLike)
      const words = segments.flatMap(({ segment }) => segment.match(/[a-z0-9]+/g) ?? [])
      assert.deepEqual(wordsOf(text), words)
    }),
    { numRuns: 2_000 },
  )
})
