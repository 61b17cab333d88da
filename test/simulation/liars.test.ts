import assert from 'node:assert/strict'
import test from 'node:test'
import { type ByzantineFault, FAULTS } from '../../src/sim/byzantine-peer.js'
import { inWorld } from '../helper/in-world.js'

const HONEST = ['alice', 'bob', 'carol', 'dave']

/** Lies that those who are lied to see, and are told of. The others only waste time. */
const IS_SEEN = new Set<ByzantineFault>([
  'alters entries',
  'skips entries',
  'moves entries to other places',
  'signs for others',
  'garbles bytes',
  'brings a crowd',
  'tells two histories',
])

for (const lie of FAULTS) {
  test(`one who ${lie} harms nobody`, async t => {
    for (const seed of [1, 2, 3]) {
      const liars = new Map([['mallory', lie]])
      const peers = [...HONEST, 'mallory']
      // The honest stand in a line; the liar knows them all, and so is the shortest way for most.
      const names = (name: string): readonly string[] =>
        name === 'mallory' ? HONEST : HONEST.slice(Math.max(0, HONEST.indexOf(name) - 1), HONEST.indexOf(name))
      const trace = await inWorld({ seed, peers, names, liars, network: { loss: 0.02 } }, async world => {
        for (let round = 0; round < 15; round++) {
          for (const name of peers) world.machine(name).say(`${name} in round ${round}`)
          await world.run(700)
          if (round === 5) world.machine('bob').crash('power cut')
          if (round === 7) world.machine('bob').start()
        }
        await world.converge()
        for (const name of HONEST) {
          const honest = world.heard(name).filter(line => /^(alice|bob|carol|dave) /.test(line))
          assert.ok(honest.length >= 15 * 4 - 3, `${name} heard ${honest.length} lines`)
        }
      })
      const named = trace.match(/: entries of \w+ are not taken: .*|: it is let go, .*|: the key .*/g) ?? []
      if (IS_SEEN.has(lie)) assert.ok(named.length > 0, `nobody was told of one who ${lie}`)
      if (seed === 1) t.diagnostic(`${lie}${named[0] ?? ': of no consequence'}`)
    }
  })
}
