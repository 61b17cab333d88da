import assert from 'node:assert/strict'
import test from 'node:test'
import stringWidth from 'string-width'
import { DisplayNames } from '../../src/chat/display-names.js'
import type { Message } from '../../src/chat/kinds/message.js'
import type { AuthorId } from '../../src/log/format/author.js'
import { hlcAt } from '../../src/log/format/hybrid-clock.js'
import { Arrivals } from '../../src/session/arrivals.js'
import type { ShownContext } from '../../src/session/references.js'
import { labelled } from '../../src/ui/labels.js'
import { paletteOf } from '../../src/ui/palette.js'
import { PendingLines } from '../../src/ui/terminal/pending-lines.js'
import { type StatusParts, statusRow } from '../../src/ui/terminal/status-bar.js'
import { type Origin, Transcript } from '../../src/ui/terminal/transcript.js'
import { forbiddenIn } from '../helper/forbidden.js'
import { chance } from '../long/chance.js'
import { faultOnScreen, nastyText } from '../long/sanitise.js'

const ALICE = 'a1'.repeat(32) as AuthorId
const BOB = 'b0'.repeat(32) as AuthorId
const NOON = new Date(2026, 10, 21, 12, 0).getTime()

const said = (author: AuthorId, message: string, timeMs = NOON, more: Partial<Message> = {}): Message =>
  ({
    author,
    seq: 1,
    username: author === ALICE ? 'alice' : 'bob',
    message,
    kind: 'text',
    at: hlcAt(timeMs),
    timeMs,
    isVerified: true,

    ...more,
  }) as Message

function transcriptOf(columns = 80, isColoured = false, contextOf?: (message: Message) => ShownContext): Transcript {
  const transcript = new Transcript({
    id: ALICE,
    names: new DisplayNames('alice', ALICE),
    palette: paletteOf(isColoured),
    ownNames: () => ['alice', 'Al'],
    ...(contextOf && { contextOf }),
  })
  transcript.columns = columns
  return transcript
}

const shown = (transcript: Transcript, message: Message, origin: Origin = 'live'): string[] =>
  transcript.message(message, NOON, origin).text.split('\n')

test('prints a rule when a day begins, and names in a column', () => {
  const transcript = transcriptOf()
  assert.deepEqual(shown(transcript, said(BOB, 'hello')), [
    '── Saturday 21 November 2026 ──',
    '12:00              bob │ hello',
  ])
  assert.deepEqual(shown(transcript, said(ALICE, 'hi')), ['12:00            alice │ hi'])
})

test('has no name column on a narrow terminal', () => {
  const transcript = transcriptOf(40)
  assert.deepEqual(shown(transcript, said(BOB, 'hello')).slice(1), ['12:00 bob: hello'])
})

test('marks the lines of one message, so that they do not look like several', () => {
  const lines = shown(transcriptOf(), said(BOB, 'one\n12:00        carol │ I never said this'))
  assert.deepEqual(lines.slice(1), [
    '12:00              bob │ one',
    '                       ┊ 12:00        carol │ I never said this',
  ])
})

test('cuts a message of many lines, and prints how many are left out', () => {
  const lines = shown(transcriptOf(), said(BOB, 'x\n'.repeat(100)))
  assert.equal(lines.length, 1 + 25)
  assert.match(lines.at(-1) ?? '', /… and 77 more rows$/)
})

test('detects mentions as whole words in any case', () => {
  const isMention = (message: string) => transcriptOf().message(said(BOB, message), NOON, 'live').isMention === true
  assert.deepEqual(['hey Alice!', '@al?', 'AL', 'malice', 'also'].map(isMention), [true, true, true, false, false])
  assert.match(shown(transcriptOf(), said(BOB, 'hey alice'))[1] ?? '', /bob » hey alice/)
})

test('does not treat our own lines as mentions', () => {
  assert.equal(transcriptOf().message(said(ALICE, 'I am alice'), NOON, 'live').isMention, undefined)
})

test('does not mark old lines as late if they arrive in order', () => {
  const transcript = transcriptOf()
  const rows = [7_200_000, 7_100_000, 3_600_000, 1_000].flatMap(ago =>
    shown(transcript, said(BOB, `${ago} ms ago`, NOON - ago)),
  )
  assert.deepEqual(rows, [
    '── Saturday 21 November 2026 ──',
    '10:00              bob │ 7200000 ms ago',
    '10:01              bob │ 7100000 ms ago',
    '11:00              bob │ 3600000 ms ago',
    '11:59              bob │ 1000 ms ago',
  ])
})

