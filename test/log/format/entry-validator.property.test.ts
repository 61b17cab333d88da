import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { hexOf, utf8 } from '../../../src/base/wire/bytes.js'
import { chainNext, chainStart } from '../../../src/log/format/chain.js'
import { claimedHlc, decodeEntry, entryText, validHlc } from '../../../src/log/format/entry.js'
import { EntryValidator } from '../../../src/log/format/entry-validator.js'
import { EARLIEST, type Hlc, justAfter } from '../../../src/log/format/hybrid-clock.js'
import { pack, packEntry } from '../../../src/log/format/packed.js'
import { roomId } from '../../../src/log/format/room-id.js'
import { ENTRY_BYTES_MAX } from '../../../src/log/limits.js'
import { isPlainEntry } from '../../helper/plain-entry.js'

// docs/protocol/logs.md §3.2. The validator recognises entries in plain form from their bytes; it must agree with the rule, which
// parses them.

const SALT = Buffer.from('saltsalt')
const AT = '1763670000123.0042' as Hlc
const START = chainStart({ room: roomId('lobby'), key: new Uint8Array(32), run: 0 })
const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({
    unit: fc.constantFrom('"', '\\', '/', '\u0000', '\u001f', '\u007f', '\u2028', '\ud800', '\udc00', 'é', 'u'),
  }),
)
const members = fc.record({ username: text, message: text })

/** Validity according to an independent implementation of the rule. */
function validByParsing(entry: Uint8Array): Hlc | undefined {
  const isEntry = decodeEntry(entry) !== undefined && entry.at(-1) === 0x7d
  return isEntry ? claimedHlc(entry) : undefined
}

/** The chain value and `at` after an entry if the validator accepts it. */
function validated(entry: Uint8Array, previous: Hlc): { readonly chain: string; readonly at: Hlc } | undefined {
  const validator = new EntryValidator()
  validator.begin(START, previous)
  if (validator.validate(pack([packEntry(SALT, entry)])) !== -1) return undefined
  return { chain: hexOf(validator.chain), at: validator.last }
}

/** The result of the rule in entry.ts for the same entry. */
function expected(entry: Uint8Array, previous: Hlc): { readonly chain: string; readonly at: Hlc } | undefined {
  const at = entry.length > ENTRY_BYTES_MAX ? undefined : validHlc(entry, previous)
  return at === undefined ? undefined : { chain: hexOf(chainNext(START, packEntry(SALT, entry))), at }
}

test('accepts the entry of any username and message as JSON.stringify writes it', () => {
  fc.assert(
    fc.property(members, ({ username, message }) => {
      const entry = entryText(AT, 1763670000123, { username, message })
      assert.equal(entry, JSON.stringify({ at: AT, username, message }))
      assert.deepEqual(validated(utf8(entry), EARLIEST), expected(utf8(entry), EARLIEST))
      assert.equal(validHlc(utf8(entry), EARLIEST), AT)
    }),
  )
})

test('agrees with the rule on mutated bytes, with and without the shortcut', () => {
  let plain = 0
  let rejected = 0
  const significant = fc.constantFrom(...utf8('"\\/{}:,.09abfnrtuvx'), 0, 0x1f, 0x20, 0x7f, 0x80, 0xc3, 0xa9, 0xff)
  const put = fc.oneof(fc.uint8Array({ maxLength: 3 }), fc.array(significant, { minLength: 1, maxLength: 2 }))
  const change = fc.record({ at: fc.nat(400), cut: fc.nat(3), put })
  const previous = fc.constantFrom(EARLIEST, AT, justAfter(AT), '1763670000123.0041' as Hlc)
  fc.assert(
    fc.property(members, fc.array(change, { maxLength: 3 }), previous, (members, changes, previous) => {
      let entry = Buffer.from(entryText(AT, 1763670000123, members))
      for (const { at, cut, put } of changes) {
        const from = at % (entry.length + 1)
        entry = Buffer.concat([entry.subarray(0, from), Uint8Array.from(put), entry.subarray(from + cut)])
      }
      const text = JSON.stringify(entry.toString('latin1'))
      assert.deepEqual(validated(entry, previous), expected(entry, previous), text)
      assert.equal(validHlc(entry, EARLIEST), validByParsing(entry), text)
      if (isPlainEntry(entry)) plain++
      if (expected(entry, previous) === undefined) rejected++
    }),
    { numRuns: 20_000 },
  )
  assert.ok(plain > 1_000 && rejected > 1_000, `${plain} plain, ${rejected} rejected`)
})

test('computes the chain of texts of any length as libsodium does', () => {
  const text = fc.oneof(fc.string({ maxLength: 300 }), fc.string({ unit: 'grapheme', maxLength: 1_000 }))
  let plain = 0
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 20 }), texts => {
      const entries = texts.map((message, index) => {
        const at = `1763670000123.${String(index).padStart(4, '0')}` as Hlc
        return utf8(entryText(at, 1763670000123, { username: 'alice', message }))
      })
      const validator = new EntryValidator()
      validator.begin(START, EARLIEST)
      const packed = entries.map(entry => packEntry(SALT, entry))
      assert.equal(validator.validate(pack(packed)), -1)
      assert.equal(hexOf(validator.chain), hexOf(packed.reduce(chainNext, START)))
      plain += entries.filter(isPlainEntry).length
    }),
    { numRuns: 500 },
  )
  assert.ok(plain > 2_000, `${plain} plain`)
})

test('agrees with the rule on entries around the size limit', () => {
  for (const length of [ENTRY_BYTES_MAX - 1, ENTRY_BYTES_MAX, ENTRY_BYTES_MAX + 1]) {
    const start = `{"at":"${AT}","username":"alice","message":"`
    const entry = utf8(`${start}${'x'.repeat(length - start.length - 2)}"}`)
    assert.equal(entry.length, length)
    assert.equal(validated(entry, EARLIEST) !== undefined, length <= ENTRY_BYTES_MAX)
    assert.deepEqual(validated(entry, EARLIEST), expected(entry, EARLIEST))
  }
})
