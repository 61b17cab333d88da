import assert from 'node:assert/strict'
import test from 'node:test'
import { Resumption } from '../../../src/host/client/resumption.js'
import type { LogId, Seq } from '../../../src/log/format/author.js'
import type { Entry } from '../../../src/log/format/entry.js'

const alice = 'alice' as LogId
const bob = 'bob' as LogId

const entry = (author: LogId, seq: Seq, text: string): Entry =>
  ({ author, seq, entry: Buffer.from(text) }) as unknown as Entry

const shown = (entries: readonly Entry[]): string[] => entries.map(each => Buffer.from(each.entry).toString())

test('shows no line twice when the next node repeats the last lines of the history', () => {
  const heads = [
    { author: alice, seq: 2 },
    { author: bob, seq: 1 },
  ]
  const resumption = new Resumption({ live: true, last: 2 }, heads)
  resumption.fresh([entry(alice, 2, 'two'), entry(bob, 1, 'one')])
  assert.equal(resumption.options([{ author: alice, seq: 3 }, heads[1] ?? heads[0] ?? { author: bob, seq: 1 }]).last, 3)
  const again = [entry(alice, 2, 'two'), entry(bob, 1, 'one'), entry(alice, 3, 'three')]
  assert.deepEqual(shown(resumption.fresh(again)), ['three'])
})