test('marks a line older than the newest one as late, below a rule with its date', () => {
  const transcript = transcriptOf()
  shown(transcript, said(BOB, 'now'))
  const weekAgo = new Date(2026, 10, 14, 9, 30).getTime()
  assert.deepEqual(shown(transcript, said(BOB, 'from the train', weekAgo)), [
    '── late 14 Nov 09:30 ──',
    '09:30              bob │ from the train',
  ])
  assert.deepEqual(shown(transcript, said(BOB, 'still there', weekAgo + 60_000)), [
    '09:31              bob │ still there',
  ])
  assert.deepEqual(shown(transcript, said(BOB, 'next')), [
    '── Saturday 21 November 2026 ──',
    '12:00              bob │ next',
  ])
})

test('does not mark lines written at the same time as late', () => {
  const transcript = transcriptOf()
  shown(transcript, said(BOB, 'now'))
  assert.deepEqual(shown(transcript, said(BOB, 'a little before', NOON - 30_000)), [
    '11:59              bob │ a little before',
  ])
})

test("does not mark missed lines as late because of the user's own lines", () => {
  const missed = said(BOB, 'missed', NOON - 3_600_000)
  const speaking = transcriptOf()
  shown(speaking, said(ALICE, 'hello?'))
  assert.deepEqual(shown(speaking, missed, 'missed'), ['11:00              bob │ missed'])
  const reading = transcriptOf()
  shown(reading, said(ALICE, 'an hour ago', NOON - 1_000_000), 'history')
  assert.equal(shown(reading, missed, 'missed')[0], '── late 21 Nov 11:00 ──')
})

test('marks no one as late because of a clock that is far ahead', () => {
  const transcript = transcriptOf()
  shown(transcript, said(BOB, 'hello'))
  const carol = { username: 'carol', isAhead: true } as const
  const ahead = said('c2'.repeat(32) as AuthorId, 'from 2039', new Date(2039, 0, 1).getTime(), carol)
  shown(transcript, ahead)
  assert.equal(shown(transcript, said(BOB, 'next')).at(-1), '12:00              bob │ next')
  assert.ok(!shown(transcript, said(BOB, 'again')).some(row => row.includes('late')))
})

test('marks lines of the history that are dated ahead, in a block below a rule', () => {
  const transcript = transcriptOf()
  shown(transcript, said(BOB, 'now'), 'history')
  const ahead = (minutes: number): Message => said(BOB, `in ${minutes}`, NOON + minutes * 60_000, { isAhead: true })
  const rows = [shown(transcript, ahead(5), 'history'), shown(transcript, ahead(6), 'history')].flat()
  assert.equal(rows[0], "── dated ahead of this computer's clock ──")
  assert.deepEqual(rows.slice(-4), [
    '12:05 bob (dated ahead)',
    '                       │ in 5',
    '12:06 bob (dated ahead)',
    '                       │ in 6',
  ])
  assert.equal(rows.filter(row => row.includes('dated ahead of')).length, 2, 'the rule and the notice, once')
  assert.deepEqual(shown(transcript, said(BOB, 'live')), [
    '── Saturday 21 November 2026 ──',
    '12:00              bob │ live',
  ])
})

test('shows the newest of many arrivals, and those that are dated ahead beside them', () => {
  const arrivals = new Arrivals(() => false)
  const lines = Array.from({ length: 300 }, (_, n) => said(BOB, `${n}`, NOON + n))
  const ahead = Array.from({ length: 300 }, (_, n) => said(BOB, `ahead ${n}`, NOON + 9_999_999 + n, { isAhead: true }))
  arrivals.push([...ahead, ...lines], NOON)
  const { messages, skipped } = arrivals.take(NOON)
  assert.deepEqual(messages, [...lines.slice(-200), ...ahead.slice(-50)])
  assert.equal(skipped, 350)
})

test('never marks history as late', () => {
  const transcript = transcriptOf()
  shown(transcript, said(BOB, 'now'), 'history')
  assert.equal(
    shown(transcript, said(BOB, 'before', NOON - 3_600_000), 'history').at(-1),
    '11:00              bob │ before',
  )
})

