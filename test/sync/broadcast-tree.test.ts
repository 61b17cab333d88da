import assert from 'node:assert/strict'
import test from 'node:test'
import { authorOfLog, type LogId, type Seq } from '../../src/log/format/author.js'
import { BroadcastTree, type TreeConnection } from '../../src/sync/broadcast-tree.js'
import { STALL_MS_MAX, SUBSCRIBE_AFTER_MS, trackedLogsMax } from '../../src/sync/limits.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const [alice, bob] = ['alice', 'bob'] as [LogId, LogId]

/** A peer's tree, and the messages that it sends over its connections. */
function openTree() {
  const clock = new VirtualClock()
  const seqs = new Map<LogId, Seq>()
  const tree = new BroadcastTree(clock, author => seqs.get(author) ?? 0)
  const sent: string[] = []
  const connect = (name: string, peer?: LogId): TreeConnection =>
    tree.open(peer && authorOfLog(peer), {
      subscribe: author => sent.push(`${name}: subscribe ${author}`),
      unsubscribe: author => sent.push(`${name}: unsubscribe ${author}`),
    })
  const connectScuttleup = (): TreeConnection => tree.open(undefined, undefined)
  const takeSent = (): string[] => sent.splice(0)
  return { clock, seqs, tree, connect, connectScuttleup, takeSent }
}

test('subscribes to the first announcer only', () => {
  const { connect, takeSent } = openTree()
  const [one, other] = [connect('one'), connect('other')]
  one.announced([{ author: alice, seq: 3 }])
  other.announced([{ author: alice, seq: 3 }])
  assert.deepEqual(takeSent(), ['one: subscribe alice'])
})

test('does not subscribe to logs that are up to date', () => {
  const { seqs, connect, takeSent } = openTree()
  seqs.set(alice, 3)
  connect('one').announced([{ author: alice, seq: 3 }])
  assert.deepEqual(takeSent(), [])
})

test('waits for entries that their connected author pushes before subscribing elsewhere', () => {
  const { clock, seqs, connect, takeSent } = openTree()
  connect('alice', alice)
  const other = connect('other')
  other.announced([{ author: alice, seq: 1 }])
  assert.deepEqual(takeSent(), [])
  clock.advance(SUBSCRIBE_AFTER_MS)
  assert.deepEqual(takeSent(), ['other: subscribe alice'])
  seqs.set(alice, 1)
  clock.advance(10 * STALL_MS_MAX)
  assert.deepEqual(takeSent(), [])
  assert.equal(clock.timers, 0, 'no timer is left once the log is up to date')
})

test('subscribes to the next announcer when the first delivers nothing', () => {
  const { clock, connect, takeSent } = openTree()
  const [one, other] = [connect('one'), connect('other')]
  for (const connection of [one, other]) connection.announced([{ author: alice, seq: 9 }])
  assert.deepEqual(takeSent(), ['one: subscribe alice'])
  for (let i = 0; i < 8; i++) {
    one.delivered(bob, 1) // entries of other logs arrive
    clock.advance(SUBSCRIBE_AFTER_MS)
  }
  assert.deepEqual(takeSent(), [])
  clock.advance(SUBSCRIBE_AFTER_MS)
  assert.deepEqual(takeSent(), ['other: subscribe alice'])
})

test('waits only until the stall limit for an announcer that delivers other logs', () => {
  const { clock, connect, takeSent } = openTree()
  const [one, other] = [connect('one'), connect('other')]
  for (const connection of [one, other]) connection.announced([{ author: alice, seq: 9 }])
  takeSent()
  for (let ms = 0; ms <= STALL_MS_MAX + SUBSCRIBE_AFTER_MS; ms += SUBSCRIBE_AFTER_MS) {
    one.delivered(bob, 1)
    clock.advance(SUBSCRIBE_AFTER_MS)
  }
  assert.equal(takeSent()[0], 'other: subscribe alice')
})

test('subscribes again with backoff when no announcer delivers', () => {
  const { clock, connect, takeSent } = openTree()
  connect('one').announced([{ author: alice, seq: 9 }])
  clock.advance(3_600_000)
  const count = takeSent().length
  assert.ok(count > 10 && count < 130, `subscribed ${count} times in an hour`)
})

test('replaces a closed connection with another announcer at once', () => {
  const { connect, takeSent } = openTree()
  const [one, other] = [connect('one'), connect('other')]
  for (const connection of [one, other]) connection.announced([{ author: alice, seq: 9 }])
  takeSent()
  one.close()
  assert.deepEqual(takeSent(), ['other: subscribe alice'])
})

test('unsubscribes from duplicates if another connection delivers the log', () => {
  const { seqs, connect, takeSent } = openTree()
  const [one, author] = [connect('one'), connect('alice', alice)]
  one.announced([{ author: alice, seq: 1 }])
  one.subscribe(alice)
  takeSent()
  seqs.set(alice, 1)
  one.delivered(alice, 1)
  assert.deepEqual(takeSent(), ['one: unsubscribe alice'])
  author.delivered(alice, 1)
  assert.deepEqual(takeSent(), [], 'the last source stays')
})

