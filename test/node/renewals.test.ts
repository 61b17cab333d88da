import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import test from 'node:test'
import { type KeyPair, keyPairOf } from '../../src/base/crypto/signing.js'
import { type AuthorId, authorOfKey, type LogId, logOf } from '../../src/log/format/author.js'
import { type Entry, entryText, type Members } from '../../src/log/format/entry.js'
import { hlcAt } from '../../src/log/format/hybrid-clock.js'
import type { Log } from '../../src/log/log.js'
import type { NodeEvent } from '../../src/node/events.js'
import { Pins } from '../../src/node/people/pins.js'
import { renewalFields } from '../../src/node/people/renewal.js'
import { Renewals } from '../../src/node/people/renewals.js'
import { heapBytes } from '../helper/signed-memory.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const NOW = 1_800_000_000_000
const keysOf = (number: number): KeyPair => keyPairOf(Buffer.alloc(32, number))
const idOf = ({ publicKey }: KeyPair): AuthorId => authorOfKey(publicKey)
const [BOB, BOB2, BOB3, MALLORY] = [1, 2, 3, 4].map(keysOf) as [KeyPair, KeyPair, KeyPair, KeyPair]

const renewalEntry = (username: string, old: KeyPair, fresh: KeyPair): Members => ({
  username,
  message: 'has a new key',
  ...renewalFields(old, fresh),
})

/** Logs of one entry each. */
class FakeLog extends EventEmitter {
  readonly #first = new Map<LogId, Members>()

  get head() {
    return [...this.#first.keys()].map(author => ({ author, seq: 1 }))
  }

  store(author: AuthorId, members: Members): void {
    this.#first.set(logOf(author), members)
    this.emit('entries', { author: logOf(author), from: 1, to: 2 })
  }

  delete(author: AuthorId): void {
    this.#first.delete(logOf(author))
    this.emit('shortened', logOf(author))
  }

  localSeq(author: LogId): number {
    return this.#first.has(author) ? 1 : 0
  }

  async entry(author: LogId): Promise<Entry | undefined> {
    const members = this.#first.get(author)
    const at = hlcAt(NOW)
    return members && { author, seq: 1, at, entry: Buffer.from(entryText(at, NOW, members)) }
  }
}

function world(log = new FakeLog(), pins = new Pins()) {
  const clock = new VirtualClock(NOW)
  const events: NodeEvent[] = []
  const parts = {
    me: 'alice',
    log: log as unknown as Log,
    pins,
    clock,
    onEvent: (event: NodeEvent) => void events.push(event),
  }
  return { log, pins, clock, events, renewals: new Renewals(parts) }
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 200; turn++) await Promise.resolve()
}

const renewed = (before: KeyPair, key: KeyPair): NodeEvent => ({
  kind: 'key-renewed',
  name: 'bob',
  key: idOf(key),
  before: idOf(before),
})

test('moves a pin to a new key that the old one signed, and reports it once', async () => {
  const { log, pins, events } = world()
  pins.met('bob', idOf(BOB), NOW)
  pins.compared(idOf(BOB))
  pins.met('bob', idOf(BOB2), NOW)
  for (let again = 0; again < 3; again++) log.store(idOf(BOB2), renewalEntry('bob', BOB, BOB2))
  await settled()
  assert.deepEqual([pins.of('bob')?.key, pins.of('bob')?.other], [idOf(BOB2), undefined])
  assert.equal(pins.of('bob')?.how, 'met', 'the new key was not compared')
  assert.deepEqual([pins.isKnown(idOf(BOB2)), pins.isKnown(idOf(BOB))], [true, false])
  assert.deepEqual(events, [renewed(BOB, BOB2)])
})

test('control: moves no pin to a key that the old one did not sign', async () => {
  const { log, pins, events } = world()
  pins.met('bob', idOf(BOB), NOW)
  const honest = renewalEntry('bob', BOB, BOB2)
  const forged: readonly Members[] = [
    { ...renewalEntry('bob', MALLORY, MALLORY), previous: idOf(BOB) },
    { ...honest, consent: 'x' },
    { ...honest, consent: 7 },
    // The consent is for another key.
    honest,
    { username: 'bob', message: honest.message },
  ]
  for (const members of forged) {
    log.store(idOf(MALLORY), members)
    await settled()
  }
  assert.equal(pins.of('bob')?.key, idOf(BOB))
  assert.ok(!pins.isKnown(idOf(MALLORY)))
  assert.deepEqual(events, [])
})

