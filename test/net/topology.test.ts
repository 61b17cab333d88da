import assert from 'node:assert/strict'
import test from 'node:test'
import { RETRY_MS_MAX, RETRY_MS_MIN, retryDelayMs } from '../../src/base/backoff.js'
import type { DialFailureReason } from '../../src/net/dial-failure.js'
import type { NetEvent } from '../../src/net/events.js'
import type { Remote } from '../../src/net/handshake/effects.js'
import { parseAddress } from '../../src/net/lan/address.js'
import { CONNECTIONS_MAX } from '../../src/net/limits.js'
import { type OpenConnection, Topology, type TopologyEffect } from '../../src/net/topology.js'

const MINE = '5'.repeat(32)
const LOWER = '1'.repeat(32)
const HIGHER = '9'.repeat(32)
const BOB = parseAddress('bob.local:1002')
const AT_BOB = '10.0.0.2'
/** Long enough for a connection that resets the waits. */
const LASTED_MS = 10_000

const native = (key: string, instance = key): Remote => ({
  kind: 'native',
  version: 2,
  address: 'bob.local:1002',
  instance,
  key,
  aheadMs: 0,
})
const scuttleup = (address: string): Remote => ({ kind: 'scuttleup', address })
const connection = (id: number, remote: Remote, dialled?: string, remoteAddress = AT_BOB): OpenConnection => ({
  id,
  remote,
  dialled,
  remoteAddress,
})
const kinds = (effects: readonly TopologyEffect[]): string[] => effects.map(({ kind }) => kind)
const delays = (effects: readonly TopologyEffect[]): number[] =>
  effects.flatMap(effect => (effect.kind === 'retry' ? [effect.delayMs] : []))
const eventsOf = (effects: readonly TopologyEffect[]): NetEvent[] =>
  effects.flatMap(effect => (effect.kind === 'report' ? [effect.event] : []))

/** A topology without jitter. */
const topologyOf = (random = 1): Topology => new Topology(MINE, MINE, () => random)

/** A topology that dialled bob and is connected to them. */
function connectedTo(remote: Remote = native(HIGHER)): Topology {
  const topology = topologyOf()
  topology.add('bob', BOB)
  topology.opened(connection(1, remote, 'bob'))
  return topology
}

test('dials a named peer once', () => {
  const topology = topologyOf()
  assert.deepEqual(topology.add('bob', BOB), [{ kind: 'dial', peer: 'bob', address: BOB }])
  assert.deepEqual(topology.add('bob', BOB), [])
})

test('redials after 0.25 s, then doubles the wait up to 30 s, without end', () => {
  const topology = topologyOf()
  topology.add('bob', BOB)
  const waits: number[] = []
  for (let attempt = 0; attempt < 12; attempt++) {
    waits.push(...delays(topology.failed('bob', { reason: 'refused' })))
    assert.deepEqual(kinds(topology.due('bob')), ['dial'])
  }
  assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000, 30_000])
})

test('jitter shortens a wait by up to half, so that two peers do not redial in step', () => {
  assert.equal(
    retryDelayMs(0, () => 0),
    RETRY_MS_MIN / 2,
  )
  assert.equal(
    retryDelayMs(0, () => 1),
    RETRY_MS_MIN,
  )
  assert.equal(
    retryDelayMs(1_000_000, () => 0),
    RETRY_MS_MAX / 2,
  )
})

for (const [instance, side] of [
  [LOWER, 'lower'],
  [HIGHER, 'higher'],
] as const) {
  test(`redials after a connection breaks, if the other side has the ${side} id`, () => {
    const topology = connectedTo(native(instance))
    assert.deepEqual(topology.closed(1, LASTED_MS), [{ kind: 'retry', peer: 'bob', delayMs: RETRY_MS_MIN }])
    assert.deepEqual(kinds(topology.due('bob')), ['dial'])
  })
}

test('ignores a redial that is due after the connection opened', () => {
  assert.deepEqual(connectedTo().due('bob'), [])
  assert.deepEqual(topologyOf().due('nobody'), [])
})

