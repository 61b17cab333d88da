import assert from 'node:assert/strict'
import test from 'node:test'
import {
  isConnectionSummary,
  isPresent,
  isReplicaHeads,
  isReplicas,
  isVerdict,
} from '../../../src/host/protocol/state-codec.js'

const attempt = { name: 'bob', address: { host: 'bob.local', port: 1 }, tries: 1, reason: 'refused' }
const person = { name: 'bob', state: 'connected', isTyping: false, lastHeardMs: 1.5, hops: 1 }

test('accepts the state of a room, with and without its optional fields', () => {
  assert.ok(isReplicas({ on: 1, of: 2, left: 0 }) && isReplicas({ on: 1, of: 2, left: 0, differing: 1 }))
  assert.ok(isReplicaHeads({ '0': { connected: [1, 2], left: [], differing: [] } }))
  assert.ok(isConnectionSummary({ connected: ['bob'], dialing: [attempt], indirect: 3 }))
  assert.ok(isPresent(person) && isPresent({ ...person, author: 'a'.repeat(64), away: '' }))
  assert.ok(isVerdict({ author: 'a'.repeat(64), last: 3 }))
  assert.ok(isVerdict({ author: 'a'.repeat(64), last: 3, fault: { kind: 'missing', from: 2, to: 3 } }))
})

test('rejects anything else', () => {
  for (const value of [undefined, null, 5, [], {}, { on: -1, of: 2, left: 0 }, { on: 1, of: 2 }])
    assert.ok(!isReplicas(value), JSON.stringify(value))
  assert.ok(!isReplicaHeads({ '0': { connected: [1, '2'], left: [], differing: [] } }))
  assert.ok(!isConnectionSummary({ connected: ['bob'], dialing: [{ ...attempt, reason: 'unheard of' }] }))
  assert.ok(!isPresent({ ...person, state: 'elsewhere' }) && !isPresent({ ...person, author: '__proto__' }))
  assert.ok(!isVerdict({ author: 'a'.repeat(64), last: 3, fault: { kind: 'unheard of' } }))
})
