import assert from 'node:assert/strict'
import test from 'node:test'
import { jsonLineOf } from '../../src/chat/json.js'
import type { Content } from '../../src/chat/kinds/kinds.js'
import { type Message, placeOf } from '../../src/chat/kinds/message.js'
import { nickAfter } from '../../src/chat/views/nick.js'
import { mayBeTopic, type Topic, topicAfter } from '../../src/chat/views/topic.js'
import { UNREAD_COUNTED_MAX, Unread, type UnreadOptions } from '../../src/chat/views/unread.js'
import { type AuthorId, logOf } from '../../src/log/format/author.js'
import { EARLIEST, hlcAt } from '../../src/log/format/hybrid-clock.js'
import { unreadTitle } from '../../src/ui/unread-text.js'

const [ALICE, BOB, CAROL] = ['a', 'b', 'c'].map(digit => digit.repeat(64)) as [AuthorId, AuthorId, AuthorId]
const BOBS = logOf(BOB)
const NOON = new Date(2026, 10, 21, 12, 0).getTime()

const said = (author: AuthorId, seq: number, timeMs = NOON, content: Content = { kind: 'text' }): Message => ({
  ...content,
  author,
  run: 0,
  seq,
  username: `name ${seq}`,
  message: 'hello',
  at: hlcAt(timeMs),
  timeMs,
  isVerified: true,
})

/** The mark of a user who has read three of BOB's lines; `history` is noted. */
function unread(options: Partial<UnreadOptions> = {}, history = [said(BOB, 4), said(BOB, 5)]): Unread {
  const view = new Unread({
    ourId: ALICE,
    wasHere: false,
    seen: new Map([[BOBS, 3]]),
    leftAt: NOON - 60_000,
    isHidden: () => false,
    startedAt: NOON,
    ...options,
  })
  for (const message of history) view.note(message)
  return view
}

test('marks the first missed message of the history, once', () => {
  const view = unread()
  assert.equal(view.markAbove(said(BOB, 3)), undefined)
  assert.deepEqual(view.markAbove(said(BOB, 4)), { count: 2, isMore: false, since: NOON - 60_000 })
  assert.equal(view.markAbove(said(BOB, 5)), undefined)
  assert.ok(!view.isMissed(said(BOB, 6, NOON - 1)), 'there is a mark already')
})

test('marks the first missed messages that arrive if the history has none', () => {
  const view = unread({ seen: new Map([[BOBS, 5]]) }, [])
  assert.ok(view.isMissed(said(BOB, 6, NOON - 1)))
  assert.ok(!view.isMissed(said(BOB, 6, NOON)), 'live')
  assert.ok(!view.isMissed(said(ALICE, 1, NOON - 1)), 'ours')
  assert.equal(view.markArrivals(0, false), undefined)
  assert.deepEqual(view.markArrivals(14, true), { count: 14, isMore: true, since: NOON - 60_000 })
  assert.equal(view.markArrivals(2, false), undefined)
})

test('counts neither our own entries nor those of hidden people', () => {
  const history = [ALICE, BOB, CAROL].flatMap(author => [4, 5].map(seq => said(author, seq)))
  const view = unread({ isHidden: author => author === CAROL }, history)
  assert.equal(view.markAbove(said(BOB, 4))?.count, 2)
})

test('neither counts nor marks changes of names and topics', () => {
  const nick = said(BOB, 4, NOON, { kind: 'nick', before: 'bob' })
  const topic = said(BOB, 5, NOON, { kind: 'topic', topic: 'tea' })
  const view = unread({}, [nick, topic, said(BOB, 6)])
  assert.equal(view.markAbove(nick), undefined)
  assert.ok(!view.isMissed({ ...topic, timeMs: NOON - 1 }))
  assert.equal(view.markAbove(said(BOB, 6))?.count, 1)
})

test('says so if there are more messages than it counts', () => {
  const view = unread({ seen: new Map() }, [])
  let seq = 0
  while (view.note(said(BOB, ++seq)));
  assert.equal(seq, UNREAD_COUNTED_MAX)
  assert.deepEqual(view.markAbove(said(BOB, 1)), { count: seq, isMore: true, since: NOON - 60_000 })
})

test('tells a newcomer from someone who was here without a screen', () => {
  const newcomer = unread({ leftAt: undefined, seen: new Map() })
  assert.deepEqual(newcomer.markAbove(said(BOB, 4)), { count: 2, isMore: false, since: 'joining' })
  const back = unread({ leftAt: undefined, seen: new Map(), wasHere: true })
  assert.equal(back.markAbove(said(BOB, 4)), undefined)
  assert.deepEqual(back.markArrivals(2, false), { count: 2, isMore: false, since: 'start' })
})

test('phrases the mark by when the user left', () => {
  assert.equal(unreadTitle({ count: 14, isMore: false, since: NOON - 60_000 }), '14 new since you left on 21 Nov 11:59')
  assert.equal(unreadTitle({ count: 2, isMore: false, since: 'start' }), '2 new, from before this session')
  assert.equal(unreadTitle({ count: 5, isMore: false, since: 'joining' }), '5 new, from before you joined')
  assert.match(unreadTitle({ count: 7_000, isMore: true, since: NOON }), /^more than 7,000 new since/)
})

test('keeps the newest topic in conversation order, however the messages arrive', () => {
  const topic = (text: string, timeMs: number): Message => said(BOB, 1, timeMs, { kind: 'topic', topic: text })
  const messages = [topic('tea', NOON), said(BOB, 2, NOON + 5), topic('', NOON + 2), topic('old', NOON - 1)]
  for (const order of [messages, messages.toReversed()]) {
    const last = order.reduce<Topic | undefined>(topicAfter, undefined)
    assert.deepEqual(last, { text: '', at: hlcAt(NOON + 2) })
  }
  const ahead = { ...topic('mine for ever', 9_999_999_999_999), isAhead: true } as const
  assert.deepEqual(topicAfter({ text: 'tea', at: hlcAt(NOON) }, ahead), { text: 'tea', at: hlcAt(NOON) })
  assert.equal(mayBeTopic(Buffer.from('{"type":"topic"}')), true)
  assert.equal(mayBeTopic(Buffer.from('{"type":"action"}')), false)
})

test('follows the name of one author, sanitised', () => {
  const messages = [
    said(BOB, 2, NOON + 2),
    { ...said(ALICE, 9, NOON + 3), run: 7 },
    { ...said(ALICE, 4, NOON + 4), username: 'a\u001b[2J' },
    said(ALICE, 1, NOON + 1),
  ]
  const last = messages.reduce((nick, message) => nickAfter(nick, message, ALICE), { name: 'alice', at: EARLIEST })
  assert.deepEqual(last, { name: 'a␛[2J', at: hlcAt(NOON + 4) })
})

test('refers to a message by author, run and seq', () => {
  const other = { ...said(BOB, 3), run: 0x0100_abcd }
  assert.deepEqual(placeOf(said(BOB, 3)), { author: BOBS, seq: 3 })
  assert.deepEqual(placeOf(other), { author: `${BOB}.0100abcd`, seq: 3 })
  const seen = new Map([[BOBS, 9]])
  assert.equal(unread({ seen }).markAbove(said(BOB, 3)), undefined, 'read')
  assert.ok(unread({ seen }).markAbove(other), 'the read mark of one run says nothing of another')
  const json = JSON.parse(jsonLineOf(other))
  assert.deepEqual([json.author, json.run, json.seq], [BOB, 0x0100_abcd, 3])
  assert.ok(!('run' in JSON.parse(jsonLineOf(said(BOB, 3)))))
})
