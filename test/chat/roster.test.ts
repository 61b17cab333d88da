import assert from 'node:assert/strict'
import test from 'node:test'
import { type KeyPair, keyPairOf } from '../../src/base/crypto/signing.js'
import { concat } from '../../src/base/wire/bytes.js'
import { FrameReader } from '../../src/base/wire/frames.js'
import { DigestReader, DigestWriter } from '../../src/chat/presence/digest-codec.js'
import { STATUSES_MAX } from '../../src/chat/presence/limits.js'
import type { Present } from '../../src/chat/presence/present.js'
import { Roster, type RosterEffect } from '../../src/chat/presence/roster.js'
import { readStatus, type Status, signStatus, statusFrame } from '../../src/chat/presence/status-codec.js'
import { type AuthorId, authorOfKey } from '../../src/log/format/author.js'
import { roomId } from '../../src/log/format/room-id.js'

// docs/protocol/presence.md §5.6.

const ROOM = roomId('lobby')
const START = 1_800_000_000_000
const MINUTE = 60_000

const keysOf = (number: number): KeyPair => {
  const seed = Buffer.alloc(32)
  seed.writeUInt32BE(number)
  return keyPairOf(seed)
}
const idOf = (number: number): AuthorId => authorOfKey(keysOf(number).publicKey)

const rosterOf = (
  number: number,
  me: string,
  hasWritten = (_: AuthorId) => false,
  isKnown = (_: AuthorId) => true,
): Roster => new Roster({ keys: keysOf(number), room: ROOM, me, hasWritten, isKnown, random: () => 0.5 })

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

/** A status of carol (3) after `hops` hops. */
const carols = (change: Partial<Status> = {}, hops = 2, keys = keysOf(3), room = ROOM): Uint8Array =>
  bodyOf(statusFrame(signStatus(keys, room, { ...STATUS, ...change }), hops))

const sentTo = (effects: RosterEffect[] | 'bad'): number[] =>
  effects === 'bad' ? [] : effects.flatMap(effect => (effect.kind === 'send' ? [effect.connection] : []))

/** Alice, connected to bob over connection 1 and to dave over connection 2. */
function alice(aheadMs = 0) {
  const roster = rosterOf(1, 'alice')
  roster.connected(1, { author: idOf(2), name: 'bob', aheadMs, bytesRead: () => 0 }, START)
  roster.connected(2, { author: idOf(4), name: 'dave', aheadMs: 0, bytesRead: () => 0 }, START)
  const of = (number: number, now = START): Present | undefined =>
    roster.list(now).find(({ author }) => author === idOf(number))
  return { roster, of }
}

test('shows connected people, indirect ones, and those who said goodbye', () => {
  const { roster, of } = alice()
  assert.deepEqual(sentTo(roster.receive(1, carols(), START)), [2], 'relayed to all but its sender')
  assert.deepEqual(
    roster.list(START).map(({ name, state, hops }) => [name, state, hops]),
    [
      ['bob', 'connected', 1],
      ['dave', 'connected', 1],
      ['carol', 'indirect', 2],
    ],
  )
  roster.receive(2, carols({ version: START + 1, state: 'left' }), START + 1)
  assert.equal(of(3)?.state, 'left')
  roster.disconnected(2, true, START + 2)
  assert.equal(of(4, START + 2)?.state, 'left', 'dave sent no status')
})

test('shows away messages and typing while they are valid, and ends typing with a message', () => {
  const { roster, of } = alice()
  roster.receive(1, carols({ state: 'away', text: 'lunch', typingMs: 6_000 }), START)
  assert.equal(of(3)?.away, 'lunch')
  assert.equal(of(3)?.isTyping, true)
  assert.equal(of(3, START + 6_000)?.isTyping, false)
  roster.posted(idOf(3))
  assert.equal(of(3)?.isTyping, false)
  roster.receive(1, carols({ version: START + 1 }), START)
  assert.equal(of(3)?.away, undefined)
})

test('accepts only newer versions of a status', () => {
  const { roster, of } = alice()
  roster.receive(1, carols({ version: START + 5, state: 'away', text: 'lunch' }), START)
  assert.deepEqual(sentTo(roster.receive(2, carols({ version: START + 4 }), START)), [], 'not relayed')
  assert.deepEqual(sentTo(roster.receive(2, carols({ version: START + 5, text: 'dinner' }), START)), [])
  assert.equal(of(3)?.away, 'lunch')
})

