import assert from 'node:assert/strict'
import test from 'node:test'
import type { World, WorldOptions } from '../../src/sim/world/world.js'
import { inWorld, peerNames } from '../helper/in-world.js'
import { peerExchangeRun } from '../helper/peer-exchange-run.js'

/** Peers that know only the first. */
const starting = (seed: number, count: number): WorldOptions => {
  const peers = peerNames(count)
  const dials = (name: string) => (name === 'peer1' ? [] : ['peer1'])
  return { seed, peers, dials, hasPeerExchange: true, isTraced: false }
}

const sizesIn = (world: World): number[] =>
  world.names.map(name => world.peer(name).activeViewSize).sort((a, b) => a - b)

test('connects ten peers that know one address with each other', async () => {
  await inWorld(starting(1, 10), async world => {
    await world.run(10_000)
    assert.deepEqual(sizesIn(world), new Array(10).fill(9))
    for (const name of world.names) world.peer(name).say(`${name} is here`)
    await world.converge()
    assert.equal(world.heard('peer10').length, 10)
  })
})

test('control: without peer exchange a peer connects only to the peers that it dials', async () => {
  await inWorld({ ...starting(1, 10), hasPeerExchange: false }, async world => {
    await world.run(10_000)
    assert.equal(world.peer('peer10').connectedKeys.length, 1)
    await world.converge()
  })
})

test('gives forty peers eight to sixteen connections each, which survive the loss of the first peer', async t => {
  await inWorld(starting(2, 40), async world => {
    await world.run(20_000)
    const sizes = sizesIn(world)
    t.diagnostic(`connections: ${sizes[0]} to ${sizes.at(-1)}`)
    assert.ok((sizes[0] ?? 0) >= 8 && (sizes.at(-1) ?? 0) <= 17, sizes.join(' '))
    world.peer('peer1').crash('killed')
    await world.run(1_000)
    world.peer('peer2').say('hello')
    await world.run(5_000)
    for (const name of world.names.slice(1)) assert.deepEqual(world.heard(name), ['hello'], name)
    await world.converge()
  })
})

test('reconnects two halves within 30 s after a partition of ten minutes', async t => {
  await inWorld(starting(3, 12), async world => {
    await world.run(10_000)
    world.partition(world.names.slice(0, 6))
    await world.run(600_000)
    world.peer('peer1').say('hello')
    assert.equal(world.peer('peer12').connectedKeys.length, 5)
    world.heal()
    const isHeard = () => world.names.every(name => world.heard(name).includes('hello'))
    assert.ok(await world.runUntil(isHeard, 30_000))
    t.diagnostic(`${(world.elapsedMs - 611_000) / 1000} s`)
    await world.converge()
  })
})

test('keeps connections and presence right while some of 24 peers are killed and one leaves', async () => {
  await peerExchangeRun(1)
})
