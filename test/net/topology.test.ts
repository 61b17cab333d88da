import assert from 'node:assert/strict'
import test from 'node:test'
import { RETRY_MS_MAX, RETRY_MS_MIN, retryDelayMs } from '../../src/base/backoff.js'
import type { Remote } from '../../src/net/handshake/handshake.js'
import { parseAddress } from '../../src/net/lan/address.js'
import { CONNECTIONS_MAX } from '../../src/net/limits.js'
import { type OpenConnection, Topology, type TopologyEffect } from '../../src/net/topology.js'

const MINE = '5'.repeat(32)
const LOWER = '1'.repeat(32)
const HIGHER = '9'.repeat(32)
const BOB = parseAddress('bob.local:1002')
const AT_BOB = '10.0.0.2'
/** Long enough for a link to be worth something. */
const LASTED_MS = 10_000

const ours = (key: string, instance = key): Remote => ({
  kind: 'native',
  address: 'bob.local:1002',
  instance,
  key,
  isOlder: false,
  aheadMs: 0,
})
const original = (address: string): Remote => ({ kind: 'scuttleup', address })
const link = (id: number, remote: Remote, dialled?: string, remoteAddress = AT_BOB): OpenConnection => ({
  id,
  remote,
  dialled,
  remoteAddress,
})
const kinds = (effects: readonly TopologyEffect[]): string[] => effects.map(({ kind }) => kind)
const delays = (effects: readonly TopologyEffect[]): number[] =>
  effects.flatMap(effect => (effect.kind === 'retry' ? [effect.delayMs] : []))
const told = (effects: readonly TopologyEffect[]): string[] =>
  effects.flatMap(effect => (effect.kind === 'tell' ? [effect.line] : []))

/** A topology without chance: jitter always adds nothing. */
const topologyOf = (random = 1): Topology => new Topology(MINE, MINE, () => random)

/** One that has named bob, and is linked with him. */
function linked(remote: Remote = ours(HIGHER)): Topology {
  const topology = topologyOf()
  topology.add('bob', BOB)
  topology.opened(link(1, remote, 'bob'))
  return topology
}

test('a peer that is named is dialled, once', () => {
  const topology = topologyOf()
  assert.deepEqual(topology.add('bob', BOB), [{ kind: 'dial', peer: 'bob', address: BOB }])
  assert.deepEqual(topology.add('bob', BOB), [])
})

test('a peer that does not answer is tried after 0.25 s, then twice that, up to 30 s, for ever', () => {
  const topology = topologyOf()
  topology.add('bob', BOB)
  const waits: number[] = []
  for (let attempt = 0; attempt < 12; attempt++) {
    waits.push(...delays(topology.failed('bob', 'nobody listens there')))
    assert.deepEqual(kinds(topology.due('bob')), ['dial'])
  }
  assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000, 30_000])
})

