import assert from 'node:assert/strict'
import test from 'node:test'
import { FrameReader } from '../../src/base/frames.js'
import { STATUSES_MAX } from '../../src/base/limits.js'
import { type KeyPair, keyPairOf } from '../../src/base/signing.js'
import { type AuthorId, authorOfKey } from '../../src/log/author.js'
import { roomId } from '../../src/log/room.js'
import { type Present, Roster, type RosterEffect } from '../../src/peer/roster.js'
import { readStatus, type Status, signStatus, statusFrame } from '../../src/peer/status.js'

// PROTOCOL.md §5.6: statuses, who takes them, who passes them on.

const ROOM = roomId('lobby')
const START = 1_800_000_000_000
const MINUTE = 60_000

const keysOf = (number: number): KeyPair => {
  const seed = Buffer.alloc(32)
  seed.writeUInt32BE(number)
  return keyPairOf(seed)
}
const idOf = (number: number): AuthorId => authorOfKey(keysOf(number).publicKey)

const rosterOf = (number: number, me: string, hasWritten = (_: AuthorId) => false): Roster =>
  new Roster({ keys: keysOf(number), room: ROOM, me, hasWritten, random: () => 0.5 })

function bodyOf(frame: Uint8Array): Uint8Array {
  const reader = new FrameReader(2_000)
  reader.push(frame)
  const read = reader.next()
  assert.ok(read.kind === 'frame')
  return read.body
}

const STATUS: Status = {
  version: START,
  until: START + 5 * MINUTE,
  state: 'present',
  reach: 16,
  name: 'carol',
  text: '',
  typingMs: 0,
}

/** A status of carol, who is number 3, that has crossed so many links. */
const carols = (change: Partial<Status> = {}, hops = 2, keys = keysOf(3), room = ROOM): Uint8Array =>
  bodyOf(statusFrame(signStatus(keys, room, { ...STATUS, ...change }), hops))

const sentTo = (effects: RosterEffect[] | 'bad'): number[] =>
  effects === 'bad' ? [] : effects.flatMap(effect => (effect.kind === 'send' ? [effect.link] : []))

/** Alice, who is linked with bob over link 1 and with dave over link 2. */
function alice(aheadMs = 0) {
  const roster = rosterOf(1, 'alice')
  roster.linked(1, { author: idOf(2), name: 'bob', aheadMs }, START)
  roster.linked(2, { author: idOf(4), name: 'dave', aheadMs: 0 }, START)
  const of = (number: number, now = START): Present | undefined =>
    roster.list(now).find(({ author }) => author === idOf(number))
  return { roster, of }
}

test('who is linked is linked, who is heard of is heard of, and who says goodbye has left', () => {
  const { roster, of } = alice()
  assert.deepEqual(sentTo(roster.receive(1, carols(), START)), [2], 'passed on to all but who sent it')
  assert.deepEqual(
    roster.list(START).map(({ name, state, hops }) => [name, state, hops]),
    [
      ['bob', 'linked', 1],
      ['dave', 'linked', 1],
      ['carol', 'heard', 2],
    ],
  )
  roster.receive(2, carols({ version: START + 1, state: 'left' }), START + 1)
  assert.equal(of(3)?.state, 'left')
  roster.unlinked(2, true, START + 2)
  assert.equal(of(4, START + 2)?.state, 'left', 'nothing was heard of dave but the link')
})

test('why somebody is away, and that he types, is told while it holds; his line ends the typing', () => {
  const { roster, of } = alice()
  roster.receive(1, carols({ state: 'away', text: 'lunch', typingMs: 6_000 }), START)
  assert.equal(of(3)?.away, 'lunch')
  assert.equal(of(3)?.isTyping, true)
  assert.equal(of(3, START + 6_000)?.isTyping, false)
  roster.spoke(idOf(3))
  assert.equal(of(3)?.isTyping, false)
  roster.receive(1, carols({ version: START + 1 }), START)
  assert.equal(of(3)?.away, undefined)
})

