import assert from 'node:assert/strict'
import test from 'node:test'
import type { SignedRun } from '../../src/log/format/segment-plan.js'
import type { Log } from '../../src/log/log.js'
import { logOver } from '../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { alice, allRows, auditDisk, entryOf, LOBBY_ID, WrittenLog, withBitFlipped } from '../helper/signed-world.js'
import { VirtualClock } from '../helper/virtual-clock.js'

// docs/protocol/storage.md §4.5: peers announce how much of our log they have. Any peer can claim to have more of it than this disk.

const CLAIM_MS = 5_000
const written = new WrittenLog(
  alice,
  Array.from({ length: 40 }, (_, index) => entryOf(index, 90)),
)
const runs = written.runs([10, 20, 30])

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
}

/** Alice's log, of which this disk has the first ten entries, and an entry that she is about to append. */
async function restored(
  first: readonly SignedRun[],
): Promise<{ log: Log; disk: MemoryDisk; clock: VirtualClock; append: () => { seq: number | undefined } }> {
  const disk = new MemoryDisk()
  const clock = new VirtualClock()
  const log = await logOver(new MemoryStore(disk), alice, { clock, room: LOBBY_ID })
  if (first.length > 0) {
    log.ourLogClaimed(first.reduce((sum, { entries }) => sum + entries.length, 0))
    assert.equal(await log.addSigned(log.id, first), undefined)
  }
  const append = (): { seq: number | undefined } => {
    const state: { seq: number | undefined } = { seq: undefined }
    void log.append({ username: 'alice', message: 'new' }).then(entry => {
      state.seq = entry.seq
    })
    return state
  }
  return { log, disk, clock, append }
}

test('delays a line until our log is restored and appends it after the restored entries', async () => {
  const { log, disk, append } = await restored(runs.slice(0, 1))
  log.ourLogClaimed(40)
  const line = append()
  await turns()
  assert.equal(line.seq, undefined)
  await log.addSigned(log.id, runs.slice(1))
  await turns()
  assert.equal(line.seq, 41)
  assert.equal(auditDisk(disk).logs.get(log.id)?.length, 41)
  await log.close()
})

test('skips entries it already has and stores the rest', async () => {
  const { log } = await restored(runs.slice(0, 1))
  log.ourLogClaimed(40)
  assert.equal(await log.addSigned(log.id, runs.slice(0, 1)), undefined)
  assert.equal(await log.addSigned(log.id, runs.slice(1)), undefined)
  assert.deepEqual(log.head, [{ author: log.id, seq: 40 }])
  await log.close()
})

test('delays a line for at most five seconds, however many false claims arrive', async () => {
  const { log, clock, append } = await restored(runs.slice(0, 1))
  log.ourLogClaimed(100)
  const line = append()
  for (let seq = 101; seq < 150; seq++) {
    await turns()
    assert.equal(line.seq, undefined)
    clock.advance(CLAIM_MS / 50)
    log.ourLogClaimed(seq)
  }
  clock.advance(CLAIM_MS / 50)
  await turns()
  assert.equal(line.seq, 11)
  await log.close()
})

test('keeps waiting for a long log while entries of it arrive', async () => {
  const { log, disk, clock, append } = await restored([])
  log.ourLogClaimed(40)
  const line = append()
  for (const run of runs) {
    clock.advance(CLAIM_MS - 1)
    await turns()
    assert.equal(line.seq, undefined)
    await log.addSigned(log.id, [run])
  }
  await turns()
  assert.equal(line.seq, 41)
  assert.equal(auditDisk(disk).logs.get(log.id)?.length, 41)
  await log.close()
})

test('goes on in a new run after entries were lost, and fetches them again', async () => {
  const { log, disk, append } = await restored(runs)
  const lost = log.id
  const rows = allRows(disk).filter(([key]) => key[0] === 0x73)
  const [key, value] = rows.at(-1) ?? []
  assert.ok(key && value)
  disk.write([{ type: 'put', key, value: withBitFlipped(value, 4_000) }])
  for await (const _ of log.read()) void _
  await turns()
  const line = append()
  await turns()
  assert.equal(line.seq, 2)
  assert.notEqual(log.id, lost)
  const missing = (log.head.find(({ author }) => author === lost)?.seq ?? 0) + 1
  await log.addSigned(lost, [written.run(missing, 40)])
  await turns()
  assert.equal(log.head.find(({ author }) => author === lost)?.seq, 40)
  assert.equal((await log.verify(lost)).fault, undefined)
  await log.close()
})

test('retracts our lines once, in whatever order conflicting entries arrive', async () => {
  const parts = [[written.run(1, 1), written.run(2, 2)], [written.run(2, 2)], [written.run(1, 2)]]
  for (const order of [parts, parts.toReversed(), parts.slice(0, 2), parts.slice(0, 2).toReversed()]) {
    const { log, disk } = await restored([])
    for (const message of ['one', 'two']) await log.append({ username: 'alice', message })
    log.ourLogClaimed(2)
    const publishing = log.publish()
    await Promise.all(order.map(part => log.addSigned(log.id, part)))
    await publishing
    await turns()
    assert.equal(log.isForked({ author: log.id, seq: 1 }), false, 'it is no fork')
    const texts = (auditDisk(disk).logs.get(log.id) ?? []).map(entry => Buffer.from(entry).toString())
    assert.deepEqual(
      texts.slice(0, 2),
      written.entries.slice(0, 2).map(entry => Buffer.from(entry).toString()),
    )
    assert.deepEqual(
      texts.slice(2).map(text => JSON.parse(text).message),
      ['one', 'two'],
    )
    await log.close()
  }
})

test('keeps a line that is being written while our log is restored, and stores it once', async () => {
  for (const wait of [0, 1, 2, 3]) {
    const { log, disk } = await restored(runs.slice(0, 1))
    const lines = Array.from({ length: 3 }, (_, line) => log.append({ username: 'alice', message: `new ${line}` }))
    for (let turn = 0; turn < wait; turn++) await new Promise(resolve => setImmediate(resolve))
    log.ourLogClaimed(40)
    const coming = log.addSigned(log.id, runs.slice(1))
    await Promise.allSettled([...lines, coming])
    await log.publish()
    await turns()
    const entries = (auditDisk(disk).logs.get(log.id) ?? []).map(entry => Buffer.from(entry).toString())
    assert.deepEqual(
      entries.map(text => JSON.parse(text).message).filter(message => message.startsWith('new')),
      ['new 0', 'new 1', 'new 2'],
      `after ${wait} turns`,
    )
    assert.deepEqual(
      entries.slice(0, 40).map(text => Buffer.from(text).toString()),
      written.entries.map(entry => Buffer.from(entry).toString()),
    )
    assert.equal((await log.verify(log.id)).fault, undefined)
    await log.close()
  }
})
