import assert from 'node:assert/strict'
import type { Operation } from '../../../src/membership/format/operation.js'
import { answering, chatOf, chatUpTo, MembershipWorld, rolesOf, type Writer } from '../../helper/membership-world.js'
import type { Schedules } from './schedule.js'

/** Demotion: a removal, and an admission to the lower role that answers it. */
const demote = (by: Writer, branch: Writer, role: 'host' | 'member'): Writer =>
  branch.again(by.admit(branch, role, answering(by.remove(branch))))

/** Readmissions, demotions and promotions. */
export const readmissions: Schedules = {
  'what a former admin signed while out does not count after they are readmitted as a member': world => {
    const { founder, alice } = world
    founder.admit(alice, 'admin')
    alice.admit('early')
    const removal = founder.remove(alice)
    alice.admit('late', 'admin')
    alice.admit('later', 'host')
    const again = alice.again(founder.admit(alice, 'member', answering(removal)))
    const expected = { alice: 'member', early: 'member', founder: 'founder' }
    assert.deepEqual(rolesOf(world.evaluate(founder, alice)), expected)
    again.admit('guest')
    assert.deepEqual(rolesOf(world.evaluate(founder, alice, again)), expected)
  },

  'a former admin who is readmitted as a host admits as a host': world => {
    const { founder, alice } = world
    founder.admit(alice, 'admin')
    const removal = founder.remove(alice)
    alice.admit('late')
    const again = alice.again(founder.admit(alice, 'host', answering(removal)))
    again.admit('guest')
    again.admit('admin', 'admin')
    assert.equal(world.members(founder, alice, again), 'alice founder guest')
  },

  'what a former admin signed while out does not count even if they are an admin again': world => {
    const { founder, alice, dave } = world
    founder.admit(alice, 'admin')
    const removal = founder.remove(alice)
    alice.admit('late')
    alice.remove(dave)
    founder.admit(dave)
    founder.admit(alice, 'admin', answering(removal))
    assert.equal(world.members(founder, alice), 'alice dave founder')
  },

  'the remover and their seniors readmit, juniors do not, and nobody without naming the removal': ({ build }) => {
    for (const by of ['founder', 'alice', 'bob'] as const) {
      const world = new MembershipWorld(build)
      const { founder, alice, bob, carol } = world
      founder.admit(alice, 'admin')
      founder.admit(bob, 'admin')
      founder.admit(carol)
      const removal = alice.remove(carol)
      world[by].admit(carol, 'member', answering(removal))
      const expected = by === 'bob' ? 'alice bob founder' : 'alice bob carol founder'
      assert.equal(world.members(founder, alice, bob), expected, by)
    }
    const world = new MembershipWorld(build)
    world.founder.admit(world.carol)
    world.founder.remove(world.carol)
    world.founder.admit(world.carol)
    assert.equal(world.members(world.founder), 'founder')
  },

  'a key that two admins removed stays out until both removals are answered by a senior': world => {
    const { founder, alice, carol } = world
    founder.admit(alice, 'admin')
    founder.admit(carol)
    const first = alice.remove(carol)
    const second = founder.remove(carol)
    alice.admit(carol, 'member', answering(first))
    const membership = world.evaluate(founder, alice)
    assert.equal(world.members(founder, alice), 'alice founder')
    assert.deepEqual(membership.warnings, [
      { kind: 'unanswered-removals', author: carol.author, removals: [second.id] },
    ])
    alice.admit(carol, 'member', answering(first, second))
    assert.equal(world.members(founder, alice), 'alice founder')
    founder.admit(carol, 'member', answering(first, second))
    assert.equal(world.members(founder, alice), 'alice carol founder')
    assert.deepEqual(world.evaluate(founder, alice).warnings, [])
  },

  'a second removal by the same admin counts until it is answered too': world => {
    const { founder, alice, carol } = world
    founder.admit(alice, 'admin')
    founder.admit(carol, 'host')
    carol.admit('first')
    const removal = alice.remove(carol, 1, 5)
    const again = carol.again(alice.admit(carol, 'host', answering(removal)))
    again.admit('second')
    carol.admit('late')
    const second = alice.remove(again, 1, 9)
    again.admit('later')
    carol.admit('latest')
    const membership = world.evaluate(founder, alice, carol, again)
    assert.equal(world.members(founder, alice, carol, again), 'alice first founder second')
    assert.equal(chatOf(membership, carol), 9)
    alice.admit(carol, 'host', answering(second))
    assert.equal(world.members(founder, alice, carol, again), 'alice first founder second')
    alice.admit(carol, 'host', answering(removal, second))
    assert.equal(world.members(founder, alice, carol, again), 'alice carol first founder second')
  },

  'the chat place of a term is that of the removal which names the term': world => {
    const { founder, alice, carol } = world
    founder.admit(alice, 'admin')
    founder.admit(carol)
    const removal = alice.remove(carol, 0, 5)
    const again = carol.again(founder.admit(carol, 'host', answering(removal)))
    founder.remove(again, 0, 9)
    const chat = world.evaluate(founder, alice).former.get(carol.author)?.chat
    assert.deepEqual(chat?.get(carol.term), chatUpTo(5))
    assert.deepEqual(chat?.get(again.term), chatUpTo(9))
    const membership = world.membership([founder, alice])
    assert.deepEqual(membership.chatOf(carol.author), chatUpTo(5))
    assert.equal(membership.chatOf(alice.author), 'all')
    assert.equal(membership.chatOf(world.bob.author), undefined)
  },

  'a removal whose author did not know of the readmission wins': world => {
    const { founder, alice, bob, carol } = world
    founder.admit(alice, 'admin')
    founder.admit(bob, 'admin')
    founder.admit(carol)
    const removal = bob.remove(carol)
    const again = carol.again(founder.admit(carol, 'host', answering(removal)))
    again.admit('guest')
    alice.remove(carol)
    assert.equal(world.members(founder, alice, bob, again), 'alice bob founder')
  },

  'removals and readmissions in advance by a friend do not protect from the removal of a senior': world => {
    const { founder, alice, bob, carol } = world
    founder.admit(alice, 'admin')
    founder.admit(bob, 'admin')
    founder.admit(carol)
    let again = carol
    const given: Operation[] = []
    for (let i = 0; i < 5; i++) {
      given.push(bob.remove(again))
      again = carol.again(bob.admit(carol, 'host', answering(...given)))
    }
    again.admit('guest')
    assert.equal(world.members(founder, alice, bob, again), 'alice bob carol founder guest')
    alice.remove(carol)
    assert.equal(world.members(founder, alice, bob, again), 'alice bob founder')
  },

  'a second term beside a current one ends with a removal of either': ({ build }) => {
    for (const isSecond of [false, true]) {
      const world = new MembershipWorld(build)
      const { founder, alice, bob, carol } = world
      founder.admit(alice, 'admin')
      founder.admit(bob, 'admin')
      const admission = founder.admit(carol, 'host')
      const second = carol.again(bob.admit(carol, 'host', answering(admission)))
      carol.admit('first')
      second.admit('second')
      alice.remove(isSecond ? second : carol)
      const expected = isSecond ? 'alice bob founder second' : 'alice bob first founder'
      assert.equal(world.members(founder, alice, bob, carol, second), expected)
    }
  },

  'a readmission is void with its author': world => {
    const { founder, alice, carol } = world
    founder.admit(alice, 'admin')
    founder.admit(carol)
    const removal = alice.remove(carol)
    founder.remove(alice)
    alice.admit(carol, 'admin', answering(removal))
    assert.equal(world.members(founder, alice), 'founder')
  },

  'the loser of a mutual removal is readmitted, and their removal of the other stays void': world => {
    const { founder, alice, bob } = world
    founder.admit(alice, 'admin')
    founder.admit(bob, 'admin')
    const removal = alice.remove(bob)
    bob.remove(alice)
    for (const role of ['admin', 'member'] as const) {
      const branch = founder.fork(3)
      const again = bob.again(branch.admit(bob, role, answering(removal)))
      again.remove(alice)
      const membership = world.evaluate(branch, alice, bob, again)
      assert.deepEqual(rolesOf(membership), { alice: 'admin', bob: role, founder: 'founder' })
    }
  },

  'a key that two admins readmit has the role that the senior gave, and in each term what its admission gave':
    world => {
      const { founder, alice, carol } = world
      founder.admit(alice, 'admin')
      founder.admit(carol)
      const removal = alice.remove(carol)
      const asHost = carol.again(alice.admit(carol, 'host', answering(removal)))
      const asAdmin = carol.again(founder.admit(carol, 'admin', answering(removal)))
      asHost.admit('refused', 'admin')
      asHost.admit('guest')
      asAdmin.admit('bob', 'admin')
      const membership = world.evaluate(founder, alice, asHost, asAdmin)
      assert.deepEqual(Object.keys(rolesOf(membership)), ['alice', 'bob', 'carol', 'founder', 'guest'])
      assert.equal(rolesOf(membership)['carol'], 'admin')
    },

  'one key is readmitted after 24 removals, and not after 25': world => {
    const { founder, carol } = world
    founder.admit(carol)
    let again = carol
    const given: Operation[] = []
    for (let i = 0; i < 24; i++) {
      given.push(founder.remove(again))
      again = carol.again(founder.admit(carol, 'member', answering(...given)))
    }
    assert.equal(world.members(founder), 'carol founder')
    const last = founder.remove(again)
    founder.admit(carol, 'member', answering(...given.slice(1), last))
    assert.equal(world.members(founder), 'founder')
  },

  'a demoted admin is a member, keeps the members whom they admitted, and admits nobody': world => {
    const { founder, alice } = world
    founder.admit(alice, 'admin')
    alice.admit('guest')
    const again = demote(founder, alice, 'member')
    alice.admit('late')
    again.admit('later')
    assert.deepEqual(rolesOf(world.evaluate(founder, alice, again)), {
      alice: 'member',
      founder: 'founder',
      guest: 'member',
    })
  },

  'an admin demoted to host admits as a host, and removes nobody': world => {
    const { founder, alice, bob } = world
    founder.admit(alice, 'admin')
    founder.admit(bob)
    const again = demote(founder, alice, 'host')
    again.admit('guest')
    again.admit('refused', 'admin')
    again.remove(bob)
    alice.remove(bob)
    assert.deepEqual(rolesOf(world.evaluate(founder, alice, again)), {
      alice: 'host',
      bob: 'member',
      founder: 'founder',
      guest: 'member',
    })
  },

  'a demoted admin is removed by an admin who was junior before': world => {
    const { founder, alice, bob } = world
    founder.admit(alice, 'admin')
    founder.admit(bob, 'admin')
    const again = demote(founder, alice, 'host')
    again.admit('guest')
    assert.equal(world.members(founder, alice, bob, again), 'alice bob founder guest')
    bob.remove(again)
    assert.equal(world.members(founder, alice, bob, again), 'bob founder guest')
  },

  'a void removal by a junior counts against a demoted admin unless the demotion answers it': ({ build }) => {
    for (const isAnswered of [false, true]) {
      const world = new MembershipWorld(build)
      const { founder, alice, bob } = world
      founder.admit(alice, 'admin')
      founder.admit(bob, 'admin')
      const voidOne = bob.remove(alice)
      assert.equal(world.members(founder, alice, bob), 'alice bob founder')
      const removal = founder.remove(alice)
      founder.admit(alice, 'member', answering(removal, ...(isAnswered ? [voidOne] : [])))
      assert.equal(world.members(founder, alice, bob), isAnswered ? 'alice bob founder' : 'bob founder')
    }
  },

  'a key that two admins demote at once is out until a senior answers both': world => {
    const { founder, alice, carol } = world
    founder.admit(alice, 'admin')
    founder.admit(carol, 'admin')
    const first = alice.remove(carol)
    alice.admit(carol, 'member', answering(first))
    const second = founder.remove(carol)
    founder.admit(carol, 'host', answering(second))
    assert.equal(world.members(founder, alice), 'alice founder')
    founder.admit(carol, 'host', answering(first, second))
    assert.equal(rolesOf(world.evaluate(founder, alice))['carol'], 'host')
  },

  'a promotion by a senior of the remover wins over a removal at the same time': world => {
    const { founder, alice, bob, carol, dave } = world
    founder.admit(alice, 'admin')
    alice.admit(bob, 'admin')
    bob.admit(carol, 'admin')
    founder.admit(dave, 'host')
    dave.admit('early')
    carol.remove(dave)
    dave.admit('late')
    const all = [alice, bob, carol, dave]
    assert.equal(world.members(founder, ...all), 'alice bob carol early founder')
    const before = founder.operations.length
    founder.admit(dave, 'admin')
    assert.equal(world.members(founder, ...all), 'alice bob carol dave early founder late')
    alice.admit(dave, 'admin')
    alice.remove(dave, 1)
    assert.equal(world.members(founder.fork(before), ...all), 'alice bob carol early founder')
  },

  'a promotion after a readmission answers the same removals': world => {
    const { founder, alice } = world
    founder.admit(alice, 'admin')
    const removal = founder.remove(alice)
    founder.admit(alice, 'member', answering(removal))
    founder.admit(alice, 'admin')
    assert.equal(rolesOf(world.evaluate(founder, alice))['alice'], 'member')
    const again = alice.again(founder.admit(alice, 'admin', answering(removal)))
    again.admit('carol', 'admin')
    assert.deepEqual(rolesOf(world.evaluate(founder, alice, again)), {
      alice: 'admin',
      carol: 'admin',
      founder: 'founder',
    })
  },
}
