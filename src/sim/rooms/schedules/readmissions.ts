import { apart, gather, HONEST, ROOM, type RoomSchedules, soon, WITH_MALLORY } from './schedule.js'

/** Readmissions: who may readmit, and which lines and operations count afterwards. */
export const readmissions: RoomSchedules = {
  'the remover and their seniors readmit, juniors do not': {
    people: HONEST,
    run: async world => {
      await gather(world, ['bob', 'admin'], ['carol', 'admin'], ['dave', 'member'])
      await world.remove('bob', ROOM, 'dave')
      await soon(world)
      await world.admit('carol', ROOM, 'dave', 'member')
      await soon(world)
      world.expectMembers(ROOM, 'alice', 'bob', 'carol')
      await world.admitAnyway('carol', ROOM, 'dave')
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'carol')
      await world.admit('alice', ROOM, 'dave', 'member')
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'carol', 'dave')
    },
  },

  'a readmission has to answer both of two removals': {
    people: HONEST,
    run: async world => {
      await gather(world, ['bob', 'admin'], ['carol', 'admin'], ['dave', 'member'])
      await apart(
        world,
        async () => {
          await world.remove('bob', ROOM, 'dave')
          await world.admit('bob', ROOM, 'dave', 'member')
        },
        () => world.remove('carol', ROOM, 'dave'),
      )
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'carol')
      await world.admit('alice', ROOM, 'dave', 'host')
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'carol', 'dave')
    },
  },

  'lines and operations of a removed member do not count after readmission': {
    people: WITH_MALLORY,
    run: async world => {
      await gather(world, ['bob', 'host'], ['mallory', 'admin'])
      world.seat('mallory', ROOM)?.say('before')
      await soon(world)
      await world.remove('alice', ROOM, 'mallory')
      world.seat('mallory', ROOM)?.say('while out')
      world.person('mallory').misbehave(ROOM, 'admits puppets', world.secrets)
      await soon(world)
      await world.admit('alice', ROOM, 'mallory', 'admin')
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'mallory')
      world.expectLines('bob', ROOM, '#ops before')
    },
  },

  'a readmitted member writes in a new run, and the others receive it': {
    people: HONEST,
    run: async world => {
      await gather(world, ['bob', 'host'], ['carol', 'host'])
      world.seat('carol', ROOM)?.say('before')
      await soon(world)
      world.partition(['alice'])
      await world.remove('alice', ROOM, 'carol')
      world.seat('carol', ROOM)?.say('in ignorance')
      await soon(world)
      world.heal()
      await world.run(3_000)
      await world.admit('alice', ROOM, 'carol', 'member')
      await world.run(3_000)
      world.seat('carol', ROOM)?.say('again')
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'carol')
      for (const name of ['alice', 'bob']) world.expectLines(name, ROOM, '#ops again', '#ops before')
    },
  },

  'a member who is removed a second time while away learns of it': {
    people: HONEST,
    run: async world => {
      await gather(world, ['bob', 'host'], ['carol', 'host'])
      await world.remove('alice', ROOM, 'carol')
      await soon(world)
      await world.admit('alice', ROOM, 'carol', 'member')
      await world.run(3_000)
      world.person('carol').crash('killed')
      await world.remove('alice', ROOM, 'carol')
      await soon(world)
      world.person('carol').start()
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob')
      world.expectAware('carol', ROOM)
    },
  },

  'a member who left returns by a code in another role': {
    people: HONEST,
    run: async world => {
      await gather(world, ['bob', 'host'], ['carol', 'member'])
      world.seat('carol', ROOM)?.say('before')
      await soon(world)
      await world.act(world.seat('carol', ROOM)?.leave())
      await soon(world)
      world.expectMembers(ROOM, 'alice', 'bob')
      await world.enter('carol', ROOM, 'bob')
      await soon(world)
      world.seat('carol', ROOM)?.say('again')
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'carol')
      world.expectLines('bob', ROOM, '#ops again', '#ops before')
    },
  },
}