test('of an author the newest version counts, whatever comes later', () => {
  const { roster, of } = alice()
  roster.receive(1, carols({ version: START + 5, state: 'away', text: 'lunch' }), START)
  assert.deepEqual(sentTo(roster.receive(2, carols({ version: START + 4 }), START)), [], 'not passed on')
  assert.deepEqual(sentTo(roster.receive(2, carols({ version: START + 5, text: 'dinner' }), START)), [])
  assert.equal(of(3)?.away, 'lunch')
})

const REFUSED: readonly [what: string, body: Uint8Array][] = [
  ['what holds no longer', carols({ version: START - 6 * MINUTE, until: START })],
  ['what holds for over ten minutes from now', carols({ version: START + MINUTE, until: START + 10 * MINUTE + 1 })],
]
for (const [what, body] of REFUSED) {
  test(`not taken, and held against nobody: ${what}`, () => {
    const { roster, of } = alice()
    assert.deepEqual(roster.receive(1, body, START), [])
    assert.equal(of(3), undefined)
    assert.notDeepEqual(roster.receive(1, carols({ until: START + 10 * MINUTE }), START), [], 'control')
  })
}

const flipped = (place: number): Uint8Array => {
  const body = Uint8Array.from(carols())
  body[place] = (body[place] ?? 0) ^ 1
  return body
}
const BAD: readonly [what: string, body: Uint8Array][] = [
  ['another key', flipped(3)],
  ['another signature', flipped(40)],
  ['another name', flipped(carols().length - 1)],
  ['another room', carols({}, 2, keysOf(3), roomId('ops'))],
  ['no hops', carols({}, 0)],
  ['hops without end', carols({}, 17)],
  ['a reach without end', carols({ reach: 17 })],
  ['over ten minutes', carols({ version: START - MINUTE, until: START + 9 * MINUTE + 1 })],
  ['no time at all', carols({ until: START })],
  ['a long name', carols({ name: 'x'.repeat(64) })],
  ['a long text', carols({ text: 'x'.repeat(257) })],
  ['typing beyond its end', carols({ typingMs: 6 * MINUTE })],
  ['nothing', Uint8Array.of(8)],
]
for (const [what, body] of BAD) {
  test(`a link that brings a status with ${what} is closed`, () => {
    const { roster, of } = alice()
    assert.equal(roster.receive(1, body, START), 'bad')
    assert.equal(of(3), undefined)
  })
}

test('no more links are crossed than the author allows', () => {
  const { roster, of } = alice()
  assert.deepEqual(sentTo(roster.receive(1, carols({ reach: 4 }, 4), START)), [])
  assert.equal(of(3)?.hops, 4, 'known all the same')
  assert.deepEqual(sentTo(roster.receive(1, carols({ version: START + 1, reach: 4 }, 3), START)), [2], 'control')
})

test('whose clock is wrong is known over the own link, and not passed on', () => {
  const hour = 60 * MINUTE
  const bobs = bodyOf(
    statusFrame(
      signStatus(keysOf(2), ROOM, {
        ...STATUS,
        name: 'bob',
        text: 'lunch',
        state: 'away',
        version: START + hour,
        until: START + hour + MINUTE,
      }),
      1,
    ),
  )
  const right = alice()
  right.roster.receive(1, bobs, START)
  assert.equal(right.of(2)?.away, undefined, 'control: a link that did not tell of it')
  const { roster, of } = alice(hour)
  assert.deepEqual(sentTo(roster.receive(1, bobs, START)), [])
  assert.equal(of(2)?.away, 'lunch')
})

test('one link brings no more than a bounded number a second, and one author no more than a few', () => {
  const { roster } = alice()
  for (let i = 0; i < 10; i++) roster.receive(1, carols({ version: START + 1 + i }), START)
  assert.equal(roster.list(START).length, 3)
  const taken = (now: number): number => {
    let count = 0
    for (let i = 0; i < 200; i++)
      if (sentTo(roster.receive(1, carols({ version: now }, 2, keysOf(now - START + 100 + i)), now)).length > 0) count++
    return count
  }
  assert.equal(taken(START + 1_000), 64)
  assert.equal(taken(START + 2_000), 64, 'the next second again')
  assert.equal(
    sentTo(roster.receive(2, carols({ version: START + 3_000 }), START + 2_000)).length,
    1,
    'over others it comes',
  )
})

