import assert from 'node:assert/strict'
import test from 'node:test'
import { admissionOf, headOf, nextPlace, removalOf } from '../../src/membership/drafting.js'
import type { Body } from '../../src/membership/format/body.js'
import type { GivenRole } from '../../src/membership/format/role.js'
import { admissionBy, type Join, joinRefusalOf } from '../../src/membership/invitation/joining.js'
import { type Refusal, refusalOf } from '../../src/membership/refusal.js'
import { answering, authorNamed, importBuild, MembershipWorld, type Writer } from '../helper/membership-world.js'
import { flood, writers } from './schedules/schedule.js'

const build = await importBuild()
const CONSENT = '0'.repeat(128)

const admit = (name: string, role: GivenRole = 'member', more: object = {}): Body => ({
  kind: 'admit',
  subject: authorNamed(name),
  role,
  consent: CONSENT,
  time: 0,
  ...more,
})
const invite = (role: GivenRole, digit = '1'): Body => ({
  kind: 'invite',
  role,
  inviteKey: digit.repeat(64),
  findKey: 'f'.repeat(64),
  until: 100,
  uses: 1,
  time: 0,
})

/** Founder, alice (admin), bob (host), carol (member). */
function room(closed?: 1): { world: MembershipWorld; refusal: (by: Writer, body: Body) => Refusal | undefined } {
  const world = new MembershipWorld(build)
  const { founder, alice, bob, carol } = world
  if (closed === 1) {
    const [opening] = founder.operations.splice(0)
    assert.ok(opening?.body.kind === 'open')
    founder.write({ ...opening.body, closed })
  }
  founder.admit(alice, 'admin')
  founder.admit(bob, 'host')
  founder.admit(carol)
  const refusal = (by: Writer, body: Body): Refusal | undefined =>
    refusalOf(world.membership([founder, alice, bob, carol]), by.author, body)
  return { world, refusal }
}

test('each role writes what it may, and nothing else', () => {
  const { world, refusal } = room()
  const { founder, alice, bob, carol, dave } = world
  const erase: Body = { kind: 'erase', subject: bob.author, run: 0, from: 1, to: 1, chain: 'c'.repeat(64), time: 0 }
  const keep: Body = { kind: 'keep', keep: { unit: 'bytes', amount: 1 }, time: 0 }
  const name: Body = { kind: 'name', name: 'x', time: 0 }
  const leave: Body = { kind: 'leave', time: 0 }
  const remove = (writer: Writer): Body => ({ kind: 'remove', subject: writer.author, place: writer.at(0), time: 0 })
  const kinds = (by: Writer): (string | undefined)[] =>
    [
      admit('x', 'admin'),
      admit('x', 'host'),
      admit('x'),
      remove(carol),
      name,
      invite('host'),
      invite('member'),
      erase,
      keep,
      { kind: 'history', history: 0, time: 0 } as Body,
      leave,
    ].map(body => refusal(by, body)?.kind)
  const low = 'role-too-low'
  const ok = undefined
  assert.deepEqual(kinds(founder), [ok, ok, ok, ok, ok, ok, ok, ok, ok, ok, ok])
  assert.deepEqual(kinds(alice), [ok, ok, ok, ok, ok, ok, ok, ok, low, low, ok])
  assert.deepEqual(kinds(bob), [low, low, ok, low, low, low, ok, low, low, low, ok])
  assert.deepEqual(kinds(carol), [low, low, low, 'own-key', low, low, low, low, low, low, ok])
  assert.deepEqual(
    kinds(dave),
    Array.from({ length: 11 }, () => 'not-a-member'),
  )
  assert.deepEqual(refusal(bob, admit('x', 'host')), { kind: low, needs: 'admin' })
  assert.deepEqual(refusal(carol, admit('x')), { kind: low, needs: 'host' })
  assert.equal(refusal(founder, { ...(founder.operations[0]?.body as Body) })?.kind, 'already-open')
})