const REFUSED: readonly [what: string, body: Uint8Array][] = [
  ['an expired status', carols({ version: START - 6 * MINUTE, until: START })],
  [
    'a status that is valid for more than ten minutes from now',
    carols({ version: START + MINUTE, until: START + 10 * MINUTE + 1 }),
  ],
]
for (const [what, body] of REFUSED) {
  test(`ignores ${what} without closing the connection`, () => {
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
  ['too many hops', carols({}, 17)],
  ['too large a reach', carols({ reach: 17 })],
  ['a validity of over ten minutes', carols({ version: START - MINUTE, until: START + 9 * MINUTE + 1 })],
  ['no validity', carols({ until: START })],
  ['a name that is too long', carols({ name: 'x'.repeat(64) })],
  ['a text that is too long', carols({ text: 'x'.repeat(257) })],
  ['typing beyond its validity', carols({ typingMs: 6 * MINUTE })],
  ['no content', Uint8Array.of(8)],
]
for (const [what, body] of BAD) {
  test(`closes a connection that sends a status with ${what}`, () => {
    const { roster, of } = alice()
    assert.equal(roster.receive(1, body, START), 'bad')
    assert.equal(of(3), undefined)
  })
}

test('relays a status over no more hops than its author allows', () => {
  const { roster, of } = alice()
  assert.deepEqual(sentTo(roster.receive(1, carols({ reach: 4 }, 4), START)), [])
  assert.equal(of(3)?.hops, 4, 'accepted all the same')
  assert.deepEqual(sentTo(roster.receive(1, carols({ version: START + 1, reach: 4 }, 3), START)), [2], 'control')
})

test('accepts a status with a wrong clock from its author, and does not relay it', () => {
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
  assert.equal(right.of(2)?.away, undefined, 'control: a connection with another clock')
  const { roster, of } = alice(hour)
  assert.deepEqual(sentTo(roster.receive(1, bobs, START)), [])
  assert.equal(of(2)?.away, 'lunch')
})

test('limits statuses per second of one connection and of one author', () => {
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

test('remembers a bounded number of strangers, and evicts nobody who is connected or has written', () => {
  const roster = rosterOf(
    1,
    'alice',
    author => author === idOf(3),
    () => false,
  )
  roster.connected(1, { author: idOf(2), name: 'bob', aheadMs: 0, bytesRead: () => 0 }, START)
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

test('keeps the people that the user knows, however many strangers come, and forgets strangers a minute after they left', () => {
  const roster = rosterOf(
    1,
    'alice',
    () => true, // all of them have written
    author => author === idOf(3),
  )
  roster.connected(1, { author: idOf(2), name: 'bob', aheadMs: 0, bytesRead: () => 0 }, START)
  roster.receive(1, carols({ until: START + 10 * MINUTE }), START)
  let now = START
  for (let i = 0; i < STATUSES_MAX + 100; i++) {
    now = START + 1_000 + i * 20
    roster.receive(1, carols({ version: now, until: now + MINUTE, name: `stranger ${i}` }, 2, keysOf(1_000 + i)), now)
  }
  const named = (): string[] => roster.list(now).map(({ name }) => name)
  assert.equal(named().length, STATUSES_MAX)
  assert.ok(named().includes('carol'))
  now += 3 * MINUTE
  roster.tick(now)
  assert.deepEqual(named(), ['bob', 'carol'])
})

/** Exchanges frames between two rosters over one connection until nothing is in flight. */
function exchange(
  a: Roster,
  connectionOfA: number,
  b: Roster,
  connectionOfB: number,
  effects: RosterEffect[],
  now: number,
): number {
  let bytes = 0
  const queue = effects.map(effect => ({ to: b, connection: connectionOfB, from: connectionOfA, effect }))
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { to, connection, from, effect } = next
    if (effect.kind !== 'send' || effect.connection !== from) continue
    bytes += effect.frame.length
    const answers = to.receive(connection, bodyOf(effect.frame), now)
    assert.notEqual(answers, 'bad')
    if (answers === 'bad') continue
    for (const answer of answers)
      queue.push({
        to: to === a ? b : a,
        connection: connection === connectionOfA ? connectionOfB : connectionOfA,
        from: connection,
        effect: answer,
      })
  }
  return bytes
}

test('sends its own status to a new connection, and requested statuses of the digest', () => {
  const { roster } = alice()
  roster.receive(1, carols({ text: 'lunch', state: 'away' }), START)
  const erin = rosterOf(5, 'erin')
  erin.connected(3, { author: idOf(1), name: 'alice', aheadMs: 0, bytesRead: () => 0 }, START)
  const effects = roster.connected(3, { author: idOf(5), name: 'erin', aheadMs: 0, bytesRead: () => 0 }, START)
  exchange(roster, 3, erin, 3, effects, START)
  assert.deepEqual(
    erin.list(START).map(({ name, state, hops, away }) => [name, state, hops, away]),
    [
      ['alice', 'connected', 1, undefined],
      ['carol', 'indirect', 3, 'lunch'],
    ],
  )
})

test('requests a status again only if a digest shows a newer one', () => {
  const { roster } = alice()
  roster.receive(1, carols(), START)
  const erin = rosterOf(5, 'erin')
  erin.connected(3, { author: idOf(1), name: 'alice', aheadMs: 0, bytesRead: () => 0 }, START)
  exchange(
    roster,
    3,
    erin,
    3,
    roster.connected(3, { author: idOf(5), name: 'erin', aheadMs: 0, bytesRead: () => 0 }, START),
    START,
  )
  const pass = (from: number): number => {
    let statuses = 0
    for (let now = from; now <= from + 30_000; now += 1_000)
      for (const effect of roster.tick(now)) {
        if (effect.kind !== 'send' || effect.connection !== 3) continue
        const answers = erin.receive(3, bodyOf(effect.frame), now)
        for (const ask of answers === 'bad' ? [] : answers)
          if (ask.kind === 'send') {
            const answered = roster.receive(3, bodyOf(ask.frame), now)
            statuses += answered === 'bad' ? 0 : answered.length
            for (const status of answered === 'bad' ? [] : answered)
              if (status.kind === 'send') erin.receive(3, bodyOf(status.frame), now)
          }
      }
    return statuses
  }
  assert.equal(pass(START + 5_000), 0)
  roster.receive(1, carols({ version: START + 40_000, until: START + 9 * MINUTE, reach: 1 }, 1), START + 40_000)
  assert.equal(pass(START + 41_000), 1)
  assert.equal(pass(START + 80_000), 0)
})

test('shows nobody for more than a minute after the last evidence that they are alive', () => {
  const { roster, of } = alice()
  roster.receive(1, carols({ until: START + 9 * MINUTE }), START)
  roster.tick(START + 40_000)
  assert.equal(of(3, START + 40_000)?.state, 'indirect')
  const effects = roster.tick(START + 50_000)
  assert.equal(of(3, START + 50_000)?.state, 'left', 'though the status is valid for nine minutes')
  assert.ok(effects.some(({ kind }) => kind === 'change'))
})

test('continues to send digests after the clock was set back, and keeps nobody alive by that', () => {
  const { roster, of } = alice()
  roster.receive(1, carols({ until: START + 9 * MINUTE }), START)
  roster.tick(START + 5_000)
  const back = START - 60 * MINUTE
  let digests = 0
  for (let now = back; now <= back + MINUTE; now += 1_000)
    for (const effect of roster.tick(now)) if (effect.kind === 'send' && bodyOf(effect.frame)[0] === 14) digests++
  assert.ok(digests >= 20, `${digests} digests in a minute over two connections`)
  assert.equal(of(3, back + MINUTE)?.state, 'left')
})

test('neighbours that only repeat evidence keep nobody alive', () => {
  const one = alice()
  const other = rosterOf(2, 'bob')
  other.connected(1, { author: idOf(1), name: 'alice', aheadMs: 0, bytesRead: () => 0 }, START)
  one.roster.receive(2, carols({ until: START + 9 * MINUTE }), START)
  other.receive(1, carols({ until: START + 9 * MINUTE }, 3), START)
  for (let now = START; now <= START + 2 * MINUTE; now += 1_000) {
    exchange(one.roster, 1, other, 1, one.roster.tick(now), now)
    exchange(other, 1, one.roster, 1, other.tick(now), now)
  }
  for (const roster of [one.roster, other])
    assert.equal(roster.list(START + 2 * MINUTE).find(({ author }) => author === idOf(3))?.state, 'left')
})

test('shows someone while a neighbour receives bytes from them', () => {
  const { roster, of } = alice()
  const bob = rosterOf(2, 'bob')
  let bytes = 0
  bob.connected(1, { author: idOf(1), name: 'alice', aheadMs: 0, bytesRead: () => 0 }, START)
  bob.connected(2, { author: idOf(3), name: 'carol', aheadMs: 0, bytesRead: () => bytes }, START)
  bob.receive(2, carols({ until: START + 9 * MINUTE }, 1), START)
  roster.receive(1, carols({ until: START + 9 * MINUTE }), START)
  const pass = (from: number, to: number, isBeating: boolean): void => {
    for (let now = from; now <= to; now += 1_000) {
      if (isBeating && now % 10_000 === 0) bytes++
      exchange(bob, 1, roster, 1, bob.tick(now), now)
      roster.tick(now)
      if (isBeating) assert.equal(of(3, now)?.state, 'indirect', `after ${now - START} ms`)
    }
  }
  pass(START, START + 5 * MINUTE, true)
  pass(START + 5 * MINUTE, START + 5 * MINUTE + 60_000, false)
  assert.equal(of(3, START + 6 * MINUTE)?.state, 'left', 'a minute after the last byte')
})

test('closes a connection after a malformed digest or an empty request', () => {
  const digest = bodyOf(new DigestWriter().next([{ id: '0123456789abcdef', check: 7, ageMs: 0 }]))
  const bad = [
    Uint8Array.of(14),
    Uint8Array.of(15),
    Uint8Array.of(15, 1, 2, 3),
    digest.subarray(0, -1),
    concat([digest, Uint8Array.of(0)]),
    Uint8Array.from(digest, (byte, at) => (at === 2 ? 2 : byte)),
    concat([Uint8Array.of(15), new Uint8Array(65 * 8)]),
  ]
  for (const body of bad) assert.equal(alice().roster.receive(1, body, START), 'bad')
  assert.notEqual(alice().roster.receive(1, digest, START), 'bad', 'control')
  assert.notEqual(alice().roster.receive(1, concat([Uint8Array.of(15), new Uint8Array(64 * 8)]), START), 'bad')
})

test('names everyone again after a digest that could not be sent', () => {
  const { roster } = alice()
  roster.receive(1, carols(), START)
  const reader = new DigestReader()
  const digests = (from: number): Uint8Array[] => {
    const frames: Uint8Array[] = []
    for (let now = from; frames.length === 0; now += 1_000)
      for (const effect of roster.tick(now))
        if (effect.kind === 'send' && effect.connection === 2 && bodyOf(effect.frame)[0] === 14)
          frames.push(bodyOf(effect.frame))
    return frames
  }
  digests(START + 5_000)
  roster.undelivered(2)
  const entries = digests(START + 11_000).flatMap(body => reader.read(body) ?? [])
  assert.deepEqual(
    entries.map(({ id, isNew }) => [id, isNew]),
    [[idOf(3).slice(0, 16), true]],
  )
})

test('sends an away message at once and to later connections, and typing every three seconds at most', () => {
  const { roster } = alice()
  const said: (Status | undefined)[] = []
  let now = START
  const passUntil = (end: number): void => {
    while (roster.nextAt <= end) {
      now = Math.max(now, roster.nextAt)
      for (const effect of roster.tick(now))
        if (effect.kind === 'send' && effect.connection === 1 && bodyOf(effect.frame)[0] === 8)
          said.push(readStatus(bodyOf(effect.frame)))
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
  passUntil(now + 30 * MINUTE)
  assert.ok(said.length >= 4 && said.length <= 5, `renewed ${said.length} times in half an hour`)
  assert.ok(
    said.every(status => status?.reach === 1),
    'to neighbours: others ask for it',
  )
  const versions = said.map(status => status?.version ?? 0)
  assert.deepEqual(
    versions,
    versions.toSorted((a, b) => a - b),
  )
})

test('shows someone as left two seconds after a lost connection, unless there is new evidence', () => {
  const { roster, of } = alice()
  const bobs = (version: number): Uint8Array => carols({ version, name: 'bob' }, 2, keysOf(2))
  roster.receive(1, bobs(START), START)
  roster.disconnected(1, true, START + 1)
  assert.equal(of(2, START + 1)?.state, 'indirect')
  roster.tick(roster.nextAt)
  const later = START + 2_001
  roster.tick(later)
  assert.equal(of(2, later)?.state, 'left')
  roster.receive(2, bobs(START + 1_500), later)
  assert.equal(of(2, later)?.state, 'indirect')
})

test('earlier statuses do not bring back someone who left', () => {
  const { roster, of } = alice()
  const before = carols({ until: START + 7 * MINUTE })
  roster.receive(1, carols({ version: START + 1, until: START + 10 * MINUTE, state: 'left' }), START + 1)
  for (let now = START + 2; now < START + 20 * MINUTE; now += MINUTE) {
    roster.tick(now)
    roster.receive(1, before, now)
    assert.equal(of(3, now)?.state, 'left')
  }
})
