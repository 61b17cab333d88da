import assert from 'node:assert/strict'
import test from 'node:test'
import { findingsOf, type Meeting, type Seen, type SeenPeer } from '../../src/cli/doctor/findings.js'
import { ROOM, serviceOf } from '../helper/link-of-hosts.js'

const eth0 = { name: 'eth0', address: '10.0.0.5', isOpen: true, isHeardHere: true, others: 1 }
const lo = { name: 'lo', address: '127.0.0.1', isOpen: true, isHeardHere: true, others: 0 }
const bob = { ...serviceOf('bob', 2), places: [{ host: '10.0.0.2', port: 4_002 }] }
const ours: Meeting = { kind: 'native', isSameRoom: true, version: 1, key: bob.key, aheadMs: 0 }

/** All is well with alice, and bob is there. */
const WELL: Seen = {
  me: 'alice',
  key: serviceOf('alice', 5).key,
  version: 1,
  room: { name: 'lobby', tag: ROOM, isLobby: true },
  multicastFault: undefined,
  interfaces: [lo, eth0],
  services: [bob],
  port: { port: 55_204, holder: undefined, unreached: [] },
  peers: [peer(ours)],
}

function peer(met: Meeting | undefined, rest: Partial<SeenPeer> = {}): SeenPeer {
  const meetings = met === undefined ? [] : [{ place: { host: '10.0.0.2', port: 4_002 }, met }]
  return { asked: 'bob', services: [bob], meetings, isByAddress: false, ...rest }
}

const wrongIn = (seen: Partial<Seen>): string[] =>
  findingsOf({ ...WELL, ...seen })
    .filter(({ ok }) => !ok)
    .map(({ check, what }) => `${check}: ${what}`)

test('where all is well nothing is wrong', () => {
  assert.deepEqual(wrongIn({}), [])
})

test('each thing that is wrong is named, alone, with a next step', () => {
  const none = (reason: string): Partial<Seen> => ({ peers: [peer({ kind: 'none', reason })] })
  const at = 'bob (10.0.0.2:4002)'
  const broken: readonly (readonly [Partial<Seen>, string])[] = [
    [{ interfaces: [] }, 'interfaces: no network interface is up, not even loopback'],
    [{ interfaces: [lo] }, 'interfaces: no network interface is up but loopback: only this machine is reached'],
    [
      { multicastFault: 'UDP port 5353 is not to be had (EACCES)' },
      'multicast: UDP port 5353 is not to be had (EACCES)',
    ],
    [
      { interfaces: [lo, { ...eth0, isHeardHere: false }] },
      'multicast: eth0 (10.0.0.5): what is sent to everyone does not come back',
    ],
    [{ interfaces: [lo, { ...eth0, isOpen: false }] }, 'multicast: eth0 (10.0.0.5): multicast cannot be used'],
    [
      { port: { port: 55_204, holder: { kind: 'stranger' }, unreached: [] } },
      "port: port 55204, which is alice's, is held by another program",
    ],
    [
      { port: { port: 55_204, holder: { kind: 'scuttleup' }, unreached: [] } },
      "port: port 55204, which is alice's, is held by the original program",
    ],
    [
      { port: { port: 55_204, holder: ours, unreached: [] } },
      `port: port 55204, which is alice's, is held by a chat with another key (00000000…)`,
    ],
    [
      { port: { port: 80, holder: { kind: 'refused', reason: 'not allowed' }, unreached: [] } },
      "port: port 80, which is alice's, cannot be listened on: not allowed",
    ],
    [
      { port: { port: 55_204, holder: undefined, unreached: ['10.0.0.5'] } },
      "port: port 55204, which is alice's, is not reached at 10.0.0.5",
    ],
    [
      { services: [bob, { ...serviceOf('alice (2)', 9), places: [] }] },
      'name: alice is the name of somebody else here too, with the key 00000000…',
    ],
    [{ peers: [peer(undefined, { services: [] })] }, 'peer: bob: nobody on this network answers to that name'],
    [
      { peers: [peer(undefined, { services: [{ ...bob, room: 'ffff000011112222' }] })] },
      'peer: bob is here, but in another room than lobby',
    ],
    [none('nobody listens there'), `peer: ${at}: nobody listens there`],
    [none('it does not answer'), `peer: ${at}: it does not answer`],
    [none('the host cannot be reached'), `peer: ${at}: the host cannot be reached`],
    [none('it closed the connection'), `peer: ${at}: it closed the connection`],
    [{ peers: [peer({ kind: 'stranger' })] }, `peer: ${at}: another program listens there`],
    [{ peers: [peer({ ...ours, isSameRoom: false })] }, `peer: ${at}: in another room than lobby`],
    [
      { peers: [peer({ ...ours, version: 2 })] },
      `peer: ${at}: speaks version 2 of the protocol, this program version 1`,
    ],
    [{ peers: [peer({ ...ours, key: serviceOf('alice', 5).key })] }, `peer: ${at}: has your own key`],
    [{ peers: [peer({ ...ours, aheadMs: 13 * 3_600_000 })] }, `peer: ${at}: its clock is 13 hours ahead of yours`],
    [{ peers: [peer({ ...ours, aheadMs: -13 * 3_600_000 })] }, `peer: ${at}: its clock is 13 hours behind yours`],
  ]
  for (const [seen, what] of broken) {
    assert.deepEqual(wrongIn(seen), [what])
    for (const finding of findingsOf({ ...WELL, ...seen })) assert.equal(finding.ok, finding.next === '')
  }
})

test('a peer that is reached at one of its addresses is reached', () => {
  const meetings = [
    { place: { host: '172.17.0.1', port: 1 }, met: { kind: 'none', reason: 'it does not answer' } as const },
    { place: { host: '10.0.0.2', port: 1 }, met: ours },
  ]
  assert.deepEqual(wrongIn({ peers: [peer(undefined, { meetings })] }), [])
})

test('loopback without multicast is nothing to worry about where there is a network', () => {
  assert.deepEqual(wrongIn({ interfaces: [{ ...lo, isOpen: false }, eth0] }), [])
  assert.equal(wrongIn({ interfaces: [{ ...lo, isOpen: false }] }).length, 2)
})

test('the original program is well in the lobby, and wrong elsewhere', () => {
  const peers = [peer({ kind: 'scuttleup' }, { services: [] })]
  assert.deepEqual(wrongIn({ peers }), [])
  const room = { name: 'ops', tag: ROOM, isLobby: false }
  assert.deepEqual(wrongIn({ peers, room }), ['peer: bob (10.0.0.2:4002): the original program, which knows no rooms'])
})

test('who only wants to know who is there is told that', () => {
  const findings = findingsOf({ ...WELL, me: undefined, key: undefined, port: undefined, peers: [] })
  assert.deepEqual(
    findings.map(({ check, what }) => `${check}: ${what}`),
    [
      'interfaces: eth0 10.0.0.5',
      'multicast: lo (127.0.0.1): what is sent comes back, nobody else heard',
      'multicast: eth0 (10.0.0.5): what is sent comes back, 1 other heard',
      'others: in the room lobby: bob at 10.0.0.2:4002',
    ],
  )
})
