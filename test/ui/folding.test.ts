import assert from 'node:assert/strict'
import test from 'node:test'
import { DisplayNames } from '../../src/chat/display-names.js'
import type { Message } from '../../src/chat/kinds/message.js'
import type { AuthorId } from '../../src/log/format/author.js'
import { hlcAt } from '../../src/log/format/hybrid-clock.js'
import { labelled } from '../../src/ui/labels.js'

const [ME, BOB, EVE] = ['a', 'b', 'e'].map(digit => digit.repeat(64)) as [AuthorId, AuthorId, AuthorId]
const LONG = Array.from({ length: 400 }, (_, word) => `word${word}`).join(' ')

const said = (author: AuthorId, message: string): Message =>
  ({
    author,
    run: 0,
    seq: 1,
    username: 'x',
    message,
    kind: 'text',
    at: hlcAt(1),
    timeMs: 1,
    isVerified: true,
  }) as Message

function rowsOf(message: Message, isTerminal: boolean): { rows: readonly string[]; folded: readonly Message[] } {
  const folded: Message[] = []
  const folding = {
    isFolded: (author: AuthorId) => author !== BOB,
    folded: (each: Message) => {
      folded.push(each)
      return '/show eeeeeeee prints all of it'
    },
  }
  const format = labelled(new DisplayNames('me', ME), false, { time: 'none', isWrapped: isTerminal, folding })
  return { rows: format(message).split('\n'), folded }
}

test('folds a long message of a stranger to eight rows on a terminal, and names the command that shows the rest', () => {
  const message = said(EVE, LONG)
  const { rows, folded } = rowsOf(message, true)
  assert.equal(rows.length, 9)
  assert.equal(rows.at(-1), '  … and more: /show eeeeeeee prints all of it')
  assert.deepEqual(folded, [message])
})

test('control: shows a short one, one of a known person, and one in a pipe whole', () => {
  assert.deepEqual(rowsOf(said(EVE, 'hello'), true), { rows: ['x> hello'], folded: [] })
  const known = rowsOf(said(BOB, LONG), true)
  assert.ok(known.rows.length > 30 && known.rows.join('').includes('word399'), `${known.rows.length} rows`)
  const piped = rowsOf(said(EVE, LONG), false)
  assert.deepEqual(piped.rows, [`x> ${LONG}`])
  assert.deepEqual([...known.folded, ...piped.folded], [])
})
