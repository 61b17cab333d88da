import assert from 'node:assert/strict'
import test from 'node:test'
import { concat } from '../../src/base/wire/bytes.js'
import { type CardContent, newerCard, readCard, signCard } from '../../src/membership/format/card.js'
import { listMembers } from '../../src/membership/member-list.js'
import { Membership } from '../../src/membership/membership.js'
import { admission, aliceKeys, authorOfKeys, founderKeys, opening, signedRoom } from '../helper/membership-members.js'

const ROOM = signedRoom.id
const CONTENTS: readonly CardContent[] = [
  { name: 'alice', isRelay: false },
  { name: 'Ünï', internetKey: 'a'.repeat(64), isRelay: true },
  { name: 'x'.repeat(63), internetKey: '0'.repeat(64), isRelay: false },
]

test('reads the cards that it signs', () => {
  for (const content of CONTENTS)
    for (const version of [0, 1, 0xffff_ffff]) {
      const { bytes, ...card } = signCard(ROOM, aliceKeys, version, content)
      const read = readCard(ROOM, bytes)
      assert.deepEqual({ ...read, bytes: undefined }, { ...card, bytes: undefined })
    }
})

test('rejects cards of other rooms, changed, cut and longer ones', () => {
  const { bytes } = signCard(ROOM, aliceKeys, 1, CONTENTS[1] as CardContent)
  assert.equal(readCard(new Uint8Array(32), bytes), undefined)
  for (let i = 0; i < bytes.length; i++) {
    const changed = Uint8Array.from(bytes)
    changed[i] = (changed[i] ?? 0) ^ 4
    assert.equal(readCard(ROOM, changed), undefined)
    assert.equal(readCard(ROOM, bytes.subarray(0, i)), undefined)
  }
  assert.equal(readCard(ROOM, concat([bytes, new Uint8Array(600)])), undefined)
  for (const name of ['', 'x'.repeat(64)])
    assert.equal(readCard(ROOM, signCard(ROOM, aliceKeys, 1, { name, isRelay: false }).bytes), undefined)
})

test('the card with the highest version counts, and of equal versions the same one everywhere', () => {
  const [a, b] = ['a', 'b'].map(name => signCard(ROOM, aliceKeys, 1, { name, isRelay: false })) as [
    ReturnType<typeof signCard>,
    ReturnType<typeof signCard>,
  ]
  const newer = signCard(ROOM, aliceKeys, 2, { name: 'c', isRelay: false })
  assert.equal(newerCard(a, newer), newer)
  assert.equal(newerCard(newer, a), newer)
  assert.equal(newerCard(a, b), newerCard(b, a))
})

test('lists members with the names on their newest cards', () => {
  const membership = new Membership(signedRoom, [opening, admission])
  const cards = [1, 3, 2].map(version =>
    signCard(ROOM, aliceKeys, version, { name: `alice${version}`, isRelay: false }),
  )
  const [founder, alice] = [founderKeys, aliceKeys].map(authorOfKeys)
  const listed = listMembers(membership, cards)
  assert.deepEqual(
    new Set(listed.map(({ author, name, role, by, since }) => JSON.stringify([author, name, role, by, since]))),
    new Set([
      JSON.stringify([founder, undefined, 'founder', undefined, 1_763_670_000_000]),
      JSON.stringify([alice, 'alice3', 'host', founder, 1_763_670_001_000]),
    ]),
  )
  assert.deepEqual(
    listed.map(({ author }) => author),
    [founder, alice].sort(),
  )
})
