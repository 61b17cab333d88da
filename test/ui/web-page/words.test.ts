import assert from 'node:assert/strict'
import test from 'node:test'
import { continuesGroup, startsDay } from '../../../src/ui/web/page/list/grouping.js'
import { completionOf } from '../../../src/ui/web/page/model/completion.js'
import { memberTree } from '../../../src/ui/web/page/model/member-tree.js'
import {
  badgeText,
  countText,
  hueOf,
  initialOf,
  namesText,
  reactionText,
  spokenText,
  titleText,
  typingText,
} from '../../../src/ui/web/page/model/words.js'
import { BOB, CAROL, lineRow } from '../../helper/page-rows.js'

test('lists names and counts', () => {
  assert.equal(namesText([]), '')
  assert.equal(namesText(['bob']), 'bob')
  assert.equal(namesText(['bob', 'carol']), 'bob and carol')
  assert.equal(namesText(['bob', 'carol', 'dave', 'erin']), 'bob, carol, dave and erin')
  assert.equal(namesText(['bob', 'carol', 'dave', 'erin'], 1_204), 'bob, carol, dave and 1,201 others')
  assert.equal(countText(1, 'line'), '1 line')
  assert.equal(countText(1_204, 'line'), '1,204 lines')
  assert.equal(badgeText(99), '99')
  assert.equal(badgeText(100), '99+')
})

test('says who types', () => {
  assert.equal(typingText([]), '')
  assert.equal(typingText(['bob']), 'bob is typing …')
  assert.equal(typingText(['bob', 'carol']), 'bob and carol are typing …')
  assert.equal(typingText(['a', 'b', 'c', 'd']), 'several people are typing …')
})

test('describes rows and reactions for screen readers', () => {
  assert.equal(spokenText(lineRow(1, BOB, 'hello')), 'bob: hello')
  assert.equal(spokenText(lineRow(1, BOB, 'waves', { form: 'action' })), 'bob waves')
  assert.equal(
    spokenText(lineRow(1, BOB, 'yes', { about: { text: 'alice “lunch?”' } })),
    'bob, in reply to alice “lunch?”: yes',
  )
  const file = { name: 'plan.pdf', bytes: 1, size: '1 B', isPicture: false, isShownUnasked: false }
  assert.equal(spokenText(lineRow(1, BOB, '', { form: 'file', file })), 'bob: file plan.pdf, 1 B')
  assert.equal(reactionText({ emoji: '👍', count: 2, isOwn: false, names: ['bob', 'carol'] }), '👍 bob and carol')
})

test('titles the window with the unread count', () => {
  assert.equal(titleText('#ops', 0), '#ops – persisted-chat')
  assert.equal(titleText('#ops', 3), '(3) #ops – persisted-chat')
  assert.equal(titleText('', 0), 'persisted-chat')
})

test('derives a colour from the key, and an initial from the name', () => {
  assert.equal(hueOf(undefined, 12), undefined)
  assert.equal(hueOf('00000d', 12), 1)
  assert.equal(initialOf('bob'), 'B')
  assert.equal(initialOf('«łukasz»'), 'Ł')
  assert.equal(initialOf('…'), '•')
})

test('groups lines of one person within minutes of one day', () => {
  const first = lineRow(1, BOB, 'one')
  assert.equal(continuesGroup(lineRow(2, BOB, 'two'), first), true)
  assert.equal(continuesGroup(lineRow(2, CAROL, 'two'), first), false)
  assert.equal(continuesGroup(lineRow(2, { ...BOB, name: 'bob (2)' }, 'two'), first), false)
  assert.equal(continuesGroup(lineRow(2, BOB, 'two', { day: 'another' }), first), false)
  assert.equal(continuesGroup(lineRow(2, BOB, 'two', { at: first.at + 300_000 }), first), false)
  assert.equal(continuesGroup(lineRow(2, BOB, 'two', { about: { text: 'x' } }), first), false)
  assert.equal(continuesGroup(first, undefined), false)
  assert.equal(startsDay(first, undefined), true)
  assert.equal(startsDay(lineRow(2, BOB, 'two'), first), false)
})

test('completes names and commands before the caret', () => {
  const names = ['bob', 'bobby', 'carol', 'Ünal']
  const commands = ['/search', '/send']
  const complete = (text: string, caret = text.length) => completionOf(text, caret, names, commands)
  assert.deepEqual(complete('ca'), { text: 'carol: ', caret: 7 })
  assert.deepEqual(complete('hello ca'), { text: 'hello carol ', caret: 12 })
  assert.deepEqual(complete('hello @ca'), { text: 'hello @carol ', caret: 13 })
  assert.deepEqual(complete('ca, hello', 2), { text: 'carol: , hello', caret: 7 })
  assert.deepEqual(complete('b'), { text: 'bob', caret: 3 })
  assert.deepEqual(complete('/sea'), { text: '/search ', caret: 8 })
  assert.deepEqual(complete('/s'), { text: '/se', caret: 3 })
  assert.deepEqual(complete('ün'), { text: 'Ünal: ', caret: 6 })
  for (const text of ['', 'bob', 'x', 'hello ', '@', '/nothing']) assert.equal(complete(text), undefined, text)
})

test('shows all members, each below the one who admitted them', () => {
  const member = (key: string, since: number, by?: string) => ({
    key,
    name: key,
    role: 'member',
    since,
    isKeeper: false,
    isOwn: false,
    ...(by === undefined ? {} : { by }),
  })
  type Names = readonly [string, readonly Names[]]
  const namesOf = (nodes: ReturnType<typeof memberTree>): Names[] =>
    nodes.map(({ member: { name }, admitted }) => [name, namesOf(admitted)])
  const members = [
    member('c', 3, 'a'),
    member('b', 2, 'a'),
    member('d', 4, 'b'),
    member('a', 1),
    member('e', 5, 'gone'),
  ]
  assert.deepEqual(namesOf(memberTree(members)), [
    [
      'a',
      [
        ['b', [['d', []]]],
        ['c', []],
      ],
    ],
    ['e', []],
  ])
  const circle = [member('x', 1, 'y'), member('y', 2, 'x')]
  assert.deepEqual(memberTree(circle).length, 2)
})