for (const [isAlive, closed, rest] of [
  [true, 2, 1],
  [false, 1, 2],
] as const)
  test(`the side with the lower key closes the ${isAlive ? 'newer' : 'older'} of two connections if the older ${isAlive ? 'answers' : 'does not answer'}, and reports no loss`, () => {
    const topology = connectedTo(native(HIGHER))
    const effects = topology.opened(connection(2, native(HIGHER)))
    assert.deepEqual(effects, [
      { kind: 'ping', connection: 1 },
      { kind: 'connected', connection: 2 },
    ])
    assert.deepEqual(topology.answered(1, isAlive), [{ kind: 'close', connection: closed, reason: 'replaced' }])
    assert.deepEqual(topology.answered(1, !isAlive), [], 'one answer to one ping')
    assert.deepEqual(topology.closed(closed, LASTED_MS), [])
    assert.deepEqual(
      topology.connections.map(({ id }) => id),
      [rest],
    )
  })

test('a connection that does not answer stays if there is no other to its peer any more', () => {
  const topology = connectedTo(native(HIGHER))
  topology.opened(connection(2, native(HIGHER)))
  topology.closed(2, 0)
  assert.deepEqual(topology.answered(1, false), [])
})

test('the oldest of several connections that answers is kept', () => {
  const topology = connectedTo(native(HIGHER))
  topology.opened(connection(2, native(HIGHER)))
  assert.deepEqual(kinds(topology.opened(connection(3, native(HIGHER)))), ['ping', 'connected'], 'pings each once')
  const closed = (effects: readonly TopologyEffect[]): number[] =>
    effects.flatMap(effect => (effect.kind === 'close' ? [effect.connection] : []))
  assert.deepEqual(closed(topology.answered(1, false)), [1])
  topology.closed(1, LASTED_MS)
  assert.deepEqual(closed(topology.answered(2, true)), [3])
})

test('the side with the higher key closes neither of two connections', () => {
  const topology = connectedTo(native(LOWER))
  assert.deepEqual(topology.opened(connection(2, native(LOWER))), [{ kind: 'connected', connection: 2 }])
  assert.deepEqual(topology.closed(1, LASTED_MS), [])
  assert.deepEqual(kinds(topology.closed(2, LASTED_MS)), ['retry'])
})

test('closes a connection to itself, reports it once, and redials that peer rarely', () => {
  const topology = topologyOf()
  topology.add('me', BOB)
  const effects = topology.opened(connection(1, native(MINE), 'me'))
  assert.deepEqual(kinds(effects), ['close', 'retry', 'report'])
  assert.ok((delays(effects)[0] ?? 0) >= RETRY_MS_MAX / 2)
  assert.deepEqual(eventsOf(effects), [{ kind: 'dialled-self', name: 'me', address: BOB }])
  assert.deepEqual(
    kinds(topology.opened(connection(2, native(MINE)))),
    ['close'],
    'the other end of the same connection',
  )
  assert.deepEqual([topology.closed(1, LASTED_MS), topology.closed(2, LASTED_MS)].flat(), [])
  assert.deepEqual(topology.connections, [])
  assert.deepEqual(kinds(topology.due('me')), ['dial'])
  assert.deepEqual(kinds(topology.opened(connection(3, native(MINE), 'me'))), ['close', 'retry'])
  topology.due('me')
  assert.deepEqual(
    kinds(topology.opened(connection(4, native(HIGHER), 'me'))),
    ['connected'],
    'nobody is in between now',
  )
})

test('leaves duplicate connections of a scuttleup peer to that peer', () => {
  const topology = connectedTo(scuttleup('bob.local:1002'))
  assert.deepEqual(topology.opened(connection(2, scuttleup('bob.local:1002'))), [{ kind: 'connected', connection: 2 }])
  assert.deepEqual(topology.closed(1, LASTED_MS), [], 'the other connection leads there too')
  assert.deepEqual(delays(topology.closed(2, LASTED_MS)), [RETRY_MS_MIN])
})

