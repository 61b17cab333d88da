import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { DisplayNames } from '../../src/chat/display-names.js'
import type { Message } from '../../src/chat/kinds/message.js'
import { isPlainName, shownName } from '../../src/chat/shown-name.js'
import type { AuthorId } from '../../src/log/format/author.js'
import { hlcAt } from '../../src/log/format/hybrid-clock.js'

const NOW = Date.UTC(2026, 10, 21)
const HOUR = 3_600_000
const keyOf = (digit: string): AuthorId => digit.repeat(64) as AuthorId
const [ME, ANN, OTHER, BOB] = ['a', 'b', 'c', 'd'].map(keyOf) as [AuthorId, AuthorId, AuthorId, AuthorId]

const said = (author: AuthorId, username: string, more: Partial<Message> = {}): Message =>
  ({
    author,
    seq: 1,
    username,
    message: 'hello',
    kind: 'text',
    at: hlcAt(NOW),
    timeMs: NOW,
    isVerified: true,

    ...more,
  }) as Message

/** The labels of all people, after they were noted in a given order. */
function labelsAfter(people: readonly (readonly [AuthorId, string])[]): Record<string, string> {
  const names = new DisplayNames('me', ME)
  for (const [author, name] of people) names.note(author, name)
  return Object.fromEntries(people.map(([author, name]) => [`${author[0]} ${name}`, names.nameOf(author, name)]))
}

test('shows two keys of one name with their keys, and no one else', () => {
  const people = [
    [ANN, 'ann'],
    [BOB, 'bob'],
    [OTHER, 'Ann'],
  ] as const
  assert.deepEqual(labelsAfter(people), { 'b ann': 'ann (bbbbbbbb)', 'd bob': 'bob', 'c Ann': 'Ann (cccccccc)' })
})

test('shows the user by name alone, and never another key of that name', () => {
  const people = [
    [OTHER, 'me'],
    [ME, 'me'],
    [ANN, 'ann'],
    [ME, 'ann'],
  ] as const
  const labels = { 'c me': 'me (cccccccc)', 'a me': 'me', 'b ann': 'ann (bbbbbbbb)', 'a ann': 'ann' }
  assert.deepEqual(labelsAfter(people), labels)
})

test('does not let a person without lines take the name of an author, and tells two present people of one name apart', () => {
  const names = new DisplayNames('me', ME)
  names.note(ANN, 'ann')
  const present = [
    { author: OTHER, name: 'ann' },
    { author: ME, name: 'localhost:4000' },
    { author: BOB, name: 'localhost:4000' },
  ]
  names.notePresent(present)
  assert.deepEqual(
    present.map(one => names.presentName(one)),
    ['ann (cccccccc)', 'localhost:4000', 'localhost:4000'],
  )
  assert.equal(names.nameOf(ANN, 'ann'), 'ann')
  names.notePresent([
    { author: OTHER, name: 'ann' },
    { author: ANN, name: 'ann' },
  ])
  assert.equal(names.nameOf(ANN, 'ann'), 'ann (bbbbbbbb)')
  assert.equal(names.presentName({ author: undefined, name: 'info' }), '"info"')
})

test('labels depend on the set of people, not on their order', () => {
  const person = fc.tuple(
    fc.constantFrom(ME, ANN, OTHER, BOB),
    fc.constantFrom('ann', 'ANN', 'me', 'bob', 'b\u043eb', 'a nn', 'info'),
  )
  const people = fc.uniqueArray(person, { selector: ([author, name]) => `${author} ${name}`, maxLength: 12 })
  fc.assert(
    fc.property(people, fc.infiniteStream(fc.nat()), (set, weights) => {
      const shuffled = set
        .map(one => ({ one, weight: weights.next().value as number }))
        .sort((a, b) => a.weight - b.weight)
        .map(({ one }) => one)
      assert.deepEqual(labelsAfter(shuffled), labelsAfter(set))
    }),
  )
})

test('treats names that look alike as one', () => {
  for (const alike of ['b\u043eb', 'BOB', 'bob ', '\uff42\uff4f\uff42', 'b0b', 'bob\u200b']) {
    const labels = labelsAfter([
      [BOB, 'bob'],
      [OTHER, alike],
    ])
    assert.equal(labels['d bob'], 'bob (dddddddd)', alike)
    assert.match(labels[`c ${alike}`] ?? '', /\(cccccccc\)$/)
  }
  assert.equal(labelsAfter([[BOB, 'bob'], [OTHER, 'rob']])['d bob'], 'bob', 'control: another name') // biome-ignore format: one line
})

