// The members of JSON lines are those that docs/bots.md documents.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonLineOf, withdrawnJsonOf } from '../../src/chat/json.js'
import type { AuthorId } from '../../src/log/format/author.js'
import type { Hlc } from '../../src/log/format/hybrid-clock.js'
import { PresenceChanges } from '../../src/ui/lines/presence-changes.js'
import { readDocument } from '../helper/document.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const text = readDocument('docs/bots.md')
const key = '7cf61eea971464c4444fd88ee43ccf7d65ef23fad0760cc247985d2e0d65f230' as AuthorId

/** The members in the table that follows a text. */
function membersBelow(before: string): string[] {
  const start = text.indexOf(before)
  assert.notEqual(start, -1, before)
  const [table = ''] = /(?:^\|.*\n)+/m.exec(text.slice(start)) ?? []
  return [...table.matchAll(/^\| (`.*?) \|/gm)]
    .flatMap(([, cell = '']) => [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name))
    .sort()
}

test('documents the members of a message', () => {
  const message = {
    author: key,
    run: 3,
    seq: 1,
    label: 'a1',
    username: 'alice',
    message: 'reacted with 👍',
    kind: 'reaction',
    to: { author: key, run: 0, seq: 1 },
    emoji: '👍',
    isRemoved: false,
    at: '1795231678316.0000' as Hlc,
    timeMs: 1_795_231_678_316,
    isVerified: true,
    isAhead: true,
  } as Parameters<typeof jsonLineOf>[0]
  const deletion = { ...message, kind: 'delete', count: 1 } as Parameters<typeof jsonLineOf>[0]
  const file = { ...message, kind: 'file', name: 'a', size: 1, root: String(key) } as Parameters<typeof jsonLineOf>[0]
  const members = [message, deletion, file].flatMap(each => Object.keys(JSON.parse(jsonLineOf(each))))
  assert.deepEqual([...new Set(members)].sort(), membersBelow('## JSON lines'))
})

test('documents the members of a gap', () => {
  const gap = {
    author: key,
    run: 3,
    seq: 7,
    label: 'a7',
    kind: 'gap',
    count: 3,
    state: 'missing',
    at: '1795231678316.0000' as Hlc,
  }
  const members = Object.keys(JSON.parse(jsonLineOf(gap as Parameters<typeof jsonLineOf>[0]))).sort()
  assert.deepEqual(members, ['event', ...membersBelow('"event":"gap"')].sort())
})

test('documents the members of withdrawn messages', () => {
  const members = Object.keys(JSON.parse(withdrawnJsonOf({ author: key, run: 3, seq: 7, count: 3 }))).sort()
  assert.deepEqual(members, ['event', ...membersBelow('"event":"withdrawn"')].sort())
})

test('documents the members of a presence change', () => {
  const present = { author: key, name: 'bob', state: 'linked', away: 'lunch' }
  const all = { isKnown: () => true, clock: new VirtualClock(), onSum: () => {} }
  const [change] = new PresenceChanges(all).since([present as Parameters<PresenceChanges['since']>[0][number]])
  const members = Object.keys({ ...change, time: '' }).sort()
  assert.deepEqual(members, ['event', ...membersBelow('"event":"presence"')].sort())
  const [, example = ''] = /^(\{"event":"presence".*\})$/m.exec(text) ?? []
  assert.deepEqual(Object.keys(JSON.parse(example)).sort(), members)
})
