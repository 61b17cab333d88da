import assert from 'node:assert/strict'
import test from 'node:test'
import { utf8 } from '../../src/base/wire/bytes.js'
import { type Effect, Flood } from '../../src/labs/flood/flood.js'
import { LINE_BYTES_MAX } from '../../src/labs/flood/limits.js'
import { peerAddressOf } from '../../src/labs/flood/peer-address.js'
import { SentMessages } from '../../src/labs/flood/sent-messages.js'

/** A client with connections numbered from 1. */
function client(connections: number, sent?: SentMessages): Flood {
  const flood = new Flood(sent)
  for (let connection = 1; connection <= connections; connection++) flood.connected(connection)
  return flood
}

const printed = (effects: readonly Effect[]): string[] =>
  effects.flatMap(effect => (effect.kind === 'print' ? effect.text : []))
const sent = (effects: readonly Effect[]): string[] =>
  effects.flatMap(effect => (effect.kind === 'send' ? `${effect.to}: ${Buffer.from(effect.line)}` : []))
const closed = (effects: readonly Effect[]): string[] =>
  effects.flatMap(effect => (effect.kind === 'close' ? effect.reason : []))

test('prints a typed text and sends it on all connections', () => {
  const effects = client(2).typed('hello')
  assert.deepEqual(printed(effects), ['hello'])
  assert.deepEqual(sent(effects), ['1: hello\n', '2: hello\n'])
})

test('forwards a received text on all connections, including its own', () => {
  assert.deepEqual(sent(client(2).received(1, utf8('hello\n'))), ['1: hello\n', '2: hello\n'])
})

test('ignores a text that was already sent', () => {
  const flood = client(1)
  flood.typed('hi')
  assert.deepEqual(flood.typed('hi'), [])
  assert.deepEqual(flood.received(1, utf8('hi\n')), [])
})

test('removes trailing carriage returns and ignores empty lines', () => {
  const flood = client(1)
  assert.deepEqual(printed(flood.received(1, utf8('a\r\n\r\n\nb\r\r\r\n'))), ['a', 'b'])
  assert.deepEqual(flood.typed('a\r'), [])
  assert.deepEqual(flood.typed(''), [])
})

test('reassembles a text from fragments', () => {
  const bytes = utf8('grüße 👩‍👩‍👧\nund noch eins\n')
  for (let at = 0; at <= bytes.length; at++) {
    const flood = client(1)
    const parts = [bytes.subarray(0, at), bytes.subarray(at)]
    assert.deepEqual(
      parts.flatMap(part => printed(flood.received(1, part))),
      ['grüße 👩‍👩‍👧', 'und noch eins'],
    )
  }
})

test('replaces half a typed character with the same text at every client', () => {
  const [alice, bob] = [client(1), client(1)]
  const effects = alice.typed('half \ud83d')
  const line = effects.find(effect => effect.kind === 'send')?.line ?? new Uint8Array(0)
  assert.deepEqual(printed(bob.received(1, line)), printed(effects))
})

test('accepts the longest line and closes a connection with a longer one or invalid UTF-8', () => {
  const longest = utf8(`${'x'.repeat(LINE_BYTES_MAX)}\n`)
  assert.equal(printed(client(1).received(1, longest)).length, 1)
  const flood = client(2)
  assert.deepEqual(closed(flood.received(1, utf8(`before\n${'x'.repeat(LINE_BYTES_MAX + 1)}`))), [
    'it sent a line of over 4096 bytes',
  ])
  assert.deepEqual(flood.received(1, utf8('after\n')), [])
  assert.deepEqual(closed(flood.received(2, Uint8Array.of(0xff, 0x0a))), ['it sent invalid UTF-8'])
  assert.deepEqual(sent(flood.typed('alone')), [])
})

test('reports a full set once and ignores further texts', () => {
  const flood = client(1, new SentMessages(200))
  assert.deepEqual(printed(flood.typed('one')), ['one'])
  assert.deepEqual(printed(flood.typed('two')), ['two'])
  assert.deepEqual(flood.typed('three, which is longer than what is left'), [{ kind: 'full' }])
  assert.deepEqual(flood.typed('four'), [])
})

test('parses a host and a port as an address', () => {
  for (const [text, host, port] of [
    ['192.168.1.20:40000', '192.168.1.20', 40_000],
    [' 192.168.1.20 40000 ', '192.168.1.20', 40_000],
    ['localhost:1', 'localhost', 1],
    ['[::1]:4000', '::1', 4_000],
  ] as const)
    assert.deepEqual(peerAddressOf(text), { host, port })
  for (const text of [
    '',
    'nowhere',
    '1.2.3.4',
    ':4000',
    'host:0',
    'host:65536',
    'a b c:1',
    '::1:4000',
    'host:-1',
    'host:1e3',
  ])
    assert.equal(peerAddressOf(text), undefined, text)
})
