import assert from 'node:assert/strict'
import test from 'node:test'
import { SeededRandom } from '../../../src/base/seeded-random.js'
import { RetentionWorld } from '../../helper/retention-world.js'
import { alice, bob, carol } from '../../helper/signed-world.js'
import { read } from '../../helper/stub-world.js'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const SEEDS = 8
const DAYS = 12

/** Peers that are connected, cut and restarted at random, while their room keeps lines for some days. */
async function schedule(seed: number): Promise<void> {
  const random = new SeededRandom(seed)
  const world = new RetentionWorld()
  const keepMs = (1 + Math.floor(random.number() * 5)) * DAY_MS
  world.roomKeep = { unit: 'milliseconds', amount: keepMs }
  const peers = [await world.open(alice), await world.open(bob), await world.open(carol)]
  const cuts: (() => void)[] = []
  const pair = (): void => {
    const first = Math.floor(random.number() * peers.length)
    const [a, b] = [peers[first], peers[(first + 1) % peers.length]]
    if (a !== undefined && b !== undefined) cuts.push(world.connect(a, b))
  }
  for (let day = 0; day < DAYS; day++) {
    for (const { log } of peers) if (random.number() < 0.6) await log.append({ username: 'x', message: `day ${day}` })
    if (random.number() < 0.5) pair()
    if (random.number() < 0.4) for (const cut of cuts.splice(0)) cut()
    await world.pass(DAY_MS, 6)
  }
  for (const index of peers.keys()) {
    const [a, b] = [peers[index], peers[(index + 1) % peers.length]]
    if (a !== undefined && b !== undefined) world.connect(a, b)
  }
  await world.pass(4 * HOUR_MS, 8)
  const shown = await Promise.all(peers.map(({ log }) => read(log)))
  assert.deepEqual(shown[1], shown[0], `seed ${seed}`)
  assert.deepEqual(shown[2], shown[0], `seed ${seed}`)
  for (const { log } of peers) {
    for await (const entries of log.read())
      for (const { at } of entries) assert.ok(Number(at.slice(0, 13)) >= world.clock.now() - keepMs - 2 * HOUR_MS, at)
    for (const { author } of log.head) {
      const { fault, without } = await log.verify(author)
      assert.equal(fault, undefined)
      assert.equal(without?.missing ?? 0, 0, `seed ${seed}: nothing is looked for in vain`)
    }
  }
  await world.close()
}

test('peers that were apart show the same lines, none older than the room keeps, and their chains verify', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) await schedule(seed)
})
