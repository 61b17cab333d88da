import assert from 'node:assert/strict'
import test from 'node:test'
import type { DialAttempt } from '../../src/net/dial-target.js'
import type { Remote } from '../../src/net/handshake/effects.js'
import type { Address } from '../../src/net/lan/address.js'
import { DIAL_ALL, type DialPolicy, LanAutodial } from '../../src/net/overlay/lan-autodial.js'
import { ACTIVE_VIEW_MAX } from '../../src/net/overlay/limits.js'
import { ROOM, serviceOf } from '../helper/mdns-network.js'
import { VirtualClock } from '../helper/virtual-clock.js'

/** Alice has the key of host 5: bob's (2) is lower, dave's (7) is higher. */
function world(dialsEveryone = true, policy?: DialPolicy) {
  const connected: { remote: Remote }[] = []
  const untilEnough = { ...DIAL_ALL, shouldDial: () => connected.length < 16 }
  const clock = new VirtualClock()
  const dialAttempts: DialAttempt[] = []
  const done: string[] = []
  const autodial = new LanAutodial({
    connections: {
      connections: connected,
      dialAttempts,
      add: (name: string, { host, port }: Address) => done.push(`add ${name} ${host}:${port}`),
      remove: name => done.push(`remove ${name}`),
      retryNow: name => done.push(`retry ${name}`),
    },
    clock,
    key: serviceOf('alice', 5).key,
    isCandidate: ({ rooms }) => rooms.includes(ROOM),
    peerExchange: dialsEveryone ? (policy ?? untilEnough) : undefined,
  })
  const connect = (number: number) => {
    const key = serviceOf('', number).key.padEnd(64, '0')
    connected.push({
      remote: { kind: 'native', version: 2, address: '', instance: '', key, aheadMs: 0 },
    })
  }
  const failToDial = (name: string, host: string, tries = 1) =>
    dialAttempts.push({ name, address: { host, port: 1 }, tries, reason: 'refused' })
  return { clock, connected, dialAttempts, done, autodial, connect, failToDial }
}
const bob = serviceOf('bob', 2)
const dave = serviceOf('dave', 7)

test('the peer with the lower key dials at once, the other after a second if it is still not connected', () => {
  const { clock, done, autodial } = world()
  autodial.sighted(dave)
  assert.deepEqual(done, ['add dave dave.local:4007'])
  autodial.sighted(bob)
  clock.advance(999)
  assert.equal(done.length, 1)
  clock.advance(1)
  assert.deepEqual(done.slice(1), ['add bob bob.local:4002'])
})

test('dials all peers that are discovered without peer exchange, up to a limit', () => {
  const { clock, done, autodial } = world(true, DIAL_ALL)
  for (let number = 10; number < 60; number++) autodial.sighted(serviceOf(`peer${number}`, number))
  clock.advance(2_000)
  assert.equal(done.length, ACTIVE_VIEW_MAX)
})

test('retries a peer at once when it is announced, whatever the case of its name', () => {
  const { done, autodial, failToDial } = world(false)
  failToDial('BOB', 'BOB.local')
  failToDial('bobby', 'bobby.local')
  autodial.sighted(bob)
  assert.deepEqual(done, ['retry BOB'])
})

test('does not dial peers that dialled us, are connected, are in another room or were seen before', () => {
  const { clock, done, autodial, connect } = world()
  autodial.sighted(bob)
  connect(2)
  clock.advance(5_000)
  autodial.sighted(bob)
  autodial.sighted({ ...dave, rooms: ['ffff112233445566'] })
  clock.advance(5_000)
  assert.deepEqual(done, [])
  for (let i = 0; i < 3; i++) autodial.sighted(dave)
  assert.equal(done.length, 1, 'control: dials a peer that is not connected, once')
})

test('dials at most as many discovered peers as fit into the active view', () => {
  const { done, autodial, connected, connect } = world()
  for (let i = 10; i < 100; i++) autodial.sighted(serviceOf(`peer${i}`, i))
  assert.equal(done.length, 16)
  for (let i = 0; i < 16; i++) connect(200 + i)
  const other = world()
  other.connected.push(...connected)
  other.autodial.sighted(dave)
  assert.deepEqual(other.done, [])
})

test('absent peers that are announced do not keep a present one from being dialled', () => {
  const { done, autodial, failToDial } = world()
  for (let i = 10; i < 26; i++) autodial.sighted(serviceOf(`absent${i}`, i))
  autodial.sighted(dave)
  assert.equal(done.includes('add dave dave.local:4007'), false, 'control: not before their dials failed')
  failToDial('absent12', 'absent12.local', 2)
  failToDial('absent13', 'absent13.local', 3)
  autodial.sighted(dave)
  assert.deepEqual(done.slice(-2), ['remove absent13', 'add dave dave.local:4007'])
})

test('with peers named by the user, dials only these, and retries them at once when they are announced', () => {
  const { clock, done, autodial, failToDial } = world(false)
  failToDial('bob', 'bob.local')
  autodial.sighted(dave)
  for (let i = 0; i < 5; i++) autodial.sighted(bob)
  assert.deepEqual(done, ['retry bob'])
  clock.advance(2_000)
  autodial.sighted({ ...bob, instance: 'bob (2)' })
  assert.deepEqual(done, ['retry bob', 'retry bob'])
})

test('gives up a peer that says goodbye, and one whose announcement expires unless it is connected', () => {
  const { done, autodial, connect, connected } = world()
  autodial.sighted(dave)
  connect(7)
  autodial.lost(dave, false)
  assert.equal(done.length, 1)
  autodial.lost(dave, true)
  assert.deepEqual(done.slice(1), ['remove dave'])
  connected.length = 0
  autodial.sighted(dave)
  autodial.lost(dave, false)
  assert.deepEqual(done.slice(2), ['add dave dave.local:4007', 'remove dave'])
})

test('reports a missing peer while there is no connection, or dials to a .local name fail', () => {
  const { autodial, dialAttempts, connect, failToDial } = world()
  assert.ok(autodial.isMissingPeers)
  connect(2)
  assert.ok(!autodial.isMissingPeers)
  failToDial('dave', '10.0.0.7')
  assert.ok(!autodial.isMissingPeers)
  dialAttempts.length = 0
  failToDial('dave', 'dave.local')
  assert.ok(autodial.isMissingPeers)
})
