import assert from 'node:assert/strict'
import test from 'node:test'
import { MERGE_SEGMENTS } from '../../src/base/limits.js'
import type { Members } from '../../src/log/entry.js'
import { Log } from '../../src/log/log.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { readSegment } from '../helper/signed-oracle.js'
import { alice, auditDisk } from '../helper/signed-world.js'

test('an append that no peer could take is refused, and what is appended after it is taken', async () => {
  const disk = new MemoryDisk()
  const log = await Log.over(new MemoryStore(disk), alice)
  const said = { username: 'alice', message: 'hello' }
  const refused: unknown[] = [
    { ...said, sig: 'A'.repeat(86) },
    { ...said, toJSON: () => 'something else' },
    Object.assign(Object.create({ toJSON: () => ({}) }), said),
    Object.create(said),
    {},
    { username: 'alice' },
    { username: 'alice', 1: '' },
    { username: 7, message: 'hello' },
    { ...said, message: 'x'.repeat(16 * 1024) },
  ]
  for (const members of refused) {
    await assert.rejects(log.append(members as Members), { code: 'BAD_MESSAGE' }, JSON.stringify(members).slice(0, 80))
  }
  const taken: unknown[] = [{ ...said, at: 'never' }, { ...said, 1: 'first' }, { ...said, sig: 'A'.repeat(85) }, said]
  for (const members of taken) await log.append(members as Members)
  await log.close()
  assert.equal(auditDisk(disk).logs.get(log.id)?.length, taken.length)
})

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise(resolve => setImmediate(resolve))
}

test('a reader and a relay in the middle of small segments being joined see each entry once', async () => {
  for (let delay = 0; delay < 2 * MERGE_SEGMENTS; delay += 3) {
    const disk = new MemoryDisk()
    const log = await Log.over(new MemoryStore(disk, 1), alice)
    const warnings: string[] = []
    log.on('warning', line => warnings.push(line))
    for (let line = 1; line <= MERGE_SEGMENTS; line++) await log.append({ username: 'alice', message: `line ${line}` })
    await turns(delay)
    const expected = Array.from({ length: MERGE_SEGMENTS }, (_, index) => index + 1)
    const [all, middle, relayed] = await Promise.all([seqsOf(log, 0), seqsOf(log, 40), relayedSeqs(log, 40)])
    assert.deepEqual(all, expected)
    assert.deepEqual(middle, expected.slice(40))
    assert.deepEqual(
      [...new Set(relayed)].filter(seq => seq > 40),
      expected.slice(40),
    )
    assert.deepEqual(warnings, [])
    assert.deepEqual(log.head, [{ author: log.id, seq: MERGE_SEGMENTS }])
    await turns(2 * MERGE_SEGMENTS)
    assert.equal(auditDisk(disk).segments, 1, 'they were joined meanwhile')
    await log.close()
  }
})

async function seqsOf(log: Log, since: number): Promise<number[]> {
  const seqs: number[] = []
  for await (const entries of log.read({ since: [{ author: log.id, seq: since }] })) {
    seqs.push(...entries.map(({ seq }) => seq))
  }
  return seqs
}

async function relayedSeqs(log: Log, since: number): Promise<number[]> {
  const seqs: number[] = []
  for await (const relayed of log.relay({ since: [{ author: log.id, seq: since }] })) {
    if (relayed.kind !== 'segments') continue
    for (const bytes of relayed.segments) {
      const { first, entries } = readSegment(bytes)
      seqs.push(...entries.map((_, index) => first + index))
    }
  }
  return seqs
}
