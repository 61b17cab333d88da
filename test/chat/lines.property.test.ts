import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { isEmoji, typedEmoji } from '../../src/chat/emoji.js'
import type { Message } from '../../src/chat/kinds/message.js'
import { EDITS_MAX, keyOfPlace, Lines, REACTIONS_MAX } from '../../src/chat/views/lines.js'
import { type AuthorId, logOf } from '../../src/log/format/author.js'

const AUTHORS = ['a1', 'b0', 'c2'].map(digits => digits.repeat(32) as AuthorId)
const [ALICE = '' as AuthorId, BOB = '' as AuthorId, CAROL = '' as AuthorId] = AUTHORS
const EMOJIS = ['👍', '🎉', '❤️', '👎', '🙂', '🚀', '👀', '🔥', '💯', '🥳']

let clock = 0
const said = (author: AuthorId, seq: number, content: object, at = ++clock): Message =>
  ({
    ...{ author, run: 0, seq, username: 'x', message: 'text', kind: 'text', timeMs: at, isVerified: true },
    ...{ at: String(at).padStart(18, '0') },
    ...content,
  }) as unknown as Message

const edit = (seq: number, text: string): object => ({ kind: 'edit', to: { run: 0, seq }, text, message: text })
const reaction = (author: AuthorId, seq: number, emoji: string, isRemoved: boolean): object => ({
  kind: 'reaction',
  to: { author, run: 0, seq },
  emoji,
  isRemoved,
})

const key = (author: AuthorId, seq: number): string => keyOfPlace(logOf(author), seq)

/** Everything that a face can show. */
const shownOf = (lines: Lines, seqMax = 12): object =>
  AUTHORS.flatMap(author =>
    Array.from({ length: seqMax }, (_, index) => key(author, index + 1)).map(place => ({
      place,
      text: lines.textOf(place),
      edits: lines.editsOf(place),
      reactions: lines.reactionsTo(place),
    })),
  )

const author = fc.constantFrom(...AUTHORS)
const seq = fc.integer({ min: 1, max: 12 })
const written = fc.oneof(
  fc.record({ kind: fc.constant('text') }),
  seq.chain(to => fc.string({ maxLength: 8 }).map(text => edit(to, text))),
  fc
    .tuple(author, seq, fc.constantFrom(...EMOJIS), fc.boolean())
    .map(([to, place, emoji, isRemoved]) => reaction(to, place, emoji, isRemoved)),
)

/** The logs of three people, entry by entry; times of different logs may be equal. */
const logs = fc.array(fc.tuple(author, written, fc.integer({ min: 1, max: 40 })), { maxLength: 60 }).map(entries => {
  const next = new Map<AuthorId, { seq: number; at: number }>()
  return entries.map(([by, content, step]) => {
    const last = next.get(by) ?? { seq: 0, at: 0 }
    const now = { seq: last.seq + 1, at: last.at + step }
    next.set(by, now)
    return said(by, now.seq, content, now.at)
  })
})

test('edits and reactions are the same whatever order the messages come in, and however often', () => {
  fc.assert(
    fc.property(
      logs.chain(messages =>
        fc.tuple(
          fc.constant(messages),
          fc.shuffledSubarray([...messages, ...messages], { minLength: 2 * messages.length }),
        ),
      ),
      ([messages, shuffled]) => {
        const [one, other] = [new Lines(), new Lines()]
        for (const message of messages) one.note(message)
        for (const message of shuffled) other.note(message)
        assert.deepEqual(shownOf(other), shownOf(one))
      },
    ),
    { numRuns: 1_000 },
  )
})

test('agrees with a recount of all messages', () => {
  fc.assert(
    fc.property(logs, messages => {
      const lines = new Lines()
      for (const message of messages) lines.note(message)
      for (const line of messages) {
        if (line.kind !== 'text') continue
        const place = key(line.author, line.seq)
        const edits = messages
          .filter(each => each.kind === 'edit' && each.author === line.author && each.to.seq === line.seq)
          .sort((a, b) => b.seq - a.seq)
          .slice(0, EDITS_MAX)
        assert.deepEqual(
          lines.editsOf(place).map(each => each.seq),
          edits.map(each => each.seq),
        )
        for (const by of AUTHORS) {
          const latest = new Map<string, Message & { kind: 'reaction' }>()
          for (const each of messages)
            if (each.kind === 'reaction' && each.author === by && each.to.author === line.author)
              if (each.to.seq === line.seq) {
                latest.delete(each.emoji)
                latest.set(each.emoji, each)
              }
          const counted = [...latest.values()].slice(-REACTIONS_MAX)
          for (const emoji of EMOJIS)
            assert.equal(
              lines.hasReaction(place, by, emoji),
              counted.some(each => each.emoji === emoji && !each.isRemoved),
            )
        }
      }
    }),
    { numRuns: 1_000 },
  )
})