test('keeps people known whom the user addressed, and follows several renewals in any order', async () => {
  const { log, pins, events } = world()
  log.store(idOf(BOB3), renewalEntry('bob', BOB2, BOB3))
  log.store(idOf(BOB2), renewalEntry('bob', BOB, BOB2))
  await settled()
  assert.deepEqual(events, [], 'nobody is known yet')
  pins.address(idOf(BOB))
  await settled()
  assert.deepEqual(
    [BOB2, BOB3].map(keys => pins.isKnown(idOf(keys))),
    [true, true],
  )
  pins.met('bob', idOf(BOB), NOW)
  await settled()
})

test('finds renewals that were stored before the start', async () => {
  const log = new FakeLog()
  log.store(idOf(BOB2), renewalEntry('bob', BOB, BOB2))
  const pins = new Pins()
  pins.met('bob', idOf(BOB), NOW)
  const { clock, events } = world(log, pins)
  clock.advance(2_000)
  await settled()
  assert.deepEqual(events, [renewed(BOB, BOB2)])
})

const stolen: NodeEvent = {
  kind: 'key-renewed-twice',
  me: 'alice',
  name: 'bob',
  key: idOf(BOB2),
  other: idOf(MALLORY),
}

test('reports once that an old key signed two new ones, and leaves the name with the first until the user chooses', async () => {
  const { log, pins, events } = world()
  pins.met('bob', idOf(BOB), NOW)
  log.store(idOf(BOB2), renewalEntry('bob', BOB, BOB2))
  log.store(idOf(MALLORY), renewalEntry('bob', BOB, MALLORY))
  for (const thief of [5, 6].map(keysOf)) log.store(idOf(thief), renewalEntry('bob', BOB, thief))
  await settled()
  assert.deepEqual([pins.of('bob')?.key, pins.of('bob')?.other], [idOf(BOB2), idOf(MALLORY)])
  assert.ok(!pins.isKnown(idOf(MALLORY)))
  assert.deepEqual(events, [renewed(BOB, BOB2), stolen])
})

test('reports a second new key after a restart too, also if the user only addressed its owner', async () => {
  const log = new FakeLog()
  log.store(idOf(MALLORY), renewalEntry('bob', BOB, MALLORY))
  log.store(idOf(BOB2), renewalEntry('bob', BOB, BOB2))
  const pins = new Pins()
  pins.met('bob', idOf(BOB), NOW)
  pins.address(idOf(BOB))
  pins.renew(idOf(BOB), idOf(BOB2), NOW)
  const { clock, events } = world(log, pins)
  clock.advance(2_000)
  await settled()
  assert.equal(pins.of('bob')?.key, idOf(BOB2))
  assert.ok(!pins.isKnown(idOf(MALLORY)))
  assert.deepEqual(events, [stolen])
})

test('reports no further keys of a thief after the user has chosen', async () => {
  for (const chosen of [BOB2, MALLORY]) {
    const { log, pins, events } = world()
    pins.met('bob', idOf(BOB), NOW)
    log.store(idOf(BOB2), renewalEntry('bob', BOB, BOB2))
    log.store(idOf(MALLORY), renewalEntry('bob', BOB, MALLORY))
    await settled()
    pins.pin({ name: 'bob', key: idOf(chosen), since: NOW, how: 'compared' })
    const thief = keysOf(5)
    log.store(idOf(thief), renewalEntry('bob', BOB, thief))
    await settled()
    assert.deepEqual([pins.of('bob')?.key, pins.of('bob')?.other], [idOf(chosen), undefined])
    assert.equal(events.length, 2)
  }
})

test('leaves no timer and no listener after it is closed', () => {
  const { clock, pins, renewals } = world()
  renewals.close()
  assert.deepEqual([clock.timers, pins.listenerCount('known')], [0, 0])
})

test('remembers no renewals of deleted logs', async () => {
  const { log } = world()
  const memoryOf = async (isDeleted: boolean): Promise<number> => {
    const before = heapBytes()
    for (let number = 0; number < 5_000; number++) {
      const previous = number.toString(16).padStart(64, isDeleted ? '1' : '2')
      const author = previous.padStart(64, '3').replace(/^../, 'ff') as unknown as AuthorId
      log.store(author, { username: 'guest', message: 'has a new key', type: 'renew', previous, consent: '' })
      for (let turn = 0; turn < 10; turn++) await Promise.resolve()
      if (isDeleted) log.delete(author)
    }
    return heapBytes() - before
  }
  const [deleted, stored] = [await memoryOf(true), await memoryOf(false)]
  assert.ok(deleted < stored / 4, `${deleted} and, as a control, ${stored} bytes`)
})
