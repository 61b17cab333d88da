import assert from 'node:assert/strict'
import { pipeline } from 'node:stream/promises'
import test from 'node:test'
import { countOf, decodeSegment } from '../../../src/log/format/segment.js'
import { ALL_SEGMENTS } from '../../../src/log/format/segment-rows.js'
import { SEGMENT_BYTES_MAX } from '../../../src/log/limits.js'
import type { Log } from '../../../src/log/log.js'
import { historyOf } from '../../../src/sim/world/room-checks.js'
import { logOver, replicate } from '../../helper/logs.js'
import { MemoryStore } from '../../helper/memory-store.js'
import { keysOf } from '../../long/ledger.js'

test('relays many small segments as few large ones, under signatures that cover all entries', async t => {
  const [mine, theirs] = [new MemoryStore(), new MemoryStore()]
  const [alice, bob] = await Promise.all([logOver(mine, keysOf('alice')), logOver(theirs, keysOf('bob'))])
  t.after(() => Promise.all([alice.close(), bob.close()]))
  for (let line = 0; line < 50; line++)
    await alice.append({ username: 'alice', message: `${line} ${'long '.repeat((line % 7) * 100)}` })
  assert.equal(await rows(mine), 50)

  const sent: Uint8Array[] = []
  for await (const relayed of alice.relay()) if (relayed.kind === 'segments') sent.push(...relayed.segments)
  const segments = sent.map(decodeSegment).filter(segment => segment !== undefined)
  assert.equal(segments.length, sent.length)
  assert.equal(
    segments.reduce((sum, segment) => sum + countOf(segment), 0),
    50,
  )
  assert.ok(sent.length < 10 && sent.every(({ length }) => length <= SEGMENT_BYTES_MAX), `${sent.length} segments`)

  const a = replicate(alice, { live: false, dialect: 'native' })
  await pipeline(a, replicate(bob, { live: false, dialect: 'native' }), a)
  assert.deepEqual(await historyOf(bob).then(plain), await historyOf(alice).then(plain))
  assert.ok((await rows(theirs)) <= sent.length)
  assert.equal((await bob.verify(alice.id)).fault, undefined)
})

test('sends the rest of a joined segment to a peer that has part of it', async t => {
  const [alice, bob] = await Promise.all(
    ['alice', 'bob'].map(name => logOver(new MemoryStore(), keysOf(name))) as [Promise<Log>, Promise<Log>],
  )
  t.after(() => Promise.all([alice.close(), bob.close()]))
  for (const upTo of [3, 4, 20, 21]) {
    while ((alice.head[0]?.seq ?? 0) < upTo) await alice.append({ username: 'alice', message: `before ${upTo}` })
    const a = replicate(alice, { live: false, dialect: 'native' })
    await pipeline(a, replicate(bob, { live: false, dialect: 'native' }), a)
    assert.deepEqual(await historyOf(bob).then(plain), await historyOf(alice).then(plain))
  }
})

async function rows(store: MemoryStore): Promise<number> {
  let count = 0
  for await (const page of store.pages(ALL_SEGMENTS)) count += page.length
  return count
}

const plain = (entries: Awaited<ReturnType<typeof historyOf>>): string[] =>
  entries.map(({ seq, entry }) => `${seq} ${Buffer.from(entry)}`)
