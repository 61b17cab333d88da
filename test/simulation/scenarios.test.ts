import assert from 'node:assert/strict'
import test from 'node:test'
import { World, type WorldOptions } from '../../src/sim/world.js'

const PAIR = ['alice', 'bob']

async function inWorld(options: WorldOptions, story: (world: World) => Promise<void>): Promise<string> {
  const world = new World(options)
  try {
    await world.run(1_000)
    await story(world)
  } finally {
    world.end()
  }
  return world.trace.join('\n')
}

test('two peers hear each other', async () => {
  await inWorld({ seed: 1, peers: PAIR }, async world => {
    world.say('alice', 'hello')
    await world.run(1_000)
    assert.deepEqual(world.heard('bob'), ['hello'])
    world.say('bob', 'hello yourself')
    await world.run(1_000)
    assert.deepEqual(world.heard('alice'), ['hello', 'hello yourself'])
    await world.converge()
  })
})

test('bob, back after a partition, reads what alice wrote meanwhile', async () => {
  await inWorld({ seed: 2, peers: PAIR }, async world => {
    world.cut('alice', 'bob')
    world.say('alice', 'hello')
    await world.run(60_000)
    assert.deepEqual(world.heard('bob'), [])
    await world.converge()
    assert.deepEqual(world.heard('bob'), ['hello'])
  })
})

test('the same seed gives the same run', async () => {
  const run = () =>
    inWorld({ seed: 3, peers: ['alice', 'bob', 'carol'], network: { loss: 0.1 } }, async world => {
      for (let i = 0; i < 10; i++) {
        world.say('alice', `line ${i}`)
        world.say('bob', `answer ${i}`)
        await world.run(500)
        if (i === 4) world.crash('bob')
        if (i === 6) world.start('bob')
      }
      await world.converge()
    })
  assert.equal(await run(), await run())
})
