import assert from 'node:assert/strict'
import test from 'node:test'
import type { Present } from '../../src/chat/presence/present.js'
import type { AuthorId } from '../../src/log/format/author.js'
import { PresenceChanges } from '../../src/ui/lines/presence-changes.js'

const BOB = 'b'.repeat(64) as AuthorId
const bob = (more: Partial<Present> = {}): Present => ({
  author: BOB,
  name: 'bob',
  state: 'connected',
  away: undefined,
  isTyping: false,
  lastHeardMs: 0,
  hops: 1,
  ...more,
})
const HERE = { event: 'presence', presence: 'here', username: 'bob', key: BOB, linked: true }

test('reports each arrival, absence, rename and departure once', () => {
  const changes = new PresenceChanges()
  assert.deepEqual(changes.since([bob()]), [HERE])
  assert.deepEqual(changes.since([bob({ isTyping: true, lastHeardMs: 5 })]), [], 'control: nothing has changed')
  assert.deepEqual(changes.since([bob({ away: 'lunch' })]), [{ ...HERE, presence: 'away', text: 'lunch' }])
  assert.deepEqual(changes.since([bob({ away: '' })]), [{ ...HERE, presence: 'away' }])
  assert.deepEqual(changes.since([bob({ name: 'bobby' })]), [{ ...HERE, username: 'bobby' }])
  const left = { ...HERE, presence: 'left', linked: false }
  assert.deepEqual(changes.since([bob({ state: 'left' })]), [left])
  assert.deepEqual(changes.since([bob({ state: 'left' })]), [])
  assert.deepEqual(changes.since([bob({ state: 'indirect' })]), [{ ...HERE, linked: false }])
  assert.deepEqual(changes.since([]), [left], 'somebody who is forgotten has left')
})

test('does not report people who had left before, or who have no name yet', () => {
  const changes = new PresenceChanges()
  assert.deepEqual(changes.since([bob({ state: 'left' })]), [])
  assert.deepEqual(changes.since([bob({ name: 'localhost:4000' })]), [])
})

test('leaves out the key of a scuttleup peer', () => {
  const old = bob({ author: undefined, name: 'localhost:4000' })
  const change = { event: 'presence', presence: 'here', username: 'localhost:4000', linked: true }
  assert.deepEqual(new PresenceChanges().since([old]), [change])
})
