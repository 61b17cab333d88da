import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { hexOf, utf8 } from '../../../src/base/wire/bytes.js'
import { chainNext, chainStart } from '../../../src/log/format/chain.js'
import { claimedHlc, decodeEntry, entryText, storedHlc, validHlc } from '../../../src/log/format/entry.js'
import { EntryValidator } from '../../../src/log/format/entry-validator.js'
import { EARLIEST, hlcAt, hlcOf } from '../../../src/log/format/hybrid-clock.js'
import { pack, packEntry } from '../../../src/log/format/packed.js'
import { ENTRY_BYTES_MAX } from '../../../src/log/limits.js'
import { isPlainEntry } from '../../helper/plain-entry.js'

const AT = hlcAt(1_763_670_000_123, 7)
const NOW = 1_763_670_000_123
const SALT = utf8('saltsalt')

/** JSON texts that are entries, almost entries, or not entries. */
const nearEntry = fc.oneof(
  fc.json(),
  fc.string(),
  fc
    .tuple(fc.constantFrom('username', 'message', '__proto__', 'at', 'constructor', 'toString'), fc.jsonValue())
    .map(([name, value]) => `{"at":"${AT}","username":"a","message":"b","${name}":${JSON.stringify(value)}}`),
)

test('decodes any bytes as an entry or as undefined, and never throws', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), nearEntry.map(utf8)), bytes => {
      const members = decodeEntry(bytes)
      if (members !== undefined) {
        assert.ok(typeof members.username === 'string' && typeof members.message === 'string')
        assert.ok(Object.hasOwn(members, 'username') && Object.hasOwn(members, 'message'))
      }
      const at = claimedHlc(bytes)
      if (at !== undefined) assert.equal(hlcOf(at), at)
    }),
    { numRuns: 20_000 },
  )
})

test('round-trips members', () => {
  const text = fc.string({ unit: 'binary', maxLength: 200 })
  fc.assert(
    fc.property(text, text, (username, message) => {
      const bytes = utf8(entryText(AT, NOW, { username, message }))
      assert.deepEqual({ ...decodeEntry(bytes) }, { at: AT, username, message })
      assert.equal(claimedHlc(bytes), AT)
    }),
    { numRuns: 2_000 },
  )
})

test('accepts an entry of up to 16 KiB', () => {
  const empty = entryText(AT, NOW, { username: '', message: '' }).length
  const room = ENTRY_BYTES_MAX - empty
  const length = fc.oneof(fc.constantFrom(0, 1, room - 1, room, room + 1), fc.nat(2 * room))
  fc.assert(
    fc.property(length, length => {
      const message = 'x'.repeat(length)
      const text = JSON.stringify({ at: AT, username: '', message })
      assert.equal(decodeEntry(utf8(text)) !== undefined, length <= room)
      if (length <= room) assert.equal(entryText(AT, NOW, { username: '', message }), text)
      else assert.throws(() => entryText(AT, NOW, { username: '', message }), { code: 'BAD_MESSAGE' })
    }),
  )
})

/** The rules of docs/protocol/logs.md §3.2 one by one, with `JSON.parse`. */
function isValidByParsing(entry: Uint8Array): boolean {
  const isWhole = claimedHlc(entry) !== undefined && entry.at(-1) === 0x7d && entry.length <= ENTRY_BYTES_MAX
  return isWhole && decodeEntry(entry) !== undefined
}

/** Contents of JSON strings, some of them invalid. */
const inQuotes = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }).map(text => JSON.stringify(text).slice(1, -1)) },
  fc.stringMatching(/^[ -~]{0,12}$/),
  fc.constantFrom('\\', '\\\\', '\\"', '\\x', '\\u0041', '\\u004', '\t', '\u007f', '"', '","message":"', '\ud800'),
)
const START = chainStart({ room: new Uint8Array(32), key: new Uint8Array(32), run: 0 })

test('recognises only valid entries as plain, also with one byte changed', () => {
  const drawn = fc.record({
    username: inQuotes,
    message: inQuotes,
    place: fc.nat(),
    byte: fc.integer({ min: 0, max: 255 }),
    change: fc.constantFrom('none', 'none', 'put', 'insert', 'remove'),
  })
  let plain = 0
  fc.assert(
    fc.property(drawn, ({ username, message, place, byte, change }) => {
      const bytes = [...Buffer.from(`{"at":"${AT}","username":"${username}","message":"${message}"}`)]
      const at = place % bytes.length
      if (change === 'put') bytes[at] = byte
      if (change === 'insert') bytes.splice(at, 0, byte)
      if (change === 'remove') bytes.splice(at, 1)
      const entry = Uint8Array.from(bytes)
      const isValid = isValidByParsing(entry)
      if (isPlainEntry(entry)) {
        plain++
        assert.ok(isValid)
      }
      assert.equal(validHlc(entry, EARLIEST) !== undefined, isValid && claimedHlc(entry) !== EARLIEST)
    }),
    { numRuns: 50_000 },
  )
  assert.ok(plain > 10_000, `only ${plain} of them`)
})

test('finds the first invalid packed entry, and the chain value before it', () => {
  const row = fc.array(
    fc.record({
      step: fc.constantFrom(1, 1, 1, 1, 1, 1, 0, -1),
      form: fc.constantFrom('plain', 'plain', 'more', 'none'),
    }),
    { maxLength: 12 },
  )
  fc.assert(
    fc.property(row, steps => {
      let counter = 20
      const texts = steps.map(({ step, form }) => {
        counter += step
        const more = form === 'more' ? ',"type":"x"' : form === 'none' ? ',' : ''
        return utf8(`{"at":"${hlcAt(NOW, counter)}","username":"a","message":"b"${more}}`)
      })
      const entries = texts.map(entry => packEntry(SALT, entry))
      const previous = hlcAt(NOW, 20)
      const expected = texts.findIndex(
        (entry, index) =>
          !isValidByParsing(entry) ||
          storedHlc(entry) <= (index === 0 ? previous : storedHlc(texts[index - 1] ?? entry)),
      )
      const validator = new EntryValidator()
      validator.begin(START, previous)
      assert.equal(validator.validate(pack(entries)), expected)
      const good = expected === -1 ? entries : entries.slice(0, expected)
      const last = expected === -1 ? texts.at(-1) : texts[expected - 1]
      assert.deepEqual(hexOf(validator.chain), hexOf(good.reduce(chainNext, START)))
      assert.equal(validator.last, last === undefined ? previous : storedHlc(last))
      validator.save()
      validator.validate(pack([packEntry(SALT, utf8(`{"at":"${hlcAt(NOW + 1, 0)}","username":"a","message":"b"}`))]))
      validator.restore()
      assert.ok(validator.hasChain(good.reduce(chainNext, START)))
      assert.equal(validator.last, last === undefined ? previous : storedHlc(last))
    }),
    { numRuns: 5_000 },
  )
})
