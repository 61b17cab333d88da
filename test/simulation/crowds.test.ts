import assert from 'node:assert/strict'
import test from 'node:test'
import { SeededRandom } from '../../src/base/seeded-random.js'
import { namesIn } from '../../src/sim/topologies.js'
import type { WorldOptions } from '../../src/sim/world.js'
import { crowdOf, inWorld } from '../helper/in-world.js'

const regular = (seed: number, count: number): WorldOptions => {
  const peers = crowdOf(count)
  const names = namesIn('regular', peers, new SeededRandom(seed, 'topology'))
  return { seed, peers, names: name => names.get(name) ?? [], isTraced: false }
}

for (const seed of [1, 2]) {
  test(`20 peers that come and go for ten minutes end with the same logs, seed ${seed}`, async () => {
    await inWorld(regular(seed, 20), async world => {
      const chance = new SeededRandom(seed, 'churn')
      let lines = 0
      for (let second = 0; second < 600; second += 5) {
        const name = chance.pick(world.names)
        const machine = world.machine(name)
        if (machine.isReady) machine.say(`${name} ${lines++}`)
        if (chance.is(0.3)) machine.crash(chance.pick(['killed', 'power cut']))
        world.machine(chance.pick(world.names)).start()
        await world.run(5_000)
      }
      await world.converge()
    })
  })
}

test('100 peers, each linked with about eight, hear each other within seconds', async t => {
  const startedAt = performance.now()
  await inWorld(regular(3, 100), async world => {
    for (const name of world.names.slice(0, 20)) world.machine(name).say(`${name} is here`)
    assert.ok(await world.runUntil(() => world.names.every(name => world.heard(name).length === 20), 10_000))
    const tookMs = await world.converge()
    assert.equal(tookMs, 0)
    t.diagnostic(
      `${world.steps} steps, ${((performance.now() - startedAt) / 1000).toFixed(1)} s, ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`,
    )
  })
})

test('in a mesh of 20 peers of which some come and go each gets each entry hardly more than once', async t => {
  const peers = crowdOf(20)
  let [brought, isCounting] = [0, false]
  const world: WorldOptions = {
    seed: 5,
    peers,
    names: name => peers.slice(0, peers.indexOf(name)),
    isTraced: false,
    onBrought: (_name, _from, _author, runs) => {
      if (isCounting) for (const { entries } of runs) brought += entries.length
    },
  }
  await inWorld(world, async world => {
    await world.run(5_000)
    isCounting = true
    const chance = new SeededRandom(5, 'mesh')
    const lines = 100
    for (let line = 1; line <= lines; line++) {
      const machine = world.machine(chance.pick(world.names))
      machine.start()
      await world.runUntil(() => machine.isReady, 5_000)
      machine.say(`line ${line}`)
      await world.run(500)
      if (line % 20 === 0) world.machine(chance.pick(world.names)).crash('killed')
    }
    await world.converge()
    const copies = brought / (lines * (peers.length - 1))
    t.diagnostic(`${copies.toFixed(3)} copies of an entry a peer`)
    assert.ok(copies >= 1 && copies <= 1.1, `${copies} copies`)
  })
})
