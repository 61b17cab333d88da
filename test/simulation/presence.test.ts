import assert from 'node:assert/strict'
import test from 'node:test'
import type { Present } from '../../src/peer/roster.js'
import type { World } from '../../src/sim/world.js'
import { inWorld } from '../helper/in-world.js'

const LINE: Record<string, string[]> = { eduardo: [], mafintosh: ['eduardo'], watson: ['mafintosh'] }
const line = (seed: number) => ({ seed, peers: Object.keys(LINE), names: (name: string) => LINE[name] ?? [] })

/** What `watcher` knows of `name`. */
function seenBy(world: World, watcher: string, name: string): Present | undefined {
  return world.machine(watcher).peer?.presence.find(({ author }) => author === world.machine(name).author)
}

test('along a line everybody knows who is there, who is away and who types, and nothing of it is stored', async () => {
  await inWorld(line(1), async world => {
    assert.equal(seenBy(world, 'watson', 'mafintosh')?.state, 'linked')
    const far = seenBy(world, 'watson', 'eduardo')
    assert.deepEqual([far?.name, far?.state, far?.hops], ['eduardo', 'heard', 2])
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
    assert.equal(seenBy(world, 'watson', 'mafintosh')?.state, 'linked')
    world.machine('mafintosh').sleep()
    await world.run(43_000)
    assert.equal(seenBy(world, 'watson', 'mafintosh')?.state, 'left')
    world.machine('mafintosh').wake()
    await world.run(15_000)
    assert.equal(seenBy(world, 'watson', 'mafintosh')?.state, 'linked')
    world.machine('eduardo').crash('killed')
  })
})

test('whose link broke, and who is still there by way of others, is heard of and not gone', async () => {
  const peers = ['alice', 'bob', 'carol']
  await inWorld({ seed: 3, peers }, async world => {
    world.cut('alice', 'carol')
    await world.run(45_000)
    assert.equal(world.machine('alice').links.length, 1, 'the link is closed')
    assert.equal(seenBy(world, 'alice', 'carol')?.state, 'heard')
    await world.run(600_000)
    assert.equal(seenBy(world, 'alice', 'carol')?.state, 'heard', 'ten minutes later')
    world.machine('carol').crash('power cut')
    await world.run(480_000)
    assert.equal(seenBy(world, 'alice', 'carol')?.state, 'left', 'what was heard holds no longer')
    await world.converge()
  })
})
