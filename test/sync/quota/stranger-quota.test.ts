import assert from 'node:assert/strict'
import test from 'node:test'
import type { AuthorId, LogId } from '../../../src/log/format/author.js'
import type { KnownPeople } from '../../../src/log/known-people.js'
import type { Introducer, StrangerRecord } from '../../../src/log/stranger-quota.js'
import { PASSED_ON_LOGS_MAX, PASSED_ON_MAX } from '../../../src/sync/quota/limits.js'
import { Quota, STOPPED_MAX } from '../../../src/sync/quota/stranger-quota.js'
import { VirtualClock } from '../../helper/virtual-clock.js'

const MIB = 1024 * 1024
const MINUTE = 60_000
const keyOf = (number: number): LogId => number.toString(16).padStart(64, '0') as LogId

const introducer = (id: string, author?: LogId): Introducer => ({ id, block: `block of ${id}`, author })

/** A quota of 4 MiB and 32 logs, for a user who knows some people. */
function open(known: readonly LogId[] = []) {
  const clock = new VirtualClock()
  const people = new Set<string>(known)
  let onKnown: (author: AuthorId) => void = () => {}
  const pins: KnownPeople = {
    isKnown: author => people.has(author),
    onKnown: listener => {
      onKnown = listener
      return () => {}
    },
  }
  const quota = new Quota({ known: pins, clock, diskBytesMax: 16 * MIB })
  const meet = (author: LogId): void => {
    people.add(author)
    onKnown(author as string as AuthorId)
  }
  return { quota, clock, meet }
}

test('does not count the logs of known people, and never shortens them', () => {
  const { quota } = open([keyOf(1)])
  assert.deepEqual(quota.admit(keyOf(1), 0, introducer('bob')), { kind: 'stored', bytesMax: Number.POSITIVE_INFINITY })
  assert.deepEqual(quota.grew(keyOf(1), 100 * MIB, introducer('bob')), [])
  for (let number = 2; number < 100; number++)
    for (const { log } of quota.grew(keyOf(number), MIB, introducer(`stranger ${number}`)))
      assert.notEqual(log, keyOf(1))
  assert.ok(quota.usage.bytes <= 4 * MIB && quota.usage.logs <= 32)
})

test('stores everything of a stranger who becomes known', () => {
  const { quota, meet } = open()
  const lifted: LogId[] = []
  quota.onLifted(log => lifted.push(log))
  quota.grew(keyOf(1), MIB, introducer('bob'))
  for (let number = 2; number < 6; number++) quota.grew(keyOf(number), MIB, introducer('bob'))
  quota.stop(keyOf(1), 9)
  assert.deepEqual(quota.admit(keyOf(1), MIB, introducer('bob')), { kind: 'stopped' })
  meet(keyOf(1))
  assert.deepEqual(lifted, [keyOf(1)])
  assert.equal(quota.isStopped(keyOf(1)), false)
  assert.deepEqual(quota.admit(keyOf(1), MIB, introducer('bob')), {
    kind: 'stored',
    bytesMax: Number.POSITIVE_INFINITY,
  })
})

/** A quota with room for 2,000 logs, for a user who knows one person. */
function openLarge(friend = keyOf(7)) {
  const known: KnownPeople = { isKnown: author => String(author) === friend, onKnown: () => () => {} }
  const quota = new Quota({ known, clock: new VirtualClock() })
  const bring = (from: number, count: number, relay: Introducer): LogId[] => {
    quota.connected(relay)
    const logs = Array.from({ length: count }, (_, index) => keyOf(from + index))
    for (const log of logs) quota.grew(log, 100, relay)
    return logs
  }
  const passed = (logs: readonly LogId[]): number => logs.filter(log => quota.isPassedOn(log)).length
  return { quota, bring, passed }
}

const stranger = (name: string, key = 8): Introducer => introducer(name, keyOf(key))

test('reports the deletion of a log that it no longer remembers', () => {
  const { quota } = open()
  const changed: LogId[] = []
  const cuts = Array.from({ length: 33 }, (_, index) => quota.grew(keyOf(index + 1), 100, introducer('bob'))).flat()
  for (const { log } of cuts) quota.stop(log, 9)
  for (let number = 100; number < 100 + STOPPED_MAX; number++) quota.stop(keyOf(number), 9)
  quota.onRecord(log => changed.push(log))
  quota.resized(keyOf(1), 0)
  assert.deepEqual([changed, quota.record(keyOf(1))], [[keyOf(1)], undefined])
})

test('announces no log that is being deleted', () => {
  const { quota } = open()
  const cuts = Array.from({ length: 33 }, (_, index) => quota.grew(keyOf(index + 1), 100, introducer('bob'))).flat()
  assert.deepEqual(cuts, [{ log: keyOf(1), bytesKept: 0 }])
  assert.deepEqual([quota.isPassedOn(keyOf(1)), quota.isPassedOn(keyOf(2))], [false, true])
  quota.resized(keyOf(1), 0)
  assert.equal(quota.isPassedOn(keyOf(1)), true)
})

test('passes on all of a room in which nobody knows anybody', () => {
  const { bring, passed } = openLarge()
  const logs = bring(1_000, PASSED_ON_LOGS_MAX, stranger('relay'))
  assert.equal(passed(logs), PASSED_ON_LOGS_MAX)
})

