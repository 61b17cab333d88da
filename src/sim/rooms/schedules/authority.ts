import { apart, gather, HONEST, ROOM, type RoomSchedules, soon, WITH_MALLORY } from './schedule.js'

/** Permissions of roles, and which operation wins when partitioned members act concurrently. */
export const authority: RoomSchedules = {
  'the senior of two admins who remove each other in a partition stays': {
    people: HONEST,
    run: async world => {
      await gather(world, ['bob', 'admin'], ['carol', 'admin'], ['dave', 'member'])
      await apart(
        world,
        () => world.remove('bob', ROOM, 'carol'),
        () => world.removeAnyway('carol', ROOM, 'bob'),
      )
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'dave')
    },
  },

  'the most senior of three admins who remove each other in a ring stays': {
    people: HONEST,
    run: async world => {
      await gather(world, ['bob', 'admin'], ['carol', 'admin'], ['dave', 'admin'])
      await apart(
        world,
        () => world.remove('bob', ROOM, 'carol'),
        () => world.remove('carol', ROOM, 'dave'),
        () => world.removeAnyway('dave', ROOM, 'bob'),
      )
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'dave')
    },
  },

  'nobody can remove the founder or their own admitter': {
    people: WITH_MALLORY,
    run: async world => {
      await gather(world, ['bob', 'admin'])
      await world.enter('mallory', ROOM, 'bob', 'admin')
      await soon(world)
      world.person('mallory').misbehave(ROOM, 'removes everybody', world.secrets)
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'mallory')
    },
  },

  'a host removes nobody': {
    people: WITH_MALLORY,
    run: async world => {
      await gather(world, ['mallory', 'host'], ['bob', 'member'])
      world.person('mallory').misbehave(ROOM, 'removes everybody', world.secrets)
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'mallory')
    },
  },

  'guests that a host admits after their own removal are not members, and earlier guests stay': {
    people: { ...WITH_MALLORY, dave: 'honest' },
    run: async world => {
      await gather(world, ['bob', 'host'], ['mallory', 'host'])
      await world.enter('carol', ROOM, 'mallory')
      await soon(world)
      await world.remove('alice', ROOM, 'mallory')
      world.person('mallory').misbehave(ROOM, 'admits puppets', world.secrets)
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'carol')
    },
  },

  'an admission without consent does not count': {
    people: WITH_MALLORY,
    run: async world => {
      await gather(world, ['bob', 'host'], ['mallory', 'admin'])
      world.person('mallory').misbehave(ROOM, 'admits somebody unasked', world.secrets)
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'mallory')
    },
  },

  'nobody can sign for another person': {
    people: WITH_MALLORY,
    run: async world => {
      await gather(world, ['bob', 'host'], ['carol', 'host'], ['mallory', 'admin'])
      for (let times = 0; times < 3; times++) {
        world.person('mallory').misbehave(ROOM, 'signs as the founder', world.secrets)
        await soon(world)
      }
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'carol', 'mallory')
    },
  },

  'an operation does not count in another room': {
    people: WITH_MALLORY,
    run: async world => {
      await gather(world, ['bob', 'host'], ['mallory', 'admin'])
      await world.found('carol', 'dev')
      await world.enter('mallory', 'dev', 'carol', 'admin')
      await soon(world)
      for (const room of [ROOM, 'dev'])
        world.person('mallory').misbehave(room, 'repeats an operation of another room', world.secrets)
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'mallory')
      world.expectMembers('dev', 'carol', 'mallory')
    },
  },

  'all agree on the members although one of them forks their operations': {
    people: WITH_MALLORY,
    run: async world => {
      await gather(world, ['bob', 'host'], ['carol', 'host'], ['mallory', 'admin'])
      world.cut('mallory', 'carol')
      world.person('mallory').misbehave(ROOM, 'admits puppets', world.secrets)
      await soon(world)
      for (let times = 0; times < 3; times++)
        world.person('mallory').misbehave(ROOM, 'forks its operations', world.secrets)
      await world.settle()
      await world.remove('alice', ROOM, 'mallory')
      world.person('mallory').misbehave(ROOM, 'forks its operations', world.secrets)
      world.person('mallory').misbehave(ROOM, 'leaves on a second branch', world.secrets)
      await world.settle()
      world.expectOut(ROOM, 'mallory')
    },
  },

  'a removal on a branch that does not count has no effect, even if only the removed member knows the other branch': {
    people: WITH_MALLORY,
    run: async world => {
      await gather(world, ['bob', 'member'], ['carol', 'host'], ['mallory', 'admin'])
      world.person('mallory').misbehave(ROOM, 'removes everybody', world.secrets)
      await soon(world)
      world.expectOut(ROOM, 'bob')
      world.partition(['mallory', 'bob'], true)
      for (let times = 0; times < 8; times++) world.person('mallory').misbehave(ROOM, 'admits puppets', world.secrets)
      await soon(world)
      world.person('mallory').end()
      world.expectIn(ROOM, 'bob')
      await world.settle()
      world.expectIn(ROOM, 'bob')
      world.expectIn(ROOM, 'carol')
    },
  },

  'a removal by a removed admin has no effect, even if the remover has left': {
    people: HONEST,
    run: async world => {
      await gather(world, ['bob', 'admin'], ['carol', 'admin'], ['dave', 'member'])
      world.partition(['alice', 'carol'], true)
      await world.remove('bob', ROOM, 'carol')
      await world.remove('carol', ROOM, 'dave')
      await soon(world)
      await world.act(world.seat('bob', ROOM)?.leave())
      await soon(world)
      world.person('bob').end()
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'dave')
    },
  },

  'two members who each know a removal of the other, on different branches, agree when the founder returns': {
    people: WITH_MALLORY,
    run: async world => {
      await gather(world, ['bob', 'host'], ['carol', 'host'], ['mallory', 'admin'])
      world.person('alice').sleep()
      world.backUp('mallory', ROOM)
      world.partition(['mallory', 'bob'], true)
      await world.removeAnyway('mallory', ROOM, 'carol')
      await soon(world)
      world.heal()
      world.partition(['mallory', 'carol'], true)
      world.goBack('mallory', ROOM)
      await soon(world)
      await world.removeAnyway('mallory', ROOM, 'bob')
      await soon(world)
      world.person('mallory').end()
      world.heal()
      await world.run(60_000)
      if (world.seat('bob', ROOM)?.channels.length !== 0) world.checker.violate('bob meets somebody who is out')
      await world.settle()
    },
  },

  'unordered operations, gaps and unknown parents change nothing': {
    people: WITH_MALLORY,
    run: async world => {
      await gather(world, ['bob', 'host'], ['carol', 'host'], ['mallory', 'admin'])
      for (const what of ['skips a place', 'names an unknown parent', 'garbles the exchange'] as const) {
        world.person('mallory').misbehave(ROOM, what, world.secrets)
        await soon(world)
      }
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'carol', 'mallory')
    },
  },

  'a removal wins over a concurrent promotion': {
    people: HONEST,
    run: async world => {
      await gather(world, ['bob', 'admin'], ['carol', 'admin'], ['dave', 'member'])
      await apart(
        world,
        () => world.remove('bob', ROOM, 'dave'),
        () => world.admit('carol', ROOM, 'dave', 'host'),
      )
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'carol')
    },
  },

  'a removal also ends the terms of later guests and of their guests': {
    people: { ...WITH_MALLORY, dave: 'honest' },
    run: async world => {
      await gather(world, ['bob', 'host'], ['mallory', 'admin'])
      world.partition(['mallory', 'carol', 'dave'])
      await world.remove('alice', ROOM, 'mallory')
      await world.enter('carol', ROOM, 'mallory', 'admin')
      await world.enter('dave', ROOM, 'carol')
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob')
    },
  },

  'operations that a demoted admin signs before they know of it do not count': {
    people: HONEST,
    run: async world => {
      await gather(world, ['bob', 'admin'], ['carol', 'member'], ['dave', 'member'])
      await apart(
        world,
        async () => {
          await world.remove('alice', ROOM, 'bob')
          await world.admit('alice', ROOM, 'bob', 'member')
        },
        () => world.remove('bob', ROOM, 'carol'),
      )
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'carol', 'dave')
    },
  },

  'if two removals name different chat places, the place of the senior remover counts': {
    people: HONEST,
    run: async world => {
      await gather(world, ['bob', 'admin'], ['carol', 'host'], ['dave', 'member'])
      await apart(world, () => world.remove('bob', ROOM, 'dave'))
      world.partition(['bob'])
      world.seat('dave', ROOM)?.say('heard by alice')
      await world.run(3_000)
      await world.remove('alice', ROOM, 'dave')
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'carol')
      for (const name of ['alice', 'bob', 'carol']) world.expectLines(name, ROOM, '#ops heard by alice')
    },
  },

  'the last member receives operations that only a former member has': {
    people: WITH_MALLORY,
    run: async world => {
      await gather(world, ['bob', 'admin'], ['mallory', 'admin'])
      world.seat('mallory', ROOM)?.say('withdrawn')
      await soon(world)
      world.partition(['alice'], true)
      world.person('mallory').misbehave(ROOM, 'leaves on a second branch', world.secrets)
      await soon(world)
      await world.act(world.seat('bob', ROOM)?.leave())
      // By now dials have backed off, so alice stays alone for a while after the network heals.
      await world.run(30_000)
      await world.settle()
      world.expectMembers(ROOM, 'alice')
      world.expectLines('alice', ROOM)
    },
  },
}
