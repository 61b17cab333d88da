import assert from 'node:assert/strict'
import test from 'node:test'
import { ChatError } from '../../../src/base/errors.js'
import { utf8 } from '../../../src/base/wire/bytes.js'
import { claimedHlc, decodeEntry, entryText } from '../../../src/log/format/entry.js'
import { hlcAt } from '../../../src/log/format/hybrid-clock.js'
import { ENTRY_BYTES_MAX } from '../../../src/log/limits.js'

const NOW = 1_763_670_000_123
const AT = hlcAt(NOW, 7)

test('writes an entry as JSON that scuttleup peers print, with `at` first', () => {
  const text = entryText(AT, NOW, { username: 'alice', message: 'hello' })
  assert.equal(text, '{"at":"1763670000123.0007","username":"alice","message":"hello"}')
  assert.equal(claimedHlc(utf8(text)), AT)
  assert.deepEqual({ ...decodeEntry(utf8(text)) }, { at: AT, username: 'alice', message: 'hello' })
})

test('writes the system clock beside `at` where they differ by over a minute', () => {
  const members = { username: 'alice', message: 'hello' }
  assert.doesNotMatch(entryText(AT, NOW - 60_000, members), /time/)
  assert.match(entryText(AT, NOW - 60_001, members), /"time":1763669940122,/)
  assert.match(entryText(AT, NOW + 60_001, members), /"time":1763670060124,/)
})

test('accepts an entry of exactly 16 KiB and rejects one byte more with a hint', () => {
  const empty = entryText(AT, NOW, { username: 'alice', message: '' }).length
  const room = ENTRY_BYTES_MAX - empty
  const full = entryText(AT, NOW, { username: 'alice', message: 'x'.repeat(room) })
  assert.equal(full.length, ENTRY_BYTES_MAX)
  assert.equal(decodeEntry(utf8(full))?.message.length, room)
  assert.throws(
    () => entryText(AT, NOW, { username: 'alice', message: 'x'.repeat(room + 1) }),
    error =>
      error instanceof ChatError && error.code === 'BAD_MESSAGE' && /16385 bytes/.test(error.message) && !!error.hint,
  )
  assert.throws(() => entryText(AT, NOW, { username: 'alice', message: '愛'.repeat(room / 2) }), ChatError)
  assert.equal(decodeEntry(utf8(`${full.slice(0, -1)} }`)), undefined, 'nor is it read')
})

test('rejects bytes that are not an entry', () => {
  for (const text of [
    '',
    'hello',
    '{}',
    'null',
    '"text"',
    '7',
    '[]',
    '[{"username":"a","message":"b"}]',
    '{"username":"a"}',
    '{"message":"b"}',
    '{"username":1,"message":"b"}',
    '{"username":"a","message":null}',
    '{"username":"a","message":{"toString":"b"}}',
    '{"username":"a","message":"b"',
    '{"username":"a","message":"b"}{}',
    '\ufeff{"username":"a","message":"b"}',
    '{"__proto__":{"username":"a","message":"b"}}',
    '['.repeat(16_000),
    `{"a":${'['.repeat(8_000)}${']'.repeat(8_000)},"username":1}`,
  ]) {
    assert.equal(decodeEntry(utf8(text)), undefined, text.slice(0, 60))
  }
  assert.equal(
    decodeEntry(Buffer.from('7b22757365726e616d65223a22ff222c226d657373616765223a2262227d', 'hex')),
    undefined,
  )
})

test('treats hostile member names as ordinary members', () => {
  const entry = decodeEntry(utf8('{"username":"a","message":"b","__proto__":{"polluted":true},"constructor":1}'))
  assert.ok(entry)
  assert.equal(Object.getPrototypeOf(entry), Object.prototype)
  assert.deepEqual(Object.keys(entry), ['username', 'message', '__proto__', 'constructor'])
  assert.equal(Reflect.get({}, 'polluted'), undefined)
})

test('reads `at` only at its fixed offset', () => {
  const rest = '"username":"a","message":"b"}'
  assert.equal(claimedHlc(utf8(`{"at":"${AT}",${rest}`)), AT)
  for (const text of [
    '',
    '{"at":"',
    `{"at":"${AT}`,
    `{"at":"${AT}x"}`,
    `{ "at":"${AT}",${rest}`,
    `{"username":"a","at":"${AT}","message":"b"}`,
    `{"at":"${AT.slice(0, -1)}x",${rest}`,
    `{"at":1763670000123.0007,${rest}`,
  ]) {
    assert.equal(claimedHlc(utf8(text)), undefined, text)
  }
  assert.equal(claimedHlc(Buffer.from(`xx{"at":"${AT}",${rest}`).subarray(2)), AT)
})
