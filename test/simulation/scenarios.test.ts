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
    world.machine('alice').say('hello')
    await world.run(1_000)
    assert.deepEqual(world.heard('bob'), ['hello'])
    world.machine('bob').say('hello yourself')
    await world.run(1_000)
    assert.deepEqual(world.heard('alice'), ['hello', 'hello yourself'])
    await world.converge()
  })
})

test('bob, back after a partition, reads what alice wrote meanwhile', async () => {
  await inWorld({ seed: 2, peers: PAIR }, async world => {
    world.cut('alice', 'bob')
    world.machine('alice').say('hello')
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
        world.machine('alice').say(`line ${i}`)
        world.machine('bob').say(`answer ${i}`)
        await world.run(500)
        if (i === 4) world.machine('bob').crash('power cut')
        if (i === 6) world.machine('bob').start()
      }
      await world.converge()
    })
  assert.equal(await run(), await run())
})

test('along a line, eduardo and watson hear each other through mafintosh', async () => {
  const names: Record<string, string[]> = { eduardo: [], mafintosh: ['eduardo'], watson: ['mafintosh'] }
  await inWorld({ seed: 4, peers: Object.keys(names), names: name => names[name] ?? [] }, async world => {
    world.machine('eduardo').say('hello')
    await world.run(2_000)
    assert.deepEqual(world.heard('watson'), ['hello'])
    world.machine('watson').say('hello eduardo')
    await world.run(2_000)
    assert.deepEqual(world.heard('eduardo'), ['hello', 'hello eduardo'])
    await world.converge()
  })
})

test('in a ring that is cut at one place all still hear each other', async () => {
  const peers = ['alice', 'bob', 'carol', 'dave', 'erin']
  const names = (name: string) => [peers[(peers.indexOf(name) + 1) % peers.length] ?? '']
  await inWorld({ seed: 5, peers, names }, async world => {
    world.cut('alice', 'erin')
    for (const name of peers) world.machine(name).say(`${name} is here`)
    await world.run(5_000)
    for (const name of peers) assert.equal(world.heard(name).length, peers.length, name)
    await world.converge()
  })
})

test('five peers that come and go, by power cut, end with the same logs', async () => {
  const peers = ['alice', 'bob', 'carol', 'dave', 'erin']
  await inWorld({ seed: 6, peers }, async world => {
    for (let round = 0; round < 20; round++) {
      for (const name of peers) world.machine(name).say(`${name} in round ${round}`)
      await world.run(3)
      const name = peers[round % peers.length] ?? ''
      if (world.machine(name).isRunning) world.machine(name).crash('power cut')
      else world.machine(name).start()
      await world.run(2_000)
    }
    await world.converge()
  })
})

test('what bob was told is stored is there after a power cut', async () => {
  await inWorld({ seed: 7, peers: PAIR }, async world => {
    world.machine('bob').say('remember this')
    await world.run(1_000)
    world.machine('bob').crash('power cut')
    world.machine('bob').start()
    await world.run(100)
    assert.deepEqual(world.heard('bob'), ['remember this'])
    await world.converge()
  })
})

test('an answer stands behind what it answers, though the clock of bob is an hour late', async () => {
  const aheadMs = (name: string) => (name === 'bob' ? -3_600_000 : 0)
  await inWorld({ seed: 8, peers: PAIR, aheadMs }, async world => {
    world.machine('alice').say('a question')
    await world.run(1_000)
    world.machine('bob').say('an answer')
    await world.converge()
    world.machine('alice').crash('power cut')
    await world.converge()
    assert.deepEqual(world.heard('alice'), ['a question', 'an answer'])
  })
})
