import assert from 'node:assert/strict'
import test from 'node:test'
import { Resumption } from '../../src/host/resumption.js'
import type { LogId, Seq } from '../../src/log/format/author.js'
import type { Entry } from '../../src/log/format/entry.js'

const alice = 'alice' as LogId
const bob = 'bob' as LogId

const entry = (author: LogId, seq: Seq, text: string): Entry =>
  ({ author, seq, entry: Buffer.from(text) }) as unknown as Entry

const shown = (entries: readonly Entry[]): string[] => entries.map(each => Buffer.from(each.entry).toString())

test('shows an entry that replaced a retracted one at the same seq', () => {
  const resumption = new Resumption({ live: true }, [])
  resumption.fresh([entry(alice, 1, 'kept'), entry(alice, 2, 'said alone')])
  const back = [entry(alice, 2, 'came back'), entry(alice, 3, 'came back too')]
  assert.deepEqual(shown(resumption.fresh(back)), ['came back', 'came back too'])
  assert.deepEqual(resumption.options([]).since, [{ author: alice, seq: 3 }])
})

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
  assert.deepEqual(shown(resumption.fresh([entry(alice, 3, 'instead of three')])), ['instead of three'])
})
