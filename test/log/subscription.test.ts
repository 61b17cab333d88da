import assert from 'node:assert/strict'
import test from 'node:test'
import type { LogId } from '../../src/log/format/author.js'
import { decodeSegment } from '../../src/log/format/segment.js'
import { Subscription } from '../../src/log/read/subscription.js'
import { logOver } from '../helper/logs.js'
import { MemoryStore } from '../helper/memory-store.js'
import { keysOf } from '../long/ledger.js'

const [bob, carol] = ['bob', 'carol'] as [LogId, LogId]

test('returns ranges in order of arrival and merges those of one author', () => {
  const feed = new Subscription()
  feed.push({ author: bob, from: 1, to: 2 })
  feed.push({ author: bob, from: 2, to: 5 })
  feed.push({ author: carol, from: 1, to: 3 })
  feed.push({ author: bob, from: 5, to: 6 })
  assert.deepEqual(feed.takeAll(), [
    { author: bob, from: 1, to: 6 },
    { author: carol, from: 1, to: 3 },
  ])
  assert.deepEqual(feed.takeAll(), [])
})

test('alternates between new ranges and the backlog', () => {
  const feed = new Subscription()
  const authors = Array.from({ length: 9 }, (_, i) => `author${i}` as LogId)
  for (const author of authors.slice(0, 4)) feed.enqueueBacklog({ author, from: 1, to: 100 })
  assert.equal(feed.hasNew, false)
  assert.equal(feed.take()?.author, 'author0')
  for (const author of authors.slice(4)) feed.push({ author, from: 1, to: 2 })
  assert.equal(feed.hasNew, true)
  feed.enqueueBacklog({ author: 'author0' as LogId, from: 50, to: 100 })
  const order = []
  for (let span = feed.take(); span !== undefined; span = feed.take()) order.push(Number(span.author.slice(-1)))
  assert.deepEqual(order, [4, 1, 5, 2, 6, 3, 7, 0, 8])
})

test('merges new ranges of a log into its backlog and backlog into new ranges', () => {
  const feed = new Subscription()
  feed.enqueueBacklog({ author: bob, from: 1, to: 100 })
  feed.push({ author: bob, from: 100, to: 101 })
  assert.equal(feed.hasNew, false)
  feed.push({ author: carol, from: 7, to: 8 })
  feed.enqueueBacklog({ author: carol, from: 1, to: 7 })
  assert.deepEqual(feed.takeAll(), [
    { author: carol, from: 1, to: 8 },
    { author: bob, from: 1, to: 101 },
  ])
})

test('wakes a waiting reader, and does not wait while ranges are available', async () => {
  const feed = new Subscription()
  const waiting = feed.wait()
  feed.push({ author: bob, from: 1, to: 2 })
  await waiting
  await feed.wait()
  assert.equal(feed.takeAll().length, 1)
})

test('wakes waiting readers on close, and never blocks later ones', async () => {
  const feed = new Subscription()
  const waiting = feed.wait()
  feed.close()
  await waiting
  await feed.wait()
  assert.equal(feed.isClosed, true)
})

test('keeps one range per author for a reader that never reads, and loses nothing', () => {
  const feed = new Subscription()
  const authors = Array.from({ length: 100 }, (_, i) => `author${i}` as LogId)
  const rounds = 400
  for (let seq = 1; seq <= rounds; seq++) for (const author of authors) feed.push({ author, from: seq, to: seq + 1 })
  const spans = feed.takeAll()
  assert.deepEqual(
    spans,
    authors.map(author => ({ author, from: 1, to: rounds + 1 })),
  )
})

test('sends a new line after one page of a long backlog', async t => {
  const log = await logOver(new MemoryStore(), keysOf('alice'))
  t.after(() => log.close())
  await log.append({ username: 'alice', message: 'before' })
  const others = ['bob', 'carol', 'dave'].map(keysOf)
  for (const keys of others) {
    const theirs = await logOver(new MemoryStore(), keys)
    await Promise.all(Array.from({ length: 200 }, () => theirs.append({ username: 'x', message: 'x'.repeat(9_000) })))
    for await (const relayed of theirs.relay())
      if (relayed.kind === 'segments')
        await log.addSigned(relayed.author, relayed.segments.map(decodeSegment).filter(isThere))
    await theirs.close()
  }
  const subscription = log.openSubscription()
  for (const { author, seq } of log.head)
    if (author !== log.id) subscription.enqueueBacklog({ author, from: 1, to: seq + 1 })
  const sent: LogId[] = []
  for await (const relayed of log.follow({
    subscription,
    mode: span => ({ kind: 'send', from: span.from }),
    knows: () => true,
  })) {
    if (relayed.kind === 'segments') sent.push(relayed.author)
    if (sent.length === 3) await log.append({ username: 'alice', message: 'now' })
    if (subscription.isEmpty && sent.length > 3) subscription.close()
  }
  assert.ok(sent.length > 40)
  assert.equal(sent.indexOf(log.id), 3, 'after the pages that were in flight')
  // Each log is continued while nothing new is waiting, because resuming it later costs a lookup.
  assert.ok(new Set(sent.slice(0, 3)).size === 1)
})

const isThere = <T>(value: T | undefined): value is T => value !== undefined
