import type { Character } from './room-person.js'
import type { RoomWorld } from './room-world.js'

/** What happens in private rooms, step by step, with the production code over the simulated network. */
export interface RoomSchedule {
  readonly people: Readonly<Record<string, Character>>
  readonly run: (world: RoomWorld) => Promise<void>
}

const ROOM = 'ops'
const HONEST = { alice: 'honest', bob: 'honest', carol: 'honest', dave: 'honest' } as const
const WITH_MALLORY = { alice: 'honest', bob: 'honest', carol: 'honest', mallory: 'Byzantine' } as const

/** Long enough for what was sent to arrive. */
const soon = (world: RoomWorld): Promise<void> => world.run(1_000)

/** `alice` founds a room, and lets the others in as hosts, or in the roles given. */
async function gather(world: RoomWorld, ...others: readonly (readonly [string, 'admin' | 'host' | 'member'])[]) {
  await world.found('alice', ROOM)
  for (const [name, role] of others) await world.enter(name, ROOM, 'alice', role)
  await soon(world)
}

/** Everybody is apart, each does something, and then all meet again. */
async function apart(world: RoomWorld, ...acts: readonly (() => Promise<void>)[]): Promise<void> {
  for (const name of world.names) world.partition([name])
  await soon(world)
  for (const act of acts) await act()
  await soon(world)
  world.heal()
}

/** The schedules of docs/protocol/membership.md that mean something on a wire; the others are in test/membership/schedules. */
export const ROOM_SCHEDULES: Readonly<Record<string, RoomSchedule>> = {
  'of two admins who remove each other in a partition the senior stays': {
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

  'of three who remove each other in a ring the most senior stays': {
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

  'nobody removes the founder, nor who admitted them': {
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

  'whom a host admits after their removal is no member, and those from before stay': {
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

  'nobody is admitted who has not asked': {
    people: WITH_MALLORY,
    run: async world => {
      await gather(world, ['bob', 'host'], ['mallory', 'admin'])
      world.person('mallory').misbehave(ROOM, 'admits somebody unasked', world.secrets)
      await world.settle()
      world.expectMembers(ROOM, 'alice', 'bob', 'mallory')
    },
  },

  'nobody signs for another': {
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

  'an operation of another room counts nowhere else': {
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

  'a member who forks their operations leaves everybody with the same members': {
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

  'operations out of order, with gaps and unknown parents, change nothing': {
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

  'a code that is used in two partitions lets both in, and everybody is warned': {
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

  'a code with one use lets one in': {
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

  'a code is refused after its expiry, by the clock of whoever admits': {
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

  'a code that one member refuses, whose clock is wrong, is accepted by another': {
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

  'a removal wins over a promotion at the same time': {
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

  'of two removals both have to be answered': {
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

  'what somebody wrote and signed while out does not count when they are in again': {
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

  'somebody who is admitted again writes in a new run, and is heard': {
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

  'a code does not let a removed member in': {
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

  'somebody who is removed a second time, while away, learns it': {
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

  'guests of guests behind a removal are out with them': {
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

  'what a demoted admin signs in ignorance does not count': {
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

  'somebody who left comes back by a code in another role': {
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

  'the removed one meets somebody who was away, before that one meets anybody else': {
    people: WITH_MALLORY,
    run: world => metAfterAbsence(world, 'mallory'),
  },

  'the removed one meets somebody who was away, after that one met another': {
    people: WITH_MALLORY,
    run: world => metAfterAbsence(world, 'bob'),
  },

  'a newcomer whom a removed host let into the room as it was learns that they are out, and enters by another code': {
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

  'a newcomer is shown a false room by a removed member, and enters the true one': {
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

  'an admitter who crashes before the admission is on disk has admitted nobody, and admits them later': {
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

  'a stolen room id opens nothing': {
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

  'a member who withholds removals hands on their own lines alone': {
    people: {
      alice: 'honest',
      bob: 'honest',
      carol: 'honest',
      mallory: 'Byzantine, withholds removals',
      trudy: 'Byzantine',
    },
    run: async world => {
      await gather(world, ['bob', 'host'], ['carol', 'host'], ['mallory', 'host'], ['trudy', 'host'])
      // Bob hears of the room from mallory alone, and is connected to trudy.
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

  'a removal comes while a page of chat is on its way to the removed one': {
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

  'lines do not overtake the removal that their author knew of, to members who have not heard': {
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

  'a member crashes between a removal and the lines behind it': {
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

  'an admin whose power fails while they sign has signed one history': {
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

  'two branches of as many operations, one in each partition, meet': {
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
        world.person('mallory').misbehave(ROOM, 'tells each another branch', world.secrets)
      await world.run(30)
      world.person('mallory').crash('killed')
      await world.settle()
      world.expectWarning(ROOM, 'fork')
    },
  },

  'a member who slept through ten removals is locked out of nothing': {
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

  'an old copy of the founder signs again, and all agree': {
    people: HONEST,
    run: async world => {
      await gather(world, ['bob', 'admin'], ['carol', 'member'])
      const copy = world.seat('alice', ROOM)?.disk.backUp()
      await world.enter('dave', ROOM, 'alice')
      await soon(world)
      world.person('alice').crash('killed')
      if (copy !== undefined) world.restore('alice', ROOM, copy)
      world.partition(['alice'])
      world.person('alice').start()
      await soon(world)
      await world.remove('alice', ROOM, 'carol')
      await world.settle()
      world.expectWarning(ROOM, 'fork')
      for (const name of ['bob', 'dave']) {
        world.person(name).crash('killed')
        world.person(name).start()
      }
      await world.settle()
      world.expectWarning(ROOM, 'fork')
    },
  },
}

/** Bob and carol were away when mallory was removed; mallory meets carol before or after carol met bob, who knows. */
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
