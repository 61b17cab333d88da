import assert from 'node:assert/strict'
import test from 'node:test'
import { ConnectionSummaries } from '../../../src/node/connections/connection-summaries.js'
import type { ConnectionSummary, NodeEvent } from '../../../src/node/events.js'
import { VirtualClock } from '../../helper/virtual-clock.js'

function world() {
  const clock = new VirtualClock()
  const reported: NodeEvent[] = []
  let now: ConnectionSummary = { connected: [], dialing: [] }
  const summaries = new ConnectionSummaries(
    clock,
    () => now,
    event => reported.push(event),
  )
  const become = (
    connected: readonly string[],
    tried: readonly (readonly [name: string, tries: number])[] = [],
    indirect = 0,
  ) => {
    const address = { host: 'x.local', port: 1 }
    const dialing = tried.map(([name, tries]) => ({ name, address, tries, reason: 'refused' as const }))
    now = { connected, dialing, indirect }
    summaries.update()
  }
  return { clock, reported, summaries, become }
}

test('reports the number of indirect peers, but not its changes', () => {
  const { clock, reported, become } = world()
  become(['bob', 'carol', 'dave'], [], 7)
  clock.advance(2_000)
  become(['bob', 'carol', 'dave'], [], 8)
  clock.advance(2_000)
  assert.deepEqual(reported, [
    { kind: 'connections-changed', connected: ['bob', 'carol', 'dave'], plain: [], dialing: [], indirect: 7 },
  ])
})

test('reports connections and dial attempts once they settle, and again only on change', () => {
  const { clock, reported, become } = world()
  become(['bob'], [['dave', 1]])
  clock.advance(1_000)
  become(['bob', 'carol'], [['dave', 2]])
  clock.advance(2_000)
  for (let tries = 3; tries < 50; tries++) {
    become(['carol', 'bob'], [['dave', tries]])
    clock.advance(5_000)
  }
  become(['bob'], [['dave', 50]])
  clock.advance(2_000)
  const dave = { name: 'dave', address: { host: 'x.local', port: 1 }, reason: 'refused' }
  const changed = { kind: 'connections-changed', indirect: 0 }
  assert.deepEqual(reported, [
    { ...changed, plain: [], connected: ['bob', 'carol'], dialing: [{ ...dave, tries: 2 }] },
    { ...changed, plain: [], connected: ['bob'], dialing: [{ ...dave, tries: 50 }] },
  ])
})

test('reports no summary of up to two connections, or of one dial attempt', () => {
  const { clock, reported, become } = world()
  for (const [connected, tried] of [
    [['bob'], []],
    [['bob', 'carol'], []],
    [[], [['bob', 1] as const]],
    [[], []],
  ] as const) {
    become(connected, tried)
    clock.advance(2_000)
  }
  assert.deepEqual(reported, [])
})

test('reports changes once a minute at most', () => {
  const { clock, reported, become } = world()
  for (let second = 0; second < 600; second += 3) {
    become(['bob', 'carol', 'dave', ...(second % 2 === 0 ? ['guest'] : [])])
    clock.advance(3_000)
  }
  assert.ok(reported.length <= 10, `${reported.length} reports`)
  clock.advance(60_000)
  const last = reported.at(-1)
  assert.deepEqual(
    last?.kind === 'connections-changed' && last.connected,
    ['bob', 'carol', 'dave'],
    'the last state is reported',
  )
})

test('reports nothing after it is closed', () => {
  const { clock, reported, summaries, become } = world()
  become(['bob', 'carol', 'dave'])
  summaries.close()
  clock.advance(10_000)
  assert.deepEqual(reported, [])
})
