import assert from 'node:assert/strict'
import test from 'node:test'
import { erasureMembers } from '../../src/chat/kinds/erasure.js'
import { entryFieldsOf } from '../../src/chat/kinds/kinds.js'
import { type LogId, logOf, runOf } from '../../src/log/format/author.js'
import type { Log } from '../../src/log/log.js'
import { Erasures } from '../../src/node/erasures.js'
import { meet } from '../helper/fork-schedule.js'
import { logOver } from '../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { alice, bob } from '../helper/signed-world.js'
import { read } from '../helper/stub-world.js'

const erase = async (log: Log, target: LogId, from: number, to = from, chain?: Uint8Array): Promise<void> => {
  const value = chain ?? (await log.chainValueAt(target, to)) ?? assert.fail('no such place')
  await log.append(erasureMembers({ run: runOf(target), from, to, chain: value }))
}

const say = async (log: Log, ...messages: string[]): Promise<void> => {
  for (const message of messages) await log.append({ username: 'alice', message })
}

const bytesOf = (disk: MemoryDisk): Buffer =>
  Buffer.concat(disk.rows({ gte: new Uint8Array(), lt: Buffer.alloc(80, 255) }, 1e9).flat())

test('drops what its author erases, with its edits, on every disk and after a restart', async () => {
  const disk = new MemoryDisk()
  const ours = await logOver(new MemoryStore(), alice)
  let theirs = await logOver(new MemoryStore(disk), bob)
  let erasures = await Erasures.open(theirs)
  const own = await Erasures.open(ours)
  await say(ours, 'first', 'a secret', 'third')
  await ours.append({
    username: 'alice',
    ...entryFieldsOf({ kind: 'edit', to: { run: 0, seq: 2 }, text: 'my secret' }),
  })
  await meet(ours, theirs)
  assert.ok(bytesOf(disk).includes('secret'), 'control: it is there before')
  await erase(ours, ours.id, 2)
  await own.settled()
  await meet(ours, theirs)
  await erasures.settled()
  assert.ok(!bytesOf(disk).includes('secret'))
  for (const log of [ours, theirs]) {
    assert.deepEqual(await read(log, { gaps: true }), ['1', '2+1 deleted', '3', '4+1 deleted', '5'])
    assert.equal((await log.verify(ours.id)).fault, undefined)
  }
  await erasures.close()
  await theirs.close()
  theirs = await logOver(new MemoryStore(disk), bob)
  erasures = await Erasures.open(theirs)
  await say(theirs, 'and on')
  await meet(ours, theirs)
  await erasures.settled()
  assert.ok(!bytesOf(disk).includes('secret'))
  // An edit of an erased line that comes later.
  await ours.append({
    username: 'alice',
    ...entryFieldsOf({ kind: 'edit', to: { run: 0, seq: 2 }, text: 'my secret' }),
  })
  await own.settled()
  await meet(ours, theirs)
  await erasures.settled()
  assert.ok(!bytesOf(disk).includes('secret'))
})

test('completes at the next start what a crash left undone', async () => {
  const disk = new MemoryDisk()
  const ours = await logOver(new MemoryStore(), alice)
  let theirs = await logOver(new MemoryStore(disk), bob)
  await say(ours, 'a secret')
  await erase(ours, ours.id, 1)
  await meet(ours, theirs) // no one looks for erasures
  await theirs.close()
  assert.ok(bytesOf(disk).includes('secret'))
  theirs = await logOver(new MemoryStore(disk), bob)
  await (await Erasures.open(theirs)).settled()
  assert.ok(!bytesOf(disk).includes('secret'))
})

test('an erasure that comes before its line waits for it, also over a restart', async () => {
  const [one, other] = [
    await logOver(new MemoryStore(), alice),
    await logOver(new MemoryStore(), alice, { isNewKey: false }),
  ]
  await say(one, 'a secret')
  await meet(one, other)
  await erase(other, one.id, 1)
  const [, run] = other.head.map(({ author }) => author).sort()
  for (const restarts of [false, true]) {
    const disk = new MemoryDisk()
    let theirs = await logOver(new MemoryStore(disk), bob)
    let erasures = await Erasures.open(theirs)
    const pass = async (log: LogId, from: Log): Promise<void> => {
      const segment = (await from.segmentAt(log, 1)) ?? assert.fail('no segment')
      await theirs.addSigned(log, [segment])
      await erasures.settled()
    }
    await pass(run as LogId, other)
    if (restarts) {
      await erasures.close()
      await theirs.close()
      theirs = await logOver(new MemoryStore(disk), bob)
      erasures = await Erasures.open(theirs)
    }
    await pass(one.id, one)
    assert.ok(!bytesOf(disk).includes('secret'), `restarts: ${restarts}`)
  }
})

test('nobody erases the lines of somebody else, places that are not written yet, or another history', async () => {
  const disk = new MemoryDisk()
  const ours = await logOver(new MemoryStore(disk), alice)
  const theirs = await logOver(new MemoryStore(), bob)
  const erasures = await Erasures.open(ours)
  await say(ours, 'first', 'second')
  const chain = (await ours.chainValueAt(ours.id, 2)) ?? assert.fail()
  await meet(ours, theirs)
  // Bob names places of alice's log, which mean places of his own.
  await erase(theirs, logOf(theirs.author), 1, 2, chain)
  await erase(theirs, logOf(theirs.author), 1, 4_000_000_000, chain)
  await erase(ours, ours.id, 1, 2, new Uint8Array(32))
  await erase(ours, ours.id, 2, 1, chain)
  await meet(ours, theirs)
  await erasures.settled()
  assert.deepEqual((await read(ours, { gaps: true })).sort(), ['1', '1', '2', '2', '3', '4'])
})

test('erases a line that a fork has moved to a branch', async () => {
  const [one, other] = [await logOver(new MemoryStore(), alice), await logOver(new MemoryStore(), alice)]
  await say(one, 'one', 'a secret')
  await say(other, 'other', 'no secret')
  const disk = new MemoryDisk()
  const theirs = await logOver(new MemoryStore(disk), bob)
  const erasures = await Erasures.open(theirs)
  const chain = (await one.chainValueAt(one.id, 2)) ?? assert.fail()
  await meet(one, theirs)
  await meet(other, theirs)
  assert.equal(theirs.forkOf(one.id), 1)
  await erase(one, one.id, 2, 2, chain)
  await meet(one, theirs)
  await erasures.settled()
  const text = bytesOf(disk).toString('latin1')
  assert.ok(!text.includes('a secret') && text.includes('no secret'))
})

test('a flood of erasures is dropped together, and rewrites files a bounded number of times', async () => {
  const store = new MemoryStore()
  let compactions = 0
  Object.assign(store, { compact: async () => void compactions++ })
  const theirs = await logOver(store, bob)
  const ours = await logOver(new MemoryStore(), alice)
  await say(ours, ...Array.from({ length: 200 }, (_, index) => `line ${index}`))
  for (let seq = 1; seq <= 200; seq++) await erase(ours, ours.id, seq)
  const erasures = await Erasures.open(theirs)
  await meet(ours, theirs)
  await erasures.settled()
  assert.deepEqual((await read(theirs, { gaps: true }))[0], '1+200 deleted')
  assert.ok(compactions <= 20, `${compactions}`)
})
