import assert from 'node:assert/strict'
import test from 'node:test'
import type { NodeEvent } from '../../src/node/events.js'
import { StrangerNotices } from '../../src/node/people/stranger-notices.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const CAME = { kind: 'connection-opened', peer: 'guest', protocol: 'native' } as const
const LOST = { kind: 'connection-lost', peer: 'guest', reason: 'closed' } as const
const LEFT = { kind: 'peer-left', peer: 'guest' } as const
const VIOLATION = { kind: 'protocol-violated', peer: 'guest', violation: 'malformed-note' } as const

function notices() {
  const clock = new VirtualClock()
  const reported: NodeEvent[] = []
  const strangers = new StrangerNotices(clock, event => reported.push(event))
  return { clock, strangers, taken: () => reported.splice(0) }
}

test('reports one event of each kind about strangers a minute', () => {
  const { clock, strangers, taken } = notices()
  for (let ms = 0; ms < 60_000; ms += 5) {
    strangers.report(VIOLATION)
    clock.advance(5)
  }
  assert.deepEqual(taken(), [VIOLATION])
  strangers.report(VIOLATION)
  assert.deepEqual(taken(), [VIOLATION], 'control: a minute later the next one is reported')
})

test('reports the first stranger who comes and who goes at once, and counts the others of the minute', () => {
  const { clock, strangers, taken } = notices()
  strangers.report(CAME)
  strangers.report(LEFT)
  assert.deepEqual(taken(), [CAME, LEFT])
  for (let more = 0; more < 4; more++) strangers.report(CAME)
  strangers.report(LOST)
  strangers.report(LEFT)
  clock.advance(59_999)
  assert.deepEqual(taken(), [])
  clock.advance(1)
  assert.deepEqual(taken(), [
    { kind: 'strangers-came', count: 4 },
    { kind: 'strangers-left', count: 2 },
  ])
  // The number was the notice of the next minute.
  strangers.report(CAME)
  assert.deepEqual(taken(), [])
  clock.advance(60_000)
  assert.deepEqual(taken(), [{ kind: 'strangers-came', count: 1 }])
  clock.advance(60_000)
  strangers.report(CAME)
  assert.deepEqual(taken(), [CAME], 'after a quiet minute the next one is reported at once')
})

test('strangers who come and go for an hour cause two notices a minute', () => {
  const { clock, strangers, taken } = notices()
  for (let ms = 0; ms < 3_600_000; ms += 100) {
    strangers.report(CAME)
    strangers.report(LOST)
    clock.advance(100)
  }
  const reported = taken()
  assert.ok(reported.length <= 122, `${reported.length}`)
  const came = reported.reduce((sum, event) => sum + (event.kind === 'strangers-came' ? event.count : 0), 0)
  assert.ok(came >= 35_000, `${came} are counted`)
})

test('leaves no timer after it is closed', () => {
  const { clock, strangers } = notices()
  strangers.report(CAME)
  strangers.close()
  assert.equal(clock.timers, 0)
})
