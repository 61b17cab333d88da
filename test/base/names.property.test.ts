import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { ChatError } from '../../src/base/errors.js'
import { checkName, pathComponentOf } from '../../src/base/names.js'

/** Well-formed text biased towards characters that break paths. */
const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom('.', '/', '\\', '%', '2', 'e', 'é', '\u0000', '👩'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
  maxLength: 40,
})

/** Decodes a path component to its name. Such an inverse exists only if no two names share a component. */
const nameOf = (part: string): string => {
  const bytes = part.replace(/%(..)|[^%]/g, (whole, hex) => hex ?? Buffer.from(whole).toString('hex'))
  return Buffer.from(bytes, 'hex').toString()
}

test('encodes names reversibly, so that no two share a path component', () => {
  fc.assert(
    fc.property(text, name => assert.equal(nameOf(pathComponentOf(name)), name)),
    { numRuns: 5_000 },
  )
})

test('encodes names without separators or dots, in lower-case ASCII', () => {
  fc.assert(
    fc.property(text, name => assert.match(pathComponentOf(name), /^([a-z0-9_-]|%[0-9a-f]{2})*$/)),
    { numRuns: 5_000 },
  )
})

test('accepts any text as a name within the limits or rejects it with BAD_NAME', () => {
  let names = 0
  fc.assert(
    fc.property(fc.oneof(text, fc.string({ unit: 'grapheme', maxLength: 40 })), text => {
      try {
        const name = checkName(text, 'your name')
        names++
        assert.equal(name, text.normalize('NFC'))
        assert.equal(checkName(name, 'your name'), name)
        assert.ok([...name].length <= 32 && Buffer.byteLength(name) <= 63 && name.length >= 1)
        assert.ok(pathComponentOf(name).length <= 255)
      } catch (error) {
        assert.ok(error instanceof ChatError && error.code === 'BAD_NAME', String(error))
      }
    }),
    { numRuns: 5_000 },
  )
  assert.ok(names > 100, `${names} of the texts were names`)
})
