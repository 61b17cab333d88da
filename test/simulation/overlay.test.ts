import assert from 'node:assert/strict'
import test from 'node:test'
import { Overlay } from '../../src/sim/overlay/overlay.js'
import { simulateOverlay } from '../../src/sim/overlay/overlay-simulation.js'

const NETWORK = { delayMsMin: 1, delayMsMax: 30 }

for (const isSilent of [false, true]) {
  test(`150 peers that know one address build a connected overlay, which survives when 30 % ${isSilent ? 'fall silent' : 'are killed'}`, t => {
    const figures = simulateOverlay({ seed: 1, peers: 150, arrivals: 50, leave: 0.3, isSilent, ...NETWORK })
    const { links, linksAtEnd, connectedMs, settledMs, healedMs, resettledMs } = figures
    t.diagnostic(JSON.stringify(figures))
    assert.ok((connectedMs ?? Number.POSITIVE_INFINITY) <= 10_000, `connected after ${connectedMs} ms`)
    assert.ok((settledMs ?? Number.POSITIVE_INFINITY) <= 30_000, `settled after ${settledMs} ms`)
    assert.ok((healedMs ?? Number.POSITIVE_INFINITY) <= 5_000, `healed after ${healedMs} ms`)
    assert.ok((resettledMs ?? Number.POSITIVE_INFINITY) <= 60_000, `settled again after ${resettledMs} ms`)
    for (const { min, max } of [links, linksAtEnd]) assert.ok(min >= 8 && max <= 17, `${min} to ${max} connections`)
  })
}

for (const count of [2, 5, 16, 17]) {
  test(`connects ${count} peers that know one address with each other`, () => {
    const overlay = new Overlay({ seed: count, peers: count, ...NETWORK })
    for (let index = 0; index < count; index++) overlay.start(index, index === 0 ? undefined : 0, index * 500)
    overlay.run(60_000)
    assert.deepEqual(overlay.degrees(), new Array(count).fill(count - 1))
    const { dials } = overlay
    overlay.run(600_000)
    assert.equal(overlay.dials, dials, 'no more dials')
  })
}

for (const count of [12, 17]) {
  test(`connects ${count} announced peers with each other`, () => {
    const overlay = new Overlay({ seed: count, peers: count, isAnnounced: true, ...NETWORK })
    for (let index = 0; index < count; index++) overlay.start(index, undefined, index * 300)
    overlay.run(30_000)
    assert.deepEqual(overlay.degrees(), new Array(count).fill(count - 1))
  })
}

test('gives 60 announced peers eight to sixteen connections each, then stops dialling', t => {
  const overlay = new Overlay({ seed: 3, peers: 60, isAnnounced: true, ...NETWORK })
  for (let index = 0; index < 60; index++) overlay.start(index, undefined, index * 50)
  overlay.run(60_000)
  assert.equal(overlay.components(), 1)
  const degrees = overlay.degrees()
  t.diagnostic(`connections: ${degrees[0]} to ${degrees.at(-1)}; ${(overlay.dials / 60).toFixed(1)} dials per peer`)
  assert.ok((degrees[0] ?? 0) >= 8 && (degrees.at(-1) ?? 0) <= 17, degrees.join(' '))
  const { dials } = overlay
  overlay.run(300_000)
  assert.ok(overlay.dials - dials < 60, `${overlay.dials - dials} dials more in five minutes`)
  assert.equal(overlay.components(), 1)
})

test('connects peers that each know only the one before', () => {
  const overlay = new Overlay({ seed: 7, peers: 100, ...NETWORK })
  for (let index = 0; index < 100; index++) overlay.start(index, index === 0 ? undefined : index - 1, index * 100)
  overlay.run(60_000)
  assert.equal(overlay.components(), 1)
  const degrees = overlay.degrees()
  assert.ok((degrees[0] ?? 0) >= 8 && (degrees.at(-1) ?? 0) <= 18, degrees.join(' '))
})

test('reconnects two halves of 60 within a minute after a partition of ten minutes', t => {
  const overlay = new Overlay({ seed: 8, peers: 60, ...NETWORK })
  for (let index = 0; index < 60; index++) overlay.start(index, index === 0 ? undefined : 0, index * 100)
  overlay.run(60_000)
  overlay.partition(Array.from({ length: 30 }, (_, index) => index))
  overlay.run(600_000)
  assert.equal(overlay.components(), 2)
  overlay.heal()
  const tookMs = overlay.runUntil(() => overlay.components() === 1, 60_000)
  assert.notEqual(tookMs, undefined)
  t.diagnostic(`${tookMs} ms`)
})
