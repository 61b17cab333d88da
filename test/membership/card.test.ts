import assert from 'node:assert/strict'
import test from 'node:test'
import { concat } from '../../src/base/wire/bytes.js'
import { NO_OPERATION } from '../../src/membership/format/body.js'
import { type CardContent, newerCard, readCard, signCard } from '../../src/membership/format/card.js'
import { memberItems } from '../../src/membership/member-list.js'
import { Membership } from '../../src/membership/membership.js'
import {
  admission,
  after,
  aliceKeys,
  authorOfKeys,
  founderKeys,
  opening,
  sign,
  signedRoom,
} from '../helper/membership-members.js'

const ROOM = signedRoom.id
const CONTENTS: readonly CardContent[] = [
  { name: 'alice', isRelay: false },
  { name: 'Ünï', internetKey: 'a'.repeat(64), isRelay: true },
  { name: 'attic', isRelay: false, isKeeper: true },
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

test('lists members and former members with their names, as a command prints them', () => {
  const removal = sign(founderKeys, after(admission), {
    kind: 'remove',
    subject: authorOfKeys(aliceKeys),
    place: { term: NO_OPERATION, seq: 0, id: NO_OPERATION },
    time: 1_763_670_002_000,
  })
  const [founder, alice] = [founderKeys, aliceKeys].map(authorOfKeys)
  const nameOf = (author: string): string | undefined => (author === alice ? 'alice' : undefined)
  const since = ['2025-11-20T20:20:00.000Z', '2025-11-20T20:20:01.000Z']
  const listed = memberItems(new Membership(signedRoom, [opening, admission]), nameOf)
  const items = [
    { key: founder, name: null, role: 'founder', by: null, since: since[0] },
    { key: alice, name: 'alice', role: 'host', by: founder, since: since[1] },
  ]
  assert.deepEqual(
    listed,
    items.sort((a, b) => (String(a.key) < String(b.key) ? -1 : 1)),
  )
  assert.deepEqual(memberItems(new Membership(signedRoom, [opening, admission, removal]), nameOf).slice(1), [
    { removed: alice, name: 'alice', reason: 'removed', by: founder },
  ])
})
