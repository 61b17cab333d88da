import assert from 'node:assert/strict'
import test from 'node:test'
import type { World, WorldOptions } from '../../src/sim/world.js'
import { crowdOf, inWorld } from '../helper/in-world.js'
import { metRun } from '../helper/met-run.js'

/** Peers that all know the first alone. */
const meeting = (seed: number, count: number): WorldOptions => {
  const peers = crowdOf(count)
  const names = (name: string) => (name === 'peer1' ? [] : ['peer1'])
  return { seed, peers, names, isMeeting: true, isTraced: false }
}

const sizesIn = (world: World): number[] => world.names.map(name => world.machine(name).viewSize).sort((a, b) => a - b)

test('ten peers that know one address are all linked with each other', async () => {
  await inWorld(meeting(1, 10), async world => {
    await world.run(10_000)
    assert.deepEqual(sizesIn(world), new Array(10).fill(9))
    for (const name of world.names) world.machine(name).say(`${name} is here`)
    await world.converge()
    assert.equal(world.heard('peer10').length, 10)
  })
})

test('control: who meets nobody is linked with whom it was told to link with alone', async () => {
  await inWorld({ ...meeting(1, 10), isMeeting: false }, async world => {
    await world.run(10_000)
    assert.equal(world.machine('peer10').links.length, 1)
    await world.converge()
  })
})

test('forty peers that know one address have eight to sixteen links each, and hear each other when the first is gone', async t => {
  await inWorld(meeting(2, 40), async world => {
    await world.run(20_000)
    const sizes = sizesIn(world)
    t.diagnostic(`links: ${sizes[0]} to ${sizes.at(-1)}`)
    assert.ok((sizes[0] ?? 0) >= 8 && (sizes.at(-1) ?? 0) <= 17, sizes.join(' '))
    world.machine('peer1').crash('killed')
    await world.run(1_000)
    world.machine('peer2').say('hello')
    await world.run(5_000)
    for (const name of world.names.slice(1)) assert.deepEqual(world.heard(name), ['hello'], name)
    await world.converge()
  })
})

test('two halves that were parted for ten minutes find each other within half a minute', async t => {
  await inWorld(meeting(3, 12), async world => {
    await world.run(10_000)
    world.partition(world.names.slice(0, 6))
    await world.run(600_000)
    world.machine('peer1').say('hello')
    assert.equal(world.machine('peer12').links.length, 5)
    world.heal()
    const isHeard = () => world.names.every(name => world.heard(name).includes('hello'))
    assert.ok(await world.runUntil(isHeard, 30_000))
    t.diagnostic(`${(world.elapsedMs - 611_000) / 1000} s`)
    await world.converge()
  })
})

for (const seed of [1, 2, 3]) {
  test(`of 24 who meet some are killed and one says goodbye: the rest has links enough, and knows who is there, seed ${seed}`, async () => {
    await metRun(seed)
  })
}
