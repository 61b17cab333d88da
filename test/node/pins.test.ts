import assert from 'node:assert/strict'
import test from 'node:test'
import { NodeStore } from '../../src/host/server/node-store.js'
import type { AuthorId } from '../../src/log/format/author.js'
import { Pins } from '../../src/node/people/pins.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'

const keyOf = (digits: string): AuthorId => digits.repeat(64 / digits.length) as AuthorId
const BOB = keyOf('b0b1')
const MALLORY = keyOf('3fa1')
const CAROL = keyOf('c4')

test('binds a name to the first key that a peer proves under it', () => {
  const pins = new Pins()
  assert.equal(pins.met('bob', BOB, 1_000), 'new')
  assert.deepEqual(pins.of('Bob'), { name: 'bob', key: BOB, since: 1_000, how: 'met', other: undefined })
  assert.equal(pins.met('BOB', BOB, 2_000), 'same')
  assert.ok(pins.isKnown(BOB))
})

test('counts another key under a pinned name as a stranger until it is accepted', () => {
  const pins = new Pins()
  pins.met('bob', BOB, 1_000)
  assert.equal(pins.met('bob', MALLORY, 2_000), 'other-key')
  assert.equal(pins.met('bob', MALLORY, 3_000), 'other-key-again')
  assert.equal(pins.isKnown(MALLORY), false)
  assert.equal(pins.of('bob')?.other, MALLORY)
  pins.pin({ name: 'bob', key: MALLORY, since: 4_000, how: 'met' })
  assert.ok(pins.isKnown(MALLORY))
  assert.equal(pins.isKnown(BOB), false)
})

test('a line that addresses a stranger makes them known, once', () => {
  const pins = new Pins()
  const known: AuthorId[] = []
  const stop = pins.onKnown(author => known.push(author))
  pins.address(CAROL)
  pins.address(CAROL)
  pins.met('carol', CAROL, 1_000)
  assert.deepEqual(known, [CAROL])
  stop()
  pins.met('bob', BOB, 1_000)
  assert.deepEqual(known, [CAROL])
})

test('keeps pins and addressed people for the next start, and forgets what the user forgot', async () => {
  const disk = new MemoryDisk()
  const before = await Pins.open(new NodeStore(new MemoryStore(disk)))
  before.met('bob', BOB, 1_000)
  before.met('bob', MALLORY, 2_000)
  before.met('carol', CAROL, 3_000)
  before.address(keyOf('d1'))
  assert.ok(before.forget('CAROL'))
  assert.equal(before.forget('carol'), false)
  await before.saved()
  const after = await Pins.open(new NodeStore(new MemoryStore(disk)))
  assert.deepEqual(after.all, [{ name: 'bob', key: BOB, since: 1_000, how: 'met', other: MALLORY }])
  assert.ok(after.isKnown(keyOf('d1')))
  assert.equal(after.isKnown(CAROL), false)
})

test('marks every name of a key as compared', () => {
  const pins = new Pins()
  assert.equal(pins.compared(BOB), false)
  pins.met('bob', BOB, 1_000)
  assert.ok(pins.compared(BOB))
  assert.equal(pins.of('bob')?.how, 'compared')
})
