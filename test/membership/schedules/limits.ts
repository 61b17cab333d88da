import assert from 'node:assert/strict'
import { countNamed, MembershipWorld, namesOf, rolesOf } from '../../helper/membership-world.js'
import { flood, type Schedules, writers } from './schedule.js'

/** Limits on the cost that one member can cause to others. */
export const limits: Schedules = {
  'a founder who has signed 40,000 operations still removes, and admits nobody': ({ build }) => {
    const world = new MembershipWorld(build)
    const { founder, alice, bob } = world
    founder.admit(alice, 'admin')
    founder.admit(bob, 'admin')
    for (let i = 0; i < 40_000; i++) founder.write({ kind: 'name', name: 'x', time: i })
    founder.admit('carol')
    founder.remove(bob)
    assert.equal(namesOf(world.membership([founder])), 'alice founder')
  },

  'the first 256 operations of a member count, and none after them': world => {
    const { founder, alice } = world
    founder.admit(alice)
    for (let i = 0; i < 255; i++) alice.write({ kind: 'name', name: 'x', time: i })
    const late = alice.fork(255)
    late.write({ kind: 'name', name: 'x', time: 255 })
    late.leave()
    assert.equal(world.members(founder, late), 'alice founder')
    alice.leave()
    assert.equal(world.members(founder, alice), 'founder')
  },

  'a host has 32 guests at once, and each guest who is out makes room for another': world => {
    const { founder, alice, bob } = world
    founder.admit(alice, 'host')
    founder.admit(bob)
    for (let i = 0; i < 200; i++) alice.admit(`guest${i}`)
    const before = world.evaluate(founder, alice, bob)
    assert.equal(before.members.size, 3 + 32)
    assert.ok('guest31' in rolesOf(before))
    for (let i = 0; i < 40; i++) founder.remove(world.writer(`guest${i}`))
    const leaving = world.writer('guest41')
    leaving.leave()
    const after = world.evaluate(founder, alice, bob, leaving)
    const roles = rolesOf(after)
    assert.equal(after.members.size, 3 + 32)
    assert.deepEqual(
      ['guest41', 'guest72', 'guest73'].map(name => name in roles),
      [false, true, false],
    )
    founder.remove(alice, 0)
    assert.equal(world.members(founder, alice, bob), 'bob founder')
  },

  'an admission allows a host more guests, or none': world => {
    const { founder, alice, bob } = world
    founder.admit(alice, 'host', { guests: 50 })
    founder.admit(bob, 'host', { guests: 0 })
    for (let i = 0; i < 60; i++) {
      alice.admit(`a${i}`)
      bob.admit(`b${i}`)
    }
    assert.equal(world.evaluate(founder, alice, bob).members.size, 3 + 50)
  },

  'the guests of four hosts take no place of 200 people whom an admin admitted': world => {
    const { founder, alice } = world
    const hosts = writers(world, 'host', 4)
    for (const host of hosts) {
      founder.admit(host, 'host')
      flood(host, 256)
    }
    founder.admit(alice, 'admin')
    flood(alice, 200)
    const membership = world.evaluate(founder, alice, ...hosts)
    assert.equal(countNamed(membership, 'alice.'), 200)
    assert.equal(countNamed(membership, 'host0.'), 32)
  },

  'places are shared by branches, so hosts with many guests take none of another branch': world => {
    const { founder, alice } = world
    const hosts = writers(world, 'host', 4)
    for (const host of hosts) {
      founder.admit(host, 'host', { guests: 256 })
      flood(host, 256)
    }
    founder.admit(alice, 'admin')
    flood(alice, 190)
    const membership = world.evaluate(founder, alice, ...hosts)
    assert.equal(membership.members.size, 1_000)
    assert.equal(countNamed(membership, 'alice.'), 190)
    assert.equal(membership.waiting.length, 6 + 190 + 4 * 256 - 1_000)
  },

  'an admin who makes 400 admins of ten guests each takes no place of others': world => {
    const { founder, alice, bob } = world
    founder.admit(bob, 'admin')
    const admins = writers(world, 'admin', 400)
    for (const admin of admins) {
      bob.admit(admin, 'admin')
      flood(admin, 10)
    }
    flood(founder, 200)
    founder.admit(alice, 'admin')
    flood(alice, 100)
    const membership = world.evaluate(founder, alice, bob, ...admins)
    assert.equal(membership.members.size, 1_000)
    assert.equal(countNamed(membership, 'founder.'), 200)
    assert.equal(countNamed(membership, 'alice.'), 100)
    founder.remove(bob, 0)
    assert.equal(world.evaluate(founder, alice, bob, ...admins).members.size, 302)
  },

  'of 1,200 people under one admin the first 998 have a place, and each who is out makes room for another': world => {
    const { founder, alice } = world
    founder.admit(alice, 'admin')
    flood(alice, 1_200)
    const before = rolesOf(world.evaluate(founder, alice))
    assert.equal(Object.keys(before).length, 1_000)
    assert.deepEqual(['alice.997' in before, 'alice.998' in before], [true, false])
    for (let i = 0; i < 50; i++) founder.remove(world.writer(`alice.${i}`))
    founder.admit('zoe')
    const after = rolesOf(world.evaluate(founder, alice))
    assert.equal(Object.keys(after).length, 1_000)
    assert.deepEqual(['alice.1046' in after, 'zoe' in after], [true, true])
  },

  '16,384 terms and operations below the guests of an admin count, besides the guests': world => {
    const { founder, alice, bob } = world
    founder.admit(alice, 'admin')
    alice.admit(bob, 'admin')
    const admins = writers(world, 'admin', 300)
    for (const admin of admins) {
      bob.admit(admin, 'admin')
      flood(admin, 60, 'admin')
    }
    flood(alice, 50)
    const membership = world.membership([founder, alice, bob, ...admins])
    assert.equal(membership.terms.size, 3 + 50 + Math.ceil(16_384 / 61))
    assert.equal(countNamed(membership, 'alice.'), 50)
    assert.ok(membership.warnings.some(({ kind }) => kind === 'heavy-use'))
  },

  'admissions more than 16 below the founder do not count': world => {
    const chain = writers(world, 'admin', 18)
    let host = world.founder
    for (const admin of chain) {
      host.admit(admin, 'admin')
      host = admin
    }
    assert.equal(world.evaluate(world.founder, ...chain).members.size, 1 + 16)
  },
}