test('a junior does not remove a senior, and no removal names an unknown place', () => {
  const { world, refusal } = room()
  const { founder, alice, bob, dave } = world
  bob.admit('guest')
  const remove = (writer: Writer, place = writer.at()): Body => ({
    kind: 'remove',
    subject: writer.author,
    place,
    time: 0,
  })
  assert.deepEqual(refusal(alice, remove(founder)), { kind: 'senior' })
  assert.deepEqual(refusal(alice, remove(alice)), { kind: 'own-key' })
  assert.deepEqual(refusal(alice, remove(dave)), { kind: 'never-admitted' })
  assert.equal(refusal(alice, remove(bob)), undefined)
  assert.deepEqual(refusal(alice, remove(bob, { ...bob.at(), seq: 2 })), { kind: 'unknown-place' })
  assert.deepEqual(refusal(alice, remove(bob, { ...bob.at(), term: founder.at().id })), { kind: 'unknown-place' })
  alice.remove(bob)
  assert.equal(refusal(founder, remove(bob, bob.at(0))), undefined, 'a senior corrects the place')
})

test('a closed room has no hosts', () => {
  const { world, refusal } = room(1)
  const { founder, bob } = world
  assert.deepEqual(refusal(founder, admit('x', 'host')), { kind: 'closed-room' })
  assert.deepEqual(refusal(founder, invite('host')), { kind: 'closed-room' })
  assert.deepEqual(refusal(bob, admit('x')), { kind: 'closed-room' })
  assert.equal(refusal(founder, admit('x')), undefined)
})

test('nobody is admitted to a role that they have, or to a lower one', () => {
  const { world, refusal } = room()
  assert.deepEqual(refusal(world.founder, admit('bob', 'host')), { kind: 'has-role', role: 'host' })
  assert.deepEqual(refusal(world.founder, admit('alice', 'member')), { kind: 'has-role', role: 'admin' })
  assert.equal(refusal(world.founder, admit('bob', 'admin')), undefined)
  assert.deepEqual(refusal(world.founder, admit('founder')), { kind: 'own-key' })
})

test('an admission has to answer every removal, and be signed by somebody who may answer it', () => {
  const { world, refusal } = room()
  const { founder, alice, bob, carol } = world
  const removal = alice.remove(carol)
  const answers = answering(removal)
  assert.deepEqual(refusal(founder, admit('carol')), { kind: 'unanswered-removals', removals: [removal.id] })
  assert.equal(refusal(founder, admit('carol', 'member', answers)), undefined)
  assert.equal(refusal(alice, admit('carol', 'member', answers)), undefined)
  assert.deepEqual(refusal(bob, admit('carol', 'member', answers)), { kind: 'removed-by-senior', by: [alice.author] })
  for (let i = 0; i < 24; i++)
    founder.remove(
      {
        ...carol,
        author: carol.author,
        at: () => ({ ...carol.at(), term: i.toString(16).padStart(64, 'a') }),
      } as never,
      0,
    )
  assert.deepEqual(refusal(founder, admit('carol', 'member', answers)), { kind: 'too-many-removals', max: 24 })
})

