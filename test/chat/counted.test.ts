import assert from 'node:assert/strict'
import test from 'node:test'
import { isCounted } from '../../src/chat/kinds/counted.js'
import { type Draft, entryFieldsOf } from '../../src/chat/kinds/kinds.js'
import { messageOf } from '../../src/chat/kinds/message.js'
import type { Log } from '../../src/log/log.js'
import { logOver } from '../helper/logs.js'
import { MemoryStore } from '../helper/memory-store.js'
import { alice } from '../helper/signed-world.js'

const say = (log: Log, draft: Draft) => log.append({ username: 'alice', ...entryFieldsOf(draft) })

async function last(log: Log, count: number): Promise<string[]> {
  const texts: string[] = []
  for await (const entries of log.read({ last: count, isCounted }))
    for (const entry of entries) texts.push(messageOf(entry)?.message ?? '')
  return texts
}

test('reactions and edits do not count among the last lines', async () => {
  const log = await logOver(new MemoryStore(), alice)
  for (const text of ['one', 'two', 'about "type":"reaction" and "type":"edit"']) await say(log, { kind: 'text', text })
  const to = { author: log.author, run: 0, seq: 2 }
  for (let i = 0; i < 40; i++) await say(log, { kind: 'reaction', to, emoji: '👍', isRemoved: i % 2 === 1 })
  await say(log, { kind: 'edit', to, text: 'too' })
  assert.deepEqual((await last(log, 2)).slice(0, 3), [
    'two',
    'about "type":"reaction" and "type":"edit"',
    'reacted with 👍',
  ])
  assert.equal((await last(log, 2)).length, 2 + 41)
  // Bounded: so many that nothing else is looked for any more.
  for (let i = 0; i < 2_000; i++) await say(log, { kind: 'reaction', to, emoji: '👍', isRemoved: i % 2 === 1 })
  assert.equal((await last(log, 2)).length, 2 * 64)
  assert.equal((await last(log, 1_000)).length, log.head[0]?.seq)
  await log.close()
})
