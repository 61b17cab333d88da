import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { readEvent } from '../../../src/host/protocol/event-codec.js'
import { eventText } from '../../../src/ui/text/event-text.js'
import { anyEvent, oneOfEach } from '../../helper/any-event.js'
import { forbiddenIn } from '../../helper/forbidden.js'

const sent = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

test('reads every kind of event as it was sent', () => {
  for (const event of oneOfEach()) assert.deepEqual(readEvent(sent(event)), sent(event))
  fc.assert(fc.property(anyEvent, event => assert.deepEqual(readEvent(sent(event)), sent(event))))
})

test('keeps optional fields optional', () => {
  for (const event of [
    { kind: 'node-silent', name: 'alice', sinceMs: 0 },
    { kind: 'key-open-to-others', file: 'key' },
    { kind: 'mark-failed', failure: { reason: 'full', detail: '' } },
    { kind: 'dial-failed', name: 'bob', address: { host: 'bob.local', port: 1 }, tries: 1, reason: 'refused' },
  ])
    assert.deepEqual(readEvent(event), event)
})

test('names the kind of an event that a newer node sends, with unknown kinds, codes or fields', () => {
  const unknown = (name: string) => ({ kind: 'unknown-event', name })
  assert.deepEqual(readEvent({ kind: 'tea-ready', cups: 2 }), unknown('tea-ready'))
  assert.deepEqual(readEvent({ kind: 'connection-lost', peer: 'bob', reason: 'tired' }), unknown('connection-lost'))
  assert.deepEqual(readEvent({ kind: 'peer-left' }), unknown('peer-left'))
  assert.deepEqual(
    readEvent({ kind: 'entries-rejected', peer: 'bob', author: 'a', reason: { kind: 'constructor' } }),
    unknown('entries-rejected'),
  )
  for (const kind of ['__proto__', 'constructor', 'toString']) assert.deepEqual(readEvent({ kind }), unknown(kind))
  assert.deepEqual(readEvent({ kind: 'x'.repeat(1_000) }), unknown('x'.repeat(64)))
})

test('reads or ignores anything without throwing, and shows it on one harmless line', () => {
  const mutated = fc
    .tuple(anyEvent, fc.string(), fc.anything())
    .map(([event, field, value]) => ({ ...event, [Object.keys(event).at(field.length % 4) ?? 'peer']: value }))
  fc.assert(
    fc.property(fc.oneof(fc.anything(), mutated), value => {
      const event = readEvent(value)
      if (event !== undefined) assert.equal(forbiddenIn(eventText(event).line), undefined)
    }),
    { numRuns: 1_000 },
  )
})