test('drafts an admission that answers everything, and a removal at the end of the known operations', () => {
  const { world } = room()
  const { founder, alice, bob, carol } = world
  carol.leave()
  const before = world.membership([founder, alice, bob, carol])
  const draft = admissionOf(before, { subject: carol.author, role: 'member', consent: CONSENT, time: 0 })
  assert.deepEqual(draft.answers, [carol.at().id])
  const removal = alice.remove(carol)
  const useless = bob.remove(carol)
  const membership = world.membership([founder, alice, bob, carol])
  const answered = admissionOf(membership, { subject: carol.author, role: 'member', consent: CONSENT, time: 0 })
  assert.deepEqual(answered.answers, [carol.at().id, removal.id, useless.id].sort())
  founder.write(answered)
  const after = world.membership([founder, alice, bob, carol])
  assert.equal(after.members.get(carol.author)?.role, 'member')
  assert.deepEqual(nextPlace(after, carol.author), { term: founder.at().id, seq: 1, previous: '0'.repeat(64) })
  assert.deepEqual(nextPlace(after, bob.author), { term: '0'.repeat(64), seq: 2, previous: useless.id })
  assert.equal(nextPlace(after, authorNamed('nobody')), undefined)
  assert.deepEqual(removalOf(after, bob.author, [], 7), {
    kind: 'remove',
    subject: bob.author,
    place: bob.at(),
    time: 7,
  })
  assert.equal(removalOf(after, authorNamed('nobody'), [], 7), undefined)
  const term = after.currentTerm(bob.author)
  assert.deepEqual(term && headOf(term), bob.at())
})

test('nobody is admitted beyond the limits', () => {
  const { world, refusal } = room()
  const { founder, alice, bob } = world
  flood(bob, 31)
  assert.equal(refusal(bob, admit('one more')), undefined)
  bob.admit('last')
  assert.deepEqual(refusal(bob, admit('one more')), { kind: 'guests-full', max: 32 })
  flood(founder, 1_000 - 36)
  assert.deepEqual(refusal(alice, admit('one more')), { kind: 'room-full', max: 1_000 })
  assert.equal(refusal(alice, admit('bob', 'admin')), undefined, 'a promotion takes no place')
})

test('nobody is admitted deeper than 16 below the founder, nor below a full branch', () => {
  const world = new MembershipWorld(build)
  const chain = writers(world, 'admin', 16)
  let host = world.founder
  for (const admin of chain) {
    host.admit(admin, 'admin')
    host = admin
  }
  const membership = world.membership([world.founder, ...chain])
  assert.deepEqual(refusalOf(membership, host.author, admit('x')), { kind: 'too-deep', max: 16 })

  const full = new MembershipWorld(build)
  const { founder, alice, bob } = full
  founder.admit(alice, 'admin')
  alice.admit(bob, 'admin')
  const admins = writers(full, 'admin', 270)
  for (const admin of admins) {
    bob.admit(admin, 'admin')
    flood(admin, 60, 'admin')
  }
  const branch = full.membership([founder, alice, bob, ...admins])
  assert.deepEqual(refusalOf(branch, bob.author, admit('x')), { kind: 'branch-full', max: 16_384 })
})

test('the second half of a log is for removals and leaves, and nothing comes after it', () => {
  const { world, refusal } = room()
  const { carol, bob } = world
  for (let i = 0; i < 2_048; i++) bob.write({ kind: 'name', name: 'x', time: i })
  assert.deepEqual(refusal(bob, admit('x')), { kind: 'log-full', max: 2_048 })
  assert.equal(refusal(bob, { kind: 'leave', time: 0 }), undefined)
  for (let i = 0; i < 256; i++) carol.write({ kind: 'name', name: 'x', time: i })
  assert.deepEqual(refusal(carol, { kind: 'leave', time: 0 }), { kind: 'log-full', max: 256 })
})

test('open invitations are limited, and withdrawn by their authors and seniors', () => {
  const { world, refusal } = room()
  const { founder, alice, bob } = world
  const revoke = (digit: string): Body => ({ kind: 'revoke', invitation: digit.repeat(32), time: 0 })
  bob.write(invite('member', '1'))
  alice.write(invite('member', '2'))
  assert.equal(refusal(bob, revoke('1')), undefined)
  assert.equal(refusal(alice, revoke('1')), undefined)
  assert.deepEqual(refusal(bob, revoke('2')), { kind: 'senior' })
  assert.deepEqual(refusal(alice, revoke('3')), { kind: 'unknown-invitation' })
  for (let i = 0; i < 255; i++)
    founder.write({
      ...(invite('member') as Extract<Body, { kind: 'invite' }>),
      inviteKey: (0x4000 + i).toString(16).padEnd(64, '0'),
    })
  assert.equal(refusal(founder, invite('member', '5')), undefined)
  founder.write(invite('member', '5'))
  assert.deepEqual(refusal(founder, invite('member', '6')), { kind: 'too-many-invitations', max: 256 })
})