test('does not take a scuttleup peer for one whose address it claims from elsewhere', () => {
  const topology = connectedTo(scuttleup('bob.local:1002'))
  topology.opened(connection(2, scuttleup('bob.local:1002'), undefined, '10.6.6.6'))
  assert.deepEqual(kinds(topology.closed(1, LASTED_MS)), ['retry'])
})

test('does not redial a peer that dialled us meanwhile', () => {
  const topology = connectedTo(native(HIGHER))
  topology.closed(1, LASTED_MS)
  assert.deepEqual(topology.opened(connection(2, native(HIGHER))), [
    { kind: 'cancel-retry', peer: 'bob' },
    { kind: 'connected', connection: 2 },
  ])
  assert.deepEqual(topology.due('bob'), [])
})

test('a dial that fails because the peer dialled us first is no failure', () => {
  const topology = connectedTo(native(HIGHER))
  topology.closed(1, LASTED_MS)
  topology.due('bob')
  topology.opened(connection(2, native(HIGHER)))
  assert.deepEqual(topology.failed('bob', { reason: 'closed' }), [])
  assert.deepEqual(kinds(topology.closed(2, LASTED_MS)), ['retry'])
})

test('redials ever more slowly if connections last only a moment', () => {
  const topology = topologyOf()
  topology.add('bob', BOB)
  const waits: number[] = []
  for (const [index, lastedMs] of [0, 1, LASTED_MS - 1, 0, LASTED_MS, 0, 0].entries()) {
    topology.opened(connection(index, native(HIGHER), 'bob'))
    waits.push(...delays(topology.closed(index, lastedMs)))
    topology.due('bob')
  }
  assert.deepEqual(waits, [250, 500, 1000, 2000, 250, 500, 1000])
})

test('a scuttleup peer that closes our dial because it dialled us is connected', () => {
  const topology = topologyOf()
  topology.add('bob', BOB)
  topology.opened(connection(1, scuttleup('bob.local:1002')))
  assert.deepEqual(topology.failed('bob', { reason: 'closed' }, AT_BOB), [])
  assert.deepEqual(kinds(topology.closed(1, LASTED_MS)), ['retry'])
})

test('redials a peer whose address a scuttleup peer elsewhere claims, without a report', () => {
  const topology = topologyOf()
  topology.add('bob', BOB)
  topology.opened(connection(1, scuttleup('bob.local:1002'), undefined, '10.6.6.6'))
  assert.deepEqual(kinds(topology.failed('bob', { reason: 'closed' }, AT_BOB)), ['retry'])
})

test('reports each failure reason once, and anew after a connection', () => {
  const topology = topologyOf()
  topology.add('bob', BOB)
  const fail = (reason: DialFailureReason): NetEvent[] => {
    const events = eventsOf(topology.failed('bob', { reason }))
    topology.due('bob')
    return events
  }
  const failed = (reason: DialFailureReason, tries: number): NetEvent[] => [
    { kind: 'dial-failed', name: 'bob', address: BOB, tries, reason },
  ]
  assert.deepEqual(fail('refused'), failed('refused', 1))
  assert.deepEqual(fail('refused'), [])
  assert.deepEqual(fail('no-answer'), failed('no-answer', 3))
  topology.opened(connection(1, native(HIGHER), 'bob'))
  topology.closed(1, LASTED_MS)
  topology.due('bob')
  assert.deepEqual(fail('no-answer'), failed('no-answer', 1))
})

test('redials waiting peers at once when the network changes, and starts at the shortest wait', () => {
  const topology = connectedTo()
  topology.add('carol', parseAddress('carol.local:1003'))
  topology.add('dave', parseAddress('dave.local:1004'))
  for (let attempt = 0; attempt < 9; attempt++) {
    topology.failed('carol', { reason: 'refused' })
    if (attempt < 8) topology.due('carol')
  }
  assert.deepEqual(topology.networkChanged(), [
    { kind: 'cancel-retry', peer: 'carol' },
    { kind: 'dial', peer: 'carol', address: parseAddress('carol.local:1003') },
  ])
  assert.deepEqual(delays(topology.failed('carol', { reason: 'refused' })), [RETRY_MS_MIN])
})

