import assert from 'node:assert/strict'
import { answering, MembershipWorld, namesOf, rolesOf, type Writer } from '../../helper/membership-world.js'
import { between } from '../../long/chance.js'
import type { Schedules } from './schedule.js'

/** The branch whose operation at an index has the lower id first. */
const byId = (branches: readonly Writer[], index: number): Writer[] =>
  [...branches].sort((a, b) => ((a.operations[index]?.id ?? '') < (b.operations[index]?.id ?? '') ? -1 : 1))

/** Forked logs, and the rescue key. */
export const forks: Schedules = {
  'when an old copy of the founder forks their log, the branch with the lower id counts, and everybody is warned':
    world => {
      const { founder, alice } = world
      founder.admit(alice, 'admin')
      const copy = founder.fork(2)
      founder.admit('bob')
      founder.admit('carol')
      copy.admit('dave')
      const membership = world.evaluate(founder, copy, alice)
      const isFirst = byId([founder, copy], 2)[0] === founder
      assert.equal(namesOf(membership), isFirst ? 'alice bob carol founder' : 'alice dave founder')
      assert.deepEqual(membership.warnings, [{ kind: 'fork', author: founder.author, seq: 3 }])
      assert.equal(world.members(alice, founder.operations.slice(0, 2)), 'alice founder')
    },

  'a forked log goes on, and may fork again': world => {
    const { founder } = world
    const branches = [0, 1, 2].map(index => {
      const branch = founder.fork(1)
      branch.admit(`first${index}`, 'admin')
      branch.admit(`second${index}`)
      return branch
    })
    const lowest = byId(branches, 1)[0] ?? founder
    const again = lowest.fork(3)
    lowest.admit('third')
    again.admit('fourth')
    const names = namesOf(world.evaluate(...branches, again)).split(' ')
    assert.equal(names.length, 4)
    assert.ok(names.includes(`first${branches.indexOf(lowest)}`))
  },

  'operations signed again on the branch that counts are all in force': world => {
    const { founder, alice, carol } = world
    founder.admit(alice, 'admin')
    founder.admit(carol, 'host')
    const other = founder.fork(3)
    founder.admit('bob')
    founder.admit('dave')
    other.admit('erin')
    other.remove(carol)
    const [low, high] = byId([founder, other], 3) as [Writer, Writer]
    for (const { body } of high.operations.slice(3)) low.write(body)
    assert.equal(world.members(low, high), 'alice bob dave erin founder')
  },

  'a removal and a readmission by a senior choose the branch of a forked log': world => {
    const { founder, alice } = world
    founder.admit(alice, 'host')
    alice.admit('bob')
    alice.admit('carol')
    const other = alice.fork(0)
    other.admit('dave')
    const membership = world.evaluate(founder, alice, other)
    assert.ok(['alice bob carol founder', 'alice dave founder'].includes(namesOf(membership)))
    assert.deepEqual(membership.warnings, [{ kind: 'fork', author: alice.author, seq: 1 }])
    for (const chosen of [alice, other]) {
      const branch = founder.fork(2)
      branch.admit(alice, 'host', answering(branch.remove(chosen)))
      const expected = chosen === alice ? 'alice bob carol founder' : 'alice dave founder'
      assert.equal(world.members(branch, alice, other), expected)
    }
  },

  'the branch that counts is kept where a branch that does not count forks again': ({ build }) => {
    for (let i = 0; i < 25; i++) {
      const world = new MembershipWorld(build)
      const [a, b] = [world.founder.fork(1), world.founder.fork(1)]
      a.admit(`a${i}`)
      b.admit(`b${i}`)
      const [first, second] = [b.fork(2), b.fork(2)]
      a.admit(`c${i}`)
      first.admit(`d${i}`)
      second.admit(`e${i}`)
      world.evaluate(a, first, second)
    }
  },

  'the rescue key ends what the thief of the founder’s key does, and names an heir': ({ build }) => {
    const world = new MembershipWorld(build, { hasRescue: true })
    const { founder, rescue, alice } = world
    founder.admit(alice, 'admin')
    rescue.remove(founder)
    rescue.admit('heir', 'admin')
    founder.remove(alice, 0)
    founder.admit('thief', 'admin')
    assert.equal(world.members(founder, alice, rescue), 'alice heir')
  },

  'an heir under the rescue key is senior to everybody whom the founder admitted': ({ build }) => {
    const world = new MembershipWorld(build, { hasRescue: true })
    const { founder, rescue, alice, bob } = world
    founder.admit(alice, 'admin')
    rescue.admit(bob, 'admin')
    alice.remove(bob, 0)
    bob.remove(alice)
    assert.equal(world.members(founder, alice, bob, rescue), 'bob founder')
  },

  'the founder in person is readmitted under the rescue key, in a new term': ({ build }) => {
    const world = new MembershipWorld(build, { hasRescue: true })
    const { founder, rescue, alice } = world
    founder.admit(alice, 'admin')
    const removal = rescue.remove(founder)
    founder.remove(alice, 0)
    const again = founder.again(rescue.admit(founder, 'admin', answering(removal)))
    again.admit('carol', 'host')
    again.remove(alice)
    assert.deepEqual(rolesOf(world.evaluate(founder, alice, rescue, again)), { carol: 'host', founder: 'admin' })
  },

  'the rescue key chooses the branch of the founder': ({ build }) => {
    const world = new MembershipWorld(build, { hasRescue: true })
    const { founder, rescue } = world
    const other = founder.fork(1)
    founder.admit('alice')
    other.admit('bob')
    for (const chosen of [founder, other]) {
      const branch = rescue.fork(0)
      branch.remove(chosen)
      assert.equal(world.members(founder, other, branch), chosen === founder ? 'alice' : 'bob')
    }
  },

  'peers with different histories of one log settle on the same': ({ build }) => {
    for (let i = 0; i < 25; i++) {
      const world = new MembershipWorld(build, { seed: i })
      const { founder, alice, random } = world
      founder.admit(alice, 'admin')
      for (let j = 0; j < 4; j++) alice.admit(`common${j}`)
      const histories = [4, 2 + between(random, 0, 3), between(random, 0, 4)].map((common, index) => {
        const history = alice.fork(common)
        for (let j = between(random, 1, 6); j > 0; j--) history.admit(`guest${i}.${index}.${j}`)
        return history
      })
      const [first = founder, second = founder, third = founder] = histories
      const peers = [[first, second], [first, third], [third], [second]].map(branches => ({
        operations: [founder, ...branches].flatMap(({ operations }) => operations),
      }))
      const settled = world.settle(world.shuffled(peers))
      assert.equal(namesOf(world.membership([settled])), namesOf(world.membership([founder, ...histories])))
    }
  },

  'peers that each have another history of the founder settle on the same': ({ build }) => {
    for (let i = 0; i < 25; i++) {
      const world = new MembershipWorld(build, { seed: i })
      const { founder, random } = world
      founder.admit('alice')
      const histories = [0, 1, 2, 3].map(index => {
        const history = founder.fork(between(random, 1, 3))
        for (let j = between(random, 1, 7); j > 0; j--) history.admit(`guest${i}.${index}.${j}`, 'admin')
        return history
      })
      const settled = world.settle(histories.map(({ operations }) => ({ operations })))
      assert.equal(namesOf(world.membership([settled])), namesOf(world.membership(histories)))
    }
  },

  'a removal can choose a branch that other peers dropped': world => {
    const { founder, alice } = world
    founder.admit(alice, 'admin')
    const histories = byId(
      [0, 1, 2].map(index => {
        const history = alice.fork(0)
        history.admit(`first${index}`)
        history.admit(`second${index}`)
        return history
      }),
      0,
    )
    const highest = histories.at(-1) ?? alice
    const remover = founder.fork(2)
    remover.remove(highest)
    const peers = [[founder, ...histories], [founder, ...histories.slice(0, 2)], [remover, highest], [founder]].map(
      branches => ({ operations: branches.flatMap(({ operations }) => operations) }),
    )
    const settled = world.membership([world.settle(peers)])
    assert.equal(namesOf(settled), namesOf(world.membership([remover, ...histories])))
    assert.equal(settled.members.size, 3)
  },
}
