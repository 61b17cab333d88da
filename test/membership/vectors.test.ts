import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import test from 'node:test'
import { hlcAt } from '../../src/log/format/hybrid-clock.js'
import { type Body, NO_OPERATION } from '../../src/membership/format/body.js'
import { readCard, signCard } from '../../src/membership/format/card.js'
import { checkOperation } from '../../src/membership/format/checked-operation.js'
import { signConsent } from '../../src/membership/format/consent.js'
import { directRoomId, roomLabel } from '../../src/membership/format/room.js'
import { operationHeads } from '../../src/membership/heads.js'
import { readCode, writeCode } from '../../src/membership/invitation/invitation-code.js'
import { invitationKeys, signProofOfUse } from '../../src/membership/invitation/invitation-keys.js'
import { HISTORY_ALL } from '../../src/membership/limits.js'
import { Membership } from '../../src/membership/membership.js'
import {
  admission,
  after,
  aliceKeys,
  authorOfKeys,
  bobKeys,
  founderKeys,
  opening,
  sign,
  signedRoom,
} from '../helper/membership-members.js'
import { membershipVectors } from '../helper/membership-oracle.js'

const FILE = 'docs/protocol/membership.md'
const BLOCK = /(### §9\.10 .*?\n```text\n)(.*?)(```)/s
const LINE_DIGITS = 112

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const [alice, founder] = [authorOfKeys(aliceKeys), authorOfKeys(founderKeys)]
const CHAT = [{ run: 7, seq: 3, chain: 'cc'.repeat(32) }]
const removalBody: Body = {
  kind: 'remove',
  subject: alice,
  place: { term: NO_OPERATION, seq: 0, id: NO_OPERATION },
  chat: CHAT,
  time: 1_763_670_002_000,
}
const removal = sign(founderKeys, after(admission), removalBody)
const history = sign(founderKeys, after(removal), { kind: 'history', history: 50, time: 1_763_670_003_000 })
const bob = authorOfKeys(bobKeys)
const LINES_FROM = hlcAt(1_763_670_000_500, 42)
const newcomer = sign(founderKeys, after(history), {
  kind: 'admit',
  subject: bob,
  role: 'member',
  consent: signConsent(signedRoom.id, bobKeys),
  time: 1_763_670_004_000,
  history: 50,
  linesFrom: LINES_FROM,
})
const SEED = new Uint8Array(16).fill(0xab)
const card = signCard(signedRoom.id, aliceKeys, 3, { name: 'alice', internetKey: 'cc'.repeat(32), isRelay: true })
const keys = invitationKeys(SEED)

const ours: Readonly<Record<string, string | undefined>> = {
  'room id': hex(signedRoom.id),
  label: roomLabel(signedRoom.id),
  'direct room id of founder and alice': hex(directRoomId(founder, alice)),
  'consent of alice': signConsent(signedRoom.id, aliceKeys),
  'id of operation 1': opening.id,
  'operation 1': hex(opening.bytes),
  'id of operation 2': admission.id,
  'operation 2': hex(admission.bytes),
  'id of operation 3': removal.id,
  'operation 3': hex(removal.bytes),
  'digest of the head after operation 3': [...operationHeads([removal, opening, admission]).values()][0]?.digest,
  'id of operation 4': history.id,
  'operation 4': hex(history.bytes),
  'id of operation 5': newcomer.id,
  'operation 5': hex(newcomer.bytes),
  'invite key': hex(keys.invite.publicKey),
  'find key': keys.find,
  'use by alice': hex(signProofOfUse(signedRoom.id, keys.invite, alice)),
  code: writeCode(signedRoom.id, SEED),
  'card of alice, version 3, internet key of bytes cc, relay': hex(card.bytes),
}

const blockOf = (vectors: Readonly<Record<string, string>>): string =>
  Object.entries(vectors)
    .map(([name, value]) => `${name}\n${value.replace(new RegExp(`.{1,${LINE_DIGITS}}`, 'g'), '  $&\n')}`)
    .join('')

/** `DOCS=write` regenerates the block. If it changes, so does the protocol. */
test('the documented vectors are those of the oracle', () => {
  const text = readFileSync(FILE, 'utf8')
  const block = blockOf(membershipVectors)
  if (process.env['DOCS'] === 'write')
    writeFileSync(
      FILE,
      text.replace(BLOCK, (_, head, __, end) => head + block + end),
    )
  assert.equal(BLOCK.exec(readFileSync(FILE, 'utf8'))?.[2], block)
})

test('computes the same ids, signatures, codes and cards as the oracle', () => {
  assert.deepEqual(ours, membershipVectors)
})

test('reads the vectors', () => {
  for (const number of [1, 2, 3, 4, 5]) {
    const bytes = Buffer.from(membershipVectors[`operation ${number}`] ?? '', 'hex')
    const checked = checkOperation(signedRoom, bytes)
    assert.ok(checked.kind === 'operation')
    assert.equal(checked.operation.id, membershipVectors[`id of operation ${number}`])
  }
  assert.equal(readCard(signedRoom.id, card.bytes)?.name, 'alice')
  const read = readCode(membershipVectors['code'] ?? '')
  assert.ok(read.kind === 'code' && hex(read.code.seed) === hex(SEED))
  assert.equal(directRoomId(founder, alice).length, directRoomId(alice, founder).length)
  assert.deepEqual(directRoomId(founder, alice), directRoomId(alice, founder))
})

test('evaluates the vectors', () => {
  const before = new Membership(signedRoom, [admission, opening])
  assert.equal(before.members.get(alice)?.role, 'host')
  assert.equal(before.name, 'ops')
  const membership = new Membership(signedRoom, [removal, admission, opening])
  assert.deepEqual([...membership.members.keys()], [founder])
  assert.deepEqual(membership.chatOf(alice), CHAT)
  const after = new Membership(signedRoom, [newcomer, removal, history, admission, opening])
  assert.deepEqual([membership.history, after.history], [HISTORY_ALL, 50])
  assert.deepEqual([after.linesFrom(bob), after.historyOf(bob)], [LINES_FROM, 50])
  assert.deepEqual([after.linesFrom(founder), after.historyOf(founder)], [undefined, HISTORY_ALL])
})
