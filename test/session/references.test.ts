import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { DisplayNames } from '../../src/chat/display-names.js'
import type { Message } from '../../src/chat/kinds/message.js'
import { LineLabels } from '../../src/chat/line-labels.js'
import { lineOf } from '../../src/chat/text-line.js'
import { type AuthorId, type LogId, logOf } from '../../src/log/format/author.js'
import { References } from '../../src/session/references.js'

const ALICE = 'a1'.repeat(32) as AuthorId
const BOB = 'b0'.repeat(32) as AuthorId
const EVE = 'e5'.repeat(32) as AuthorId
const NAMES = new Map([
  [ALICE, 'alice'],
  [BOB, 'bob'],
  [EVE, 'eve'],
])

let clock = 0
const said = (author: AuthorId, seq: number, message: string, content: object = {}): Message =>
  ({
    ...{ author, run: 0, seq, message, username: NAMES.get(author), kind: 'text', timeMs: ++clock, isVerified: true },
    ...{ at: String(clock).padStart(18, '0') },
    ...content,
  }) as unknown as Message

const to = (author: AuthorId, seq: number): object => ({ to: { author, run: 0, seq } })
const reply = (author: AuthorId, seq: number): object => ({ kind: 'reply', ...to(author, seq) })
const reaction = (author: AuthorId, seq: number, isRemoved = false): object => ({
  ...{ kind: 'reaction', emoji: '👍', isRemoved },
  ...to(author, seq),
})
const edit = (seq: number, text: string): object => ({ kind: 'edit', to: { run: 0, seq }, text })

/** A room whose log has these messages. */
function referencesOver(stored: readonly Message[] = [], hidden: readonly AuthorId[] = []) {
  const labels = new LineLabels()
  for (const author of NAMES.keys()) labels.add(logOf(author))
  const seqOf = (log: LogId): number =>
    Math.max(0, ...stored.filter(each => logOf(each.author) === log).map(each => each.seq))
  const room = {
    id: ALICE,
    labels,
    heads: [...NAMES.keys()].map(author => ({ author: logOf(author), seq: seqOf(logOf(author)) })),
    async *batches({ since = [] }: { since?: readonly { author: LogId; seq: number }[] }) {
      const from = new Map(since.map(({ author, seq }) => [author, seq]))
      yield stored.filter(({ author, seq }) => seq > (from.get(logOf(author)) ?? 0))
    },
  }
  const names = new DisplayNames('alice', ALICE)
  return new References({ room, names, isHidden: author => hidden.includes(author), isHiddenLine: () => false })
}

const draw = (references: References, ...messages: Message[]): Message[] => {
  const shown = references.note(messages)
  for (const message of shown) references.drawn(message)
  return shown
}

test('finds a line by its label or its distance from the end, and says why there is none', async () => {
  const references = referencesOver([said(BOB, 1, 'old')])
  const [mine, theirs] = [said(ALICE, 1, 'mine'), said(BOB, 2, 'theirs')]
  draw(references, mine, theirs, said(BOB, 3, '', reaction(ALICE, 1)))
  const find = async (name: string, isOurs = false) => {
    const found = await references.find(name, isOurs)
    return found.kind === 'found' ? found.line.message : found.why
  }
  assert.equal(await find('a1'), 'mine')
  assert.equal(await find('B2'), 'theirs')
  assert.equal(await find('-1'), 'theirs')
  assert.equal(await find('-1', true), 'mine')
  assert.equal(await find('-2'), 'mine')
  assert.equal(await find('b1'), 'old', 'read from the log')
  assert.match(await find('-3'), /^you have not seen that many lines here/)
  assert.match(await find('1'), /^no line is called 1: /)
  assert.match(await find('zz9'), /^no line is called zz9: /)
  assert.equal(await find('b9'), 'the line b9 is not here')
})

test('draws an edit or a reaction separately only if its line was drawn before', () => {
  const references = referencesOver()
  const line = said(BOB, 1, 'hello')
  assert.deepEqual(draw(references, line, said(BOB, 2, '', edit(1, 'hi')), said(EVE, 1, '', reaction(BOB, 1))), [line])
  assert.deepEqual(references.contextOf(line), { text: 'hi', isEdited: true, reactions: '👍 1' })
  const [second, removed] = [said(BOB, 3, '', edit(1, 'ho')), said(EVE, 2, '', reaction(BOB, 1, true))]
  assert.deepEqual(draw(references, second, removed), [second, removed])
  assert.deepEqual(references.contextOf(line), { text: 'ho', isEdited: true, reactions: '' })
  const unknown = said(EVE, 3, '', edit(7, 'new'))
  assert.deepEqual(draw(references, unknown, said(EVE, 4, '', reaction(EVE, 7))), [unknown])
})

test('reports at most eight changes of one person to one line, and counts no reactions of hidden people', () => {
  const references = referencesOver([], [EVE])
  const line = said(BOB, 1, 'hello')
  draw(references, line)
  let drawn = 0
  for (let seq = 1; seq <= 100; seq++)
    drawn += draw(references, said(EVE, seq, '', reaction(BOB, 1, seq % 2 === 0))).length
  assert.equal(drawn, 8)
  draw(references, said(EVE, 101, '', reaction(BOB, 1)))
  assert.equal(references.contextOf(line).reactions, '')
})

test('quotes the line that a message refers to, read from the log if need be, or says that it is not here', async () => {
  const references = referencesOver([said(BOB, 1, `shall we   go\nfor ${'a very long '.repeat(9)}lunch?`)])
  const answer = said(ALICE, 1, 'yes', reply(BOB, 1))
  const lost = said(ALICE, 2, 'what?', reply(EVE, 9))
  await references.fetch([answer, lost])
  draw(references, answer, lost)
  const about = 'bob b1 “shall we go for a very long a very long…”'
  assert.equal(references.contextOf(answer).about, about)
  assert.equal(lineOf('alice', answer, references.contextOf(answer)), `* alice answers ${about}: yes`)
  assert.equal(references.contextOf(lost).about, 'a line that is not here')
})

test('answers in a circle quote one line each', async () => {
  const stored = [said(BOB, 1, 'egg', reply(EVE, 1)), said(EVE, 1, 'hen', reply(BOB, 1))]
  const references = referencesOver(stored)
  await references.fetch(stored)
  draw(references, ...stored)
  assert.deepEqual(
    stored.map(each => references.contextOf(each).about),
    ['eve c1 “hen”', 'bob b1 “egg”'],
  )
})

test('reads a bounded number of lines for one batch', async () => {
  let read = 0
  const references = referencesOver(Array.from({ length: 100 }, (_, index) => said(BOB, index + 1, `${index}`)))
  const note = references.lines.note.bind(references.lines)
  references.lines.note = message => {
    read++
    return note(message)
  }
  await references.fetch(Array.from({ length: 100 }, (_, index) => said(EVE, index + 1, 'x', reply(BOB, index + 1))))
  assert.equal(read, 32)
})

test('no quoted text breaks out of its quotation', () => {
  const marks = fc.constantFrom('”', '“', '"', '″', '»', '’', ')', ': ', '\n', 'x', '〞', '＂', '❞')
  fc.assert(
    fc.property(fc.array(marks, { maxLength: 12 }), parts => {
      const references = referencesOver()
      const [line, answer] = [said(EVE, 1, parts.join('')), said(BOB, 1, 'no', reply(EVE, 1))]
      draw(references, line, answer)
      const shown = lineOf('bob', answer, references.contextOf(answer))
      assert.match(shown, /^\* bob answers eve c1 “[^“”"″»’)〞＂❞]*”: no$/)
    }),
  )
})
