import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { hash } from '../../src/base/crypto/hash.js'
import { concat, utf8 } from '../../src/base/wire/bytes.js'
import { openedRoom } from '../../src/membership/format/checked-operation.js'
import { signOperation } from '../../src/membership/format/operation.js'
import { privateRoom } from '../../src/membership/format/room.js'
import { fromBase32, toBase32 } from '../../src/membership/invitation/base32.js'
import { isCodeFor, readCode, writeCode } from '../../src/membership/invitation/invitation-code.js'
import { invitationKeys, isProofOfUse, signProofOfUse } from '../../src/membership/invitation/invitation-keys.js'
import { aliceKeys, authorOfKeys, bobKeys, FIRST, signedRoom } from '../helper/membership-members.js'

const ROOM = signedRoom.id
const SEED = new Uint8Array(16).fill(0xab)
const CODE = writeCode(ROOM, SEED)
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

const bytesOf = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })

test("writes and reads Crockford's base32", () => {
  assert.equal(toBase32(Uint8Array.of(0, 0, 0, 0, 1)), '00000001')
  assert.equal(toBase32(new Uint8Array(5).fill(0xff)), 'ZZZZZZZZ')
  assert.deepEqual(fromBase32('OoIiLl'.toUpperCase()), fromBase32('001111'))
  assert.equal(fromBase32('0000000U'), undefined)
  fc.assert(fc.property(bytesOf(30), bytes => assert.deepEqual(fromBase32(toBase32(bytes)), Uint8Array.from(bytes))))
})

test('reads codes in any case, with or without prefix, hyphens and spaces', () => {
  fc.assert(
    fc.property(bytesOf(32), bytesOf(16), (room, seed) => {
      const code = writeCode(room, seed)
      assert.match(code, /^PC(-[0-9A-HJKMNP-TV-Z]{4}){12}$/)
      for (const text of [
        code,
        code.toLowerCase(),
        code.slice(3),
        ` ${code.replaceAll('-', ' \t')}\n`,
        code.replaceAll('-', '–'),
      ]) {
        const read = readCode(text)
        assert.ok(read.kind === 'code', text)
        assert.deepEqual(Buffer.from(read.code.seed), Buffer.from(seed))
        assert.ok(isCodeFor(read.code, room))
        assert.ok(!isCodeFor(read.code, hash(room)))
      }
    }),
    { numRuns: 200 },
  )
  const confused = CODE.slice(2).replaceAll('0', 'o').replaceAll('1', 'l')
  assert.equal(readCode(confused).kind, 'code')
})

test('says why text is no code', () => {
  assert.deepEqual(readCode(CODE.slice(0, -1)), { kind: 'incomplete', digits: 47, expected: 48 })
  assert.deepEqual(readCode(''), { kind: 'incomplete', digits: 0, expected: 48 })
  assert.deepEqual(readCode(`${CODE}0`), { kind: 'too-long', digits: 49, expected: 48 })
  assert.deepEqual(readCode(`${CODE}u`), { kind: 'foreign-character', character: 'U' })
  assert.deepEqual(readCode(`PC-😀${CODE.slice(4)}`), { kind: 'foreign-character', character: '😀' })
  assert.equal(readCode('0'.repeat(1_000_000)).kind, 'too-long')
  const body = concat([Uint8Array.of(2), new Uint8Array(26)])
  const later = toBase32(concat([body, hash(utf8('persisted-chat/code/1'), body).subarray(0, 3)]))
  assert.deepEqual(readCode(later), { kind: 'unknown-version', version: 2 })
})

test('detects every wrong character and every swap of two characters', () => {
  let slips = 0
  for (let i = 3; i < CODE.length; i++) {
    if (CODE[i] === '-') continue
    for (const character of ALPHABET) {
      if (character === CODE[i]) continue
      assert.equal(readCode(CODE.slice(0, i) + character + CODE.slice(i + 1)).kind, 'mistyped')
      slips++
    }
    const next = CODE[i + 1]
    if (next === undefined || next === '-' || next === CODE[i]) continue
    assert.equal(readCode(CODE.slice(0, i) + next + CODE[i] + CODE.slice(i + 2)).kind, 'mistyped')
    slips++
  }
  assert.ok(slips > 1_400)
})

test('a newcomer detects that another room is shown for their code', () => {
  const read = readCode(CODE)
  assert.ok(read.kind === 'code')
  const other = privateRoom(authorOfKeys(bobKeys), new Uint8Array(32))
  const nonce = Buffer.from(new Uint8Array(32)).toString('hex')
  const opened = signOperation(other.id, bobKeys, FIRST, { kind: 'open', name: 'ops', nonce, time: 0 })
  assert.ok(openedRoom(other.id, opened.bytes))
  assert.ok(!isCodeFor(read.code, other.id))
  assert.equal(openedRoom(ROOM, opened.bytes), undefined, 'nor does it open the room of the code')
})

test('never throws, whatever the text', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), text => void readCode(text)))
})

test('a proof of use is valid for one invitation, one author and one room', () => {
  const { invite, find, id } = invitationKeys(SEED)
  const inviteKey = Buffer.from(invite.publicKey).toString('hex')
  const [alice, bob] = [authorOfKeys(aliceKeys), authorOfKeys(bobKeys)]
  const proof = signProofOfUse(ROOM, invite, alice)
  assert.ok(isProofOfUse(ROOM, inviteKey, alice, proof))
  assert.ok(!isProofOfUse(ROOM, inviteKey, bob, proof))
  assert.ok(!isProofOfUse(hash(ROOM), inviteKey, alice, proof))
  assert.ok(!isProofOfUse(ROOM, find, alice, proof))
  assert.equal(id, inviteKey.slice(0, 32))
  assert.notEqual(find, invitationKeys(SEED.map(byte => byte ^ 1)).find)
})
