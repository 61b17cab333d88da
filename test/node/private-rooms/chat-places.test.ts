import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { type AuthorId, type LogId, logOf } from '../../../src/log/format/author.js'
import type { Entry } from '../../../src/log/format/entry.js'
import type { Log } from '../../../src/log/log.js'
import type { ReadMark } from '../../../src/log/options.js'
import { ChatPlaces } from '../../../src/node/private-rooms/chat-places.js'
import type { RoomMembers } from '../../../src/node/private-rooms/room-members.js'

const BOB = 'b0'.repeat(32) as AuthorId
const TRUNK = logOf(BOB, 0)
const BRANCH = logOf(BOB, 7)
const CHAIN = 'aa'.repeat(32)

/** A room in which the chat of bob, who is out, counts up to seq 5 of one history. */
async function world(log: { chain: string; marks?: (mark: ReadMark) => ReadMark[] }) {
  const { chain, marks = mark => [mark] } = log
  const stored = Object.assign(new EventEmitter(), {
    id: logOf('a1'.repeat(32) as AuthorId, 0),
    head: [{ author: TRUNK, seq: 9 }],
    entry: async () => undefined,
    enterTerm: () => {},
    marksNow: async ([mark]: readonly ReadMark[]) => (mark === undefined ? [] : marks(mark)),
    chainAt: async () => Buffer.from(chain, 'hex').subarray(0, 8),
  })
  const chatOf = () => [{ run: 0, seq: 5, chain: CHAIN }]
  const members = Object.assign(new EventEmitter(), { membership: { chatOf, currentTerm: () => undefined } })
  const places = new ChatPlaces()
  await places.follow(stored as unknown as Log, members as unknown as RoomMembers)
  return (author: LogId, seq: number): boolean =>
    places.counted({ isOurs: () => false }, [{ author, seq } as Entry]).length > 0
}

test('the chat of a former member counts up to their chat place in the history with its chain value', async () => {
  const isShown = await world({ chain: CHAIN })
  assert.deepEqual([isShown(TRUNK, 5), isShown(TRUNK, 6)], [true, false])
})

test('nothing of another history counts, although its numbers agree', async () => {
  const isShown = await world({ chain: 'bb'.repeat(32) })
  assert.deepEqual([isShown(TRUNK, 1), isShown(TRUNK, 5)], [false, false])
})

test('of a forked log, the part before the fork and the branch with the chain value count', async () => {
  const split = (mark: ReadMark): ReadMark[] => [
    { ...mark, seq: 3 },
    { author: BRANCH, seq: mark.seq - 3 },
  ]
  const isShown = await world({ chain: 'bb'.repeat(32), marks: split })
  assert.deepEqual(
    [isShown(TRUNK, 3), isShown(TRUNK, 4), isShown(BRANCH, 2), isShown(BRANCH, 3)],
    [true, false, true, false],
  )
})