test('lays out actions, new names and topics as events', () => {
  const transcript = transcriptOf()
  shown(transcript, said(BOB, 'first'))
  assert.deepEqual(shown(transcript, said(BOB, 'waves', NOON, { kind: 'action' })), [
    '12:00                  * bob waves',
  ])
  const notices = [
    said(BOB, 'whatever', NOON, { kind: 'topic', topic: 'tea' }),
    said(BOB, 'whatever', NOON, { kind: 'topic', topic: '' }),
    said(BOB, 'bob is called bobby from now on', NOON, { kind: 'nick', before: 'bob', username: 'bobby' }),
    said(BOB, 'is now called eve', NOON, { kind: 'action', username: 'bobby' }),
  ]
  assert.deepEqual(
    notices.map(notice => shown(transcript, notice)),
    [
      ['12:00                  * bob set the topic: tea'],
      ['12:00                  * bob removed the topic'],
      ['12:00                  * bob is now called bobby'],
      ['12:00                  * bobby: is now called eve'],
    ],
  )
})

test('phrases events the same on the screen and in lines, whatever their text', () => {
  const text = 'left; alice owes me 5\nwarn> stop'
  const messages = [
    said(BOB, 'hello'),
    said(BOB, text, NOON, { kind: 'nick', username: 'bobby' }),
    said(BOB, text, NOON, { kind: 'topic', topic: 'tea\nand cake', username: 'bobby' }),
    said(BOB, text, NOON, { kind: 'topic', topic: '', username: 'bobby' }),
    said('c2'.repeat(32) as AuthorId, text, NOON, { kind: 'nick', username: 'bob' }),
  ]
  const transcript = transcriptOf(200)
  const onScreen = messages.map(message => transcript.message(message, NOON, 'history'))
  const inLines = messages.map(labelled(new DisplayNames('alice', ALICE), false))
  const rows = onScreen.map(({ text }) =>
    text
      .split('\n')
      .at(-1)
      ?.replace(/^12:00 +/, ''),
  )
  assert.deepEqual(rows.slice(1), inLines.slice(1))
  assert.deepEqual(
    onScreen.map(({ isMention }) => isMention ?? false),
    [false, false, false, false, false],
    'a text that is not shown mentions nobody',
  )
  assert.equal(rows[4], '* bob (c2c2c2c2) has a new name')
})

test('cuts names longer than their column', () => {
  const transcript = transcriptOf()
  shown(transcript, said(BOB, 'first'))
  const long = said(BOB, 'hello', NOON, { username: 'bartholomew-the-third' })
  assert.deepEqual(shown(transcript, long), ['12:00     bartholomew… │ hello'])
  const wide = said('c2'.repeat(32) as AuthorId, 'hello', NOON, { username: '安娜安娜安娜安娜' })
  assert.deepEqual(shown(transcript, wide), ['12:00      安娜安娜安… │ hello'])
})

test('never cuts a label with a key or another mark', () => {
  const transcript = transcriptOf()
  shown(transcript, said(BOB, 'first'))
  const namesake = said('c2'.repeat(32) as AuthorId, 'so am I', NOON, { username: 'bob' })
  assert.deepEqual(shown(transcript, namesake).slice(-2), ['12:00 bob (c2c2c2c2)', '                       │ so am I'])
  const unsigned = said('localhost:3001' as AuthorId, 'hi', NOON, { username: 'localhost:3001' })
  assert.deepEqual(shown(transcript, unsigned), ['12:00 localhost:3001 (unsigned)', '                       │ hi'])
})

test('shows long names in full if their beginnings are the same', () => {
  const transcript = transcriptOf()
  shown(transcript, said(BOB, 'first'))
  const [great, greek] = ['c2', 'd3'].map(digits => digits.repeat(32)) as [AuthorId, AuthorId]
  const first = transcript.message(said(great, 'hi', NOON, { username: 'alexander-the-great' }), NOON, 'live')
  assert.equal(first.text, '12:00     alexander-t… │ hi', 'control: alone it is cut')
  const second = said(greek, 'hi', NOON, { username: 'alexander-the-greek' })
  assert.deepEqual(shown(transcript, second), ['12:00 alexander-the-greek', '                       │ hi'])
  const again = said(great, 'hi', NOON, { username: 'alexander-the-great' })
  assert.deepEqual(shown(transcript, again), ['12:00 alexander-the-great', '                       │ hi'])
  transcript.columns = 40
  assert.deepEqual(shown(transcript, again), ['12:00 alexander-the-great: hi'])
})

