import assert from 'node:assert/strict'
import test from 'node:test'
import { Overlay } from '../../src/sim/overlay.js'
import { simulateOverlay } from '../../src/sim/overlay-simulation.js'

const NETWORK = { delayMsMin: 1, delayMsMax: 30 }

for (const isSilent of [false, true]) {
  test(`150 peers that know one address are one net, and stay so when 30 % ${isSilent ? 'fall silent' : 'are killed'} at once`, t => {
    const figures = simulateOverlay({ seed: 1, peers: 150, arrivals: 50, leave: 0.3, isSilent, ...NETWORK })
    const { links, linksAtEnd, connectedMs, settledMs, healedMs, resettledMs } = figures
    t.diagnostic(JSON.stringify(figures))
    assert.ok((connectedMs ?? Number.POSITIVE_INFINITY) <= 10_000, `connected after ${connectedMs} ms`)
    assert.ok((settledMs ?? Number.POSITIVE_INFINITY) <= 30_000, `settled after ${settledMs} ms`)
    assert.ok((healedMs ?? Number.POSITIVE_INFINITY) <= 5_000, `healed after ${healedMs} ms`)
    assert.ok((resettledMs ?? Number.POSITIVE_INFINITY) <= 60_000, `settled again after ${resettledMs} ms`)
    for (const { min, max } of [links, linksAtEnd]) assert.ok(min >= 8 && max <= 17, `${min} to ${max} links`)
  })
}

for (const count of [2, 5, 16, 17]) {
  test(`${count} peers that know one address are all linked with each other`, () => {
    const crowd = new Overlay({ seed: count, peers: count, ...NETWORK })
    for (let index = 0; index < count; index++) crowd.start(index, index === 0 ? undefined : 0, index * 500)
    crowd.run(60_000)
    assert.deepEqual(crowd.degrees(), new Array(count).fill(count - 1))
    const { dials } = crowd
    crowd.run(600_000)
    assert.equal(crowd.dials, dials, 'nobody is dialled any more')
  })
}

for (const count of [12, 17]) {
  test(`${count} peers that the network announces to each other are all linked with each other`, () => {
    const crowd = new Overlay({ seed: count, peers: count, isAnnounced: true, ...NETWORK })
    for (let index = 0; index < count; index++) crowd.start(index, undefined, index * 300)
    crowd.run(30_000)
    assert.deepEqual(crowd.degrees(), new Array(count).fill(count - 1))
  })
}

test('60 peers that the network announces to each other have eight to sixteen links each, and come to rest', t => {
  const crowd = new Overlay({ seed: 3, peers: 60, isAnnounced: true, ...NETWORK })
  for (let index = 0; index < 60; index++) crowd.start(index, undefined, index * 50)
  crowd.run(60_000)
  assert.equal(crowd.components(), 1)
  const degrees = crowd.degrees()
  t.diagnostic(`links: ${degrees[0]} to ${degrees.at(-1)}; ${(crowd.dials / 60).toFixed(1)} dials a peer`)
  assert.ok((degrees[0] ?? 0) >= 8 && (degrees.at(-1) ?? 0) <= 17, degrees.join(' '))
  const { dials } = crowd
  crowd.run(300_000)
  assert.ok(crowd.dials - dials < 60, `${crowd.dials - dials} dials more in five minutes`)
  assert.equal(crowd.components(), 1)
})

test('peers that come one after the other, each knowing the one before, are one net', () => {
  const crowd = new Overlay({ seed: 7, peers: 100, ...NETWORK })
  for (let index = 0; index < 100; index++) crowd.start(index, index === 0 ? undefined : index - 1, index * 100)
  crowd.run(60_000)
  assert.equal(crowd.components(), 1)
  const degrees = crowd.degrees()
  assert.ok((degrees[0] ?? 0) >= 8 && (degrees.at(-1) ?? 0) <= 18, degrees.join(' '))
})

test('two halves of 60 that were parted for ten minutes are one net again within a minute', t => {
  const crowd = new Overlay({ seed: 8, peers: 60, ...NETWORK })
  for (let index = 0; index < 60; index++) crowd.start(index, index === 0 ? undefined : 0, index * 100)
  crowd.run(60_000)
  crowd.part(Array.from({ length: 30 }, (_, index) => index))
  crowd.run(600_000)
  assert.equal(crowd.components(), 2)
  crowd.heal()
  const tookMs = crowd.runUntil(() => crowd.components() === 1, 60_000)
  assert.notEqual(tookMs, undefined)
  t.diagnostic(`${tookMs} ms`)
})
