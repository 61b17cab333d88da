import assert from 'node:assert/strict'
import type { Body } from '../../src/membership/format/body.js'
import { readCard, signCard } from '../../src/membership/format/card.js'
import { checkOperation, openedRoom } from '../../src/membership/format/checked-operation.js'
import { between, type Chance } from '../long/chance.js'
import {
  admission,
  admitBody,
  after,
  aliceKeys,
  authorOfKeys,
  bobKeys,
  founderKeys,
  opening,
  sign,
  signedRoom,
} from './membership-members.js'

// Genuine operations and cards with changed bytes. docs/protocol/membership.md §9.4.

const CHAIN = 'c'.repeat(64)
const bob = authorOfKeys(bobKeys)
const BODIES: readonly Body[] = [
  { ...admitBody(bobKeys, 'host'), guests: 5, invitation: 'a'.repeat(32), answers: [opening.id], of: bob },
  {
    kind: 'remove',
    subject: bob,
    place: { term: opening.id, seq: 1, id: admission.id },
    chat: [{ run: 0, seq: 7, chain: CHAIN }],
    time: 1,
  },
  { kind: 'leave', chat: [0, 5, 9].map(run => ({ run, seq: 7, chain: CHAIN })), time: 1 },
  { kind: 'name', name: 'operations', time: 1 },
  { kind: 'invite', role: 'member', inviteKey: CHAIN, findKey: CHAIN, until: 2 ** 40, uses: 3, time: 1 },
  { kind: 'revoke', invitation: 'a'.repeat(32), time: 1 },
  { kind: 'erase', subject: bob, run: 1, from: 2, to: 300, chain: CHAIN, time: 1 },
  { kind: 'keep', keep: { unit: 'bytes', amount: 2 ** 33 }, time: 1 },
  { kind: 'history', history: 50, time: 1 },
]
const OPERATIONS = [opening, admission, ...BODIES.map(body => sign(founderKeys, after(admission), body))]
const CARD = signCard(signedRoom.id, aliceKeys, 3, { name: 'alice', internetKey: CHAIN, isRelay: true })
const GENUINE = [...OPERATIONS, CARD].map(({ bytes }) => Buffer.from(bytes))

/** Changes, removes or adds a few bytes, or joins parts of two. */
function mutated(random: Chance): Uint8Array {
  const of = GENUINE[between(random, 0, GENUINE.length)] as Buffer
  const bytes = Buffer.from(of)
  const at = between(random, 0, of.length)
  const length = between(random, 1, 5)
  const noise = Buffer.from(Array.from({ length }, () => between(random, 0, 256)))
  switch (between(random, 0, 5)) {
    case 0:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << between(random, 0, 8))
      return bytes
    case 1:
      return bytes.subarray(0, at)
    case 2:
      return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at + length)])
    case 3:
      return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)])
    default: {
      const other = GENUINE[between(random, 0, GENUINE.length)] as Buffer
      return Buffer.concat([bytes.subarray(0, at), other.subarray(at)])
    }
  }
}

export interface MutationFigures {
  mutations: number
  readonly rejected: Map<string, number>
}

/** Reads one mutated operation or card. Throws if one is accepted that nobody signed. */
export function readMutated(random: Chance, figures: MutationFigures): void {
  const bytes = mutated(random)
  figures.mutations++
  const isGenuine = GENUINE.some(genuine => genuine.equals(bytes))
  const checked = checkOperation(signedRoom, bytes)
  const card = readCard(signedRoom.id, bytes)
  const room = openedRoom(signedRoom.id, bytes)
  const isAccepted = checked.kind === 'operation' || card !== undefined || room !== undefined
  assert.ok(isGenuine || !isAccepted, `accepted ${Buffer.from(bytes).toString('hex')}`)
  if (checked.kind === 'rejected') figures.rejected.set(checked.reason, (figures.rejected.get(checked.reason) ?? 0) + 1)
}
