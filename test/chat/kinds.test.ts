import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import fc from 'fast-check'
import { contentOf, type Draft, draftOf, entryFieldsOf, plainTextOf, readDraft } from '../../src/chat/kinds/kinds.js'
import type { FileRoot } from '../../src/files/format/hash-tree.js'
import type { AuthorId } from '../../src/log/format/author.js'
import type { Members } from '../../src/log/format/entry.js'

const text = fc.string({ maxLength: 40 })
const place = { run: fc.integer({ min: 0, max: 2 ** 32 - 1 }), seq: fc.integer({ min: 1, max: 2 ** 31 }) }
const ownTo = fc.record(place, { noNullPrototype: true })
const to = fc.record({ author: fc.constant('a1'.repeat(32) as AuthorId), ...place }, { noNullPrototype: true })
const drafts: { readonly [K in Draft['kind']]: fc.Arbitrary<Omit<Extract<Draft, { readonly kind: K }>, 'kind'>> } = {
  text: fc.record({ text }),
  action: fc.record({ text }),
  nick: fc.record({ before: text, name: text }),
  topic: fc.record({ topic: text }),
  reply: fc.record({ to, text }),
  reaction: fc.record({ to, emoji: fc.constantFrom('👍', '❤️'), isRemoved: fc.boolean() }),
  edit: fc.record({ to: ownTo, text }),
  file: fc.record({
    name: fc.constantFrom('notes.txt', 'photo.png'),
    size: fc.nat(),
    root: fc.constant('ab'.repeat(32) as FileRoot),
  }),
}
const draft: fc.Arbitrary<Draft> = fc.oneof(
  ...Object.entries(drafts).map(([kind, members]) => members.map(rest => ({ kind, ...rest }) as Draft)),
)

const membersOf = (said: Draft): Members => ({ username: 'alice', ...entryFieldsOf(said) })

test('parses what each kind encodes', () => {
  fc.assert(
    fc.property(draft, said => {
      const content = contentOf(membersOf(said))
      assert.equal(content.kind, said.kind)
      if (['topic', 'reaction', 'edit', 'file'].includes(said.kind)) assert.deepEqual(content, said)
      if (said.kind === 'reply') assert.deepEqual(content, { kind: 'reply', to: said.to })
      if (said.kind === 'nick') assert.deepEqual(content, { kind: 'nick', before: said.before })
    }),
  )
})

test('older peers see text for every kind', () => {
  const texts = (['text', 'action'] as const).map(kind => plainTextOf({ kind, text: 'waves' }))
  assert.deepEqual(texts, ['waves', 'waves'])
  const to = { author: 'a1'.repeat(32) as AuthorId, run: 0, seq: 1 }
  assert.equal(plainTextOf({ kind: 'reply', to, text: 'yes' }), 'yes')
  assert.equal(plainTextOf({ kind: 'reaction', to, emoji: '👍', isRemoved: false }), 'reacted with 👍')
  assert.equal(plainTextOf({ kind: 'reaction', to, emoji: '👍', isRemoved: true }), 'took back 👍')
  assert.equal(plainTextOf({ kind: 'edit', to, text: 'yes' }), 'edited: yes')
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
  const author = 'a1'.repeat(32)
  const places = [
    undefined,
    'a1',
    [],
    [author, 0],
    [author, 0, 0],
    [author, -1, 1],
    [author, 0, 1.5],
    ['__proto__', 0, 1],
  ]
  for (const re of [...places, [author, 2 ** 32, 1], [author, 0, 2 ** 40], ['bob', 1, 1], { author, run: 0, seq: 1 }])
    for (const type of ['reply', 'reaction'])
      assert.deepEqual(contentOf({ ...members, type, re, emoji: '👍' }), { kind: 'text' }, JSON.stringify(re))
  assert.deepEqual(contentOf({ ...members, type: 'reaction', re: [author, 0, 1], emoji: 'x' }), { kind: 'text' })
  assert.deepEqual(contentOf({ ...members, type: 'edit', re: [author, 0, 1], message: 'edited: x' }), { kind: 'text' })
  assert.deepEqual(contentOf({ ...members, type: 'edit', re: [0, 1] }), { kind: 'text' })
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

test('encodes and parses the published vectors', () => {
  const { kinds, plain } = JSON.parse(readFileSync(path.resolve('test/vectors/kinds.json'), 'utf8')) as {
    readonly kinds: readonly { readonly draft: Draft; readonly entry: Members }[]
    readonly plain: readonly Members[]
  }
  for (const { draft, entry } of kinds) {
    assert.deepEqual(membersOf(draft), entry)
    assert.equal(contentOf(entry).kind, draft.kind)
  }
  for (const members of plain) assert.deepEqual(contentOf(members), { kind: 'text' })
})