test('jitter takes away up to half, so that peers that lost each other do not dial in step', () => {
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
  test(`a link that breaks is made again, also where the other side’s id is the ${side} one`, () => {
    const topology = linked(ours(instance))
    assert.deepEqual(topology.closed(1, LASTED_MS), [{ kind: 'retry', peer: 'bob', delayMs: RETRY_MS_MIN }])
    assert.deepEqual(kinds(topology.due('bob')), ['dial'])
  })
}

test('a time that is due after the link is there changes nothing', () => {
  assert.deepEqual(linked().due('bob'), [])
  assert.deepEqual(topologyOf().due('nobody'), [])
})

test('of two links to one peer the side with the lower id closes the older, and says nothing of a loss', () => {
  const topology = linked(ours(HIGHER))
  const effects = topology.opened(link(2, ours(HIGHER)))
  assert.deepEqual(effects, [
    { kind: 'close', link: 1, reason: 'a newer link to the same peer' },
    { kind: 'linked', link: 2 },
  ])
  assert.deepEqual(topology.closed(1, LASTED_MS), [])
  assert.deepEqual(
    topology.connections.map(({ id }) => id),
    [2],
  )
})

test('of two links to one peer the side with the higher id closes none', () => {
  const topology = linked(ours(LOWER))
  assert.deepEqual(topology.opened(link(2, ours(LOWER))), [{ kind: 'linked', link: 2 }])
  assert.deepEqual(topology.closed(1, LASTED_MS), [])
  assert.deepEqual(kinds(topology.closed(2, LASTED_MS)), ['retry'])
})

test('oneself is let go, told once, and never dialled again', () => {
  const topology = topologyOf()
  topology.add('me', BOB)
  const effects = topology.opened(link(1, ours(MINE), 'me'))
  assert.deepEqual(kinds(effects), ['close', 'tell'])
  assert.match(told(effects)[0] ?? '', /^me \(bob\.local:1002\) is this very program/)
  assert.deepEqual(kinds(topology.opened(link(2, ours(MINE)))), ['close'], 'the same link, seen from its other end')
  assert.deepEqual(
    [
      topology.closed(1, LASTED_MS),
      topology.closed(2, LASTED_MS),
      topology.due('me'),
      topology.networkChanged(),
    ].flat(),
    [],
  )
  assert.deepEqual(topology.connections, [])
})

test('duplicate links with an original are left to it, for only it knows which it keeps', () => {
  const topology = linked(original('bob.local:1002'))
  assert.deepEqual(topology.opened(link(2, original('bob.local:1002'))), [{ kind: 'linked', link: 2 }])
  assert.deepEqual(topology.closed(1, LASTED_MS), [], 'the other one leads there too')
  assert.deepEqual(delays(topology.closed(2, LASTED_MS)), [RETRY_MS_MIN])
})

test('an original that dials in from elsewhere under a peer’s address is not taken for that peer', () => {
  const topology = linked(original('bob.local:1002'))
  topology.opened(link(2, original('bob.local:1002'), undefined, '10.6.6.6'))
  assert.deepEqual(kinds(topology.closed(1, LASTED_MS)), ['retry'])
})

test('a peer that dials in while it is waited for is not dialled', () => {
  const topology = linked(ours(HIGHER))
  topology.closed(1, LASTED_MS)
  assert.deepEqual(topology.opened(link(2, ours(HIGHER))), [
    { kind: 'cancel-retry', peer: 'bob' },
    { kind: 'linked', link: 2 },
  ])
  assert.deepEqual(topology.due('bob'), [])
})

test('a dial that fails because the peer’s own was first is no failure', () => {
  const topology = linked(ours(HIGHER))
  topology.closed(1, LASTED_MS)
  topology.due('bob')
  topology.opened(link(2, ours(HIGHER)))
  assert.deepEqual(topology.failed('bob', 'it closed the connection'), [])
  assert.deepEqual(kinds(topology.closed(2, LASTED_MS)), ['retry'])
})

test('a link that is there but for a moment, again and again, is made ever more slowly', () => {
  const topology = topologyOf()
  topology.add('bob', BOB)
  const waits: number[] = []
  for (const [index, lastedMs] of [0, 1, LASTED_MS - 1, 0, LASTED_MS, 0, 0].entries()) {
    topology.opened(link(index, ours(HIGHER), 'bob'))
    waits.push(...delays(topology.closed(index, lastedMs)))
    topology.due('bob')
  }
  assert.deepEqual(waits, [250, 500, 1000, 2000, 250, 500, 1000])
})

test('an original that hangs up because it has dialled us itself is linked', () => {
  const topology = topologyOf()
  topology.add('bob', BOB)
  topology.opened(link(1, original('bob.local:1002')))
  assert.deepEqual(topology.failed('bob', 'it closed the connection', AT_BOB), [])
  assert.deepEqual(kinds(topology.closed(1, LASTED_MS)), ['retry'])
})

test('a peer who hung up is tried again while an original elsewhere says its address, but not complained of', () => {
  const topology = topologyOf()
  topology.add('bob', BOB)
  topology.opened(link(1, original('bob.local:1002'), undefined, '10.6.6.6'))
  assert.deepEqual(kinds(topology.failed('bob', 'it closed the connection', AT_BOB)), ['retry'])
})

test('the same state of a peer is told once, another is told, and after a link it is told anew', () => {
  const topology = topologyOf()
  topology.add('bob', BOB)
  const fail = (reason: string): string[] => {
    const lines = told(topology.failed('bob', reason))
    topology.due('bob')
    return lines
  }
  assert.deepEqual(fail('nobody listens there'), ['bob (bob.local:1002): nobody listens there; trying on'])
  assert.deepEqual(fail('nobody listens there'), [])
  assert.deepEqual(fail('it does not answer'), ['bob (bob.local:1002): it does not answer; trying on'])
  topology.opened(link(1, ours(HIGHER), 'bob'))
  topology.closed(1, LASTED_MS)
  topology.due('bob')
  assert.deepEqual(fail('it does not answer'), ['bob (bob.local:1002): it does not answer; trying on'])
})

test('when the network changes whoever is waited for is dialled at once, from the shortest wait on', () => {
  const topology = linked()
  topology.add('carol', parseAddress('carol.local:1003'))
  topology.add('dave', parseAddress('dave.local:1004'))
  for (let attempt = 0; attempt < 9; attempt++) {
    topology.failed('carol', 'nobody listens there')
    if (attempt < 8) topology.due('carol')
  }
  assert.deepEqual(topology.networkChanged(), [
    { kind: 'cancel-retry', peer: 'carol' },
    { kind: 'dial', peer: 'carol', address: parseAddress('carol.local:1003') },
  ])
  assert.deepEqual(delays(topology.failed('carol', 'nobody listens there')), [RETRY_MS_MIN])
})

/** A house that is full of links that came in, and of one that the user named. */
function fullHouse(guest: (id: number) => Remote): Topology {
  const topology = topologyOf()
  topology.add('dave', BOB)
  topology.opened(link(0, original('dave'), 'dave'))
  for (let id = 1; id < CONNECTIONS_MAX; id++) topology.opened(link(id, guest(id)))
  return topology
}

const originals = (id: number): Remote => original(`peer-${id}`)
const proven = (id: number): Remote => ours(String(id).padStart(32, '6'))
const closes = (effects: readonly TopologyEffect[]): number[] =>
  effects.flatMap(effect => (effect.kind === 'close' ? [effect.link] : []))

test(`no more than ${CONNECTIONS_MAX} are linked at a time; one that goes makes room`, () => {
  for (const [house, stranger] of [
    [fullHouse(originals), original('stranger')],
    [fullHouse(proven), original('stranger')],
    [fullHouse(proven), ours(HIGHER)],
  ] as const) {
    assert.deepEqual(house.opened(link(100, stranger)), [
      { kind: 'close', link: 100, reason: `${CONNECTIONS_MAX} links are open already` },
    ])
    house.closed(1, LASTED_MS)
    assert.deepEqual(kinds(house.opened(link(101, stranger))), ['linked'])
    assert.equal(house.connections.length, CONNECTIONS_MAX)
  }
})

test('in a full house the oldest original that came in leaves for one of ours', () => {
  const house = fullHouse(originals)
  const effects = house.opened(link(100, ours(HIGHER)))
  assert.deepEqual(effects, [
    { kind: 'close', link: 1, reason: 'its place was needed' },
    { kind: 'linked', link: 100 },
  ])
  assert.equal(house.connections.length, CONNECTIONS_MAX)
  assert.deepEqual(house.closed(1, LASTED_MS), [])
})

test('in a full house anybody who was not named leaves for a peer that was', () => {
  for (const [house, leaves] of [
    [fullHouse(originals), 1],
    [fullHouse(proven), 1],
    [fullHouse(id => (id === 9 ? original('nine') : proven(id))), 9],
  ] as const) {
    house.add('bob', BOB)
    assert.deepEqual(closes(house.opened(link(100, ours(HIGHER), 'bob'))), [leaves])
  }
})

test('a house full of named peers takes nobody, and tries a further one slowly', () => {
  const topology = topologyOf()
  for (let id = 0; id < CONNECTIONS_MAX; id++) {
    topology.add(`peer-${id}`, BOB)
    topology.opened(link(id, original(`peer-${id}`), `peer-${id}`))
  }
  topology.add('bob', BOB)
  const effects = topology.opened(link(100, ours(HIGHER), 'bob'))
  assert.deepEqual(closes(effects), [100])
  assert.deepEqual(delays(effects), [RETRY_MS_MAX])
})

test('a full house still takes the newer link of a peer that is there, but no third', () => {
  const house = fullHouse(id => (id === 1 ? ours(LOWER) : proven(id)))
  assert.deepEqual(kinds(house.opened(link(65, ours(LOWER)))), ['linked'])
  assert.deepEqual(kinds(house.opened(link(66, ours(LOWER)))), ['close'])
})

test('two names for one peer are served by one link', () => {
  const topology = topologyOf()
  topology.add('bob', BOB)
  topology.add('10.0.0.2:1002', parseAddress('10.0.0.2:1002'))
  topology.opened(link(1, ours(HIGHER), 'bob'))
  const effects = topology.opened(link(2, ours(HIGHER), '10.0.0.2:1002'))
  assert.deepEqual(kinds(effects), ['close', 'linked'])
  assert.deepEqual(topology.closed(1, LASTED_MS), [])
  assert.deepEqual(kinds(topology.closed(2, LASTED_MS)), ['retry', 'retry'])
})

test('peers called __proto__ and constructor are peers like any other', () => {
  const before = Object.getOwnPropertyNames(Object.prototype)
  const topology = topologyOf()
  for (const name of ['__proto__', 'constructor']) {
    assert.deepEqual(kinds(topology.add(name, BOB)), ['dial'])
    assert.deepEqual(kinds(topology.failed(name, 'nobody listens there')), ['tell', 'retry'])
    assert.deepEqual(kinds(topology.due(name)), ['dial'])
  }
  assert.deepEqual(kinds(topology.opened(link(1, original('__proto__'), '__proto__'))), ['linked'])
  assert.deepEqual(Object.getOwnPropertyNames(Object.prototype), before)
})

test('a visit is dialled once: who is not there is missed, and nobody is worried with it', () => {
  const topology = topologyOf()
  assert.deepEqual(kinds(topology.probe('@bob', BOB)), ['dial'])
  assert.deepEqual(topology.probe('@bob', BOB), [], 'nor a second time at once')
  assert.deepEqual(topology.failed('@bob', 'nobody listens there'), [{ kind: 'missed', peer: '@bob' }])
  assert.deepEqual(topology.dialAttempts, [])
  assert.deepEqual(kinds(topology.networkChanged()), [])
  assert.deepEqual(kinds(topology.probe('@bob', BOB)), ['dial'], 'later he may be visited again')
})

test('a link that a visit has made is a link, and not made again when it closes', () => {
  const topology = topologyOf()
  topology.probe('@bob', BOB)
  const visited: OpenConnection = { ...link(1, ours(HIGHER)), probed: '@bob' }
  assert.deepEqual(kinds(topology.opened(visited)), ['linked'])
  assert.deepEqual(topology.closed(1, LASTED_MS), [])
  assert.deepEqual(kinds(topology.probe('@bob', BOB)), ['dial'])
})

test('a visit to oneself is closed and missed', () => {
  const topology = topologyOf()
  topology.probe('@bob', BOB)
  const self: OpenConnection = { ...link(1, ours(MINE)), probed: '@bob' }
  assert.deepEqual(kinds(topology.opened(self)), ['close', 'missed'])
  assert.deepEqual(topology.connections, [])
})

test('a visit keeps nobody out: in a full house it is missed, and its link is a guest', () => {
  const full = topologyOf()
  for (let id = 1; id <= CONNECTIONS_MAX; id++) full.opened(link(id, ours(HIGHER, String(id))))
  full.probe('@bob', BOB)
  assert.deepEqual(kinds(full.opened({ ...link(99, ours(HIGHER)), probed: '@bob' })), ['close', 'missed'])
  const visited = topologyOf()
  visited.probe('@bob', BOB)
  visited.opened({ ...link(1, ours(HIGHER)), probed: '@bob' })
  for (let id = 2; id <= CONNECTIONS_MAX; id++) visited.opened(link(id, ours(HIGHER, String(id))))
  visited.add('carol', BOB)
  const effects = visited.opened(link(99, ours(LOWER), 'carol'))
  assert.deepEqual(effects[0], { kind: 'close', link: 1, reason: 'its place was needed' })
})

test('a peer that had no room is left in peace for so long, and tried at once where nobody is linked', () => {
  const topology = linked()
  topology.cooldown(1, 300_000)
  assert.deepEqual(delays(topology.closed(1, LASTED_MS)), [300_000])
  assert.deepEqual(topology.dialAttempts, [], 'which is no failure')
  assert.deepEqual(kinds(topology.clearCooldowns()), ['cancel-retry', 'dial'])
  assert.deepEqual(delays(topology.failed('bob', 'nobody listens there')), [500], 'and then by the rule')
  assert.deepEqual(topology.clearCooldowns(), [])
})
