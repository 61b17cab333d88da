import assert from 'node:assert/strict'
import test from 'node:test'
import type { Remote } from '../../src/net/handshake/handshake.js'
import type { Address } from '../../src/net/lan/address.js'
import { LanAutodial } from '../../src/net/overlay/lan-autodial.js'
import type { DialAttempt } from '../../src/net/topology.js'
import { AnnounceNotice } from '../../src/node/announce-notice.js'
import { ROOM, serviceOf } from '../helper/link-of-hosts.js'
import { VirtualClock } from '../helper/virtual-clock.js'

/** Alice, whose key is that of host 5: bob (2) has a lower one, dave (7) a higher one. */
function world(isMeetingAll = true) {
  const clock = new VirtualClock()
  const links: { remote: Remote }[] = []
  const trials: DialAttempt[] = []
  const done: string[] = []
  const missing: boolean[] = []
  const neighbours = new LanAutodial({
    swarm: {
      links,
      trials,
      add: (name: string, { host, port }: Address) => done.push(`add ${name} ${host}:${port}`),
      remove: name => done.push(`remove ${name}`),
      hurry: name => done.push(`hurry ${name}`),
    },
    clock,
    key: serviceOf('alice', 5).key,
    room: ROOM,
    meeting: isMeetingAll ? { found: () => {}, lost: () => {}, wants: () => links.length < 16 } : undefined,
    onMissing: isMissing => missing.push(isMissing),
  })
  const link = (number: number) => {
    const key = serviceOf('', number).key.padEnd(64, '0')
    links.push({ remote: { kind: 'ours', address: '', instance: '', key, isElder: false, aheadMs: 0 } })
  }
  const tryInVain = (name: string, host: string, tries = 1) =>
    trials.push({ name, address: { host, port: 1 }, tries, reason: 'nobody listens there' })
  return { clock, links, trials, done, missing, neighbours, link, tryInVain }
}
const bob = serviceOf('bob', 2)
const dave = serviceOf('dave', 7)

test('of two who find each other the lower key dials at once, the other where there is no link after a second', () => {
  const { clock, done, neighbours } = world()
  neighbours.sighted(dave)
  assert.deepEqual(done, ['add dave dave.local:4007'])
  neighbours.sighted(bob)
  clock.advance(999)
  assert.equal(done.length, 1)
  clock.advance(1)
  assert.deepEqual(done.slice(1), ['add bob bob.local:4002'])
})

test('a peer that was named in other letters is tried again when it is announced', () => {
  const { done, neighbours, tryInVain } = world(false)
  tryInVain('BOB', 'BOB.local')
  tryInVain('bobby', 'bobby.local')
  neighbours.sighted(bob)
  assert.deepEqual(done, ['hurry BOB'])
})

test('who has dialled us meanwhile is not dialled, nor who is linked, in another room, or seen again', () => {
  const { clock, done, neighbours, link } = world()
  neighbours.sighted(bob)
  link(2)
  clock.advance(5_000)
  neighbours.sighted(bob)
  neighbours.sighted({ ...dave, room: 'ffff112233445566' })
  clock.advance(5_000)
  assert.deepEqual(done, [])
  for (let i = 0; i < 3; i++) neighbours.sighted(dave)
  assert.equal(done.length, 1, 'control: whoever is not linked is dialled, once')
})

test('with sixteen links nobody else is dialled, however many are found', () => {
  const { done, neighbours, links, link } = world()
  for (let i = 10; i < 100; i++) neighbours.sighted(serviceOf(`peer${i}`, i))
  assert.equal(done.length, 16)
  for (let i = 0; i < 16; i++) link(200 + i)
  const other = world()
  other.links.push(...links)
  other.neighbours.sighted(dave)
  assert.deepEqual(other.done, [])
})

test('sixteen peers that are not there keep nobody who is from being dialled', () => {
  const { done, neighbours, tryInVain } = world()
  for (let i = 10; i < 26; i++) neighbours.sighted(serviceOf(`liar${i}`, i))
  neighbours.sighted(dave)
  assert.equal(done.includes('add dave dave.local:4007'), false, 'control: not before they were tried')
  tryInVain('liar12', 'liar12.local', 2)
  tryInVain('liar13', 'liar13.local', 3)
  neighbours.sighted(dave)
  assert.deepEqual(done.slice(-2), ['remove liar13', 'add dave dave.local:4007'])
})

test('who named somebody dials nobody else, but tries at once whom he named and who is heard of', () => {
  const { clock, done, neighbours, tryInVain } = world(false)
  tryInVain('bob', 'bob.local')
  neighbours.sighted(dave)
  for (let i = 0; i < 5; i++) neighbours.sighted(bob)
  assert.deepEqual(done, ['hurry bob'])
  clock.advance(2_000)
  neighbours.sighted({ ...bob, instance: 'bob (2)' })
  assert.deepEqual(done, ['hurry bob', 'hurry bob'])
})

test('who says goodbye is given up; who falls silent only where there is no link', () => {
  const { done, neighbours, link, links } = world()
  neighbours.sighted(dave)
  link(7)
  neighbours.lost(dave, false)
  assert.equal(done.length, 1)
  neighbours.lost(dave, true)
  assert.deepEqual(done.slice(1), ['remove dave'])
  links.length = 0
  neighbours.sighted(dave)
  neighbours.lost(dave, false)
  assert.deepEqual(done.slice(2), ['add dave dave.local:4007', 'remove dave'])
})

test('somebody is missing where there is no link, or one by name is tried in vain', () => {
  const { missing, neighbours, trials, link, tryInVain } = world()
  neighbours.update()
  link(2)
  neighbours.update()
  tryInVain('dave', '10.0.0.7')
  neighbours.update()
  trials.length = 0
  tryInVain('dave', 'dave.local')
  neighbours.update()
  assert.deepEqual(missing, [true, false, false, true])
})

test('where a peer is announced is said once, the network before the machine itself, and again on change', () => {
  const said: string[] = []
  const announced = new AnnounceNotice('alice', line => said.push(line))
  const lo = { name: 'lo', address: '127.0.0.1' }
  const eth0 = { name: 'eth0', address: '10.0.0.5' }
  announced.tell('alice', [])
  announced.tell('alice', [lo, eth0, { name: 'eth0', address: 'fe80::1%eth0' }])
  announced.tell('alice', [lo, eth0])
  announced.tell('alice (2)', [lo])
  const many = Array.from({ length: 7 }, (_, i) => ({ name: `tap${i}`, address: `10.${i}.0.1` }))
  announced.tell('alice', many)
  assert.deepEqual(said, [
    'announced as alice on eth0 (10.0.0.5), lo (127.0.0.1)',
    'announced as alice (2) on lo (127.0.0.1), for another alice is there',
    'announced as alice on tap0 (10.0.0.1), tap1 (10.1.0.1), tap2 (10.2.0.1), tap3 (10.3.0.1) and 3 more',
  ])
})