test('an invitation admits one person, until it expires, and nobody who was removed', () => {
  const { world } = room()
  const { founder, alice, bob, carol } = world
  const invitation = '7'.repeat(32)
  alice.write(invite('member', '7'))
  const membership = () => world.membership([founder, alice, bob, carol])
  const join = (subject: string, more: Partial<Join> = {}): Join => ({
    subject: authorNamed(subject),
    invitation,
    consent: CONSENT,
    time: 99,
    ...more,
  })
  const refusal = (subject: string, more: Partial<Join> = {}, admitter = bob) =>
    joinRefusalOf(membership(), admitter.author, join(subject, more))
  assert.equal(refusal('dave'), undefined)
  assert.deepEqual(refusal('dave', { invitation: '8'.repeat(32) }), { kind: 'unknown-invitation' })
  assert.deepEqual(refusal('dave', { time: 100 }), { kind: 'expired', until: 100 })
  assert.deepEqual(refusal('alice'), { kind: 'own-invitation' })
  assert.deepEqual(refusal('carol'), { kind: 'already-a-member' })
  assert.deepEqual(refusal('dave', {}, carol), { kind: 'refused', refusal: { kind: 'role-too-low', needs: 'host' } })
  carol.leave()
  assert.equal(refusal('carol'), undefined, 'a leave is answered')
  alice.remove(carol)
  assert.deepEqual(refusal('carol'), { kind: 'removed', by: [alice.author] })
  const shown = membership().invitations.find(({ id }) => id === invitation)
  assert.ok(shown)
  const body = admissionBy(membership(), shown, join('dave'))
  assert.deepEqual([body.role, body.invitation, body.answers], ['member', invitation, undefined])
  bob.write(body)
  assert.deepEqual(refusal('erin'), { kind: 'used' })
  alice.write({ kind: 'revoke', invitation, time: 0 })
  assert.deepEqual(refusal('erin'), { kind: 'withdrawn' })
})

test('an admission by a code answers the leaves of its subject, and no removal, not even one that does not count', () => {
  const { world } = room()
  const { founder, alice, bob, carol } = world
  const invitation = '7'.repeat(32)
  founder.write(invite('member', '7'))
  const left = carol.leave()
  const count = alice.operations.length
  const removal = alice.remove(carol)
  founder.remove(alice, count)
  const membership = world.membership([founder, alice, bob, carol])
  const join: Join = { subject: carol.author, invitation, consent: CONSENT, time: 99 }
  assert.equal(joinRefusalOf(membership, founder.author, join), undefined)
  const shown = membership.invitations.find(({ id }) => id === invitation)
  assert.ok(shown)
  assert.deepEqual(admissionBy(membership, shown, join).answers, [left.id])
  const byHand = admissionOf(membership, { subject: carol.author, role: 'member', consent: CONSENT, time: 99 })
  assert.ok(byHand.answers?.includes(removal.id), 'control: somebody who admits them by name means them')
})

test('a code does not admit somebody whom a junior removed, because their new term could be junior to that', () => {
  const { world } = room()
  const { founder, alice, bob, carol } = world
  const invitation = '7'.repeat(32)
  founder.write(invite('member', '7'))
  bob.remove(alice)
  const membership = () => world.membership([founder, alice, bob, carol])
  assert.ok(membership().currentTerm(alice.author), 'control: the removal by a junior ends nothing')
  alice.leave()
  const join: Join = { subject: alice.author, invitation, consent: CONSENT, time: 99 }
  assert.deepEqual(joinRefusalOf(membership(), founder.author, join), { kind: 'removed', by: [bob.author] })
})
