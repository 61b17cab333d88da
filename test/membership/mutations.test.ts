import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { anyBody } from '../helper/membership-bodies.js'
import { readMutated } from '../helper/membership-mutations.js'
import { importBuild, MembershipWorld } from '../helper/membership-world.js'
import { SEED } from '../helper/seed.js'
import { chance } from '../long/chance.js'

test('accepts no mutated operation, and never throws', () => {
  const figures = { mutations: 0, rejected: new Map<string, number>() }
  const random = chance(SEED)
  while (figures.mutations < 3_000) readMutated(random, figures)
  const reasons = ['malformed', 'invalid-signature', 'not-the-opening']
  assert.ok(
    reasons.every(reason => (figures.rejected.get(reason) ?? 0) > 5),
    JSON.stringify([...figures.rejected]),
  )
})

test('evaluates whatever members sign', async () => {
  const build = await importBuild()
  const signed = fc.array(fc.tuple(fc.nat({ max: 3 }), anyBody), { maxLength: 12 })
  fc.assert(
    fc.property(signed, fc.nat(), (bodies, seed) => {
      const world = new MembershipWorld(build, { seed, hasRescue: true })
      const { founder, rescue, alice, bob } = world
      founder.admit(alice, 'admin')
      founder.admit(bob, 'host')
      const writers = [founder, rescue, alice, bob]
      for (const [by, body] of bodies) writers[by]?.write(body)
      world.evaluate(...writers)
    }),
    { numRuns: 150 },
  )
})
