import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { utf8 } from '../../src/base/bytes.js'
import { ENTRY_BYTES_MAX } from '../../src/base/limits.js'
import { atMillis, atOf } from '../../src/log/at.js'
import { claimedAt, decodeEntry, entryText } from '../../src/log/entry.js'

const AT = atMillis(1_763_670_000_123, 7)
const NOW = 1_763_670_000_123

/** JSON texts that are entries, nearly are, or are not at all. */
const nearEntry = fc.oneof(
  fc.json(),
  fc.string(),
  fc
    .tuple(fc.constantFrom('username', 'message', '__proto__', 'at', 'constructor', 'toString'), fc.jsonValue())
    .map(([name, value]) => `{"at":"${AT}","username":"a","message":"b","${name}":${JSON.stringify(value)}}`),
)

test('any bytes are an entry or none, and nothing is thrown', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), nearEntry.map(utf8)), bytes => {
      const members = decodeEntry(bytes)
      if (members !== undefined) {
        assert.ok(typeof members.username === 'string' && typeof members.message === 'string')
        assert.ok(Object.hasOwn(members, 'username') && Object.hasOwn(members, 'message'))
      }
      const at = claimedAt(bytes)
      if (at !== undefined) assert.equal(atOf(at), at)
    }),
    { numRuns: 20_000 },
  )
})

test('what is said is read back, whatever it is', () => {
  const text = fc.string({ unit: 'binary', maxLength: 200 })
  fc.assert(
    fc.property(text, text, (username, message) => {
      const bytes = utf8(entryText(AT, NOW, { username, message }))
      assert.deepEqual({ ...decodeEntry(bytes) }, { at: AT, username, message })
      assert.equal(claimedAt(bytes), AT)
    }),
    { numRuns: 2_000 },
  )
})

test('an entry is taken up to 16 KiB, and not beyond', () => {
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
