import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { utf8 } from '../../../src/base/wire/bytes.js'
import { claimedHlc, decodeEntry, entryText, splitSignature, validHlc } from '../../../src/log/format/entry.js'
import { EARLIEST, type Hlc } from '../../../src/log/format/hybrid-clock.js'
import { isPlainEntry } from '../../../src/log/format/plain-entry.js'

// PROTOCOL.md §3.2. Entries of the plain form are judged by their bytes: that has to be what JSON says of them.

const AT = '1763670000123.0042' as Hlc
const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({
    unit: fc.constantFrom('"', '\\', '/', '\u0000', '\u001f', '\u007f', '\u2028', '\ud800', '\udc00', 'é', 'u'),
  }),
)
const members = fc.record({ username: text, message: text })

/** What JSON says of an entry. */
function judged(entry: Uint8Array): Hlc | undefined {
  const isEntry = decodeEntry(entry) !== undefined && entry.at(-1) === 0x7d && splitSignature(entry) === undefined
  return isEntry ? claimedHlc(entry) : undefined
}

test('any two texts make the entry that JSON makes of them, and it is valid', () => {
  fc.assert(
    fc.property(members, said => {
      const { username, message } = said
      const entry = entryText(AT, 1763670000123, { username, message })
      assert.equal(entry, JSON.stringify({ at: AT, username, message }))
      assert.equal(validHlc(utf8(entry), EARLIEST), AT)
    }),
  )
})

test('whatever is changed in an entry, its bytes are judged as JSON judges them', () => {
  let plain = 0
  let refused = 0
  const telling = fc.constantFrom(...utf8('"\\/{}:,.09abfnrtuvx'), 0, 0x1f, 0x20, 0x7f, 0x80, 0xc3, 0xa9, 0xff)
  const put = fc.oneof(fc.uint8Array({ maxLength: 3 }), fc.array(telling, { minLength: 1, maxLength: 2 }))
  const change = fc.record({ at: fc.nat(400), cut: fc.nat(3), put })
  fc.assert(
    fc.property(members, fc.array(change, { maxLength: 3 }), (said, changes) => {
      let entry = Buffer.from(entryText(AT, 1763670000123, said))
      for (const { at, cut, put } of changes) {
        const from = at % (entry.length + 1)
        entry = Buffer.concat([entry.subarray(0, from), Uint8Array.from(put), entry.subarray(from + cut)])
      }
      assert.equal(validHlc(entry, EARLIEST), judged(entry), JSON.stringify(entry.toString('latin1')))
      if (isPlainEntry(entry)) plain++
      if (judged(entry) === undefined) refused++
    }),
    { numRuns: 20_000 },
  )
  assert.ok(plain > 1_000 && refused > 1_000, `${plain} plain, ${refused} refused`)
})
