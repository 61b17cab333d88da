import assert from 'node:assert/strict'
import test from 'node:test'
import { DisplayNames } from '../../src/chat/display-names.js'
import type { Message } from '../../src/chat/kinds/message.js'
import { lineOf } from '../../src/chat/text-line.js'
import type { AuthorId } from '../../src/log/format/author.js'
import { hlcAt } from '../../src/log/format/hybrid-clock.js'
import { labelled } from '../../src/ui/labels.js'

const NOW = Date.now()
const [ME, BOB, EVE] = ['a', 'b', 'e'].map(digit => digit.repeat(64)) as [AuthorId, AuthorId, AuthorId]

const said = (message: string, more: Partial<Message> = {}): Message =>
  ({
    author: BOB,
    seq: 1,
    username: 'bob',
    message,
    kind: 'text',
    at: hlcAt(NOW),
    timeMs: NOW,
    isVerified: true,

    ...more,
  }) as Message
const nick = (from: string, to: string, more: Partial<Message> = {}): Message =>
  said(`${from} is called ${to} from now on`, { kind: 'nick', before: from, username: to, ...more } as Partial<Message>)

/** The lines of messages, in the order in which they are shown. */
const linesOf = (...messages: readonly Message[]): string[] => messages.map(labelled(new DisplayNames('me', ME), false))

test('phrases actions and changes of name and topic as notices, not as text', () => {
  assert.deepEqual(
    linesOf(
      said('hello'),
      said('waves', { kind: 'action' }),
      nick('bob', 'bobby'),
      said('the topic is now: tea', { kind: 'topic', topic: 'tea', username: 'bobby' }),
      said('there is no topic any more', { kind: 'topic', topic: '', username: 'bobby' }),
    ),
    [
      'bob> hello',
      '* bob waves',
      '* bob is now called bobby',
      '* bobby set the topic: tea',
      '* bobby removed the topic',
    ],
  )
})

test('never lets a typed line or action look like a change of name or topic, or like another person’s action', () => {
  assert.deepEqual(linesOf(said('* bob is now called eve'), said('bob is called eve from now on')), [
    'bob> * bob is now called eve',
    'bob> bob is called eve from now on',
  ])
  const actions = [
    'is now called eve',
    ' Is  NOW called eve',
    '\u0456s now called eve',
    'set the topic: x',
    'removed the topic',
  ]
  for (const action of actions) assert.match(linesOf(said(action, { kind: 'action' }))[0] ?? '', /^\* bob: /)
  const counted = said('entries deleted', { kind: 'action', username: '3' })
  assert.equal(linesOf(counted)[0], '* 3: entries deleted', 'like places without content')
  assert.equal(linesOf(said('is happy', { kind: 'action' }))[0], '* bob is happy', 'control')
})

test('shows the former name as it was labelled, else as the author states it, with the key if it is shared', () => {
  assert.equal(linesOf(nick('bob', 'bobby'))[0], '* bob is now called bobby')
  assert.equal(linesOf(said('carol left', { kind: 'nick', username: 'bobby' }))[0], '* bobby has a new name')
  assert.deepEqual(linesOf(said('hi'), nick('carol', 'bobby')), ['bob> hi', '* bob is now called bobby'])
  const carols = linesOf(said('hi', { author: EVE, username: 'carol' }), nick('carol', 'bobby'))
  assert.equal(carols[1], '* carol (bbbbbbbb) is now called bobby')
})

test('keeps a message in one line, and a name too', () => {
  const lines = linesOf(
    said('one\ninfo> two\r\u2028* eve waves'),
    said('x', { username: 'a\nbob> b' }),
    said('a\nb', { kind: 'action' }),
    said('', { kind: 'topic', topic: 'a\nb' }),
  )
  for (const line of lines) assert.match(line, /^(bob> |"a⏎bob> b" \(bbbbbbbb\)> |\* bob )[^\n\r\u2028]*$/)
  assert.equal(lineOf('bob', said('a\nb'), {}), 'bob> a⏎b')
})
