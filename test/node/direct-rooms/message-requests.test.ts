import assert from 'node:assert/strict'
import test from 'node:test'
import { NodeStore } from '../../../src/host/server/node-store.js'
import type { AuthorId } from '../../../src/log/format/author.js'
import { MessageRequests } from '../../../src/node/direct-rooms/message-requests.js'
import { MemoryDisk, MemoryStore } from '../../helper/memory-store.js'

const DAY_MS = 86_400_000

const keyOf = (number: number): AuthorId => number.toString(16).padStart(64, '0') as AuthorId
const requestOf = (number: number, text = 'hello', block = String(number)) => ({
  key: keyOf(number),
  block,
  name: `person${number}`,
  text,
})

class World {
  readonly disk = new MemoryDisk()
  readonly known = new Set<AuthorId>()
  now = DAY_MS

  open(): Promise<MessageRequests> {
    const store = new NodeStore(new MemoryStore(this.disk))
    return MessageRequests.open({ store, now: () => this.now, isKnown: key => this.known.has(key) })
  }
}

test('keeps 16 requests, and requests of known people evict those of strangers', async () => {
  const world = new World()
  const requests = await world.open()
  for (let number = 0; number < 1_000; number++) requests.receive(requestOf(number))
  assert.equal(requests.all.length, 16)
  const friend = keyOf(5_000)
  requests.receive(requestOf(5_000))
  assert.ok(!requests.all.some(({ key }) => key === friend))
  world.known.add(friend)
  requests.receive(requestOf(5_000))
  assert.equal(requests.all[0]?.key, friend)
  assert.equal(requests.all.length, 16)
})

test('keeps four requests of strangers from one block of addresses, over restarts', async () => {
  const world = new World()
  for (let start = 0; start < 3; start++) {
    const requests = await world.open()
    for (let number = 0; number < 100; number++)
      requests.receive(requestOf(100 * start + number, 'hello', '192.0.2.0/24'))
    requests.receive(requestOf(9_000 + start, 'hello', `198.51.${start}.0/24`))
    await requests.saved()
    assert.equal(requests.all.length, 4 + start + 1)
  }
})

test('a stranger changes their request a bounded number of times', async () => {
  const requests = await new World().open()
  for (let change = 0; change < 100; change++) requests.receive(requestOf(1, `hello ${change}`))
  assert.equal(requests.all[0]?.text, 'hello 15')
})

test('stores nothing more from somebody who was declined, over restarts, until they are accepted', async () => {
  const world = new World()
  const requests = await world.open()
  requests.receive(requestOf(1))
  requests.decline(keyOf(1))
  requests.receive(requestOf(1, 'please'))
  assert.deepEqual(requests.all, [])
  await requests.saved()
  const again = await world.open()
  again.receive(requestOf(1, 'please'))
  assert.deepEqual(again.all, [])
  again.accept(keyOf(1))
  again.receive(requestOf(1, 'thanks'))
  assert.equal(again.all.length, 1)
})

test('a request expires after 30 days, and a name that is not plain is not kept', async () => {
  const world = new World()
  const requests = await world.open()
  requests.receive({ ...requestOf(1), name: 'bob\u001b[2J' })
  assert.equal(requests.all[0]?.name, '')
  await requests.saved()
  world.now += 31 * DAY_MS
  assert.deepEqual((await world.open()).all, [])
})
