import assert from 'node:assert/strict'
import test from 'node:test'
import { ConnectionSummaries, type ConnectionSummary } from '../../src/node/connection-summary.js'
import { VirtualClock } from '../helper/virtual-clock.js'

function world() {
  const clock = new VirtualClock()
  const said: string[] = []
  let now: ConnectionSummary = { linked: [], trials: [] }
  const standings = new ConnectionSummaries(
    clock,
    () => now,
    line => said.push(line),
  )
  const become = (
    linked: readonly string[],
    tried: readonly (readonly [name: string, tries: number])[] = [],
    heard = 0,
  ) => {
    const address = { host: 'x.local', port: 1 }
    const trials = tried.map(([name, tries]) => ({ name, address, tries, reason: 'nobody listens there' }))
    now = { linked, trials, heard }
    standings.update()
  }
  return { clock, said, standings, become }
}

test('how many more are there through others is said with the rest, and is no news by itself', () => {
  const { clock, said, become } = world()
  become(['bob', 'carol', 'dave'], [], 7)
  clock.advance(2_000)
  become(['bob', 'carol', 'dave'], [], 8)
  clock.advance(2_000)
  assert.deepEqual(said, ['linked with bob, carol, dave; 7 more through them'])
})

test('who is linked and who is tried is said once it came to rest, and again only on change', () => {
  const { clock, said, become } = world()
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
  assert.deepEqual(said, [
    'linked with bob, carol; trying dave (nobody listens there, 2 times)',
    'linked with bob; trying dave (nobody listens there, 50 times)',
  ])
})

test('of two who are linked, and of one who is not, nothing is repeated', () => {
  const { clock, said, become } = world()
  for (const [linked, tried] of [
    [['bob'], []],
    [['bob', 'carol'], []],
    [[], [['bob', 1] as const]],
    [[], []],
  ] as const) {
    become(linked, tried)
    clock.advance(2_000)
  }
  assert.deepEqual(said, [])
})

test('a line stays a line, however many there are and whatever they are called', () => {
  const { clock, said, become } = world()
  become(Array.from({ length: 40 }, (_, i) => `\u001b[2Jpeer${i}`))
  clock.advance(2_000)
  assert.equal(said.length, 1)
  assert.match(said[0] ?? '', /^linked with ␛\[2Jpeer0, .* and 34 more$/)
})

test('after closing nothing is said', () => {
  const { clock, said, standings, become } = world()
  become(['bob', 'carol', 'dave'])
  standings.close()
  clock.advance(10_000)
  assert.deepEqual(said, [])
})
