import { gather, HONEST, ROOM, type RoomSchedules, soon, WITH_MALLORY } from './schedule.js'

/** Old copies and second machines of one person, rescue words, and floods of operations. */
export const machines: RoomSchedules = {
  'operations and lines of two partitioned machines of one admin all count': {
    people: HONEST,
    run: async world => {
      await gather(world, ['bob', 'admin'], ['carol', 'host'], ['dave', 'member'])
      world.copyMachine('bob')
      await soon(world)
      world.partition(['bob', 'carol'])
      await soon(world)
      await world.remove('bob', ROOM, 'dave')
      await world.invite('bob II', ROOM, 100)
      world.seat('bob', ROOM)?.say('from here')
      world.seat('bob II', ROOM)?.say('from there')
      await soon(world)
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'carol')
      world.expectOpenInvitations(ROOM, 1)
      world.expectLines('carol', ROOM, '#ops from here', '#ops from there')
    },
  },

  'two machines of one founder that never connect agree through a third person': {
    people: HONEST,
    run: async world => {
      await gather(world, ['bob', 'admin'], ['carol', 'admin'])
      world.copyMachine('alice')
      await soon(world)
      world.cut('alice', 'alice II')
      for (let times = 0; times < 4; times++) {
        world.partition(['alice', 'bob'])
        world.cut('alice', 'alice II')
        await soon(world)
        await world.invite('alice', ROOM, 100 + times)
        await world.invite('alice II', ROOM, 200 + times)
        await soon(world)
        world.heal()
        world.cut('alice', 'alice II')
        await world.run(3_000)
      }
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'carol')
      world.expectOpenInvitations(ROOM, 8)
      world.expectWarning(ROOM, 'fork')
    },
  },

  'two machines of a founder without other members agree': {
    people: HONEST,
    run: async world => {
      await gather(world)
      await soon(world)
      world.copyMachine('alice')
      await soon(world)
      await world.invite('alice', ROOM, 100)
      await soon(world)
      await world.invite('alice II', ROOM, 101)
      await world.settle()
      world.expectMembers(ROOM, 'alice')
      world.expectOpenInvitations(ROOM, 2)
    },
  },

  'a disk copy from before its owner entered a room has no such room': {
    people: HONEST,
    run: async world => {
      await world.found('alice', ROOM)
      world.copyMachine('bob')
      await world.enter('bob', ROOM, 'alice')
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob')
    },
  },

  'a member who leaves on one machine learns of it on the other': {
    people: HONEST,
    run: async world => {
      await gather(world, ['bob', 'host'], ['carol', 'host'])
      world.copyMachine('bob')
      await soon(world)
      world.partition(['bob II'], true)
      await world.act(world.seat('bob', ROOM)?.leave())
      await soon(world)
      world.person('bob').crash('killed')
      world.heal()
      await world.run(60_000)
      world.expectMembers(ROOM, 'alice', 'carol')
      world.expectAware('bob II', ROOM)
    },
  },

  'everybody sees all lines of both histories of a forked log': {
    people: HONEST,
    run: async world => {
      await gather(world, ['bob', 'host'], ['carol', 'host'])
      world.backUp('bob', ROOM)
      world.seat('bob', ROOM)?.say('one')
      await soon(world)
      world.partition(['bob'])
      world.goBack('bob', ROOM)
      await soon(world)
      for (const line of ['other one', 'two']) world.seat('bob', ROOM)?.say(line)
      await soon(world)
      world.heal()
      await world.settle()
      for (const name of ['alice', 'carol']) world.expectLines(name, ROOM, '#ops one', '#ops other one', '#ops two')
    },
  },

  'the branch of a forked log that the removal names counts': {
    people: HONEST,
    run: async world => {
      await gather(world, ['bob', 'host'], ['carol', 'host'])
      world.backUp('bob', ROOM)
      world.seat('bob', ROOM)?.say('one')
      await soon(world)
      world.partition(['bob', 'carol'])
      world.goBack('bob', ROOM)
      await soon(world)
      world.seat('bob', ROOM)?.say('other one')
      await soon(world)
      await world.remove('alice', ROOM, 'bob')
      world.heal()
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'carol')
      for (const name of ['alice', 'carol']) world.expectLines(name, ROOM, '#ops one')
    },
  },

  'the rescue words remove a founder with a stolen key, and everybody whom the thief admitted': {
    people: WITH_MALLORY,
    run: async world => {
      await world.found('alice', ROOM, true)
      for (const name of ['bob', 'carol']) await world.enter(name, ROOM, 'alice', 'host')
      world.copyMachine('alice')
      await soon(world)
      world.partition(['alice II', 'mallory'])
      await world.invite('alice II', ROOM, 100, { role: 'admin' })
      world.join('mallory', 100)
      await world.run(3_000)
      await world.act(world.seat('bob', ROOM)?.rescue(world.rescueKeys(ROOM)))
      await soon(world)
      world.heal()
      await world.settle()
      world.expectMembers(ROOM, 'bob', 'carol')
      world.expectAware('alice', ROOM)
    },
  },

  'a founder who does not know of the rescue sends lines to a member whom they readmit': {
    people: HONEST,
    run: async world => {
      await world.found('alice', ROOM, true)
      for (const name of ['bob', 'carol']) await world.enter(name, ROOM, 'alice', 'host')
      await soon(world)
      await world.remove('alice', ROOM, 'bob')
      world.seat('alice', ROOM)?.say('meanwhile')
      await soon(world)
      world.partition(['carol'], true)
      await world.act(world.seat('carol', ROOM)?.rescue(world.rescueKeys(ROOM)))
      await world.admit('alice', ROOM, 'bob', 'member')
      await world.run(60_000)
      await world.settle()
      world.expectMembers(ROOM, 'carol')
    },
  },

  'lines of a removed member count if they take the room over before they know of the removal': {
    people: HONEST,
    run: async world => {
      await world.found('alice', ROOM, true)
      await world.enter('bob', ROOM, 'alice', 'member')
      await world.enter('carol', ROOM, 'alice', 'admin')
      await soon(world)
      world.partition(['carol'])
      await world.remove('carol', ROOM, 'bob')
      world.seat('bob', ROOM)?.say('still here')
      await soon(world)
      await world.act(world.seat('bob', ROOM)?.rescue(world.rescueKeys(ROOM)))
      await world.settle()
      world.expectMembers(ROOM, 'bob', 'carol')
      world.expectLines('carol', ROOM, '#ops still here')
    },
  },

  'an old copy of the founder that first connects to the member whom it removes signs everything again': {
    people: HONEST,
    run: async world => {
      await gather(world, ['bob', 'admin'], ['carol', 'member'])
      world.backUp('alice', ROOM)
      for (const code of [100, 101, 102]) await world.invite('alice', ROOM, code)
      await soon(world)
      world.partition(['alice'], true)
      world.goBack('alice', ROOM)
      await soon(world)
      await world.act(world.seat('alice', ROOM)?.confirm())
      await world.remove('alice', ROOM, 'carol')
      world.heal()
      world.partition(['bob'], true)
      await world.run(40_000)
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob')
      world.expectOpenInvitations(ROOM, 3)
    },
  },

  'a flood of operations by one admin blocks nobody, and a removal ends it': {
    people: WITH_MALLORY,
    run: async world => {
      await gather(world, ['bob', 'admin'], ['mallory', 'admin'])
      for (let times = 0; times < 4; times++) {
        world.misbehave('mallory', ROOM, 'floods operations')
        world.seat('bob', ROOM)?.say(`line ${times}`)
        await soon(world)
      }
      await world.enter('carol', ROOM, 'bob')
      await world.remove('alice', ROOM, 'mallory')
      world.misbehave('mallory', ROOM, 'floods operations')
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'carol')
    },
  },
}
