import assert from 'node:assert/strict'
import test from 'node:test'
import { inWorld } from '../helper/in-world.js'
import { typedRun } from '../helper/typed-run.js'

const PAIR = ['alice', 'bob']

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

test('lines that were typed one by one are joined on disk, and all are there after a power cut', async () => {
  await typedRun(1)
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

for (const seed of [9, 10, 11]) {
  test(`after a partition of an hour both halves have all of what was said meanwhile, seed ${seed}`, async () => {
    const peers = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank']
    await inWorld({ seed, peers, network: { loss: 0.02 } }, async world => {
      world.partition(peers.slice(0, 3))
      for (let minute = 0; minute < 60; minute++) {
        for (const name of peers) world.machine(name).say(`${name}, minute ${minute}`)
        await world.run(60_000)
      }
      for (const name of peers) assert.equal(world.heard(name).length, 3 * 60, name)
      const tookMs = await world.converge()
      assert.ok(tookMs < 40_000, `${tookMs} ms`)
      for (const name of peers) assert.equal(world.heard(name).length, 6 * 60, name)
    })
  })

  test(`a laptop that slept for a night catches up, and what was typed on waking is heard, seed ${seed}`, async () => {
    await inWorld({ seed, peers: ['alice', 'bob', 'carol'] }, async world => {
      world.machine('bob').sleep()
      for (let hour = 0; hour < 8; hour++) {
        world.machine('alice').say(`hour ${hour}`)
        await world.run(3_600_000)
      }
      assert.deepEqual(world.heard('bob'), [])
      assert.deepEqual(world.machine('alice').links.length, 1, 'whoever sleeps is no link')
      world.machine('bob').wake()
      world.machine('bob').say('good morning')
      const tookMs = await world.converge()
      assert.ok(tookMs < 15_000, `${tookMs} ms`)
      assert.equal(world.heard('bob').length, 9)
      assert.equal(world.heard('carol').at(-1), 'good morning')
    })
  })

  test(`after a backup is restored the own log comes back from peers, and no place is used twice, seed ${seed}`, async () => {
    await inWorld({ seed, peers: ['alice', 'bob', 'carol'], network: { loss: 0.05 } }, async world => {
      const alice = world.machine('alice')
      alice.say('before the backup')
      await world.run(5_000)
      const backup = world.backUp('alice')
      for (let line = 0; line < 20; line++) {
        alice.say(`after it ${line}`)
        await world.run(100)
      }
      await world.run(2_000)
      alice.crash('power cut')
      const due = alice.restore(backup)
      assert.equal(due.size, 21)
      alice.start()
      await world.run(200)
      // Typed at once: it has to wait until the log is back.
      alice.say('I am back')
      await world.converge()
      for (const name of world.names) {
        assert.equal(world.heard(name).filter(line => due.has(line)).length, 21, name)
        assert.ok(world.heard(name).includes('I am back'), name)
      }
    })
  })
}