test('counts a scuttleup peer that delivers a log as its source', () => {
  const { seqs, connect, connectScuttleup, takeSent } = openTree()
  connectScuttleup().delivered(alice, 1)
  seqs.set(alice, 1)
  const one = connect('one')
  one.announced([{ author: alice, seq: 2 }])
  assert.deepEqual(takeSent(), [])
})

test('stops its timers when the last connection closes', () => {
  const { clock, connect } = openTree()
  const [one, other] = [connect('one'), connect('other')]
  one.announced([{ author: alice, seq: 3 }])
  other.announced([{ author: bob, seq: 3 }])
  one.close()
  assert.ok(clock.timers > 0, 'control: another connection may deliver')
  other.close()
  assert.equal(clock.timers, 0)
})

test('bounds its timers, however many logs a peer announces', () => {
  const { clock, connect } = openTree()
  const peer = connect('peer')
  for (let i = 0; i < 100_000; i++) peer.announced([{ author: `author${i}` as LogId, seq: 1 }])
  assert.ok(clock.timers <= 1_000)
})

const madeUp = Array.from({ length: 2_000 }, (_, index) => ({ author: `made up ${index}` as LogId, seq: 1 }))

test('follows what others announce although one peer made up more logs than are followed', () => {
  const { connect, takeSent } = openTree()
  const liar = connect('liar')
  liar.announced(madeUp)
  assert.equal(takeSent().length, 1_000)
  liar.announced([{ author: bob, seq: 1 }])
  assert.deepEqual(takeSent(), [], 'control: not from the peer that made up logs')
  connect('carol').announced([{ author: alice, seq: 1 }])
  assert.deepEqual(takeSent(), ['carol: subscribe alice'])
})

test('when a connection closes, forgets the logs that only it announced, and follows those that were skipped', () => {
  const { clock, connect, takeSent } = openTree()
  const [liar, other] = [connect('liar'), connect('other')]
  other.announced(madeUp.slice(0, 600).map(({ seq }, index) => ({ author: `other ${index}` as LogId, seq })))
  liar.announced(madeUp)
  other.announced(madeUp.slice(0, 200).map(({ seq }, index) => ({ author: `more ${index}` as LogId, seq })))
  takeSent()
  liar.close()
  assert.equal(clock.timers, 800)
  assert.ok(takeSent().every(line => line.startsWith('other: subscribe')))
})

test('follows news however many logs the peer of a connection announced before', () => {
  const { seqs, connect, takeSent } = openTree()
  const one = connect('one')
  const logs = Array.from({ length: trackedLogsMax() + 10 }, (_, number) => `author ${number}` as LogId)
  for (const author of logs) seqs.set(author, 1)
  one.announced(logs.map(author => ({ author, seq: 1 })))
  one.announced([{ author: alice, seq: 1 }])
  assert.deepEqual(takeSent(), ['one: subscribe alice'])
  assert.equal([...one.announcedLogs].length, trackedLogsMax())
})

test('forgets a log that this disk neither has nor remembers', () => {
  const { clock, seqs, tree, connect, takeSent } = openTree()
  const one = connect('one')
  one.announced([{ author: alice, seq: 3 }])
  one.announced([{ author: bob, seq: 0 }])
  takeSent()
  tree.dropped(alice)
  assert.deepEqual(takeSent(), ['one: unsubscribe alice'])
  assert.deepEqual([...one.announcedLogs], [])
  assert.equal(clock.timers, 0)
  seqs.set(alice, 0)
  one.announced([{ author: alice, seq: 4 }])
  assert.deepEqual(takeSent(), ['one: subscribe alice'], 'until the peer announces it again')
})

test('follows new logs although the peer dropped logs that it announced earlier', () => {
  const { clock, connect, takeSent } = openTree()
  const one = connect('one')
  one.announced(madeUp)
  takeSent()
  one.announced([{ author: bob, seq: 1 }])
  assert.deepEqual(takeSent(), [], 'control: too many logs are followed')
  one.announced(madeUp.map(({ author }) => ({ author, seq: 0 })))
  assert.ok(takeSent().includes('one: subscribe bob'))
  one.announced([{ author: alice, seq: 1 }])
  assert.deepEqual(takeSent(), ['one: subscribe alice'])
  assert.deepEqual([...one.announcedLogs], [bob, alice])
  assert.equal(clock.timers, 2)
})

test('subscribes elsewhere at once when the peer that should deliver a log has dropped it', () => {
  const { seqs, connect, takeSent } = openTree()
  const [one, other] = [connect('one'), connect('other')]
  for (const connection of [one, other]) connection.announced([{ author: alice, seq: 9 }])
  assert.deepEqual(takeSent(), ['one: subscribe alice'])
  one.announced([{ author: alice, seq: 0 }])
  assert.deepEqual(takeSent(), ['other: subscribe alice'])
  seqs.set(alice, 9)
  one.announced([{ author: alice, seq: 10 }])
  other.announced([{ author: alice, seq: 0 }])
  assert.deepEqual(takeSent(), ['one: subscribe alice'], 'the subscription ended with the log')
})
