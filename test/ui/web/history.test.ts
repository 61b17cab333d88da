import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { type Message, placeOf } from '../../../src/chat/kinds/message.js'
import { LineLabels } from '../../../src/chat/line-labels.js'
import { type AuthorId, logOf } from '../../../src/log/format/author.js'
import type { Digest } from '../../../src/log/format/heads.js'
import { hlcAt } from '../../../src/log/format/hybrid-clock.js'
import type { ReadOptions } from '../../../src/log/options.js'
import { History, type HistoryRoom, type Stretch } from '../../../src/ui/web/room/history.js'
import { orderOf } from '../../../src/ui/web/room/places.js'

const AUTHORS = ['a', 'b', 'c', 'd', 'e'].map(letter => letter.repeat(64) as AuthorId)

/** The logs of a room, as lists of times. In some logs, every third entry is a reaction, which has no row. */
interface Logs {
  readonly times: readonly (readonly number[])[]
  readonly reactions: readonly boolean[]
}

function messagesOf({ times, reactions }: Logs): Message[] {
  return times.flatMap((log, index) => {
    const author = AUTHORS[index] as AuthorId
    return log.map((timeMs, at): Message => {
      const head = {
        author,
        run: 0,
        seq: at + 1,
        username: author.slice(0, 1),
        at: hlcAt(timeMs, at),
        timeMs,
        isVerified: true,
      }
      const isReaction = reactions[index] === true && at % 3 === 2
      return isReaction
        ? { ...head, message: '', kind: 'reaction', to: { author, run: 0, seq: 1 }, emoji: '👍', isRemoved: false }
        : { ...head, message: `${author.slice(0, 1)}${at + 1}`, kind: 'text' }
    })
  })
}

/** A model of the room: `before` counts the entries of each log, and `batches` merges the logs. */
class ModelRoom implements HistoryRoom {
  readonly labels = new LineLabels()
  readonly heads: readonly Digest[]
  readonly all: readonly Message[]

  constructor(logs: Logs) {
    this.all = messagesOf(logs).toSorted((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1))
    this.heads = logs.times.map((log, index) => ({ author: logOf(AUTHORS[index] as AuthorId), seq: log.length }))
  }

  async before({ author, seq }: Digest, count: number): Promise<readonly Digest[]> {
    const found = this.all.find(message => placeOf(message).author === author && message.seq === seq)
    if (found === undefined) return []
    return this.heads.map(({ author: log }) => {
      const older = this.all.filter(message => placeOf(message).author === log && message.at < found.at).length
      return { author: log, seq: Math.max(0, older - count) }
    })
  }

  async *batches({ since = [], last }: ReadOptions): AsyncGenerator<readonly Message[]> {
    const from = new Map(since.map(({ author, seq }) => [author as string, seq]))
    const read = this.all.filter(({ author, seq }) => seq > (from.get(author) ?? 0))
    const shown = last === undefined ? read : read.slice(-last)
    for (let at = 0; at < shown.length; at += 7) yield shown.slice(at, at + 7)
  }
}

const hasRow = ({ kind }: Message): boolean => kind !== 'reaction'

/** Arbitrary logs of different lengths, starts and densities. */
const LOG = fc
  .record({ start: fc.integer({ min: 0, max: 2_000 }), step: fc.integer({ min: 0, max: 60 }), length: fc.nat(60) })
  .map(({ start, step, length }) => Array.from({ length }, (_, index) => start + index * step))

const LOGS = fc.record({
  times: fc.array(LOG, { minLength: 1, maxLength: AUTHORS.length }),
  reactions: fc.array(fc.boolean(), { minLength: AUTHORS.length, maxLength: AUTHORS.length }),
})

const textsOf = (messages: readonly Message[] | undefined): string[] => (messages ?? []).map(({ message }) => message)

test('pages have the lines before, after and around any line, and count the entries outside', async () => {
  await fc.assert(
    fc.asyncProperty(LOGS, fc.nat(), fc.integer({ min: 1, max: 40 }), async (logs, pick, count) => {
      const room = new ModelRoom(logs)
      const rows = room.all.filter(hasRow)
      const history = new History(room, hasRow)
      const last = await history.last(count)
      assert.deepEqual(textsOf(last.messages), textsOf(rows.slice(-count)))
      if (rows.length === 0) return
      const index = pick % rows.length
      const place = rows[index] as Message
      const at = placeOf(place)
      const older = await history.before(at, count)
      const newer = await history.after(at, count)
      const around = await history.around(at, count)
      assert.deepEqual(textsOf(older?.messages), textsOf(rows.slice(Math.max(0, index - count), index)))
      assert.deepEqual(textsOf(newer?.messages), textsOf(rows.slice(index + 1, index + 1 + count)))
      const half = Math.ceil(count / 2)
      assert.deepEqual(textsOf(around?.messages), textsOf(rows.slice(Math.max(0, index - half), index + half)))
      for (const stretch of [last, older, newer, around]) checkCounts(stretch, room.all)
    }),
    { numRuns: 300 },
  )
})

/** Asserts that `before` and `after` count the entries outside, and are 0 only at the ends. */
function checkCounts(stretch: Stretch | undefined, all: readonly Message[]): void {
  const [first] = stretch?.messages ?? []
  const last = stretch?.messages.at(-1)
  if (stretch === undefined || first === undefined || last === undefined) return
  const rows = all.filter(hasRow)
  assert.equal(stretch.before === 0, rows[0] === first)
  assert.equal(stretch.after === 0, rows.at(-1) === last)
  if (stretch.before > 0) assert.ok(Math.abs(stretch.before - all.indexOf(first)) <= AUTHORS.length * 60)
}

test('finds a page at any relative position', async () => {
  const times = [0, 1, 2].map(log => Array.from({ length: 1_000 }, (_, index) => index * 3 + log))
  const room = new ModelRoom({ times, reactions: [] })
  const history = new History(room, hasRow)
  for (const part of [0, 0.01, 0.25, 0.5, 0.75, 0.99, 1, -1, 2]) {
    const { before, messages, after } = await history.at(part, 50)
    const wanted = Math.min(1, Math.max(0, part)) * 3_000
    assert.ok(before - 250 <= wanted && wanted <= before + messages.length + 250, `${part}: ${before}`)
    assert.equal(before + messages.length + after, 3_000)
  }
})

test('finds no page at a line that is not stored', async () => {
  const history = new History(new ModelRoom({ times: [[1, 2, 3]], reactions: [] }), hasRow)
  const nowhere = { author: logOf(AUTHORS[1] as AuthorId), seq: 1 }
  assert.equal(await history.before(nowhere, 10), undefined)
  assert.equal(await history.after(nowhere, 10), undefined)
  assert.equal(await history.around(nowhere, 10), undefined)
})
