import assert from 'node:assert/strict'
import test from 'node:test'
import { ConnectionSummaries, type ConnectionSummary } from '../../src/node/connection-summary.js'
import { VirtualClock } from '../helper/virtual-clock.js'

function world() {
  const clock = new VirtualClock()
  const reported: string[] = []
  let now: ConnectionSummary = { connected: [], dialing: [] }
  const summaries = new ConnectionSummaries(
    clock,
    () => now,
    line => reported.push(line),
  )
  const become = (
    connected: readonly string[],
    tried: readonly (readonly [name: string, tries: number])[] = [],
    indirect = 0,
  ) => {
    const address = { host: 'x.local', port: 1 }
    const dialing = tried.map(([name, tries]) => ({ name, address, tries, reason: 'nothing is listening there' }))
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
  assert.deepEqual(reported, ['connected to bob, carol, dave; 7 more through them'])
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
  assert.deepEqual(reported, [
    'connected to bob, carol; trying dave (nothing is listening there, 2 times)',
    'connected to bob; trying dave (nothing is listening there, 50 times)',
  ])
})

test('skips up to two connections, or one peer that is dialled', () => {
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

test('keeps one line for many names with control characters', () => {
  const { clock, reported, become } = world()
  become(Array.from({ length: 40 }, (_, i) => `\u001b[2Jpeer${i}`))
  clock.advance(2_000)
  assert.equal(reported.length, 1)
  assert.match(reported[0] ?? '', /^connected to ␛\[2Jpeer0, .* and 34 more$/)
})

test('reports nothing after it is closed', () => {
  const { clock, reported, summaries, become } = world()
  become(['bob', 'carol', 'dave'])
  summaries.close()
  clock.advance(10_000)
  assert.deepEqual(reported, [])
})