test('quotes names that could pass for a notice or for another person’s words, and adds the key', () => {
  for (const [name, shown] of [
    ['info', '"info"'],
    ['WARN', '"WARN"'],
    ['inf\u043e', '"inf\u043e"'],
    ['error', '"error"'],
    ['bob> yes', '"bob> yes"'],
    ['bob＞', '"bob＞"'],
    ['* bob', '"* bob"'],
    ['*', '"*"'],
    ['bob (dddddddd)', '"bob (dddddddd)"'],
    ['carol (unsigned)', '"carol (unsigned)"'],
    ['12:00 bob │ yes', '"12:00 bob │ yes"'],
    ['bob│', '"bob│"'],
    ['bob is now called eve', '"bob is now called eve"'],
    ['·', '"·"'],
    ['!', '"!"'],
    ['── new ──', '"── new ──"'],
    ['', '""'],
    ['   ', '"   "'],
    ['bob\n', '"bob⏎"'],
    ['"bob"', '"\\"bob\\""'],
    ['b\u043eb', '"b\u043eb"'],
    ...[
      ':',
      '.',
      ',',
      "'",
      '…',
      ';',
      '\uff1a',
      '\u02d0',
      '\ua4fd',
      '\ua789',
      '\u0903',
      '\u2236',
      '\ufe55',
      '\u01c3',
    ].map(mark => [`ann${mark}`, `"ann${mark}"`] as const),
    ['info:', '"info:"'],
    ['ann: hello', '"ann: hello"'],
    ['ann:hello', '"ann:hello"'],
    ['ann:12', '"ann:12"'],
    ['12:34', '"12:34"'],
    ['2026-11-27', '"2026-11-27"'],
    ['14.03', '"14.03"'],
    ['a..b', '"a..b"'],
    ['x'.repeat(500), `"${'x'.repeat(32)}…"`],
  ] as const) {
    assert.equal(shownName(name), shown)
    assert.equal(new DisplayNames('me', ME).nameOf(OTHER, name), `${shown} (cccccccc)`)
    assert.equal(new DisplayNames('me', ME).nameOf('walter' as AuthorId, name), `${shown} (unsigned)`)
  }
})

test('control: shows ordinary names unquoted', () => {
  for (const name of [
    'bob',
    'josé',
    '太郎',
    'Ольга',
    'علی',
    '🦊',
    'c++',
    'a-b_c',
    "o'neil",
    'x1',
    '42',
    'ann.b',
    'ann-',
    '人々',
    'हिन्दी',
  ])
    assert.ok(isPlainName(name), name)
  for (const address of ['localhost:3000', '10.0.0.7:4000', '[fd00::2]:4000', '[fe80::1%eth0]:4000'])
    assert.ok(isPlainName(address), address)
})

test('shows a nameless connection by its address, but quotes a person named like an address', () => {
  const names = new DisplayNames('me', ME)
  assert.equal(names.presentName({ author: undefined, name: 'host.example:4000' }), 'host.example:4000')
  assert.equal(names.presentName({ author: OTHER, name: 'host.example:4000' }), 'host.example:4000')
  for (const name of ['ann:', 'ann:12', '12:34'])
    assert.equal(names.presentName({ author: OTHER, name }), `"${name}" (cccccccc)`)
  assert.equal(names.nameOf(OTHER, 'host.example:4000'), '"host.example:4000" (cccccccc)')
})

test('reports a shared name once, and a clock that is far ahead once', () => {
  const names = new DisplayNames('me', ME)
  assert.deepEqual(names.labelOf(said(ANN, 'ann'), NOW), { text: 'ann', notice: undefined })
  assert.match(names.labelOf(said(OTHER, 'ann'), NOW).notice ?? '', /several people use the name ann/)
  assert.equal(names.labelOf(said(ANN, 'ann'), NOW).notice, undefined)
  const ahead = said(BOB, 'bob', { timeMs: NOW + 13 * HOUR })
  assert.deepEqual(names.labelOf(ahead, NOW), {
    text: 'bob (clock ahead)',
    notice: "lines of bob are dated ahead of this computer's clock: they sort last",
  })
  assert.deepEqual(names.labelOf(ahead, NOW), { text: 'bob (clock ahead)', notice: undefined })
})

test('marks a clock as ahead by the time in the message, not by its place in the order', () => {
  const names = new DisplayNames('me', ME)
  const afterMistake = said(BOB, 'bob', { at: hlcAt(NOW + 10_000 * HOUR), timeMs: NOW })
  assert.equal(names.labelOf(afterMistake, NOW).text, 'bob')
  assert.equal(
    names.labelOf(said(BOB, 'bob', { timeMs: NOW + 10_000 * HOUR }), NOW).text,
    'bob (clock ahead)',
    'control',
  )
})

test('labels the author of a deletion by a name known from elsewhere, or by key alone', () => {
  const names = new DisplayNames('me', ME)
  names.notePresent([{ author: ANN, name: 'ann' }])
  const deletion = { username: '', message: '', kind: 'delete' as const }
  assert.equal(names.labelOf(said(ANN, '', deletion), NOW).text, 'ann')
  assert.equal(names.labelOf(said(BOB, '', deletion), NOW).text, 'dddddddd')
  assert.equal(names.labelOf(said(ME, 'unknown'), NOW).text, 'unknown', 'no name is used up')
})