test('never cuts the key of a quoted name', () => {
  const transcript = transcriptOf()
  shown(transcript, said(BOB, 'first'))
  const quoted = (username: string) => said('c2'.repeat(32) as AuthorId, 'hi', NOON, { username })
  assert.deepEqual(shown(transcript, quoted('info')), ['12:00 "info" (c2c2c2c2)', '                       │ hi'])
  for (const columns of [30, 40, 60, 80])
    for (const kind of ['text', 'action'] as const) {
      transcript.columns = columns
      const rows = shown(transcript, { ...quoted(`${'x'.repeat(40)}:`), kind })
      assert.match(rows[0] ?? '', /"x*…" \(c2c2c2c2\)/, `${columns} columns, ${kind}`)
    }
})

test('wraps text between words, within its column', () => {
  const transcript = transcriptOf(60)
  shown(transcript, said(BOB, 'first'))
  assert.deepEqual(shown(transcript, said(BOB, 'I write to see how a line is wrapped at words, here and there')), [
    '12:00              bob │ I write to see how a line is',
    '                         wrapped at words, here and there',
  ])
})

test('lays out a shown message again after a resize', () => {
  const transcript = transcriptOf(80)
  const printed = transcript.message(said(BOB, 'word '.repeat(12).trim()), NOON, 'live')
  const rows = (): number => printed.text.split('\n').length
  assert.equal(rows(), 1 + 2)
  transcript.columns = 40
  assert.equal(rows(), 1 + 3)
  transcript.columns = 200
  assert.equal(rows(), 1 + 1)
})

test('keeps rows within the terminal and text in one column at every width', () => {
  const texts = [
    'plain words of several lengths, incomprehensibilities among them',
    'https://example.org/a/path/that/is/quite/long?and=has&a=query#part',
    '这是一行没有空格的中文，它应该在任何字符之间换行。',
    '👨‍👩‍👧 emoji 🎉 and flags 🇩🇪🇯🇵 in between',
    `x${'y'.repeat(200)}z`,
  ]
  for (const columns of [20, 30, 40, 59, 60, 80, 200])
    for (const text of texts) {
      const transcript = transcriptOf(columns)
      const printed = transcript.message(said(BOB, text, NOON, { username: 'bartholomew-the-third' }), NOON, 'live')
      const rows = printed.text.split('\n')
      for (const row of rows) assert.ok(stringWidth(row) < columns, `${columns}: ${row}`)
      const column = columns >= 60 ? 25 : columns >= 30 ? 6 : 2
      for (const row of rows.slice(rows.findIndex(row => row.startsWith('12:00')) + 1))
        assert.ok(/^ *\S/.exec(row)?.[0].length === column + 1 || row.trim().startsWith('https:'), `${columns}: ${row}`)
    }
})

test("prints strangers' text only as text, at any width", () => {
  const random = chance(7)
  for (let i = 0; i < 20_000; i++)
    assert.equal(faultOnScreen(nastyText(random), nastyText(random), i % 2 === 0 ? 80 : 41), undefined)
})

test('control: the check finds what an unsanitised transcript lets through', () => {
  assert.equal(forbiddenIn('bob │ \u001b[2J'), '\u001b')
})

test('keeps our line pending until every peer has it, and later lines behind it', () => {
  const replicas = new Map([[1, { on: 0, of: 2, left: 0 }]])
  const tail = new PendingLines(
    ({ seq }) => replicas.get(seq) ?? { on: 0, of: 0, left: 0 },
    paletteOf(false),
    () => 80,
  )
  const take = (rows = 8) => tail.take(rows, () => 1)
  tail.push({ text: 'before' })
  tail.push({ text: 'mine', own: { run: 0, seq: 1 } })
  tail.push({ text: 'after' })
  assert.deepEqual(take(), ['before'])
  assert.deepEqual(tail.texts, ['mine  ✓ 0/2', 'after'])
  replicas.set(1, { on: 1, of: 2, left: 0 })
  assert.deepEqual(tail.texts, ['mine  ✓ 1/2', 'after'])
  replicas.set(1, { on: 2, of: 2, left: 0 })
  assert.deepEqual(take(), ['mine  ✓ 2/2', 'after'])
  assert.deepEqual(tail.texts, [])
})

