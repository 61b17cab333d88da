import assert from 'node:assert/strict'
import test from 'node:test'
import type { AuthorId, LogId } from '../../../src/log/format/author.js'
import type { KnownPeople } from '../../../src/log/known-people.js'
import type { Introducer } from '../../../src/log/stranger-quota.js'
import { PASSED_ON_MAX } from '../../../src/sync/quota/limits.js'
import { Quota } from '../../../src/sync/quota/stranger-quota.js'
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

test('passes on no more hearsay of a stranger’s connection than it would let one keep, once half is in use', () => {
  const { clock } = open()
  const known: KnownPeople = { isKnown: author => String(author) === keyOf(7), onKnown: () => () => {} }
  const quota = new Quota({ known, clock })
  const passed = (from: number, relay: Introducer): number => {
    let count = 0
    for (let number = from; number < from + 1_100; number++) {
      quota.grew(keyOf(number), 100, relay)
      if (quota.isPassedOn(keyOf(number))) count++
    }
    return count
  }
  const stranger = introducer('stranger', keyOf(8))
  quota.connected(stranger)
  assert.equal(passed(1_000, stranger), 1_000, 'control: everything while there is plenty of room')
  const other = introducer('other', keyOf(9))
  quota.connected(other)
  assert.equal(passed(10_000, other), PASSED_ON_MAX)
  quota.grew(keyOf(9), 100, other)
  assert.ok(quota.isPassedOn(keyOf(9)), 'what they wrote is no hearsay')
  const friend = introducer('friend', keyOf(7))
  quota.connected(friend)
  assert.equal(passed(20_000, friend), 1_100, 'of a known person everything')
})

test('counts what a connection brought for its addresses, a minute after it closed', () => {
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

test('takes lines of an unsigned author from nobody else while they are connected, and for a minute', () => {
  const { quota, clock } = open()
  const walter = 'walter' as LogId
  const own = introducer('walter.local:1', walter)
  const leave = quota.connected(own)
  quota.connected(introducer('mallory'))
  quota.grew(walter, 100, own)
  assert.equal(quota.admit(walter, 100, introducer('mallory')).kind, 'hearsay')
  assert.equal(quota.admit(walter, 100, own).kind, 'stored')
  leave()
  clock.advance(MINUTE)
  assert.equal(quota.admit(walter, 100, introducer('mallory')).kind, 'stored', 'relays bring what they missed')
})