test('a crowd of strangers is remembered up to a bound, and displaces nobody who is linked or has written', () => {
  const roster = rosterOf(1, 'alice', author => author === idOf(3))
  roster.linked(1, { author: idOf(2), name: 'bob', aheadMs: 0 }, START)
  roster.receive(1, carols(), START)
  for (let i = 0; i < STATUSES_MAX + 100; i++) {
    const now = START + 1_000 + i * 20
    roster.receive(
      1,
      carols({ version: now, until: now + 5 * MINUTE, name: `stranger ${i}` }, 2, keysOf(1_000 + i)),
      now,
    )
  }
  const list = roster.list(START + 30_000)
  assert.equal(list.length, STATUSES_MAX)
  assert.ok(list.some(({ name }) => name === 'bob') && list.some(({ name }) => name === 'carol'))
})

test('a new link is told the own status, and what is known of others', () => {
  const { roster } = alice()
  roster.receive(1, carols(), START)
  const effects = roster.linked(3, { author: idOf(5), name: 'erin', aheadMs: 0 }, START)
  const names = effects.flatMap(effect => (effect.kind === 'send' ? [readStatus(bodyOf(effect.frame))] : []))
  assert.deepEqual(
    names.map(status => [status?.name, status?.hops]),
    [
      ['alice', 1],
      ['carol', 3],
    ],
  )
})

test('who is away says so at once, and the same to who comes later; typing is told every three seconds at most', () => {
  const { roster } = alice()
  const said: (Status | undefined)[] = []
  let now = START
  const passUntil = (end: number): void => {
    while (roster.nextAt <= end) {
      now = Math.max(now, roster.nextAt)
      for (const effect of roster.tick(now))
        if (effect.kind === 'send' && effect.link === 1) said.push(readStatus(bodyOf(effect.frame)))
    }
    now = end
  }
  roster.setAway('lunch', now)
  passUntil(START + 2_000)
  assert.deepEqual(
    said.map(status => [status?.state, status?.text]),
    [['away', 'lunch']],
  )
  said.length = 0
  for (let i = 0; i < 100; i++) {
    roster.typing(now)
    passUntil(now + 100)
  }
  assert.equal(said.length, 4)
  assert.ok(said.every(status => status?.typingMs === 6_000 && status.reach === 4))
  said.length = 0
  passUntil(now + 10 * MINUTE)
  assert.ok(said.length >= 3 && said.every(status => status?.reach === 16), `${said.length} times in ten minutes`)
  const versions = said.map(status => status?.version ?? 0)
  assert.deepEqual(
    versions,
    versions.toSorted((a, b) => a - b),
  )
})

test('whose link is lost is not shown as there two seconds later, unless he was heard of again', () => {
  const { roster, of } = alice()
  const bobs = (version: number): Uint8Array => carols({ version, name: 'bob' }, 2, keysOf(2))
  roster.receive(1, bobs(START), START)
  roster.unlinked(1, true, START + 1)
  assert.equal(of(2, START + 1)?.state, 'heard')
  roster.tick(roster.nextAt)
  const later = START + 2_001
  roster.tick(later)
  assert.equal(of(2, later)?.state, 'left')
  roster.receive(2, bobs(START + 1_500), later)
  assert.equal(of(2, later)?.state, 'heard')
})

test('nobody who left can be shown as there by what he said before', () => {
  const { roster, of } = alice()
  const before = carols({ until: START + 7 * MINUTE })
  roster.receive(1, carols({ version: START + 1, until: START + 10 * MINUTE, state: 'left' }), START + 1)
  for (let now = START + 2; now < START + 20 * MINUTE; now += MINUTE) {
    roster.tick(now)
    roster.receive(1, before, now)
    assert.equal(of(3, now)?.state, 'left')
  }
})
