import assert from 'node:assert/strict'
import type { KeyPair } from '../../../src/base/crypto/signing.js'
import {
  admitBody,
  after,
  aliceKeys,
  authorOfKeys,
  bobKeys,
  founderKeys,
  opening,
  signedRoom,
} from '../../helper/membership-members.js'
import { rolesOf, type Source } from '../../helper/membership-world.js'
import type { Schedules } from './schedule.js'

/** The rights of each role. */
export const authority: Schedules = {
  'the founder is the first member': world => {
    assert.equal(world.members(world.founder), 'founder')
  },

  'nobody is a member without a chain of admissions from the founder': world => {
    const { founder, alice, bob } = world
    alice.admit(bob, 'admin')
    bob.admit(alice, 'admin')
    assert.equal(world.members(founder, alice, bob), 'founder')
  },

  'a host admits members only, and a member admits nobody': world => {
    const { founder, alice, bob } = world
    founder.admit(alice, 'host')
    founder.admit(bob)
    alice.admit('guest')
    alice.admit('admin', 'admin')
    alice.admit('host', 'host')
    bob.admit('friend')
    assert.deepEqual(rolesOf(world.evaluate(founder, alice, bob)), {
      alice: 'host',
      bob: 'member',
      founder: 'founder',
      guest: 'member',
    })
  },

  'an operation of another room is rejected': ({ build }) => {
    const body = admitBody(aliceKeys, 'member')
    const { bytes } = build.signOperation(signedRoom.id, founderKeys, after(opening), body)
    assert.equal(build.checkOperation(signedRoom, bytes).kind, 'operation')
    const { founder, rescue } = signedRoom
    const other = { founder, rescue, id: new Uint8Array(32).fill(1) }
    assert.deepEqual(build.checkOperation(other, bytes), { kind: 'rejected', reason: 'invalid-signature' })
  },

  'nobody is admitted unasked, and nobody signs for another': ({ build }) => {
    const body = admitBody(aliceKeys, 'member')
    const unasked = { ...body, subject: authorOfKeys(bobKeys) }
    const forger: KeyPair = { publicKey: founderKeys.publicKey, sign: bytes => bobKeys.sign(bytes) }
    const reasons = [
      build.signOperation(signedRoom.id, founderKeys, after(opening), unasked),
      build.signOperation(signedRoom.id, forger, after(opening), body),
    ].map(({ bytes }) => build.checkOperation(signedRoom, bytes))
    assert.deepEqual(reasons, [
      { kind: 'rejected', reason: 'invalid-consent' },
      { kind: 'rejected', reason: 'invalid-signature' },
    ])
  },

  'nobody removes themselves': world => {
    const { founder, alice } = world
    founder.admit(alice, 'admin')
    alice.remove(alice, 0)
    assert.equal(world.members(founder, alice), 'alice founder')
  },

  'an invitation used in two partitions admits both, and everybody is warned': world => {
    const { founder, alice, bob } = world
    const invitation = 'ab'.repeat(16)
    founder.admit(alice, 'host')
    founder.admit(bob, 'host')
    alice.admit('carol', 'member', { invitation })
    const membership = world.evaluate(founder, alice, bob)
    assert.deepEqual(membership.warnings, [])
    bob.admit('dave', 'member', { invitation })
    const both = world.evaluate(founder, alice, bob)
    assert.deepEqual(Object.keys(rolesOf(both)), ['alice', 'bob', 'carol', 'dave', 'founder'])
    assert.deepEqual(
      both.warnings.map(({ kind }) => kind),
      ['overused-invitation'],
    )
  },

  'promotion is a second admission, and an admission to a lower role changes nothing': world => {
    const { founder, alice, bob } = world
    founder.admit(alice)
    founder.admit(alice, 'host')
    founder.admit(alice)
    alice.admit('guest')
    founder.admit(bob, 'admin')
    founder.admit(bob)
    assert.deepEqual(rolesOf(world.evaluate(founder, alice, bob)), {
      alice: 'host',
      bob: 'admin',
      founder: 'founder',
      guest: 'member',
    })
  },

  'the name of the most senior author who changed it counts': world => {
    const { founder, alice, bob } = world
    founder.admit(alice, 'admin')
    founder.admit(bob, 'host')
    assert.equal(world.evaluate(founder, alice, bob).name, 'opened')
    bob.write({ kind: 'name', name: 'by a host', time: 0 })
    assert.equal(world.evaluate(founder, alice, bob).name, 'opened')
    alice.write({ kind: 'name', name: 'by an admin', time: 0 })
    assert.equal(world.evaluate(founder, alice, bob).name, 'by an admin')
    founder.write({ kind: 'name', name: 'first', time: 0 })
    founder.write({ kind: 'name', name: 'second', time: 0 })
    assert.equal(world.evaluate(founder, alice, bob).name, 'second')
  },

  'admins erase, and only the founder and the rescue key set how long content is kept': world => {
    const { founder, alice, bob } = world
    const erase = {
      kind: 'erase',
      subject: bob.author,
      run: 0,
      from: 1,
      to: 2,
      chain: 'c'.repeat(64),
      time: 0,
    } as const
    const keep = { kind: 'keep', keep: { unit: 'milliseconds', amount: 1000 }, time: 0 } as const
    founder.admit(alice, 'admin')
    founder.admit(bob, 'host')
    alice.write(erase)
    alice.write(keep)
    bob.write({ ...erase, subject: alice.author })
    const membership = world.evaluate(founder, alice, bob)
    assert.deepEqual(membership.erasures, [{ by: alice.author, body: erase }])
    assert.equal(membership.keep, undefined)
    founder.write(keep)
    founder.write({ ...keep, keep: { unit: 'bytes', amount: 5 } })
    assert.deepEqual(world.evaluate(founder, alice, bob).keep, { unit: 'bytes', amount: 5 })
  },

  'an invitation is open until it is used, withdrawn, or its author may no longer admit': world => {
    const { founder, alice, bob } = world
    const invite = (digit: string) =>
      ({
        kind: 'invite',
        role: 'member',
        inviteKey: digit.repeat(64),
        findKey: 'f'.repeat(64),
        until: 9,
        uses: 1,
        time: 0,
      }) as const
    const states = (...sources: Source[]): string =>
      world
        .evaluate(...sources)
        .invitations.map(({ id, state }) => `${id[0]} ${state}`)
        .join()
    founder.admit(alice, 'host')
    founder.admit(bob)
    for (const digit of '1234') alice.write(invite(digit))
    bob.write(invite('5'))
    founder.write(invite('6'))
    alice.write({ kind: 'revoke', invitation: '6'.repeat(32), time: 0 })
    assert.equal(states(founder, alice, bob), '6 open,1 open,2 open,3 open,4 open')
    alice.admit('guest', 'member', { invitation: '1'.repeat(32) })
    alice.write({ kind: 'revoke', invitation: '2'.repeat(32), time: 0 })
    founder.write({ kind: 'revoke', invitation: '3'.repeat(32), time: 0 })
    bob.write({ kind: 'revoke', invitation: '4'.repeat(32), time: 0 })
    assert.equal(states(founder, alice, bob), '6 open,1 used,2 withdrawn,3 withdrawn,4 open')
    founder.remove(alice)
    assert.equal(states(founder, alice, bob), '6 open,1 used,2 withdrawn,3 withdrawn,4 void')
  },
}
