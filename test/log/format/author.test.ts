import assert from 'node:assert/strict'
import test from 'node:test'
import { authorOf, isSigned, keyOf, type LogId, logOfKey, unsignedLog } from '../../../src/log/format/author.js'

const HEX_64 = '0123456789abcdef'.repeat(4)

test('accepts ids of unsigned authors', () => {
  for (const id of [
    'a',
    'cixq1k2p30000abcd1234efgh', // a cuid
    'A-Z_0-9',
    'proto',
    'x'.repeat(64),
    HEX_64.slice(1),
    `${HEX_64.slice(1)}g`,
  ]) {
    assert.equal(unsignedLog(id), id)
    assert.equal(authorOf(id), id)
    assert.equal(isSigned(id as LogId), false)
    assert.equal(keyOf(id as LogId), undefined)
  }
})

test('rejects ids that crash scuttleup peers or could be mistaken for a key', () => {
  const names = Object.getOwnPropertyNames(Object.prototype)
  assert.ok(names.includes('__proto__') && names.includes('constructor'))
  for (const id of [
    ...names,
    '',
    'x'.repeat(65),
    'a\u00ffb',
    '\u00ff',
    'a b',
    'a\n',
    'a.b',
    'é',
    '👩',
    '\ud800',
    HEX_64,
    HEX_64.toUpperCase(),
    `A${HEX_64.slice(1)}`,
  ]) {
    assert.equal(unsignedLog(id), undefined, JSON.stringify(id))
  }
})

test('accepts 64 lower-case hex digits as the id of a signed author', () => {
  assert.equal(authorOf(HEX_64), HEX_64)
  assert.equal(isSigned(HEX_64 as LogId), true)
  assert.deepEqual(keyOf(HEX_64 as LogId), Buffer.from(HEX_64, 'hex'))
  assert.equal(logOfKey(Buffer.from(HEX_64, 'hex')), HEX_64)
  for (const id of [HEX_64.toUpperCase(), `${HEX_64}0`, `${HEX_64}\n`]) assert.equal(authorOf(id), undefined)
})