test('passes on no more from one introducer than the others leave, and something from each', () => {
  const { quota, bring, passed } = openLarge()
  const flood = bring(10_000, 1_500, stranger('mallory'))
  assert.equal(passed(flood), PASSED_ON_LOGS_MAX, 'alone')
  const room = bring(20_000, 200, stranger('relay'))
  assert.equal(passed(room), 200)
  assert.equal(passed(flood), PASSED_ON_LOGS_MAX - 200)
  assert.equal(quota.usage.logs, 1_700, 'control: all are stored')
  assert.deepEqual(
    flood.map(log => quota.isPassedOn(log)),
    flood.map((_, index) => index < PASSED_ON_LOGS_MAX - 200),
    'the latest are kept back',
  )
})

test('passes on some logs of each of many introducers, however many authors the others bring', () => {
  const { bring, passed } = openLarge()
  const floods = Array.from({ length: 40 }, (_, n) => bring(10_000 * (n + 1), 48, stranger(`mallory ${n}`)))
  for (const flood of floods) assert.equal(passed(flood), PASSED_ON_MAX)
})

test('passes on all logs that their authors sent themselves, and all that known people relay', () => {
  const { quota, bring, passed } = openLarge()
  bring(10_000, 1_100, stranger('mallory'))
  const other = stranger('other', 9)
  quota.connected(other)
  quota.grew(keyOf(9), 100, other)
  assert.ok(quota.isPassedOn(keyOf(9)))
  const friend = { id: keyOf(7), block: 'block', author: keyOf(7) }
  assert.equal(passed(bring(50_000, 800, friend)), 800)
})

test('counts the logs of a connection against its address block a minute after it closed', () => {
  const { quota, clock } = open()
  const [one, other] = ['one', 'other'].map(id => ({ id, block: 'block' })) as [Introducer, Introducer]
  const leave = [one, other].map(each => quota.connected(each))
  for (let number = 0; number < 2; number++) quota.grew(keyOf(number), MIB, number === 0 ? one : other)
  for (const each of leave) each()
  clock.advance(MINUTE - 1)
  assert.equal((quota.admit(keyOf(9), 0, introducer('newcomer')) as { bytesMax: number }).bytesMax, 2 * MIB)
  for (let number = 2; number < 4; number++) quota.grew(keyOf(number), MIB, introducer('third'))
  const before = (quota.admit(keyOf(9), 0, introducer('newcomer')) as { bytesMax: number }).bytesMax
  clock.advance(1)
  const after = (quota.admit(keyOf(9), 0, introducer('newcomer')) as { bytesMax: number }).bytesMax
  assert.ok(after > before, `${after} after ${before}: together they use more`)
})

test('accepts lines of an unsigned author from nobody else while they are connected, and for a minute', () => {
  const { quota, clock } = open()
  const walter = 'walter' as LogId
  const own = introducer('walter.local:1', walter)
  const leave = quota.connected(own)
  quota.connected(introducer('mallory'))
  quota.grew(walter, 100, own)
  assert.equal(quota.admit(walter, 100, introducer('mallory')).kind, 'relayed')
  assert.equal(quota.admit(walter, 100, own).kind, 'stored')
  leave()
  clock.advance(MINUTE)
  assert.equal(quota.admit(walter, 100, introducer('mallory')).kind, 'stored', 'relays bring what they missed')
})

test('is the same after a restart: shares, what has stopped, and what the user asked for', () => {
  const { quota } = open()
  const records = new Map<LogId, StrangerRecord>()
  quota.onRecord(log => {
    const record = quota.record(log)
    if (record === undefined) records.delete(log)
    else records.set(log, record)
  })
  const sizes = new Map<LogId, number>()
  const bring = (log: LogId, bytes: number, from: Introducer): void => {
    sizes.set(log, bytes)
    for (const cut of quota.grew(log, bytes, from)) {
      sizes.set(cut.log, cut.bytesKept)
      quota.stop(cut.log, 9)
    }
  }
  const [one, other] = [introducer('one', keyOf(1)), introducer('other', keyOf(2))]
  for (const each of [one, other]) quota.connected(each)
  for (let number = 10; number < 13; number++) bring(keyOf(number), MIB, one)
  bring(keyOf(2), MIB, other)
  quota.stop(keyOf(2), 100)
  quota.stop(keyOf(20), 3)
  quota.lift(keyOf(20))

  const again = open().quota
  const logs = [...sizes].map(([author, size]) => ({ author, size }))
  assert.deepEqual(again.reset(logs, records), [])
  assert.deepEqual([...again.stopped], [...quota.stopped])
  assert.ok(again.isStopped(keyOf(2)))
  assert.equal(again.isStranger(keyOf(20)), false)
  // A newcomer displaces logs of the introducer that brought most. Control: without records nobody knows who that is.
  const losers = (each: Quota): string[] => each.grew(keyOf(30), 1, introducer('new')).map(({ log }) => log)
  assert.deepEqual(losers(again), losers(quota))
  const without = open().quota
  without.reset(logs, new Map())
  assert.equal(without.isStopped(keyOf(2)), false)
  assert.deepEqual(
    [keyOf(10), keyOf(2)].map(log => again.record(log)?.block),
    ['block of one', 'block of other'],
  )
  assert.equal(without.record(keyOf(2))?.block, '')
})

test('remembers no more logs as stopped than the bound, and says which it forgets', () => {
  const { quota } = open()
  const forgotten = new Set<LogId>()
  quota.onRecord(log => {
    if (quota.record(log) === undefined) forgotten.add(log)
  })
  for (let number = 1; number <= STOPPED_MAX + 5; number++) quota.stop(keyOf(number), 1)
  assert.equal(quota.stopped.size, STOPPED_MAX)
  assert.deepEqual(
    [...forgotten],
    [1, 2, 3, 4, 5].map(number => keyOf(number)),
  )
})
