import assert from 'node:assert/strict'
import test from 'node:test'
import { SeededRandom } from '../../src/base/seeded-random.js'
import type { Present } from '../../src/chat/presence/present.js'
import { namesIn } from '../../src/sim/topologies.js'
import type { World } from '../../src/sim/world.js'
import { crowdOf, inWorld } from '../helper/in-world.js'

const LINE: Record<string, string[]> = { eduardo: [], mafintosh: ['eduardo'], watson: ['mafintosh'] }
const line = (seed: number) => ({ seed, peers: Object.keys(LINE), names: (name: string) => LINE[name] ?? [] })

/** What `watcher` knows of `name`. */
function seenBy(world: World, watcher: string, name: string): Present | undefined {
  return world.machine(watcher).peer?.presence.find(({ author }) => author === world.machine(name).author)
}

test('along a line everybody knows who is there, who is away and who types, and nothing of it is stored', async () => {
  await inWorld(line(1), async world => {
    assert.equal(seenBy(world, 'watson', 'mafintosh')?.state, 'connected')
    const far = seenBy(world, 'watson', 'eduardo')
    assert.deepEqual([far?.name, far?.state, far?.hops], ['eduardo', 'indirect', 2])
    world.machine('eduardo').peer?.setAway('lunch')
    world.machine('eduardo').peer?.typing()
    await world.run(2_000)
    assert.equal(seenBy(world, 'watson', 'eduardo')?.away, 'lunch')
    assert.equal(seenBy(world, 'watson', 'eduardo')?.isTyping, true)
    world.machine('eduardo').say('hello')
    await world.run(500)
    assert.equal(seenBy(world, 'watson', 'eduardo')?.isTyping, false)
    await world.run(10_000)
    world.machine('watson').crash('killed')
    world.machine('watson').start()
    await world.run(2_000)
    assert.equal(seenBy(world, 'watson', 'eduardo')?.away, 'lunch', 'told to who comes back')
    await world.converge()
    assert.deepEqual(world.heard('watson'), ['hello'])
  })
})

test('who is gone is seen to be gone: at once where he says goodbye, in half a minute where he falls silent', async () => {
  await inWorld(line(2), async world => {
    void world.machine('eduardo').peer?.close()
    await world.run(1_000)
    assert.equal(seenBy(world, 'watson', 'eduardo')?.state, 'left')
    assert.equal(seenBy(world, 'watson', 'mafintosh')?.state, 'connected')
    world.machine('mafintosh').sleep()
    await world.run(43_000)
    assert.equal(seenBy(world, 'watson', 'mafintosh')?.state, 'left')
    world.machine('mafintosh').wake()
    await world.run(15_000)
    assert.equal(seenBy(world, 'watson', 'mafintosh')?.state, 'connected')
    world.machine('eduardo').crash('killed')
  })
})

test('whose link broke, and who is still there by way of others, is heard of and not gone', async () => {
  const peers = ['alice', 'bob', 'carol']
  await inWorld({ seed: 3, peers }, async world => {
    world.cut('alice', 'carol')
    await world.run(45_000)
    assert.equal(world.machine('alice').links.length, 1, 'the link is closed')
    assert.equal(seenBy(world, 'alice', 'carol')?.state, 'indirect')
    await world.run(600_000)
    assert.equal(seenBy(world, 'alice', 'carol')?.state, 'indirect', 'ten minutes later')
    world.machine('carol').crash('power cut')
    await world.run(60_000)
    assert.equal(seenBy(world, 'alice', 'carol')?.state, 'left', 'a minute later')
    await world.converge()
  })
})

/** Peers of a room with many links between them, of whom most know each other only through others. */
const meshOf = (seed: number, count: number) => {
  const peers = crowdOf(count)
  const names = namesIn('regular', peers, new SeededRandom(seed, 'topology'))
  return { seed, peers, names: (name: string) => names.get(name) ?? [], isTraced: false }
}

test('a frozen peer is shown as gone within a minute by everyone, and nobody else is', async t => {
  await inWorld(meshOf(4, 40), async world => {
    await world.run(60_000)
    const [frozen = '', ...others] = world.names
    world.machine(frozen).sleep()
    let lastAt = 0
    const authorOf = (name: string) => world.machine(name).author
    const known = new Set(others.map(authorOf))
    for (let second = 1; second <= 90; second++) {
      await world.run(1_000)
      for (const name of others) {
        const presence = world.machine(name).peer?.presence ?? []
        const left = new Set(presence.filter(({ state }) => state === 'left').map(({ author }) => author))
        if (!left.has(authorOf(frozen))) lastAt = second
        assert.ok(![...left].some(author => author !== undefined && known.has(author)), `${name} after ${second} s`)
      }
    }
    t.diagnostic(`shown for ${lastAt} s`)
    assert.ok(lastAt >= 30 && lastAt < 60, `shown for ${lastAt} s`)
    world.machine(frozen).wake()
    await world.run(30_000)
    for (const name of others) assert.notEqual(seenBy(world, name, frozen)?.state, 'left', `${name} after the wake`)
  })
})

test('those behind a frozen peer are shown as gone within a minute, and come back with it', async () => {
  await inWorld(line(5), async world => {
    assert.equal(seenBy(world, 'watson', 'eduardo')?.state, 'indirect')
    await world.run(30_000)
    world.machine('mafintosh').sleep()
    await world.run(60_000)
    assert.equal(seenBy(world, 'watson', 'eduardo')?.state, 'left')
    world.machine('mafintosh').wake()
    await world.run(60_000)
    assert.equal(seenBy(world, 'watson', 'eduardo')?.state, 'indirect')
  })
})

test('along a line of twelve the ends keep seeing each other', async () => {
  const peers = crowdOf(12)
  const names = (name: string): string[] => peers.slice(Math.max(0, peers.indexOf(name) - 1), peers.indexOf(name))
  await inWorld({ seed: 6, peers, names, isTraced: false }, async world => {
    await world.run(60_000)
    for (let minute = 0; minute < 20; minute++) {
      await world.run(30_000)
      assert.equal(seenBy(world, 'peer1', 'peer12')?.state, 'indirect', `after ${minute / 2} min`)
      assert.equal(seenBy(world, 'peer12', 'peer1')?.state, 'indirect', `after ${minute / 2} min`)
    }
  })
})

test('around a hub with 40 links everyone keeps seeing everyone', async () => {
  const peers = crowdOf(41)
  await inWorld(
    { seed: 7, peers, names: name => (name === 'peer1' ? [] : ['peer1']), isTraced: false },
    async world => {
      await world.run(60_000)
      for (let minute = 0; minute < 20; minute++) {
        await world.run(30_000)
        for (const name of peers.slice(1, 6))
          for (const other of peers)
            if (name !== other)
              assert.notEqual(seenBy(world, name, other)?.state ?? 'left', 'left', `${name} of ${other}`)
      }
    },
  )
})

test('presence costs a peer among 100 less than 100 bytes a second', async t => {
  await inWorld(meshOf(8, 100), async world => {
    await world.run(60_000)
    const before = world.asideBytes
    const seconds = 480
    await world.run(seconds * 1_000)
    const bytes = (world.asideBytes - before) / seconds / world.names.length
    t.diagnostic(`${bytes.toFixed(1)} bytes a second`)
    assert.ok(bytes < 100, `${bytes} bytes a second`)
    for (const name of world.names.slice(0, 5))
      for (const other of world.names)
        if (name !== other) assert.notEqual(seenBy(world, name, other)?.state ?? 'left', 'left', `${name} of ${other}`)
  })
})
