import assert from 'node:assert/strict'
import test from 'node:test'
import { concat, varint } from '../../src/base/wire/bytes.js'
import { bytesField, textField, varintField } from '../../src/base/wire/fields.js'
import { decodeHandshake, encodeHandshake } from '../../src/compat/scuttleup/scuttleup-codec.js'
import { decodeUnsignedEntry, encodeUnsignedEntry } from '../../src/log/format/unsigned-entry.js'
import { ENTRY_BYTES_MAX, SEQ_MAX, SIGNATURE_MEMBERS_BYTES } from '../../src/log/limits.js'

const ENTRY = Buffer.from('{"username":"a","message":"b"}')
const digest = (id: string, seq: number) => bytesField(2, concat([textField(1, id), varintField(2, seq)]))

test('reads a handshake without a mode as sync', () => {
  assert.deepEqual(decodeHandshake(textField(1, 'bob')), { id: 'bob', head: [], mode: 'sync' })
})

test('reads an empty id, which a scuttleup peer with an empty log sends', () => {
  assert.deepEqual(decodeHandshake(textField(1, '')), { id: '', head: [], mode: 'sync' })
})

test('skips unknown fields and uses the last of repeated fields', () => {
  const later = concat([varintField(9, 1), bytesField(10, ENTRY)])
  assert.deepEqual(decodeHandshake(concat([textField(1, 'x'), later, textField(1, 'bob'), varintField(3, 2)])), {
    id: 'bob',
    head: [],
    mode: 'push',
  })
  const change = encodeUnsignedEntry({ id: 'bob', seq: 3, entry: ENTRY })
  assert.deepEqual(decodeUnsignedEntry(concat([later, change, varintField(2, 4)])), { id: 'bob', seq: 4, entry: ENTRY })
})

test('rejects malformed handshakes', () => {
  const table: [string, Uint8Array][] = [
    ['nothing', Buffer.of()],
    ['no id', digest('bob', 1)],
    ['an id that is a number', varintField(1, 7)],
    ['an id that is no text', bytesField(1, Buffer.of(0xff))],
    ['an unknown mode', concat([textField(1, 'bob'), varintField(3, 4)])],
    ['a mode of 0', concat([textField(1, 'bob'), varintField(3, 0)])],
    ['a mode that is a text', concat([textField(1, 'bob'), textField(3, 'sync')])],
    ['a head that is a number', concat([textField(1, 'bob'), varintField(2, 1)])],
    ['a head without id', concat([textField(1, 'bob'), bytesField(2, varintField(2, 1))])],
    ['a head without seq', concat([textField(1, 'bob'), bytesField(2, textField(1, 'alice'))])],
    ['a head with a seq beyond all', concat([textField(1, 'bob'), digest('alice', SEQ_MAX + 1)])],
    ['a head that is cut', concat([textField(1, 'bob'), bytesField(2, Buffer.of(0x0a, 0x05))])],
    ['a request for a web page', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
  ]
  for (const [what, bytes] of table) assert.equal(decodeHandshake(bytes), undefined, what)
})

test('rejects malformed entries', () => {
  const id = textField(1, 'bob')
  const seq = varintField(2, 1)
  const entry = bytesField(3, ENTRY)
  const table: [string, Uint8Array][] = [
    ['nothing', Buffer.of()],
    ['no id', concat([seq, entry])],
    ['no seq', concat([id, entry])],
    ['no entry', concat([id, seq])],
    ['an id that is no text', concat([bytesField(1, Buffer.of(0xc3)), seq, entry])],
    ['an id of 74 characters', concat([textField(1, 'x'.repeat(74)), seq, entry])],
    ['a seq of 0', concat([id, varintField(2, 0), entry])],
    ['a seq beyond all', concat([id, varintField(2, SEQ_MAX + 1), entry])],
    ['a negative seq', concat([id, Buffer.of(0x10), Buffer.alloc(9, 0xff), Buffer.of(1), entry])],
    ['a seq that is a text', concat([id, textField(2, '1'), entry])],
    ['an entry that is a number', concat([id, seq, varintField(3, 1)])],
    ['an entry longer than what is there', concat([id, seq, Buffer.of(0x1a), varint(5), Buffer.of(1)])],
  ]
  for (const [what, bytes] of table) assert.equal(decodeUnsignedEntry(bytes), undefined, what)
})

test('reads entries up to the longest one with its signature and the highest seq', () => {
  const most = ENTRY_BYTES_MAX + SIGNATURE_MEMBERS_BYTES
  const change = { id: 'x'.repeat(73), seq: SEQ_MAX, entry: Buffer.alloc(most, 1) }
  assert.deepEqual(decodeUnsignedEntry(encodeUnsignedEntry(change)), change)
  assert.equal(decodeUnsignedEntry(encodeUnsignedEntry({ ...change, entry: Buffer.alloc(most + 1) })), undefined)
})

test('reads ids that are names of object members like any other', () => {
  const head = ['__proto__', 'constructor', 'a\u00ffb'].map(id => ({ id, seq: 1 }))
  const read = decodeHandshake(encodeHandshake({ id: '__proto__', head, mode: 'sync' }))
  assert.deepEqual(read, { id: '__proto__', head, mode: 'sync' })
  assert.equal(decodeUnsignedEntry(encodeUnsignedEntry({ id: '__proto__', seq: 1, entry: ENTRY }))?.id, '__proto__')
  assert.equal(Reflect.get({}, 'seq'), undefined)
})
