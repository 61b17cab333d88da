import type { RoomWorld } from '../room-world.js'
import { gather, HONEST, ROOM, type RoomSchedules, soon, WITH_MALLORY } from './schedule.js'

/** Faults around a removal: which lines reach the removed member. */
export const barrier: RoomSchedules = {
  'a returning member connects to the removed member first': {
    people: WITH_MALLORY,
    run: world => metAfterAbsence(world, 'mallory'),
  },

  'a returning member connects to a member first, then to the removed one': {
    people: WITH_MALLORY,
    run: world => metAfterAbsence(world, 'bob'),
  },

  'a stolen room id opens no channel': {
    people: { ...HONEST, oscar: 'outsider' },
    run: async world => {
      await gather(world, ['bob', 'host'], ['carol', 'member'])
      world.intrude('oscar', ROOM)
      await world.run(5_000)
      world.person('oscar').misbehave(ROOM, 'sends foreign tags', world.secrets)
      world.seat('bob', ROOM)?.say('among us')
      await world.run(40_000)
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'carol')
    },
  },

  'a member who withholds removals can pass on only lines that they have': {
    people: {
      alice: 'honest',
      bob: 'honest',
      carol: 'honest',
      mallory: 'Byzantine, withholds removals',
      trudy: 'Byzantine',
    },
    run: async world => {
      await gather(world, ['bob', 'host'], ['carol', 'host'], ['mallory', 'host'], ['trudy', 'host'])
      // Bob receives the room only from mallory, and is connected to trudy.
      world.partition(['bob', 'mallory', 'trudy'])
      world.cut('bob', 'alice')
      world.cut('bob', 'carol')
      await world.remove('alice', ROOM, 'trudy')
      for (let line = 0; line < 5; line++) world.seat('alice', ROOM)?.say(`secret ${line}`)
      await soon(world)
      world.heal()
      world.cut('bob', 'alice')
      world.cut('bob', 'carol')
      await world.run(10_000)
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'carol', 'mallory')
    },
  },

  'a removal arrives while a page of chat is being sent to the removed member': {
    people: WITH_MALLORY,
    run: async world => {
      await gather(world, ['bob', 'host'], ['carol', 'host'], ['mallory', 'host'])
      world.cut('alice', 'mallory')
      world.cut('carol', 'mallory')
      world.cut('alice', 'bob')
      await soon(world)
      await world.remove('alice', ROOM, 'mallory')
      for (let line = 0; line < 200; line++) world.seat('alice', ROOM)?.say(`secret ${line} ${'x'.repeat(200)}`)
      for (let line = 0; line < 200; line++) world.seat('bob', ROOM)?.say(`open ${line} ${'x'.repeat(200)}`)
      await world.run(20)
      world.heal()
      for (let line = 0; line < 50; line++) {
        world.seat('alice', ROOM)?.say(`late secret ${line}`)
        world.seat('mallory', ROOM)?.say(`still here ${line}`)
        await world.run(7)
      }
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'carol')
    },
  },

  'no line arrives before the removal that its author knew of': {
    people: WITH_MALLORY,
    run: async world => {
      await gather(world, ['bob', 'host'], ['carol', 'host'], ['mallory', 'host'])
      for (let times = 0; times < 8; times++) {
        world.partition(['alice'], true)
        await soon(world)
        await world.remove('alice', ROOM, 'mallory')
        for (let line = 0; line < 20; line++) world.seat('alice', ROOM)?.say(`secret ${times}.${line}`)
        await soon(world)
        world.heal()
        world.cut('alice', 'mallory')
        await world.run(3_000)
        world.heal()
        await world.admit('alice', ROOM, 'mallory', 'host')
        await world.run(2_000)
      }
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'carol', 'mallory')
    },
  },

  'a member crashes between a removal and the lines after it': {
    people: WITH_MALLORY,
    run: async world => {
      await gather(world, ['bob', 'host'], ['mallory', 'host'])
      for (let times = 0; times < 6; times++) {
        world.partition(['alice'], true)
        await soon(world)
        await world.remove('alice', ROOM, 'mallory')
        for (let line = 0; line < 20; line++) world.seat('alice', ROOM)?.say(`secret ${times}.${line}`)
        await soon(world)
        world.heal()
        world.cut('alice', 'mallory')
        await world.run(1_000 + 40 * times)
        world.person('bob').crash('power cut')
        world.person('bob').start()
        await soon(world)
        world.heal()
        await world.run(3_000)
        await world.admit('alice', ROOM, 'mallory', 'host')
        await soon(world)
      }
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'mallory')
    },
  },

  'an admin who loses power while signing does not fork their operations': {
    people: HONEST,
    run: async world => {
      await gather(world, ['bob', 'host'], ['carol', 'host'])
      for (let times = 0; times < 12; times++) {
        void world.seat('alice', ROOM)?.remove(world.person('bob').author)
        await world.run(2 + times)
        world.partition(['alice'], true)
        world.person('alice').crash('power cut')
        world.person('alice').start()
        await world.run(200)
        await world.invite('alice', ROOM, 1_000 + times)
        await world.admit('alice', ROOM, 'bob', 'host')
        world.heal()
        await world.run(3_000)
      }
      await world.settle()
      world.expectIn(ROOM, 'alice')
    },
  },

  'two partitions with branches of equal length agree after they heal': {
    people: WITH_MALLORY,
    run: async world => {
      await gather(world, ['bob', 'host'], ['carol', 'host'], ['mallory', 'host'])
      for (const [a, b] of [
        ['bob', 'carol'],
        ['alice', 'bob'],
        ['alice', 'carol'],
      ] as const) {
        world.reset(a, b)
        world.cut(a, b)
      }
      await soon(world)
      for (let times = 0; times < 3; times++)
        world.person('mallory').misbehave(ROOM, 'tells each peer a different branch', world.secrets)
      await world.run(30)
      world.person('mallory').crash('killed')
      await world.settle()
      world.expectWarning(ROOM, 'fork')
    },
  },

  'a member who slept through ten removals still sends and receives all lines': {
    people: WITH_MALLORY,
    run: async world => {
      await gather(world, ['bob', 'host'], ['mallory', 'member'])
      world.person('bob').crash('killed')
      for (let times = 0; times < 10; times++) {
        await world.remove('alice', ROOM, 'mallory')
        await world.admit('alice', ROOM, 'mallory', 'member')
      }
      await world.remove('alice', ROOM, 'mallory')
      world.seat('alice', ROOM)?.say('you missed a lot')
      await soon(world)
      world.person('bob').start()
      await world.run(3_000)
      world.seat('bob', ROOM)?.say('I am here')
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob')
      world.expectLines('alice', ROOM, '#ops I am here', '#ops you missed a lot')
    },
  },

  'after an old copy of the founder signs again, all members agree': {
    people: HONEST,
    run: async world => {
      await gather(world, ['bob', 'admin'], ['carol', 'member'])
      const copy = world.seat('alice', ROOM)?.disk.backUp()
      await world.enter('dave', ROOM, 'alice')
      // A hundred operations, because the mark would restore a single one.
      await world.invite('alice', ROOM, 100)
      await soon(world)
      world.person('alice').crash('killed')
      if (copy !== undefined) world.restore('alice', ROOM, copy)
      world.partition(['alice'])
      world.person('alice').start()
      await soon(world)
      await world.act(world.seat('alice', ROOM)?.confirm())
      await world.remove('alice', ROOM, 'carol')
      await world.settle()
      world.expectWarning(ROOM, 'fork')
      world.expectMembers(ROOM, 'alice', 'bob', 'dave')
      world.expectOpenInvitations(ROOM, 1)
      for (const name of ['bob', 'dave']) {
        world.person(name).crash('killed')
        world.person(name).start()
      }
      await world.settle()
      world.expectWarning(ROOM, 'fork')
    },
  },

  'an old copy of the founder signs nothing before it has synced with a member': {
    people: HONEST,
    run: async world => {
      await gather(world, ['bob', 'admin'], ['carol', 'member'])
      const copy = world.seat('alice', ROOM)?.disk.backUp()
      await world.enter('dave', ROOM, 'alice')
      // A hundred operations, because the mark would restore a single one.
      await world.invite('alice', ROOM, 100)
      await soon(world)
      world.person('alice').crash('killed')
      if (copy !== undefined) world.restore('alice', ROOM, copy)
      world.partition(['alice'])
      world.person('alice').start()
      await soon(world)
      await world.remove('alice', ROOM, 'carol')
      world.expectIn(ROOM, 'carol')
      world.heal()
      const carol = world.person('carol').author
      // She signs as soon as her program permits it.
      for (let ms = 0; ms < 60_000 && world.seat('alice', ROOM)?.members?.isMember(carol); ms += 2) {
        void world.seat('alice', ROOM)?.remove(carol)
        await world.run(2)
      }
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'dave')
    },
  },
}

/** Carol was away when mallory was removed. On her return she first meets either mallory, or bob, who knows of the removal. */
async function metAfterAbsence(world: RoomWorld, first: 'mallory' | 'bob'): Promise<void> {
  await gather(world, ['bob', 'host'], ['carol', 'host'], ['mallory', 'host'])
  world.person('carol').crash('killed')
  world.partition(['mallory'])
  await world.remove('alice', ROOM, 'mallory')
  await soon(world)
  for (let line = 0; line < 5; line++) world.seat('bob', ROOM)?.say(`secret ${line}`)
  await soon(world)
  world.heal()
  world.partition(['carol', first])
  world.person('carol').start()
  await world.run(5_000)
  world.seat('carol', ROOM)?.say('I am back')
  world.seat('mallory', ROOM)?.say('so am I')
  await world.run(5_000)
  await world.settle()
  world.expectMembers(ROOM, 'alice', 'bob', 'carol')
}
