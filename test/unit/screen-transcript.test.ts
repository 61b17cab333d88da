import assert from 'node:assert/strict'
import test from 'node:test'
import type { Message } from '../../src/chat/message.js'
import { Names } from '../../src/chat/names.js'
import { paletteOf } from '../../src/cli/palette.js'
import { Arrivals } from '../../src/cli/screen/arrivals.js'
import { statusRow } from '../../src/cli/screen/status.js'
import { Tail } from '../../src/cli/screen/tail.js'
import { Transcript } from '../../src/cli/screen/transcript.js'
import { atMillis } from '../../src/log/at.js'
import type { AuthorId } from '../../src/log/author.js'
import { forbiddenIn } from '../helper/forbidden.js'
import { chance } from '../long/chance.js'
import { faultOnScreen, nastyText } from '../long/sanitise.js'

const ALICE = 'a1'.repeat(32) as AuthorId
const BOB = 'b0'.repeat(32) as AuthorId
const NOON = new Date(2026, 10, 21, 12, 0).getTime()

const said = (author: AuthorId, message: string, timeMs = NOON, more: Partial<Message> = {}): Message => ({
  author,
  seq: 1,
  username: author === ALICE ? 'alice' : 'bob',
  message,
  kind: 'line',
  topic: undefined,
  at: atMillis(timeMs),
  timeMs,
  isVerified: true,
  isDisputed: false,
  ...more,
})

function transcriptOf(columns = 80, isColoured = false): Transcript {
  const transcript = new Transcript({
    id: ALICE,
    names: new Names('alice', ALICE),
    palette: paletteOf(isColoured),
    called: () => ['alice', 'Al'],
  })
  transcript.columns = columns
  return transcript
}

const shown = (transcript: Transcript, message: Message, isLive = true): string[] =>
  transcript.message(message, NOON, isLive).text.split('\n')

test('a day is told when it begins, names stand in a column of their own', () => {
  const transcript = transcriptOf()
  assert.deepEqual(shown(transcript, said(BOB, 'hello')), [
    '── Saturday 21 November 2026 ──',
    '12:00          bob │ hello',
  ])
  assert.deepEqual(shown(transcript, said(ALICE, 'hi')), ['12:00        alice │ hi'])
})

test('a narrow terminal has no column for names', () => {
  const transcript = transcriptOf(40)
  assert.deepEqual(shown(transcript, said(BOB, 'hello')).slice(1), ['12:00 bob: hello'])
})

test('a message of several lines cannot be taken for several messages', () => {
  const lines = shown(transcriptOf(), said(BOB, 'one\n12:00        carol │ I never said this'))
  assert.deepEqual(lines.slice(1), [
    '12:00          bob │ one',
    '                   ┊ 12:00        carol │ I never said this',
  ])
})

test('a message of many lines is cut, and it is said by how many', () => {
  const lines = shown(transcriptOf(), said(BOB, 'x\n'.repeat(100)))
  assert.equal(lines.length, 1 + 25)
  assert.match(lines.at(-1) ?? '', /… and 77 rows more$/)
})

test('who is called by his name is told, whatever its case, but not for a part of a word', () => {
  const isMention = (message: string) => transcriptOf().message(said(BOB, message), NOON, true).isMention === true
  assert.deepEqual(['hey Alice!', '@al?', 'AL', 'malice', 'also'].map(isMention), [true, true, true, false, false])
  assert.match(shown(transcriptOf(), said(BOB, 'hey alice'))[1] ?? '', /bob » hey alice/)
})

test('own lines are no mentions', () => {
  assert.equal(transcriptOf().message(said(ALICE, 'I am alice'), NOON, true).isMention, undefined)
})

test('what comes late stands with its own date, and does not turn the day back', () => {
  const transcript = transcriptOf()
  shown(transcript, said(BOB, 'now'))
  const weekAgo = new Date(2026, 10, 14, 9, 30).getTime()
  assert.deepEqual(shown(transcript, said(BOB, 'from the train', weekAgo)), ['late 14 Nov 09:30 bob │ from the train'])
  assert.deepEqual(shown(transcript, said(BOB, 'next')), ['12:00          bob │ next'])
})

test('history is never late', () => {
  const transcript = transcriptOf()
  shown(transcript, said(BOB, 'now'), false)
  assert.equal(shown(transcript, said(BOB, 'before', NOON - 3_600_000), false).at(-1), '11:00          bob │ before')
})

