import assert from 'node:assert/strict'
import test from 'node:test'
import { draftToStart, draftToStore } from '../../src/session/draft.js'

const FIRST = 1
const SECOND = 2

test('starts without a draft that is open in another face', () => {
  const draft = { text: 'half a line', pid: FIRST }
  assert.equal(
    draftToStart(draft, pid => pid === FIRST),
    '',
  )
  assert.equal(
    draftToStart(draft, () => false),
    'half a line',
    'its process has crashed',
  )
  assert.equal(
    draftToStart({ text: 'half a line', pid: undefined }, () => true),
    'half a line',
    'its face was closed',
  )
})

test("does not replace another face's draft by an empty one", () => {
  const stored = { text: 'half a line', pid: FIRST }
  assert.deepEqual(draftToStore({ text: '', pid: SECOND }, stored, ''), stored)
  assert.deepEqual(draftToStore({ text: 'mine', pid: SECOND }, stored, ''), { text: 'mine', pid: SECOND })
})

test('removes a sent draft', () => {
  const stored = { text: 'half a line', pid: FIRST }
  assert.deepEqual(draftToStore({ text: '', pid: FIRST }, stored, 'half a line'), { text: '', pid: FIRST })
})
