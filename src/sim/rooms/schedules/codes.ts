import { gather, HONEST, ROOM, type RoomSchedules, soon, WITH_MALLORY } from './schedule.js'

/** Invitation codes, with honest and Byzantine people on both sides. */
export const codes: RoomSchedules = {
  'a single-use code that is used in two partitions admits both, with a warning to everybody': {
    people: HONEST,
    run: async world => {
      await gather(world, ['bob', 'host'])
      await world.invite('alice', ROOM, 100, { role: 'member' })
      await soon(world)
      world.partition(['alice', 'carol'])
      world.join('carol', 100)
      world.join('dave', 100)
      await world.run(5_000)
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'carol', 'dave')
      world.expectWarning(ROOM, 'overused-invitation')
    },
  },

  'a single-use code admits one newcomer': {
    people: HONEST,
    run: async world => {
      await gather(world, ['bob', 'host'])
      await world.invite('alice', ROOM, 100, { role: 'member' })
      world.join('carol', 100)
      await world.run(3_000)
      world.join('dave', 100)
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'carol')
      world.expectRefusal('dave', 'used')
    },
  },

  'an admitter refuses a code that has expired by their own clock': {
    people: HONEST,
    run: async world => {
      await gather(world)
      await world.invite('alice', ROOM, 100, { forMs: 60_000 })
      await world.invite('alice', ROOM, 101, { forMs: 60_000 })
      world.person('bob').setClock(-86_400_000)
      world.join('bob', 100)
      await world.run(2_000)
      world.person('alice').setClock(86_400_000)
      world.join('carol', 101)
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob')
      world.expectRefusal('carol', 'expired')
    },
  },

  'a member with a wrong clock refuses a code, and another member accepts it': {
    people: HONEST,
    run: async world => {
      await gather(world, ['bob', 'host'], ['carol', 'host'])
      world.person('bob').setClock(86_400_000)
      await world.invite('alice', ROOM, 100, { forMs: 3_600_000 })
      await soon(world)
      world.join('dave', 100)
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'carol', 'dave')
    },
  },

  'a code does not admit a removed member': {
    people: HONEST,
    run: async world => {
      await gather(world, ['bob', 'host'], ['carol', 'host'])
      await world.remove('alice', ROOM, 'carol')
      await soon(world)
      await world.invite('alice', ROOM, 100)
      world.join('carol', 100)
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob')
      world.expectRefusal('carol', 'removed')
    },
  },

  'a newcomer whom a removed host admitted to an outdated room learns of it, and enters by another code': {
    people: WITH_MALLORY,
    run: async world => {
      await gather(world, ['bob', 'host'], ['mallory', 'host'])
      await world.invite('mallory', ROOM, 100)
      await world.invite('alice', ROOM, 101)
      world.partition(['mallory', 'carol'])
      await world.remove('alice', ROOM, 'mallory')
      world.seat('bob', ROOM)?.say('among us')
      world.join('carol', 100)
      await world.run(5_000)
      world.heal()
      await world.run(5_000)
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob')
      world.expectAware('carol', ROOM)
      world.join('carol', 101)
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'carol')
    },
  },

  'a newcomer to whom a removed member shows a false room enters the true one': {
    people: WITH_MALLORY,
    run: async world => {
      await gather(world, ['bob', 'host'], ['mallory', 'admin'])
      await world.invite('alice', ROOM, 100)
      await soon(world)
      await world.remove('alice', ROOM, 'mallory')
      world.partition(['mallory', 'carol'])
      world.join('carol', 100)
      for (let times = 0; times < 40; times++) {
        world.person('mallory').misbehave(ROOM, 'shows a false room', world.secrets)
        await world.run(10)
      }
      await world.settle()
      world.expectOut(ROOM, 'mallory')
    },
  },

  'an admission that a crash loses is signed again later': {
    people: HONEST,
    run: async world => {
      await gather(world)
      await world.invite('alice', ROOM, 100)
      world.join('bob', 100)
      for (let times = 0; times < 8; times++) {
        await world.run(7 + 5 * times)
        world.person('alice').crash('power cut')
        await world.run(50)
        world.person('alice').start()
      }
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob')
    },
  },
}