test('what somebody does, a new name and a topic are no lines', () => {
  const transcript = transcriptOf()
  shown(transcript, said(BOB, 'first'))
  assert.deepEqual(shown(transcript, said(BOB, 'waves', NOON, { kind: 'action' })), ['12:00            * bob waves'])
  assert.deepEqual(shown(transcript, said(BOB, 'the topic is now: x', NOON, { kind: 'topic' })), [
    '12:00            * bob: the topic is now: x',
  ])
})

test('nothing that strangers write comes out as anything but text, in any width', () => {
  const random = chance(7)
  for (let i = 0; i < 20_000; i++)
    assert.equal(faultOnScreen(nastyText(random), nastyText(random), i % 2 === 0 ? 80 : 41), undefined)
})

test('the check of what comes out sees what an unclean transcript lets through', () => {
  assert.equal(forbiddenIn('bob │ \u001b[2J'), '\u001b')
})

test('an own line is kept back until every peer has it, and what follows it stays behind it', () => {
  const held = new Map([[1, { on: 0, of: 2, left: 0 }]])
  const tail = new Tail(seq => held.get(seq) ?? { on: 0, of: 0, left: 0 }, paletteOf(false))
  const take = (rows = 8) => tail.take(rows, () => 1)
  tail.push({ text: 'before' })
  tail.push({ text: 'mine', own: 1 })
  tail.push({ text: 'after' })
  assert.deepEqual(take(), ['before'])
  assert.deepEqual(tail.texts, ['mine  ✓ 0/2', 'after'])
  held.set(1, { on: 1, of: 2, left: 0 })
  assert.deepEqual(tail.texts, ['mine  ✓ 1/2', 'after'])
  held.set(1, { on: 2, of: 2, left: 0 })
  assert.deepEqual(take(), ['mine  ✓ 2/2', 'after'])
  assert.deepEqual(tail.texts, [])
})

test('no more is kept back than there are rows for', () => {
  const tail = new Tail(() => ({ on: 0, of: 0, left: 0 }), paletteOf(false))
  for (let seq = 1; seq <= 20; seq++) tail.push({ text: `line ${seq}`, own: seq })
  assert.equal(tail.take(3, () => 1).length, 17)
  assert.deepEqual(tail.texts, ['line 18  ✓', 'line 19  ✓', 'line 20  ✓'])
  assert.deepEqual(
    tail.take(0, () => 1),
    ['line 18  ✓', 'line 19  ✓', 'line 20  ✓'],
  )
})

test('lines that come together are shown together, and a flood by its end', () => {
  const arrivals = new Arrivals()
  assert.equal(arrivals.dueAt, undefined)
  arrivals.push([said(BOB, 'one')], 1_000)
  arrivals.push([said(BOB, 'two')], 1_000)
  assert.equal(arrivals.dueAt, 1_000)
  assert.deepEqual(arrivals.take(1_000), { messages: [said(BOB, 'one'), said(BOB, 'two')], skipped: 0 })
  arrivals.push([said(BOB, 'three')], 1_005)
  assert.equal(arrivals.dueAt, 1_016)
  assert.equal(arrivals.take(1_016).messages.length, 1)
  for (let i = 0; i < 50; i++)
    arrivals.push(
      Array.from({ length: 100 }, () => said(BOB, String(i))),
      2_000 + i * 100,
    )
  assert.equal(arrivals.dueAt, 4_000)
  const { messages, skipped } = arrivals.take(4_000)
  assert.deepEqual([messages.length, skipped, messages.at(-1)?.message], [200, 4_800, '49'])
})

test('where things stand fits into the row, whatever there is to say', () => {
  const parts = {
    room: 'lobby',
    topic: 'lunch \u001b[2J at noon',
    linked: ['bob', 'carol', 'dave', 'erin', 'frank'],
    heard: 0,
    tried: [{ name: 'grace', reason: 'nobody answers', tries: 3 }],
    typing: ['bob'],
    away: [],
    isAway: false,
    custody: 'your last line is on 3 of 5',
    unsaid: 0,
    busy: undefined,
  }
  assert.equal(
    statusRow(parts, 200),
    '#lobby · 5 linked: bob, carol, dave, erin and 1 more · bob is typing · your last line is on 3 of 5 · trying grace (nobody answers, 3 times) · topic: lunch ␛[2J at noon',
  )
  for (const columns of [20, 40, 80]) assert.ok(statusRow(parts, columns).length <= columns)
  assert.match(statusRow({ ...parts, linked: [], tried: [] }, 80), /^#lobby · alone/)
})
