import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { momentOf } from '../../src/base/moment.js'
import { parseQuery, type Query } from '../../src/search/query.js'

/** A Saturday, 12:00 local time. */
const NOW = new Date(2026, 10, 21, 12).getTime()

const queryOf = (text: string): Query => {
  const query = parseQuery(text, NOW)
  return 'fault' in query ? assert.fail(`${query.fault} ${query.word}`) : query
}
const wordsOf = (text: string): readonly (readonly string[])[] => queryOf(text).phrases.map(({ words }) => words)

test('parses words, phrases, exclusions and operators', () => {
  const query = queryOf('from:@Bob "Apple pie" -raisins since:2h in:#ops FROM:zoë sug*')
  assert.deepEqual(query, {
    phrases: [
      { words: ['apple', 'pie'], isPrefix: false },
      { words: ['sug'], isPrefix: true },
    ],
    excluded: [{ words: ['raisins'], isPrefix: false }],
    from: ['bob', 'zoe'],
    sinceMs: NOW - 7_200_000,
    beforeMs: undefined,
    rooms: ['ops'],
  })
})

test('reads days, weekdays, times and spans', () => {
  const day = (date: number): number => new Date(2026, 10, date).getTime()
  assert.equal(momentOf('sat', NOW), day(21))
  assert.equal(momentOf('Monday', NOW), day(16))
  assert.equal(momentOf('yesterday', NOW), day(20))
  assert.equal(momentOf('today', NOW), day(21))
  assert.equal(momentOf('3d', NOW), NOW - 3 * 86_400_000)
  assert.equal(momentOf('2w', NOW), NOW - 14 * 86_400_000)
  for (const none of ['mo', 'mondays', '3', 'h', '3y', '', 'yes']) assert.equal(momentOf(none, NOW), undefined, none)
  assert.equal(queryOf('a since:"2026-11-20 10:00"').sinceMs, new Date(2026, 10, 20, 10).getTime())
})

test('says which part of a text is no query', () => {
  const faultOf = (text: string): unknown => parseQuery(text, NOW)
  assert.deepEqual(faultOf('form:bob'), { fault: 'unknown-operator', word: 'form' })
  assert.deepEqual(faultOf('a since:soon'), { fault: 'no-time', word: 'soon' })
  assert.deepEqual(faultOf('from:""'), { fault: 'no-value', word: 'from' })
  for (const empty of ['', ' ', '!', 'in:all', '-a'])
    assert.deepEqual(faultOf(empty), { fault: 'empty', word: '' }, empty)
})

test('text with a colon is text in quotes, in links and at the end of a word', () => {
  assert.deepEqual(wordsOf('"form:bob"'), [['form', 'bob']])
  assert.deepEqual(wordsOf('https://example.com'), [['https', 'example', 'com']])
  assert.deepEqual(wordsOf('note: this'), [['note'], ['this']])
  assert.deepEqual(wordsOf('14:00'), [['14', '00']])
})

test('any text is a query or a fault', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), text => {
      const query = parseQuery(text, NOW)
      assert.ok('fault' in query || query.phrases.length <= 64)
    }),
    { numRuns: 3_000 },
  )
})
