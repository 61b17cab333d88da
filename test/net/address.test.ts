import assert from 'node:assert/strict'
import test from 'node:test'
import { formatAddress, parseAddress, parseListen } from '../../src/net/lan/address.js'

const refused = { code: 'BAD_ADDRESS' }

test('formats an address as it was parsed', () => {
  for (const [text, host, port] of [
    ['bob.local:4000', 'bob.local', 4000],
    ['10.0.0.7:1', '10.0.0.7', 1],
    ['localhost:65535', 'localhost', 65_535],
    ['[fd00::2]:4000', 'fd00::2', 4000],
    ['[fe80::1%eth0]:4000', 'fe80::1%eth0', 4000],
    ['[::1]:4000', '::1', 4000],
    ['jürgen.local:80', 'jürgen.local', 80],
  ] as const) {
    assert.deepEqual(parseAddress(text), { host, port })
    assert.equal(formatAddress(parseAddress(text)), text)
  }
})

test('rejects malformed addresses', () => {
  for (const text of [
    '',
    ':',
    'bob',
    'bob:',
    ':80',
    'fd00::2:4000',
    '[fd00::2]',
    '[bob]:80',
    'a b:80',
    'bob/:80',
    'a\u202eb:80',
  ]) {
    assert.throws(() => parseAddress(text), refused, text)
  }
  assert.throws(() => parseAddress(`${'b'.repeat(201)}:80`), refused)
  assert.equal(parseAddress(`${'b'.repeat(200)}:80`).port, 80)
})

test('accepts ports from 1 to 65535', () => {
  for (const port of ['65536', '99999', '100000', '-1', '1.5', '0x50', '1e3', ' 80', '80 ', '٣']) {
    assert.throws(() => parseAddress(`bob:${port}`), refused, port)
    assert.throws(() => parseListen(port), refused, port)
  }
})

test('accepts port 0 for listening only', () => {
  assert.throws(() => parseAddress('bob:0'), refused)
  for (const text of ['0', ':0']) assert.deepEqual(parseListen(text), { host: undefined, port: 0 })
  assert.deepEqual(parseListen('localhost:0'), { host: 'localhost', port: 0 })
  assert.deepEqual(parseListen('[::1]:0'), { host: '::1', port: 0 })
})

test('accepts a port alone for listening on every interface', () => {
  assert.deepEqual(parseListen('4000'), { host: undefined, port: 4000 })
  assert.deepEqual(parseListen(':4000'), { host: undefined, port: 4000 })
  assert.deepEqual(parseListen('localhost:4000'), { host: 'localhost', port: 4000 })
  assert.deepEqual(parseListen('[::1]:4000'), { host: '::1', port: 4000 })
})
