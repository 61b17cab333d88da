import assert from 'node:assert/strict'
import test from 'node:test'
import type { Present } from '../../src/chat/presence/present.js'
import { type AuthorId, authorOf } from '../../src/log/format/author.js'
import { PresenceChanges } from '../../src/ui/lines/presence-changes.js'
import { VirtualClock } from '../helper/virtual-clock.js'

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
const changesOf = (isKnown = true, clock = new VirtualClock(), onSum = () => {}) =>
  new PresenceChanges({ isKnown: () => isKnown, clock, onSum })

const HERE = { event: 'presence', presence: 'here', username: 'bob', key: BOB, linked: true }

test('reports each arrival, absence, rename and departure once', () => {
  const changes = changesOf()
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
  const changes = changesOf()
  assert.deepEqual(changes.since([bob({ state: 'left' })]), [])
  assert.deepEqual(changes.since([bob({ name: 'localhost:4000' })]), [])
})

test('leaves out the key of a scuttleup peer', () => {
  const old = bob({ author: undefined, name: 'localhost:4000' })
  const change = { event: 'presence', presence: 'here', username: 'localhost:4000', linked: true }
  assert.deepEqual(changesOf().since([old]), [change])
})

test('reports one stranger of a kind a minute without their words, and the others as a number', () => {
  const clock = new VirtualClock()
  let woken = 0
  const changes = changesOf(false, clock, () => woken++)
  const guests = [1, 2, 3].map(number => authorOf(String(number).repeat(64)) ?? assert.fail())
  const all = guests.map((author, index) => bob({ author, name: `guest${index}`, away: 'buy' }))
  const first = { event: 'presence', presence: 'away', username: 'guest0', key: guests[0], linked: true }
  assert.deepEqual(changes.since(all), [first])
  assert.deepEqual(changes.since(all.slice(2)), [{ ...first, presence: 'left', linked: false }])
  clock.advance(59_999)
  assert.deepEqual([changes.since(all.slice(2)), woken], [[], 0])
  clock.advance(1)
  const sums = [
    { event: 'presence', presence: 'away', strangers: 2 },
    { event: 'presence', presence: 'left', strangers: 1 },
  ]
  assert.deepEqual([changes.since(all.slice(2)), woken], [sums, 2])
  assert.equal(changesOf(true).since(all).length, 3, 'control: people whom the user knows')
  changes.close()
  assert.equal(clock.timers, 0)
})
