import assert from 'node:assert/strict'
import test from 'node:test'
import { SeededRandom } from '../../src/base/seeded-random.js'
import { dialledPeersIn } from '../../src/sim/runs/topologies.js'
import type { WorldOptions } from '../../src/sim/world/world.js'
import { inWorld, peerNames } from '../helper/in-world.js'

const regular = (seed: number, count: number): WorldOptions => {
  const peers = peerNames(count)
  const dials = dialledPeersIn('regular', peers, new SeededRandom(seed, 'topology'))
  return { seed, peers, dials: name => dials.get(name) ?? [], isTraced: false }
}

test('20 peers that crash and restart for five minutes converge', async () => {
  await inWorld(regular(1, 20), async world => {
    const random = new SeededRandom(1, 'churn')
    let lines = 0
    for (let second = 0; second < 300; second += 5) {
      const name = random.pick(world.names)
      const peer = world.peer(name)
      if (peer.isReady) peer.say(`${name} ${lines++}`)
      if (random.is(0.3)) peer.crash(random.pick(['killed', 'power cut']))
      world.peer(random.pick(world.names)).start()
      await world.run(5_000)
    }
    await world.converge()
  })
})

test('60 peers with about eight connections each read each other within seconds', async t => {
  const startedAt = performance.now()
  await inWorld(regular(3, 60), async world => {
    for (const name of world.names.slice(0, 20)) world.peer(name).say(`${name} is here`)
    assert.ok(await world.runUntil(() => world.names.every(name => world.heard(name).length === 20), 10_000))
    const convergedMs = await world.converge()
    assert.equal(convergedMs, 0)
    t.diagnostic(
      `${world.steps} steps, ${((performance.now() - startedAt) / 1000).toFixed(1)} s, ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`,
    )
  })
})

test('in a mesh of 20 unstable peers, each receives an entry at most 1.1 times on average', async t => {
  const peers = peerNames(20)
  let [received, isCounting] = [0, false]
  const world: WorldOptions = {
    seed: 5,
    peers,
    dials: name => peers.slice(0, peers.indexOf(name)),
    isTraced: false,
    onReceived: (_name, _from, _author, runs) => {
      if (isCounting) for (const { entries } of runs) received += entries.length
    },
  }
  await inWorld(world, async world => {
    await world.run(5_000)
    isCounting = true
    const random = new SeededRandom(5, 'mesh')
    const lines = 60
    for (let line = 1; line <= lines; line++) {
      const peer = world.peer(random.pick(world.names))
      peer.start()
      await world.runUntil(() => peer.isReady, 5_000)
      peer.say(`line ${line}`)
      await world.run(500)
      if (line % 20 === 0) world.peer(random.pick(world.names)).crash('killed')
    }
    await world.converge()
    const copies = received / (lines * (peers.length - 1))
    t.diagnostic(`${copies.toFixed(3)} copies of an entry per peer`)
    assert.ok(copies >= 1 && copies <= 1.1, `${copies} copies`)
  })
})
