import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { sanitise, sanitisedJson } from '../../src/base/safe-text.js'
import { forbiddenIn, NASTY, NEVER_SHOWN } from '../helper/forbidden.js'
import { SEED } from '../helper/seed.js'
import { chance } from '../long/chance.js'
import { faultOfText, nastyText, sanitiser } from '../long/sanitise.js'

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

test('lets no forbidden code point through from 20,000 random and hostile strings', async () => {
  const { figures, faults } = await sanitiser.run({ cycles: 20_000, seed: SEED })
  assert.deepEqual(faults, [], JSON.stringify(figures))
})

test('detects a sanitiser that removes only controls', () => {
  const naive = (text: string) => text.replace(/\p{Cc}/gu, '')
  const random = chance(1)
  const isCaught = () => faultOfText(nastyText(random), naive) !== undefined
  assert.ok(Array.from({ length: 100 }, isCaught).includes(true))
})

test('lets no forbidden code point through, alone or between letters', () => {
  for (let code = 0; code <= 0x10ffff; code++) {
    const point = String.fromCodePoint(code)
    const line = sanitise(`a${point}b`)
    assert.equal(forbiddenIn(line), undefined, `U+${code.toString(16)}`)
    assert.ok(line.startsWith('a') && line.endsWith('b') && line.length > 2, `U+${code.toString(16)}`)
  }
})

test('keeps at most four combining marks on one character', () => {
  fc.assert(fc.property(text, text => assert.doesNotMatch(sanitise(text), /\p{M}{5}/u)))
})

test('writes JSON that parses back exactly, on one line without forbidden code points', () => {
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