test('draws a picture over its rows when they are printed, and not while they are pending', () => {
  const replicas = { on: 0, of: 1, left: 0 }
  const tail = new PendingLines(
    () => replicas,
    paletteOf(false),
    () => 80,
  )
  tail.push({ text: 'mine', own: { run: 0, seq: 1 } })
  tail.push({ text: '\n\n', drawing: 'picture' })
  assert.deepEqual(
    tail.take(8, () => 1),
    [],
  )
  assert.deepEqual(tail.texts, ['mine  ✓ 0/1', '\n\n'])
  replicas.on = 1
  assert.deepEqual(
    tail.take(8, () => 1),
    ['mine  ✓ 1/1', '\n\npicture'],
  )
})

test('prints a delivery mark on the next row if it does not fit', () => {
  const tail = new PendingLines(
    () => ({ on: 1, of: 2, left: 0 }),
    paletteOf(false),
    () => 20,
  )
  tail.push({ text: 'eleven cells', own: { run: 0, seq: 1 }, indent: 2 })
  tail.push({ text: 'fourteen cells', own: { run: 0, seq: 2 }, indent: 2 })
  assert.deepEqual(tail.texts, ['eleven cells  ✓ 1/2', 'fourteen cells\n  ✓ 1/2'])
})

test('keeps no more lines pending than there are rows for', () => {
  const tail = new PendingLines(
    () => ({ on: 0, of: 0, left: 0 }),
    paletteOf(false),
    () => 80,
  )
  for (let seq = 1; seq <= 20; seq++) tail.push({ text: `line ${seq}`, own: { run: 0, seq } })
  assert.equal(tail.take(3, () => 1).length, 17)
  assert.deepEqual(tail.texts, ['line 18  ✓', 'line 19  ✓', 'line 20  ✓'])
  assert.deepEqual(
    tail.take(0, () => 1),
    ['line 18  ✓', 'line 19  ✓', 'line 20  ✓'],
  )
})

const NOT_MISSED = (): boolean => false

