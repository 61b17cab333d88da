import assert from 'node:assert/strict'
import { answering, chatOf, namesOf, said } from '../../helper/membership-world.js'
import type { Schedules } from './schedule.js'

/** Removals: which one wins, and what still counts. */
export const removals: Schedules = {
  'when two admins remove each other in a partition, the senior stays': world => {
    const { founder, alice, bob } = world
    founder.admit(alice, 'admin')
    founder.admit(bob, 'admin')
    alice.remove(bob)
    bob.remove(alice, 0)
    assert.equal(world.members(founder, alice, bob), 'alice founder')
  },

  'when three admins remove each other in a ring, the most senior stays': world => {
    const { founder, alice, bob, carol } = world
    for (const admin of [alice, bob, carol]) founder.admit(admin, 'admin')
    alice.remove(bob, 0)
    bob.remove(carol, 0)
    carol.remove(alice, 0)
    assert.equal(world.members(founder, alice, bob, carol), 'alice carol founder')
  },

  'between two admins the one nearer to the founder stays': world => {
    const { founder, alice, bob, carol } = world
    founder.admit(alice, 'admin')
    alice.admit(bob, 'admin')
    founder.admit(carol, 'admin')
    bob.remove(carol, 0)
    carol.remove(bob)
    assert.equal(world.members(founder, alice, bob, carol), 'alice carol founder')
  },

  'nobody removes the person who admitted them, nor the founder': world => {
    const { founder, alice, bob } = world
    founder.admit(alice, 'admin')
    alice.admit(bob, 'admin')
    bob.remove(alice, 0)
    bob.remove(founder, 0)
    assert.equal(world.members(founder, alice, bob), 'alice bob founder')
  },

  'a host removes nobody': world => {
    const { founder, alice } = world
    founder.admit(alice, 'host')
    alice.admit('guest')
    alice.remove(world.writer('guest'))
    assert.equal(world.members(founder, alice), 'alice founder guest')
  },

  'admissions before the place of a removal count, those after it do not, whatever their date': world => {
    const { founder, alice } = world
    founder.admit(alice, 'admin')
    alice.admit('early')
    founder.remove(alice)
    alice.admit('late', 'member', { time: 0 })
    assert.equal(world.members(founder, alice), 'early founder')
  },

  'a second history below the place of a removal does not count': world => {
    const { founder, alice } = world
    founder.admit(alice, 'host')
    alice.admit('early')
    const other = alice.fork(0)
    other.admit('other')
    other.admit('another')
    founder.remove(alice)
    assert.equal(world.members(founder, alice, other), 'early founder')
  },

  'a removal wins over an admission at the same time': world => {
    const { founder, alice, bob, carol } = world
    founder.admit(alice, 'admin')
    founder.admit(bob, 'admin')
    founder.admit(carol)
    bob.remove(carol)
    alice.admit(carol)
    assert.equal(world.members(founder, alice, bob), 'alice bob founder')
  },

  'when two people remove a member, the place of the removal by the senior counts, for operations and for chat':
    world => {
      const { founder, alice, carol } = world
      founder.admit(alice, 'admin')
      founder.admit(carol, 'host')
      carol.admit('first')
      carol.admit('second')
      alice.remove(carol, 2, 3)
      founder.remove(carol, 1, 7)
      const membership = world.evaluate(founder, alice, carol)
      assert.deepEqual([...membership.members.keys()].length, 3)
      assert.equal(world.members(founder, alice, carol), 'alice first founder')
      assert.equal(chatOf(membership, carol), 7)
    },

  'when one author removes a term repeatedly, the first removal counts': world => {
    const { founder, carol } = world
    founder.admit(carol, 'host')
    carol.admit('first')
    carol.admit('second')
    founder.remove(carol, 1, 3)
    founder.remove(carol, 2, 7)
    const membership = world.evaluate(founder, carol)
    assert.equal(namesOf(membership), 'first founder')
    assert.equal(chatOf(membership, carol), 3)
  },

  'operations that a removed member signs change nothing': world => {
    const { founder, carol } = world
    founder.admit(carol, 'host')
    founder.remove(carol, 0, 5)
    const before = said(world.evaluate(founder, carol))
    carol.admit('guest', 'host')
    carol.remove(founder)
    assert.deepEqual(said(world.evaluate(founder, carol)), before)
  },

  'admissions of admissions after the place of a removal do not count': world => {
    const { founder, alice, bob, carol } = world
    founder.admit(alice, 'admin')
    founder.remove(alice)
    alice.admit(bob, 'admin')
    bob.admit(carol, 'admin')
    carol.remove(founder)
    assert.equal(world.members(founder, alice, bob, carol), 'founder')
  },

  'an admin removes a host who was admitted earlier': world => {
    const { founder, alice, bob, carol } = world
    founder.admit(carol, 'host')
    founder.admit(alice, 'admin')
    alice.admit(bob, 'admin')
    bob.remove(carol)
    carol.admit('guest')
    assert.equal(world.members(founder, alice, bob, carol), 'alice bob founder')
  },

  'nothing of a log counts until all operations up to the place of its removal are present': world => {
    const { founder, alice } = world
    founder.admit(alice, 'host')
    alice.admit('first')
    alice.admit('second')
    founder.remove(alice)
    for (const part of [alice.operations.slice(0, 1), alice.operations.slice(1)]) {
      const membership = world.membership([founder, part])
      assert.equal([...membership.members].length, 1)
      assert.deepEqual(membership.warnings, [{ kind: 'missing-operations', author: alice.author }])
    }
    assert.equal(world.members(founder, alice), 'first founder second')
  },

  'a removal is void with its author, and the operations that it cut off count again': world => {
    const { founder, alice, carol } = world
    founder.admit(alice, 'admin')
    founder.admit(carol, 'host')
    alice.remove(carol)
    carol.admit('guest')
    assert.equal(world.members(founder, alice, carol), 'alice founder')
    founder.remove(alice, 0)
    assert.equal(world.members(founder, alice, carol), 'carol founder guest')
  },

  'a removal at a false place is corrected by a senior': world => {
    const { founder, alice, carol } = world
    founder.admit(alice, 'admin')
    founder.admit(carol, 'host')
    carol.admit('guest')
    const wrong = alice.remove(carol, 0, 0)
    assert.equal(world.members(founder, alice, carol), 'alice founder')
    const right = founder.remove(carol, 1, 8)
    assert.equal(world.members(founder, alice, carol), 'alice founder guest')
    const again = carol.again(founder.admit(carol, 'host', answering(wrong, right)))
    again.admit('later')
    assert.equal(world.members(founder, alice, carol, again), 'alice carol founder guest later')
  },

  'a member who leaves is out, keeps their guests, and comes back by a new admission': world => {
    const { founder, alice, bob } = world
    founder.admit(alice, 'admin')
    founder.admit(bob, 'host')
    alice.admit('guest')
    const leave = alice.leave(6)
    alice.admit('late')
    const left = world.evaluate(founder, alice, bob)
    assert.equal(world.members(founder, alice, bob), 'bob founder guest')
    assert.equal(left.former.get(alice.author)?.reason, 'left')
    assert.equal(chatOf(left, alice), 6)
    founder.admit(alice, 'admin')
    assert.equal(world.members(founder, alice, bob), 'bob founder guest')
    const again = alice.again(bob.admit(alice, 'member', answering(leave)))
    again.admit('later')
    assert.equal(world.members(founder, alice, bob, again), 'alice bob founder guest')
    assert.equal(world.evaluate(founder, alice, bob, again).members.get(alice.author)?.role, 'member')
  },

  'a member who left withdraws operations by more leaves, and adds none': world => {
    const { founder, alice } = world
    founder.admit(alice, 'host')
    alice.admit('first')
    alice.admit('second')
    alice.leave(5)
    const forks = Array.from({ length: 8 }, (_, index) => {
      const fork = alice.fork(index % 4)
      fork.admit('other', 'member', { time: index })
      fork.leave(index)
      return fork
    })
    assert.equal(world.members(founder, alice, forks[3] ?? []), 'first founder second')
    assert.equal(world.members(founder, alice, ...forks), 'founder')
    founder.remove(alice, 2)
    assert.equal(world.members(founder, alice, ...forks), 'first founder second')
  },

  'when a member leaves several times, the lowest chat place counts, and none if they contradict each other': world => {
    const { founder, alice } = world
    const end = (run: number, seq: number) => ({ run, seq, chain: String(seq).repeat(64) })
    const leaves = [
      [end(0, 5), end(1, 5)],
      [end(0, 5), end(1, 3)],
      [end(0, 6), end(1, 2)],
    ].map(chat => {
      const branch = alice.fork(0)
      branch.write({ kind: 'leave', chat, time: 0 })
      return branch
    })
    founder.admit(alice)
    const chat = (count: number) => [
      ...(world
        .evaluate(founder, ...leaves.slice(0, count))
        .former.get(alice.author)
        ?.chat.values() ?? []),
    ]
    assert.deepEqual(chat(1), [[end(0, 5), end(1, 5)]])
    assert.deepEqual(chat(2), [[end(0, 5), end(1, 3)]])
    assert.deepEqual(chat(3), [[]])
  },

  'a fork before a leave does not take it back': world => {
    const { founder, alice } = world
    founder.admit(alice, 'admin')
    alice.admit('guest')
    const forks = Array.from({ length: 8 }, (_, index) => {
      const fork = alice.fork(index % 2)
      fork.admit('other', 'member', { time: index })
      fork.admit('another')
      return fork
    })
    alice.leave()
    assert.equal(world.members(founder, alice, ...forks), 'founder guest')
  },

  'when a member was removed and left, the place of the removal counts': world => {
    const { founder, alice } = world
    founder.admit(alice, 'admin')
    alice.admit('early')
    founder.remove(alice, 1, 2)
    alice.admit('late')
    const leave = alice.leave(9)
    const membership = world.evaluate(founder, alice)
    assert.equal(world.members(founder, alice), 'early founder')
    assert.equal(chatOf(membership, alice), 2)
    founder.admit(alice, 'member', answering(leave))
    assert.equal(world.members(founder, alice), 'early founder')
  },

  'a removal that names a place beyond the limit leaves nothing of the log': world => {
    const { founder, alice, bob } = world
    founder.admit(alice, 'host')
    alice.admit('guest')
    for (let i = 0; i < 4_096; i++) alice.write({ kind: 'name', name: 'x', time: i })
    founder.remove(alice)
    const operations = [...founder.operations, ...alice.operations]
    assert.deepEqual(said(world.membership([world.kept(operations)])), said(world.membership([operations])))
    assert.equal(world.members(founder, alice), 'founder')
    const mending = founder.fork(2)
    mending.remove(alice, 4_096)
    assert.equal(world.members(mending, alice, bob), 'founder guest')
  },

  'an author keeps their own operations, and the branches that their removals name': world => {
    const { founder, alice, bob, carol } = world
    founder.admit(alice, 'admin')
    founder.admit(carol, 'host')
    carol.admit('guest')
    alice.remove(carol)
    founder.remove(alice, 0)
    carol.fork(0).admit('other')
    founder.remove(carol, 0)
    bob.admit('nobody')
    const operations = [founder, alice, bob, carol].flatMap(writer => writer.operations)
    const kept = (...own: Parameters<typeof world.kept>[1][]) =>
      new Set(world.kept(operations, ...own).map(({ id }) => id))
    const has = (ids: ReadonlySet<string>, writer: typeof alice): boolean =>
      writer.operations.every(({ id }) => ids.has(id))
    assert.deepEqual(
      [alice, bob, carol].map(writer => has(kept(), writer)),
      [false, false, false],
    )
    assert.deepEqual(
      [alice, bob, carol].map(writer => has(kept([alice.author]), writer)),
      [true, false, true],
    )
    assert.deepEqual(
      [alice, bob, carol].map(writer => has(kept([bob.author]), writer)),
      [false, true, false],
    )
    assert.deepEqual(
      [alice, bob, carol].map(writer => has(kept([carol.author]), writer)),
      [false, false, true],
    )
  },
}
