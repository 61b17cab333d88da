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

interface WorldOptions {
  readonly chain: string
  readonly marks?: (mark: ReadMark) => ReadMark[]
  /** Whether the logs are those of this computer's user. */
  readonly isOurs?: boolean
  /** Whether bob is a member again, and the run that forked is of that term. */
  readonly isBack?: boolean
}

const AGAIN = 'cc'.repeat(32)
const OPENING = Buffer.from(
  `{"at":"1800000000000.0000","type":"open","runs":[],"admission":"${AGAIN}","username":"","message":""}`,
)

/** A room in which the chat of bob, who is out, counts up to seq 5 of one history. */
async function world({ chain, marks = mark => [mark], isOurs = false, isBack = false }: WorldOptions) {
  const stored = Object.assign(new EventEmitter(), {
    id: logOf('a1'.repeat(32) as AuthorId, 0),
    head: [
      { author: TRUNK, seq: 9 },
      { author: BRANCH, seq: 2 },
    ],
    entry: async (author: LogId) => (isBack && author === TRUNK ? { entry: OPENING } : undefined),
    startOf: () => TRUNK,
    enterTerm: () => {},
    marksNow: async ([mark]: readonly ReadMark[]) => (mark === undefined ? [] : marks(mark)),
    chainAt: async () => Buffer.from(chain, 'hex').subarray(0, 8),
  })
  const chatOf = (_author: AuthorId, term: string) =>
    isBack && term === AGAIN ? 'all' : [{ run: 0, seq: 5, chain: CHAIN }]
  const members = Object.assign(new EventEmitter(), { membership: { chatOf, currentTerm: () => undefined } })
  const places = new ChatPlaces()
  await places.follow(stored as unknown as Log, members as unknown as RoomMembers)
  return (author: LogId, seq: number): boolean =>
    places.counted({ isOurs: () => isOurs }, [{ author, seq } as Entry]).length > 0
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

test('entries of our own forked log that do not count are not shown to us either', async () => {
  const isShown = await world({ chain: 'bb'.repeat(32), isOurs: true })
  assert.deepEqual([isShown(TRUNK, 1), isShown(BRANCH, 1)], [false, false])
})

test('a branch belongs to the term of its run', async () => {
  const isShown = await world({ chain: CHAIN, isBack: true })
  assert.deepEqual([isShown(TRUNK, 9), isShown(BRANCH, 2)], [true, true])
  const before = await world({ chain: CHAIN })
  assert.equal(before(BRANCH, 2), false, 'control: the run of the first term')
})
