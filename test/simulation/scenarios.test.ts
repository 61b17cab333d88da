import assert from 'node:assert/strict'
import test from 'node:test'
import { inWorld } from '../helper/in-world.js'
import { joinedSegmentsRun } from '../helper/joined-segments-run.js'

const PAIR = ['alice', 'bob']

test('two peers read each other', async () => {
  await inWorld({ seed: 1, peers: PAIR }, async world => {
    world.peer('alice').say('hello')
    await world.run(1_000)
    assert.deepEqual(world.heard('bob'), ['hello'])
    world.peer('bob').say('hello yourself')
    await world.run(1_000)
    assert.deepEqual(world.heard('alice'), ['hello', 'hello yourself'])
    await world.converge()
  })
})

test('keeps lines through a power cut while their segments are joined', async () => {
  await joinedSegmentsRun(1)
})

test('delivers lines written during a partition once it heals', async () => {
  await inWorld({ seed: 2, peers: PAIR }, async world => {
    world.cut('alice', 'bob')
    world.peer('alice').say('hello')
    await world.run(60_000)
    assert.deepEqual(world.heard('bob'), [])
    await world.converge()
    assert.deepEqual(world.heard('bob'), ['hello'])
  })
})

test('the same seed gives the same trace', async () => {
  const run = () =>
    inWorld({ seed: 3, peers: ['alice', 'bob', 'carol'], network: { loss: 0.1 } }, async world => {
      for (let i = 0; i < 10; i++) {
        world.peer('alice').say(`line ${i}`)
        world.peer('bob').say(`answer ${i}`)
        await world.run(500)
        if (i === 4) world.peer('bob').crash('power cut')
        if (i === 6) world.peer('bob').start()
      }
      await world.converge()
    })
  assert.equal(await run(), await run())
})

test('along a line, eduardo and watson read each other through mafintosh', async () => {
  const dials: Record<string, string[]> = { eduardo: [], mafintosh: ['eduardo'], watson: ['mafintosh'] }
  await inWorld({ seed: 4, peers: Object.keys(dials), dials: name => dials[name] ?? [] }, async world => {
    world.peer('eduardo').say('hello')
    await world.run(2_000)
    assert.deepEqual(world.heard('watson'), ['hello'])
    world.peer('watson').say('hello eduardo')
    await world.run(2_000)
    assert.deepEqual(world.heard('eduardo'), ['hello', 'hello eduardo'])
    await world.converge()
  })
})

test('all peers of a ring read each other when one path is cut', async () => {
  const peers = ['alice', 'bob', 'carol', 'dave', 'erin']
  const dials = (name: string) => [peers[(peers.indexOf(name) + 1) % peers.length] ?? '']
  await inWorld({ seed: 5, peers, dials }, async world => {
    world.cut('alice', 'erin')
    for (const name of peers) world.peer(name).say(`${name} is here`)
    await world.run(5_000)
    for (const name of peers) assert.equal(world.heard(name).length, peers.length, name)
    await world.converge()
  })
})

test('five peers converge after repeated power cuts', async () => {
  const peers = ['alice', 'bob', 'carol', 'dave', 'erin']
  await inWorld({ seed: 6, peers }, async world => {
    for (let round = 0; round < 20; round++) {
      for (const name of peers) world.peer(name).say(`${name} in round ${round}`)
      await world.run(3)
      const name = peers[round % peers.length] ?? ''
      if (world.peer(name).isRunning) world.peer(name).crash('power cut')
      else world.peer(name).start()
      await world.run(2_000)
    }
    await world.converge()
  })
})

test('keeps an acknowledged line through a power cut', async () => {
  await inWorld({ seed: 7, peers: PAIR }, async world => {
    world.peer('bob').say('remember this')
    await world.run(1_000)
    world.peer('bob').crash('power cut')
    world.peer('bob').start()
    await world.run(100)
    assert.deepEqual(world.heard('bob'), ['remember this'])
    await world.converge()
  })
})

test('orders an answer after its question although the clock of bob is an hour behind', async () => {
  const aheadMs = (name: string) => (name === 'bob' ? -3_600_000 : 0)
  await inWorld({ seed: 8, peers: PAIR, aheadMs }, async world => {
    world.peer('alice').say('a question')
    await world.run(1_000)
    world.peer('bob').say('an answer')
    await world.converge()
    world.peer('alice').crash('power cut')
    await world.converge()
    assert.deepEqual(world.heard('alice'), ['a question', 'an answer'])
  })
})

for (const seed of [9, 10, 11]) {
  test(`both halves have all lines after a partition of an hour, seed ${seed}`, async () => {
    const peers = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank']
    await inWorld({ seed, peers, network: { loss: 0.02 } }, async world => {
      world.partition(peers.slice(0, 3))
      for (let minute = 0; minute < 60; minute++) {
        for (const name of peers) world.peer(name).say(`${name}, minute ${minute}`)
        await world.run(60_000)
      }
      for (const name of peers) assert.equal(world.heard(name).length, 3 * 60, name)
      const convergedMs = await world.converge()
      assert.ok(convergedMs < 40_000, `${convergedMs} ms`)
      for (const name of peers) assert.equal(world.heard(name).length, 6 * 60, name)
    })
  })

  test(`a laptop catches up after a night of sleep and sends what is typed on waking, seed ${seed}`, async () => {
    await inWorld({ seed, peers: ['alice', 'bob', 'carol'] }, async world => {
      world.peer('bob').sleep()
      for (let hour = 0; hour < 8; hour++) {
        world.peer('alice').say(`hour ${hour}`)
        await world.run(3_600_000)
      }
      assert.deepEqual(world.heard('bob'), [])
      assert.deepEqual(world.peer('alice').connectedKeys.length, 1, 'no connection to a sleeping peer')
      world.peer('bob').wake()
      world.peer('bob').say('good morning')
      const convergedMs = await world.converge()
      assert.ok(convergedMs < 15_000, `${convergedMs} ms`)
      assert.equal(world.heard('bob').length, 9)
      assert.equal(world.heard('carol').at(-1), 'good morning')
    })
  })

  test(`goes on at once after a backup was restored, and keeps every line of both histories, seed ${seed}`, async () => {
    await inWorld({ seed, peers: ['alice', 'bob', 'carol'], network: { loss: 0.05 } }, async world => {
      const alice = world.peer('alice')
      alice.say('before the backup')
      await world.run(5_000)
      const backup = world.backUp('alice')
      for (let line = 0; line < 20; line++) {
        alice.say(`after the backup ${line}`)
        await world.run(100)
      }
      await world.run(2_000)
      alice.crash('power cut')
      const expected = alice.restore(backup)
      assert.equal(expected.size, 21)
      alice.start()
      await world.run(200)
      // Sent at once, before a peer is met.
      alice.say('I am back')
      await world.run(50)
      assert.ok(world.heard('alice').includes('I am back'))
      await world.converge()
      for (const name of world.names) {
        assert.equal(world.heard(name).filter(line => expected.has(line)).length, 21, name)
        assert.ok(world.heard(name).includes('I am back'), name)
      }
    })
  })
}
