import assert from 'node:assert/strict'
import test from 'node:test'
import { BYZANTINE_FAULTS, type ByzantineFault, STRANGER_FAULTS } from '../../src/sim/world/byzantine-peer.js'
import { inWorld } from '../helper/in-world.js'

const HONEST = ['alice', 'bob', 'carol', 'dave']

/** Faults that honest peers detect and report. The others only cost time. */
const DETECTED = new Set<ByzantineFault>([
  'alters entries',
  'skips entries',
  'renumbers entries',
  'signs for others',
  'garbles bytes',
  'introduces many authors',
  'forks its log',
])

/** What a flood may take is measured in `strangers.test.ts`. */
const FAULTS = [...BYZANTINE_FAULTS, ...STRANGER_FAULTS].filter(fault => fault !== 'fills the pool')

for (const fault of FAULTS) {
  test(`honest peers converge although one peer ${fault}`, async t => {
    const byzantine = new Map([['mallory', fault]])
    const peers = [...HONEST, 'mallory']
    // The honest peers form a line; the Byzantine peer dials all of them and is the shortest path for most.
    const dials = (name: string): readonly string[] =>
      name === 'mallory' ? HONEST : HONEST.slice(Math.max(0, HONEST.indexOf(name) - 1), HONEST.indexOf(name))
    const trace = await inWorld({ seed: 1, peers, dials, byzantine, network: { loss: 0.02 } }, async world => {
      for (let round = 0; round < 15; round++) {
        for (const name of peers) world.peer(name).say(`${name} in round ${round}`)
        await world.run(700)
        if (round === 5) world.peer('bob').crash('power cut')
        if (round === 7) world.peer('bob').start()
      }
      await world.converge()
      for (const name of HONEST) {
        const honest = world.heard(name).filter(line => /^(alice|bob|carol|dave) /.test(line))
        assert.ok(honest.length >= 15 * 4 - 3, `${name} read ${honest.length} lines`)
      }
    })
    const reports = trace.match(/: (entries-rejected|protocol-violated|fork-proven) .*/g) ?? []
    if (DETECTED.has(fault)) assert.ok(reports.length > 0, `no peer reported that one ${fault}`)
    t.diagnostic(`${fault}${reports[0] ?? ': not reported'}`)
  })
}
