import assert from 'node:assert/strict'
import test from 'node:test'
import { Calendar } from '../../src/labs/gossip/sim/calendar.js'
import { RumourSpread } from '../../src/labs/gossip/sim/rumour-spread.js'
import { type GossipSimulationOptions, simulateGossip } from '../../src/labs/gossip/sim/simulation.js'
import { coverageOf, onceCurve, repeatedCurve, roundsOf } from '../../src/labs/gossip/sim/theory.js'

const OPTIONS: GossipSimulationOptions = {
  seed: 1,
  nodes: 1_000,
  fanout: 2,
  ttl: 40,
  repeat: 1,
  pullMs: 0,
  everyMs: 5_000,
  kill: 0,
  rumours: 20,
  view: 64,
  delayMsMin: 1,
  delayMsMax: 30,
  loss: 0,
}

test('performs events in order of time, then of scheduling', () => {
  const calendar = new Calendar()
  const done: string[] = []
  calendar.after(20, () => done.push('c'))
  calendar.after(10, () => {
    done.push('a')
    calendar.after(0, () => done.push('b'))
  })
  calendar.after(20, () => done.push('d'))
  while (calendar.step(15));
  assert.deepEqual([done.join(''), calendar.now], ['ab', 15])
  while (calendar.step(100));
  assert.deepEqual([done.join(''), calendar.now], ['abcd', 100])
})

test('computes the coverage of theory as the root of 1 - e^(-f·c) = c', () => {
  assert.equal(coverageOf(1), 0)
  for (const fanout of [1.5, 2, 3, 6]) {
    const coverage = coverageOf(fanout)
    assert.ok(Math.abs(1 - Math.exp(-fanout * coverage) - coverage) < 1e-9)
    assert.ok(Math.abs((onceCurve(1e6, fanout, 100).at(-1) ?? 0) - coverage) < 1e-3)
  }
  assert.equal(roundsOf(1_024, 1).toFixed(3), (10 + Math.log(1_024)).toFixed(3))
  assert.ok((repeatedCurve(1e5, 1, 40).at(-1) ?? 0) > 0.9999)
})

test('rumours sent once have the coverage of theory for every fan-out', () => {
  for (const fanout of [2, 3, 4]) {
    const [phase] = simulateGossip({ ...OPTIONS, fanout }).phases
    assert.ok(Math.abs((phase?.coverage ?? 0) - coverageOf(fanout)) < 0.03, `${fanout}: ${phase?.coverage}`)
    assert.ok(Math.abs((phase?.messagesPerRumour ?? 0) / (coverageOf(fanout) * 1_000 * fanout) - 1) < 0.03)
  }
})

test('rumours that every node keeps sending reach all in about log2 n + ln n rounds', () => {
  const inRounds = { delayMsMin: 1_000, delayMsMax: 1_000, fanout: 1, repeat: 40 }
  const [phase] = simulateGossip({ ...OPTIONS, ...inRounds, rumours: 5, view: 999 }).phases
  assert.equal(phase?.missed, 0)
  assert.ok(Math.abs((phase?.rounds ?? 0) - roundsOf(1_000, 1)) < 4, String(phase?.rounds))
})

test('control: a small TTL stops a rumour', () => {
  const [phase] = simulateGossip({ ...OPTIONS, ttl: 4 }).phases
  assert.ok((phase?.coverage ?? 1) < 0.05)
})

test('with pulls no node misses a rumour, despite lost requests and restarts', () => {
  const hard = { nodes: 200, pullMs: 3_000, loss: 0.05, kill: 0.2, view: 199 }
  const { phases } = simulateGossip({ ...OPTIONS, ...hard })
  assert.deepEqual(
    phases.map(({ nodes, missed }) => [nodes, missed]),
    [
      [200, 0],
      [160, 0],
      [200, 0],
    ],
  )
  // Control: without pulls some nodes miss rumours.
  assert.ok(simulateGossip({ ...OPTIONS, ...hard, pullMs: 0 }).phases.every(({ missed }) => missed > 0))
})

test('counts each node once per rumour, and a later version only if that suffices', () => {
  for (const [isLaterEnough, expected] of [
    [false, 0.5],
    [true, 1],
  ] as const) {
    const courses = new RumourSpread(isLaterEnough)
    courses.published(7_001, 1, 2, 100)
    courses.received(7_002, 7_001, 1, 1, 110)
    courses.received(7_002, 7_001, 1, 1, 120)
    courses.received(7_003, 7_001, 2, 2, 130)
    const { coverage, reached, messagesPerRumour } = courses.figures('all up', 3, 5)
    assert.deepEqual([coverage, reached.p50Ms, messagesPerRumour], [expected, 10, 5])
  }
})