/** A topology that is full of inbound connections, and has one to a named peer. */
function fullTopology(inbound: (id: number) => Remote): Topology {
  const topology = topologyOf()
  topology.add('dave', BOB)
  topology.opened(connection(0, scuttleup('dave'), 'dave'))
  for (let id = 1; id < CONNECTIONS_MAX; id++) topology.opened(connection(id, inbound(id), undefined, `10.1.0.${id}`))
  return topology
}

const scuttleupPeers = (id: number): Remote => scuttleup(`peer-${id}`)
const nativePeers = (id: number): Remote => native(String(id).padStart(32, '6'))
const closes = (effects: readonly TopologyEffect[]): number[] =>
  effects.flatMap(effect => (effect.kind === 'close' ? [effect.connection] : []))

test(`keeps at most ${CONNECTIONS_MAX} connections, and accepts another when one closes`, () => {
  for (const [full, stranger] of [
    [fullTopology(scuttleupPeers), scuttleup('stranger')],
    [fullTopology(nativePeers), scuttleup('stranger')],
    [fullTopology(nativePeers), native(HIGHER)],
  ] as const) {
    assert.deepEqual(full.opened(connection(1_000, stranger)), [
      { kind: 'close', connection: 1_000, reason: 'connection-limit' },
    ])
    full.closed(1, LASTED_MS)
    assert.deepEqual(kinds(full.opened(connection(1_001, stranger))), ['connected'])
    assert.equal(full.connections.length, CONNECTIONS_MAX)
  }
})

test('evicts the newest inbound scuttleup peer for a native peer', () => {
  const full = fullTopology(scuttleupPeers)
  const effects = full.opened(connection(1_000, native(HIGHER)))
  assert.deepEqual(effects, [
    { kind: 'close', connection: CONNECTIONS_MAX - 1, reason: 'evicted' },
    { kind: 'connected', connection: 1_000 },
  ])
  assert.equal(full.connections.length, CONNECTIONS_MAX)
  assert.deepEqual(full.closed(CONNECTIONS_MAX - 1, LASTED_MS), [])
})

test('evicts an inbound connection for a named peer', () => {
  for (const [full, leaves] of [
    [fullTopology(scuttleupPeers), CONNECTIONS_MAX - 1],
    [fullTopology(nativePeers), CONNECTIONS_MAX - 1],
    [fullTopology(id => (id === 9 ? scuttleup('nine') : nativePeers(id))), 9],
  ] as const) {
    full.add('bob', BOB)
    assert.deepEqual(closes(full.opened(connection(1_000, native(HIGHER), 'bob'))), [leaves])
  }
})

test('evicts no named peer, and redials a further one slowly', () => {
  const topology = topologyOf()
  for (let id = 0; id < CONNECTIONS_MAX; id++) {
    topology.add(`peer-${id}`, BOB)
    topology.opened(connection(id, scuttleup(`peer-${id}`), `peer-${id}`))
  }
  topology.add('bob', BOB)
  const effects = topology.opened(connection(1_000, native(HIGHER), 'bob'))
  assert.deepEqual(closes(effects), [1_000])
  assert.deepEqual(delays(effects), [RETRY_MS_MAX])
})

test('when full, accepts a second connection of a connected peer, but no third', () => {
  const full = fullTopology(id => (id === 1 ? native(LOWER) : nativePeers(id)))
  assert.deepEqual(kinds(full.opened(connection(1_002, native(LOWER)))), ['connected'])
  assert.deepEqual(kinds(full.opened(connection(1_003, native(LOWER)))), ['close'])
})

test('one connection serves two names of one peer', () => {
  const topology = topologyOf()
  topology.add('bob', BOB)
  topology.add('10.0.0.2:1002', parseAddress('10.0.0.2:1002'))
  topology.opened(connection(1, native(HIGHER), 'bob'))
  const effects = topology.opened(connection(2, native(HIGHER), '10.0.0.2:1002'))
  assert.deepEqual(kinds(effects), ['ping', 'connected'])
  assert.deepEqual(topology.closed(1, LASTED_MS), [])
  assert.deepEqual(kinds(topology.closed(2, LASTED_MS)), ['retry', 'retry'])
})