test('shows lines that arrive together in one batch, and only the end of a flood', () => {
  const arrivals = new Arrivals(NOT_MISSED)
  assert.equal(arrivals.dueAt, undefined)
  arrivals.push([said(BOB, 'one')], 1_000)
  arrivals.push([said(BOB, 'two')], 1_000)
  assert.equal(arrivals.dueAt, 1_000)
  const both = { messages: [said(BOB, 'one'), said(BOB, 'two')], skipped: 0, missed: 0, isCut: false }
  assert.deepEqual(arrivals.take(1_000), both)
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

test('gathers missed lines and shows them in conversation order', () => {
  const arrivals = new Arrivals(({ timeMs }) => timeMs < NOON)
  arrivals.push([said(BOB, 'first', NOON - 3_000), said(BOB, 'third', NOON - 1_000)], 1_000)
  arrivals.push([said(ALICE, 'second', NOON - 2_000)], 1_100)
  assert.equal(arrivals.dueAt, 1_500)
  const { messages, missed, isCut } = arrivals.take(1_500)
  assert.deepEqual(
    messages.map(({ message }) => message),
    ['first', 'second', 'third'],
  )
  assert.deepEqual([missed, isCut], [3, false])
})

test("shows live lines in order of arrival, whatever their authors' clocks", () => {
  const arrivals = new Arrivals(NOT_MISSED)
  const messages = [said(BOB, 'from the fast clock', NOON + 500), said(ALICE, 'right after it', NOON)]
  arrivals.push(messages, 1_000)
  assert.deepEqual(arrivals.take(1_000).messages, messages)
})

const PARTS: StatusParts = {
  room: 'lobby',
  rooms: [],
  topic: 'lunch \u001b[2J at noon',
  connected: ['bob', 'carol', 'dave', 'erin', 'frank'],
  indirect: 0,
  dialled: [{ name: 'grace', address: { host: 'grace.local', port: 4_000 }, reason: 'no-answer', tries: 3 }],
  typing: ['bob'],
  away: [],
  isAway: false,
  delivery: { on: 3, of: 5, left: 0 },
  unsaved: 0,
  asking: 0,
  task: undefined,
}

test('fits the status into one row at any width', () => {
  assert.equal(
    statusRow(PARTS, 200),
    '#lobby · 5 connected: bob, carol, dave, erin and 1 more · bob is typing · last line delivered to 3 of 5 · trying grace (no answer, 3 times) · topic: lunch ␛[2J at noon',
  )
  for (const columns of [20, 40, 80]) assert.ok(statusRow(PARTS, columns).length <= columns)
  assert.match(statusRow({ ...PARTS, connected: [], dialled: [] }, 80), /^#lobby · alone/)
})

test('keeps the delivery and the topic in a narrow status row', () => {
  const parts = { ...PARTS, topic: 'lunch at noon', typing: [], connected: ['bob', 'carol'], dialled: [] }
  assert.equal(statusRow(parts, 39), '#lobby · 2 connected · ✓ 3/5 · lunch a…')
  assert.equal(statusRow(parts, 72), '#lobby · 2 connected: bob, carol · delivered to 3 of 5 · lunch at noon')
  assert.equal(statusRow(parts, 60), '#lobby · 2 connected · delivered to 3 of 5 · lunch at noon')
  assert.equal(statusRow({ ...parts, topic: undefined }, 42), '#lobby · 2 connected · delivered to 3 of 5')
  assert.equal(statusRow({ ...parts, topic: 'lunch' }, 39), '#lobby · 2 connected · ✓ 3/5 · lunch')
  assert.equal(statusRow({ ...PARTS, topic: 'lunch at noon' }, 39), '#lobby · 5 connected · ✓ 3/5 · lunch a…')
})

test('folds a long message of a stranger to eight rows, and nobody else’s', () => {
  const folded: Message[] = []
  const transcript = new Transcript({
    id: ALICE,
    names: new DisplayNames('alice', ALICE),
    palette: paletteOf(false),
    ownNames: () => ['alice'],
    isFolded: author => author !== BOB,
    onFolded: message => folded.push(message),
  })
  const carol = 'c0'.repeat(32) as AuthorId
  for (const text of ['\u0080'.repeat(16_000), 'line\n'.repeat(40), 'x'.repeat(16_000)]) {
    for (const kind of ['text', 'action'] as const) {
      const message = said(carol, text, NOON, { username: 'carol', kind } as Partial<Message>)
      const rows = transcript
        .message(message, NOON, 'live')
        .text.split('\n')
        .filter(row => !row.startsWith('──'))
      assert.equal(rows.length, 9, kind)
      assert.match(rows.at(-1) ?? '', /^ +… and more: \/show prints all of it$/)
      assert.equal(folded.at(-1), message)
    }
  }
  const count = folded.length
  assert.ok(shown(transcript, said(BOB, 'line\n'.repeat(20))).length > 20, 'control')
  assert.equal(folded.length, count)
})

const B12 = { label: 'b12' }

test('shows the label of each line beside its time, within the columns of the name', () => {
  const transcript = transcriptOf()
  assert.deepEqual(shown(transcript, said(BOB, 'hello', NOON, B12)).slice(1), ['12:00 b12          bob │ hello'])
  const long = { label: 'bc12345', username: 'bartholomew' }
  assert.deepEqual(shown(transcript, said(BOB, 'hello', NOON, long)), ['12:00 bc12345 barthol… │ hello'])
  assert.deepEqual(shown(transcript, said(BOB, 'waves', NOON, { ...B12, kind: 'action' })), [
    '12:00 b12              * bob waves',
  ])
  assert.deepEqual(shown(transcriptOf(40), said(BOB, 'hello', NOON, B12)).slice(1), ['12:00 b12 bob: hello'])
  assert.deepEqual(shown(transcriptOf(29), said(BOB, 'hello', NOON, B12)).slice(2), ['12:00 bob: hello'])
})

test('shows an answer below the line that it quotes, and reactions below a line', () => {
  const to = { author: ALICE, run: 0, seq: 1 }
  const context = { about: 'alice a1 “shall we go for lunch at noon?”', reactions: '👍 2  🎉 1', isEdited: true }
  for (const columns of [80, 40, 20]) {
    const transcript = transcriptOf(columns, false, () => context)
    shown(transcript, said(BOB, 'before'))
    const rows = shown(transcript, said(BOB, 'yes', NOON, { ...B12, kind: 'reply', to }))
    for (const row of rows) assert.ok(stringWidth(row) < columns, `${columns}: ${row}`)
    if (columns === 80)
      assert.deepEqual(rows, [
        '12:00 b12          bob ┌ alice a1 “shall we go for lunch at noon?”',
        '                       » yes (edited)',
        '                         👍 2  🎉 1',
      ])
    if (columns === 40) assert.equal(rows[1], '      yes (edited)')
  }
})