test('nobody edits a line of somebody else, and no edit is edited', () => {
  const lines = new Lines()
  lines.note(said(ALICE, 1, { message: 'mine' }))
  lines.note(said(BOB, 1, edit(1, 'yours'))) // names a place in the log of bob, which has this very edit
  assert.equal(lines.textOf(key(ALICE, 1)), 'mine')
  assert.equal(lines.textOf(key(BOB, 1)), undefined)
  lines.note(said(ALICE, 2, edit(3, 'to the next'))) // a cycle
  lines.note(said(ALICE, 3, edit(2, 'to the one before')))
  lines.note(said(ALICE, 4, edit(1, 'changed')))
  lines.note(said(ALICE, 5, edit(4, 'no line')))
  assert.equal(lines.textOf(key(ALICE, 1)), 'changed')
  for (const seq of [2, 3, 4]) assert.equal(lines.textOf(key(ALICE, seq)), undefined)
})

test('says whether a message changes what is shown', () => {
  const lines = new Lines()
  const late = said(ALICE, 2, edit(1, 'first'))
  assert.equal(lines.note(said(ALICE, 1, {})), true)
  assert.equal(lines.note(said(ALICE, 3, edit(1, 'second'))), true)
  assert.equal(lines.note(late), false)
  const on = reaction(ALICE, 1, '👍', false)
  assert.deepEqual([lines.note(said(BOB, 1, on)), lines.note(said(BOB, 2, on))], [true, false])
  assert.equal(lines.note(said(BOB, 3, reaction(ALICE, 1, '👍', true))), true)
  assert.equal(lines.note(said(BOB, 4, reaction(ALICE, 1, '🎉', true))), false)
})

test('a line whose content was deleted has no text, edits and reactions, whatever comes later', () => {
  const lines = new Lines()
  lines.note(said(ALICE, 1, {}))
  lines.note(said(ALICE, 2, edit(1, 'changed')))
  lines.note(said(BOB, 1, reaction(ALICE, 1, '👍', false)))
  lines.note(said(ALICE, 1, { kind: 'gap', count: 2, state: 'deleted' }))
  lines.note(said(ALICE, 3, edit(1, 'again')))
  lines.note(said(ALICE, 1, {}))
  lines.note(said(CAROL, 1, reaction(ALICE, 1, '👍', false)))
  assert.ok(lines.isDeleted(key(ALICE, 1)))
  assert.equal(lines.textOf(key(ALICE, 1)), undefined)
  assert.deepEqual(lines.editsOf(key(ALICE, 1)), [])
  assert.deepEqual(lines.reactionsTo(key(ALICE, 1)), [])
})

test('a flood of edits and reactions takes bounded memory and leaves the line as it is', () => {
  const lines = new Lines(200_000)
  for (let seq = 1; seq <= 20_000; seq++) {
    const content =
      seq % 2 === 0 ? edit(seq * 1_000, 'x'.repeat(100)) : reaction(CAROL, seq, EMOJIS[seq % 10] ?? '', false)
    lines.note(said(BOB, seq, content))
  }
  lines.note(said(ALICE, 1, { message: 'here' }))
  assert.equal(lines.textOf(key(ALICE, 1)), 'here')
  const remembered = Array.from({ length: 20_000 }, (_, seq) => lines.reactionsTo(key(CAROL, seq))).filter(
    found => found.length > 0,
  )
  assert.ok(remembered.length < 1_000, `${remembered.length}`)
  const one = new Lines()
  one.note(said(ALICE, 1, { message: 'here' }))
  for (let seq = 1; seq <= 5_000; seq++) one.note(said(BOB, seq, reaction(ALICE, 1, EMOJIS[seq % 10] ?? '', false)))
  assert.equal(one.reactionsTo(key(ALICE, 1)).length, REACTIONS_MAX)
  for (let seq = 2; seq <= 5_000; seq++) one.note(said(ALICE, seq, edit(1, `${seq}`)))
  assert.equal(one.editsOf(key(ALICE, 1)).length, EDITS_MAX)
  assert.equal(one.textOf(key(ALICE, 1)), '5000')
})

test('a reaction is exactly one emoji', () => {
  for (const emoji of [...EMOJIS, '👍🏽', '👨‍👩‍👧', '🇩🇪', '1️⃣', '❤']) assert.ok(isEmoji(emoji), emoji)
  const others = ['', ' ', 'a', '1', '👍👍', '👍 ', '👍\n', '\u001b[31m', '👍\u202e', `👍${'\u0301'.repeat(9)}`, '‍', 5]
  for (const text of [...others, undefined, '🇩', `👨${'‍👩'.repeat(40)}`]) assert.ok(!isEmoji(text), String(text))
  assert.equal(typedEmoji('+1'), '👍')
  assert.equal(typedEmoji('ok'), undefined)
})