test('accepts peers called __proto__ and constructor', () => {
  const before = Object.getOwnPropertyNames(Object.prototype)
  const topology = topologyOf()
  for (const name of ['__proto__', 'constructor']) {
    assert.deepEqual(kinds(topology.add(name, BOB)), ['dial'])
    assert.deepEqual(kinds(topology.failed(name, { reason: 'refused' })), ['report', 'retry'])
    assert.deepEqual(kinds(topology.due(name)), ['dial'])
  }
  assert.deepEqual(kinds(topology.opened(connection(1, scuttleup('__proto__'), '__proto__'))), ['connected'])
  assert.deepEqual(Object.getOwnPropertyNames(Object.prototype), before)
})

test('dials a probe once, and reports its failure to no user', () => {
  const topology = topologyOf()
  assert.deepEqual(kinds(topology.probe('@bob', BOB)), ['dial'])
  assert.deepEqual(topology.probe('@bob', BOB), [], 'does not dial twice at a time')
  assert.deepEqual(topology.failed('@bob', { reason: 'refused' }), [{ kind: 'probe-failed', peer: '@bob' }])
  assert.equal(topology.attemptAt('@bob'), undefined)
  assert.deepEqual(kinds(topology.networkChanged()), [])
  assert.deepEqual(kinds(topology.probe('@bob', BOB)), ['dial'], 'can be probed again later')
})

test('does not redial a probe whose connection closes', () => {
  const topology = topologyOf()
  topology.probe('@bob', BOB)
  const probing: OpenConnection = { ...connection(1, native(HIGHER)), probed: '@bob' }
  assert.deepEqual(kinds(topology.opened(probing)), ['connected'])
  assert.deepEqual(topology.closed(1, LASTED_MS), [])
  assert.deepEqual(kinds(topology.probe('@bob', BOB)), ['dial'])
})

test('closes a probe of itself as failed', () => {
  const topology = topologyOf()
  topology.probe('@bob', BOB)
  const self: OpenConnection = { ...connection(1, native(MINE)), probed: '@bob' }
  assert.deepEqual(kinds(topology.opened(self)), ['close', 'probe-failed'])
  assert.deepEqual(topology.connections, [])
})

test('a probe evicts nobody, and its connection can be evicted', () => {
  const full = topologyOf()
  for (let id = 1; id <= CONNECTIONS_MAX; id++)
    full.opened(connection(id, native(HIGHER, String(id)), undefined, `10.1.0.${id}`))
  full.probe('@bob', BOB)
  assert.deepEqual(kinds(full.opened({ ...connection(99, native(HIGHER)), probed: '@bob' })), ['close', 'probe-failed'])
  const probing = topologyOf()
  probing.probe('@bob', BOB)
  probing.opened({ ...connection(1, native(HIGHER)), probed: '@bob' })
  for (let id = 2; id <= CONNECTIONS_MAX; id++)
    probing.opened(connection(id, native(HIGHER, String(id)), `named ${id}`))
  probing.add('carol', BOB)
  const effects = probing.opened(connection(99, native(LOWER), 'carol'))
  assert.deepEqual(effects[0], { kind: 'close', connection: 1, reason: 'evicted' })
})

test('redials a peer whose view was full after the cooldown, or at once when cooldowns are cleared', () => {
  const topology = connectedTo()
  topology.cooldown(1, 300_000)
  assert.deepEqual(delays(topology.closed(1, LASTED_MS)), [300_000])
  assert.equal(topology.attemptAt('bob'), undefined, 'a cooldown is no failure')
  assert.deepEqual(kinds(topology.clearCooldowns()), ['cancel-retry', 'dial'])
  assert.deepEqual(delays(topology.failed('bob', { reason: 'refused' })), [500], 'then the usual waits apply')
  assert.deepEqual(topology.clearCooldowns(), [])
})
