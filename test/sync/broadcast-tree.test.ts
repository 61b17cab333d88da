import assert from 'node:assert/strict'
import test from 'node:test'
import type { AuthorId, Seq } from '../../src/log/format/author.js'
import { BroadcastTree, type TreeConnection } from '../../src/sync/broadcast-tree.js'
import { STALL_MS_MAX, SUBSCRIBE_AFTER_MS } from '../../src/sync/limits.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const [alice, bob] = ['alice', 'bob'] as [AuthorId, AuthorId]

/** A peer's tree, and what it says over its links. */
function grove() {
  const clock = new VirtualClock()
  const held = new Map<AuthorId, Seq>()
  const tree = new BroadcastTree(clock, author => held.get(author) ?? 0)
  const said: string[] = []
  const link = (name: string, peer?: AuthorId): TreeConnection =>
    tree.open(peer, {
      subscribe: author => said.push(`${name} is asked for ${author}`),
      unsubscribe: author => said.push(`${name} is to stop ${author}`),
    })
  const original = (): TreeConnection => tree.open(undefined, undefined)
  const taken = (): string[] => said.splice(0)
  return { clock, held, link, original, taken }
}

test('the first who tells of more is asked, and nobody else', () => {
  const { link, taken } = grove()
  const [one, other] = [link('one'), link('other')]
  one.announced([{ author: alice, seq: 3 }])
  other.announced([{ author: alice, seq: 3 }])
  assert.deepEqual(taken(), ['one is asked for alice'])
})

test('nobody is asked for what is held', () => {
  const { held, link, taken } = grove()
  held.set(alice, 3)
  link('one').announced([{ author: alice, seq: 3 }])
  assert.deepEqual(taken(), [])
})

test('what an author linked here is about to send is not asked of others, unless it does not come', () => {
  const { clock, held, link, taken } = grove()
  link('alice', alice)
  const other = link('other')
  other.announced([{ author: alice, seq: 1 }])
  assert.deepEqual(taken(), [])
  clock.advance(SUBSCRIBE_AFTER_MS)
  assert.deepEqual(taken(), ['other is asked for alice'])
  held.set(alice, 1)
  clock.advance(10 * STALL_MS_MAX)
  assert.deepEqual(taken(), [])
  assert.equal(clock.timers, 0, 'what is here is not looked for any more')
})

test('who was asked and brings nothing is replaced by the next; who brings something is waited for', () => {
  const { clock, link, taken } = grove()
  const [one, other] = [link('one'), link('other')]
  for (const branch of [one, other]) branch.announced([{ author: alice, seq: 9 }])
  assert.deepEqual(taken(), ['one is asked for alice'])
  for (let i = 0; i < 8; i++) {
    one.delivered(bob, 1) // other logs have their turn
    clock.advance(SUBSCRIBE_AFTER_MS)
  }
  assert.deepEqual(taken(), [])
  clock.advance(SUBSCRIBE_AFTER_MS)
  assert.deepEqual(taken(), ['other is asked for alice'])
})

test('who brings all but what was asked for is waited for no longer than a bound', () => {
  const { clock, link, taken } = grove()
  const [one, other] = [link('one'), link('other')]
  for (const branch of [one, other]) branch.announced([{ author: alice, seq: 9 }])
  taken()
  for (let ms = 0; ms <= STALL_MS_MAX + SUBSCRIBE_AFTER_MS; ms += SUBSCRIBE_AFTER_MS) {
    one.delivered(bob, 1)
    clock.advance(SUBSCRIBE_AFTER_MS)
  }
  assert.equal(taken()[0], 'other is asked for alice')
})

test('where all were asked in vain they are asked again, ever less often', () => {
  const { clock, link, taken } = grove()
  link('one').announced([{ author: alice, seq: 9 }])
  clock.advance(3_600_000)
  const asked = taken().length
  assert.ok(asked > 10 && asked < 130, `asked ${asked} times in an hour`)
})

test('a link that ends is replaced at once by another that told of it', () => {
  const { link, taken } = grove()
  const [one, other] = [link('one'), link('other')]
  for (const branch of [one, other]) branch.announced([{ author: alice, seq: 9 }])
  taken()
  one.close()
  assert.deepEqual(taken(), ['other is asked for alice'])
})

test('a link that brings what is held is told to stop, if another is to bring it too', () => {
  const { held, link, taken } = grove()
  const [one, author] = [link('one'), link('alice', alice)]
  one.announced([{ author: alice, seq: 1 }])
  one.subscribe(alice)
  taken()
  held.set(alice, 1)
  one.delivered(alice, 1)
  assert.deepEqual(taken(), ['one is to stop alice'])
  author.delivered(alice, 1)
  assert.deepEqual(taken(), [], 'the last one goes on')
})

test('an original that brings a log counts as one who does, though nothing can be said to it', () => {
  const { held, link, original, taken } = grove()
  original().delivered(alice, 1)
  held.set(alice, 1)
  const one = link('one')
  one.announced([{ author: alice, seq: 2 }])
  assert.deepEqual(taken(), [])
})

test('who boasts of a thousand times more than there are logs costs no more than the logs that there may be', () => {
  const { clock, link } = grove()
  const boaster = link('boaster')
  for (let i = 0; i < 100_000; i++) boaster.announced([{ author: `author${i}` as AuthorId, seq: 1 }])
  assert.ok(clock.timers <= 1_000)
})
