import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { contentOf, type Draft, draftOf, entryFieldsOf, plainTextOf, readDraft } from '../../src/chat/kinds/kinds.js'
import type { Members } from '../../src/log/format/entry.js'

const text = fc.string({ maxLength: 40 })
const draft: fc.Arbitrary<Draft> = fc.oneof(
  fc.record({ kind: fc.constant('text'), text }, { noNullPrototype: true }),
  fc.record({ kind: fc.constant('action'), text }, { noNullPrototype: true }),
  fc.record({ kind: fc.constant('nick'), before: text, name: text }, { noNullPrototype: true }),
  fc.record({ kind: fc.constant('topic'), topic: text }, { noNullPrototype: true }),
) as fc.Arbitrary<Draft>

const membersOf = (said: Draft): Members => ({ username: 'alice', ...entryFieldsOf(said) })

test('parses what each kind encodes', () => {
  fc.assert(
    fc.property(draft, said => {
      const content = contentOf(membersOf(said))
      assert.equal(content.kind, said.kind)
      if (said.kind === 'topic') assert.deepEqual(content, said)
      if (said.kind === 'nick') assert.deepEqual(content, { kind: 'nick', before: said.before })
    }),
  )
})

test('older peers see text for every kind', () => {
  const texts = (['text', 'action'] as const).map(kind => plainTextOf({ kind, text: 'waves' }))
  assert.deepEqual(texts, ['waves', 'waves'])
  assert.equal(plainTextOf({ kind: 'nick', before: 'al', name: 'alice' }), 'al is called alice from now on')
  assert.equal(plainTextOf({ kind: 'topic', topic: 'tea' }), 'the topic is now: tea')
  assert.equal(plainTextOf({ kind: 'topic', topic: '' }), 'there is no topic any more')
})

test('shows entries of unknown kinds, and malformed ones, as text', () => {
  const members = { username: 'bob', message: 'x' }
  for (const type of ['poll', 'text', 'constructor', '__proto__', 5, null, {}])
    assert.deepEqual(contentOf({ ...members, type }), { kind: 'text' })
  assert.deepEqual(contentOf({ ...members, type: 'topic' }), { kind: 'text' })
  assert.deepEqual(contentOf({ ...members, type: 'topic', topic: ['x'] }), { kind: 'text' })
  assert.deepEqual(contentOf({ ...members, type: 'nick' }), { kind: 'nick', before: undefined })
})

test('writes under the name of the draft, and a change of name under the new one', () => {
  assert.equal(membersOf({ kind: 'text', text: 'hi', username: 'al' }).username, 'al')
  assert.equal(membersOf({ kind: 'nick', before: 'al', name: 'ally', username: 'al' }).username, 'ally')
  assert.equal(membersOf(draftOf('hi')).username, 'alice')
})

test('reads drafts from JSON and refuses everything else', () => {
  fc.assert(fc.property(draft, said => assert.deepEqual(readDraft(JSON.parse(JSON.stringify(said))), said)))
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      const read = readDraft(value)
      if (read !== undefined) assert.equal(typeof plainTextOf(read), 'string')
    }),
  )
  for (const value of [null, 'hi', { kind: 'text' }, { kind: 'text', text: 5 }, { kind: 'toString', text: 'x' }])
    assert.equal(readDraft(value), undefined)
})
