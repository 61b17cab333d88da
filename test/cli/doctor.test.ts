import assert from 'node:assert/strict'
import test from 'node:test'
import { type Answer, findingsOf, type Observations, type ObservedPeer } from '../../src/cli/doctor/findings.js'
import { ROOM, serviceOf } from '../helper/mdns-network.js'

const eth0 = { name: 'eth0', address: '10.0.0.5', isOpen: true, isHeardHere: true, otherHosts: 1 }
const lo = { name: 'lo', address: '127.0.0.1', isOpen: true, isHeardHere: true, otherHosts: 0 }
const bob = { ...serviceOf('bob', 2), addresses: [{ host: '10.0.0.2', port: 4_002 }] }
const native: Answer = { kind: 'native', isSameRoom: true, version: 1, key: bob.key, aheadMs: 0 }

/** alice has no problem, and bob answers. */
const WELL: Observations = {
  me: 'alice',
  key: serviceOf('alice', 5).key,
  version: 1,
  room: { name: 'lobby', tag: ROOM, isLobby: true },
  multicastFault: undefined,
  interfaces: [lo, eth0],
  services: [bob],
  port: { port: 55_204, holder: undefined, unreachable: [] },
  peers: [peer(native)],
}

function peer(answer: Answer | undefined, rest: Partial<ObservedPeer> = {}): ObservedPeer {
  const answers = answer === undefined ? [] : [{ address: { host: '10.0.0.2', port: 4_002 }, answer }]
  return { given: 'bob', services: [bob], answers, isByAddress: false, ...rest }
}

const wrongIn = (observed: Partial<Observations>): string[] =>
  findingsOf({ ...WELL, ...observed })
    .filter(({ ok }) => !ok)
    .map(({ check, what }) => `${check}: ${what}`)

test('reports nothing wrong if nothing is', () => {
  assert.deepEqual(wrongIn({}), [])
})

test('reports each fault alone, with a next step', () => {
  const none = (reason: Extract<Answer, { kind: 'none' }>['reason']): Partial<Observations> => ({
    peers: [peer({ kind: 'none', reason })],
  })
  const at = 'bob (10.0.0.2:4002)'
  const broken: readonly (readonly [Partial<Observations>, string])[] = [
    [{ interfaces: [] }, 'interfaces: no network interface is up, not even loopback'],
    [{ interfaces: [lo] }, 'interfaces: no network interface is up except loopback: only this machine can be reached'],
    [{ multicastFault: 'UDP port 5353 is unavailable (EACCES)' }, 'multicast: UDP port 5353 is unavailable (EACCES)'],
    [
      { interfaces: [lo, { ...eth0, isHeardHere: false }] },
      'multicast: eth0 (10.0.0.5): multicast packets do not come back',
    ],
    [{ interfaces: [lo, { ...eth0, isOpen: false }] }, 'multicast: eth0 (10.0.0.5): multicast is unavailable'],
    [
      { port: { port: 55_204, holder: { kind: 'stranger' }, unreachable: [] } },
      'port: port 55204, which belongs to the name alice, is in use by another program',
    ],
    [
      { port: { port: 55_204, holder: { kind: 'scuttleup' }, unreachable: [] } },
      'port: port 55204, which belongs to the name alice, is in use by a scuttleup peer',
    ],
    [
      { port: { port: 55_204, holder: native, unreachable: [] } },
      `port: port 55204, which belongs to the name alice, is in use by a chat with another key (00000000…)`,
    ],
    [
      { port: { port: 80, holder: { kind: 'refused', reason: 'not allowed' }, unreachable: [] } },
      'port: port 80, which belongs to the name alice, is unavailable: not allowed',
    ],
    [
      { port: { port: 55_204, holder: undefined, unreachable: ['10.0.0.5'] } },
      'port: port 55204, which belongs to the name alice, is unreachable at 10.0.0.5',
    ],
    [
      { services: [bob, { ...serviceOf('alice (2)', 9), addresses: [] }] },
      'name: another peer is named alice here too, with the key 00000000…',
    ],
    [{ peers: [peer(undefined, { services: [] })] }, 'peer: bob: no one on this network answers to that name'],
    [
      { peers: [peer(undefined, { services: [{ ...bob, rooms: ['ffff000011112222'] }] })] },
      'peer: bob is here, but not in the room lobby',
    ],
    [none('refused'), `peer: ${at}: nothing is listening there`],
    [none('no-answer'), `peer: ${at}: no answer`],
    [none('host-unreachable'), `peer: ${at}: the host is unreachable`],
    [none('closed'), `peer: ${at}: the peer closed the connection`],
    [{ peers: [peer({ kind: 'older' })] }, `peer: ${at}: speaks an older version of the protocol`],
    [{ peers: [peer({ kind: 'stranger' })] }, `peer: ${at}: another program is listening there`],
    [{ peers: [peer({ ...native, isSameRoom: false })] }, `peer: ${at}: not in the room lobby`],
    [
      { peers: [peer({ ...native, version: 2 })] },
      `peer: ${at}: speaks version 2 of the protocol, this program version 1`,
    ],
    [{ peers: [peer({ ...native, key: serviceOf('alice', 5).key })] }, `peer: ${at}: has your key`],
    [{ peers: [peer({ ...native, aheadMs: 13 * 3_600_000 })] }, `peer: ${at}: its clock is 13 hours ahead of yours`],
    [{ peers: [peer({ ...native, aheadMs: -13 * 3_600_000 })] }, `peer: ${at}: its clock is 13 hours behind yours`],
  ]
  for (const [observed, what] of broken) {
    assert.deepEqual(wrongIn(observed), [what])
    for (const finding of findingsOf({ ...WELL, ...observed })) assert.equal(finding.ok, finding.next === '')
  }
})

test('a peer that is reachable at one address is reachable', () => {
  const answers = [
    { address: { host: '172.17.0.1', port: 1 }, answer: { kind: 'none', reason: 'no-answer' } as const },
    { address: { host: '10.0.0.2', port: 1 }, answer: native },
  ]
  assert.deepEqual(wrongIn({ peers: [peer(undefined, { answers })] }), [])
})

test('reports loopback without multicast only if there is no other interface', () => {
  assert.deepEqual(wrongIn({ interfaces: [{ ...lo, isOpen: false }, eth0] }), [])
  assert.equal(wrongIn({ interfaces: [{ ...lo, isOpen: false }] }).length, 2)
})

test('accepts a scuttleup peer in the lobby only', () => {
  const peers = [peer({ kind: 'scuttleup' }, { services: [] })]
  assert.deepEqual(wrongIn({ peers }), [])
  const room = { name: 'ops', tag: ROOM, isLobby: false }
  assert.deepEqual(wrongIn({ peers, room }), ['peer: bob (10.0.0.2:4002): a scuttleup peer, which supports no rooms'])
})

test('without a name, reports interfaces and other peers only', () => {
  const findings = findingsOf({ ...WELL, me: undefined, key: undefined, port: undefined, peers: [] })
  assert.deepEqual(
    findings.map(({ check, what }) => `${check}: ${what}`),
    [
      'interfaces: eth0 10.0.0.5',
      'multicast: lo (127.0.0.1): multicast works, no other hosts heard',
      'multicast: eth0 (10.0.0.5): multicast works, 1 other host heard',
      'others: in the room lobby: bob at 10.0.0.2:4002',
    ],
  )
})
