import assert from 'node:assert/strict'
import test from 'node:test'
import { type Ask, Conversation, type RowsChange } from '../../../src/ui/web/page/model/conversation.js'
import type { Page } from '../../../src/ui/web/protocol/rows.js'
import type { RoomState } from '../../../src/ui/web/protocol/state.js'
import { ALICE, BOB, lineRow } from '../../helper/page-rows.js'

const STATE: RoomState = {
  room: 'lobby',
  nick: 'alice',
  topic: '',
  isAway: false,
  people: [],
  strangersMore: 0,
  typing: [],
  connections: [],
  isConnected: false,
  unsaved: 0,
  notify: 'mentions',
  older: [],
}

function opened(page: Page, answers: Partial<Record<string, unknown>> = {}) {
  const asked: { kind: string; asked: unknown }[] = []
  const ask = (async (kind: string, request: unknown) => {
    asked.push({ kind, asked: request })
    if (answers[kind] === undefined) throw new Error('no answer')
    return answers[kind]
  }) as unknown as Ask
  const conversation = new Conversation({ room: 'lobby', page, draft: '', state: STATE }, ask)
  const changes: RowsChange[] = []
  conversation.subscribe(change => changes.push(change))
  return { conversation, asked, changes }
}

const TAIL: Page = { rows: [lineRow(8, BOB, 'eight'), lineRow(9, BOB, 'nine')], before: 8, after: 0 }

test('follows new lines at the end, and counts lines of others elsewhere', () => {
  const { conversation } = opened(TAIL)
  conversation.arrive([lineRow(10, BOB, 'ten')], true, 0)
  assert.equal(conversation.newBelow.value, 0)
  conversation.isAtEnd = false
  conversation.arrive([lineRow(11, BOB, 'eleven'), lineRow(12, ALICE, 'mine')], true, 0)
  conversation.arrive([lineRow(3, BOB, 'late')], true, 0)
  assert.equal(conversation.newBelow.value, 1)
  assert.equal(conversation.rows.rows.length, 5)
})

test('requests the end again when rows were skipped', async () => {
  const end: Page = { rows: [lineRow(500, BOB, 'the newest')], before: 500, after: 0 }
  const { conversation, asked, changes } = opened(TAIL, { page: end })
  conversation.arrive([lineRow(10, BOB, 'ten')], true, 300)
  await Promise.resolve()
  await Promise.resolve()
  assert.deepEqual(asked, [{ kind: 'page', asked: { room: 'lobby', count: 80 } }])
  assert.deepEqual(
    conversation.rows.rows.map(({ id }) => id),
    ['row-500'],
  )
  assert.deepEqual(changes.at(-1), { target: { kind: 'end' } })
})

test('loads rows before the first one, one request at a time, until the beginning', async () => {
  const page: Page = { rows: [lineRow(7, BOB, 'seven')], before: 7, after: 2 }
  const { conversation, asked } = opened(TAIL, { page })
  await Promise.all([conversation.load('before'), conversation.load('before'), conversation.load('after')])
  assert.deepEqual(asked, [{ kind: 'page', asked: { room: 'lobby', before: 'row-8', count: 80 } }])
  assert.deepEqual(
    conversation.rows.rows.map(({ id }) => id),
    ['row-7', 'row-8', 'row-9'],
  )
})

test('shows a line that is not loaded, and reports a line that was removed', async () => {
  const page: Page = { rows: [lineRow(2, BOB, 'two')], before: 2, after: 7 }
  const { conversation, changes } = opened(TAIL, { page })
  assert.equal(await conversation.showRow('row-2'), true)
  assert.deepEqual(changes.at(-1)?.target, { kind: 'row', id: 'row-2', isMarked: true })
  assert.equal(await conversation.showRow('row-99'), false)
})

test('moves the read mark downwards only', () => {
  const { conversation, asked } = opened(TAIL, { read: {} })
  conversation.sawDownTo(lineRow(9, BOB, 'nine'))
  conversation.sawDownTo(lineRow(8, BOB, 'eight'))
  conversation.sawDownTo(lineRow(9, BOB, 'nine'))
  assert.deepEqual(asked, [{ kind: 'read', asked: { room: 'lobby', line: 'row-9' } }])
})
