import assert from 'node:assert/strict'
import test from 'node:test'
import type { AuthorId } from '../../src/log/author.js'
import { Feed } from '../../src/log/feed.js'

const [bob, carol] = ['bob', 'carol'] as [AuthorId, AuthorId]

test('spans come out in order of arrival, those of one author that follow each other as one', () => {
  const feed = new Feed()
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

test('who waits is woken by what arrives, and not held up by what is there', async () => {
  const feed = new Feed()
  const waiting = feed.wait()
  feed.push({ author: bob, from: 1, to: 2 })
  await waiting
  await feed.wait()
  assert.equal(feed.takeAll().length, 1)
})

test('closing wakes who waits, and whoever asks later', async () => {
  const feed = new Feed()
  const waiting = feed.wait()
  feed.close()
  await waiting
  await feed.wait()
  assert.equal(feed.isClosed, true)
})

test('a reader that never reads costs a span an author, and misses nothing', () => {
  const feed = new Feed()
  const authors = Array.from({ length: 100 }, (_, i) => `author${i}` as AuthorId)
  const rounds = 400
  for (let seq = 1; seq <= rounds; seq++) for (const author of authors) feed.push({ author, from: seq, to: seq + 1 })
  const spans = feed.takeAll()
  assert.deepEqual(
    spans,
    authors.map(author => ({ author, from: 1, to: rounds + 1 })),
  )
})
