import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { harmless, segmentsOf } from '../../../src/ui/web/room/segments.js'
import { forbiddenIn, NASTY } from '../../helper/forbidden.js'

const NAMES = { own: ['alice', 'al'], isKnown: (name: string) => name === 'bob' || name === 'Åsa' }

const partsOf = (text: string) =>
  segmentsOf(text, NAMES)
    .filter(({ kind }) => kind !== 'text')
    .map(segment => (segment.kind === 'link' ? segment.url : segment.text))

test('finds addresses, without the end of the sentence', () => {
  for (const [text, ...links] of [
    ['see http://example.org.', 'http://example.org/'],
    ['(https://example.org/a_(b))', 'https://example.org/a_(b)'],
    [
      '<https://example.org/?q=1&r=2>, and HTTP://EXAMPLE.ORG/A',
      'https://example.org/?q=1&r=2',
      'http://example.org/A',
    ],
    ['https://bücher.example/ä', 'https://xn--bcher-kva.example/%C3%A4'],
    ['http://[::1]:80/x', 'http://[::1]/x'],
    ['nothing here: example.org'],
  ] as const)
    assert.deepEqual(partsOf(text), links, text)
})

test('makes no links of misleading or executable addresses', () => {
  for (const text of [
    'javascript:alert(1)',
    'data:text/html,<script>',
    'file:///etc/passwd',
    'ftp://example.org',
    'https://paypal.com@evil.example/',
    'https://user:password@evil.example/',
    'http://',
    'https://%',
    'xhttp://example.org',
    `https://example.org/${'a'.repeat(3_000)}`,
  ])
    assert.deepEqual(partsOf(text), [], text)
})

test('finds names after @, and the names of the user anywhere', () => {
  assert.deepEqual(partsOf('@bob, alice and @carol: al. @Åsa!'), ['@bob', 'alice', 'al', '@Åsa'])
  assert.deepEqual(partsOf('bob@example.org ALICE alicex'), ['ALICE'])
})

test('the parts of any text add up to the sanitised text', () => {
  const word = fc.oneof(
    fc.constantFrom(...NASTY, 'https://example.org/', 'http://', '@bob', 'alice', '\n', ' ', ')', '.'),
    fc.string({ unit: 'binary' }),
  )
  fc.assert(
    fc.property(fc.array(word, { maxLength: 30 }), words => {
      const text = harmless(words.join(''))
      const segments = segmentsOf(text, NAMES)
      assert.equal(segments.map(segment => segment.text).join(''), text)
      for (const segment of segments) {
        for (const line of segment.text.split('\n')) assert.equal(forbiddenIn(line), undefined)
        if (segment.kind !== 'link') continue
        assert.match(segment.url, /^https?:\/\/[^@]+$/)
        assert.equal(forbiddenIn(segment.host + segment.url), undefined)
      }
    }),
    { numRuns: 2_000 },
  )
})

test('many addresses in one text cost little', () => {
  const text = 'http://a '.repeat(10_000)
  const startedAt = performance.now()
  const segments = segmentsOf(text, NAMES)
  assert.ok(performance.now() - startedAt < 1_000)
  assert.ok(segments.length < 500)
  assert.equal(segments.map(segment => segment.text).join(''), text)
})
