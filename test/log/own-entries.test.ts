import assert from 'node:assert/strict'
import test from 'node:test'
import type { LogEvent } from '../../src/log/events.js'
import { branchOf, logOfKey, runOf } from '../../src/log/format/author.js'
import type { Entry } from '../../src/log/format/entry.js'
import type { SignedRun } from '../../src/log/format/segment-plan.js'
import type { Log } from '../../src/log/log.js'
import { logOver } from '../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { alice, allRows, entryOf, LOBBY_ID, WrittenLog, withBitFlipped } from '../helper/signed-world.js'
import { VirtualClock } from '../helper/virtual-clock.js'

// docs/protocol/storage.md §4.5: entries that our key signed and this disk lacks are added like those of others.

const written = new WrittenLog(
  alice,
  Array.from({ length: 40 }, (_, index) => entryOf(index, 90)),
)
const runs = written.runs([10, 20, 30])
const RUN_0 = logOfKey(alice.publicKey)

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
}

const say = (log: Log, message: string): Promise<Entry> => log.append({ username: 'alice', message })

/** Alice's log, whose first entries a peer has sent. */
async function received(first: readonly SignedRun[]): Promise<{ log: Log; disk: MemoryDisk; events: LogEvent[] }> {
  const disk = new MemoryDisk()
  const events: LogEvent[] = []
  const onEvent = (event: LogEvent): number => events.push(event)
  const log = await logOver(new MemoryStore(disk), alice, { clock: new VirtualClock(), room: LOBBY_ID, onEvent })
  if (first.length > 0) assert.equal(await log.addSigned(RUN_0, first), undefined)
  return { log, disk, events }
}

async function messagesOf(log: Log): Promise<string[]> {
  const messages: string[] = []
  for await (const batch of log.read())
    for (const { entry } of batch) messages.push(JSON.parse(Buffer.from(entry).toString()).message)
  return messages.filter(message => message !== '')
}

const WRITTEN = written.entries.map(entry => JSON.parse(Buffer.from(entry).toString()).message)

test('continues in a new run at once when a peer has more of the current one', async () => {
  const { log, events } = await received([])
  await say(log, 'hello')
  const before = log.id
  await log.close()
  assert.equal(before, RUN_0)
  const { log: other, events: reported } = await received(runs.slice(0, 1))
  assert.equal(other.doubt, 'elsewhere')
  const { author, seq } = await say(other, 'new')
  assert.deepEqual([author === RUN_0, seq], [false, 2])
  assert.equal(await other.addSigned(RUN_0, runs.slice(1)), undefined, 'the rest of the earlier run')
  assert.deepEqual(await messagesOf(other), [...WRITTEN, 'new'])
  assert.deepEqual(reported, [{ kind: 'run-opened', run: runOf(author), reason: 'elsewhere' }])
  assert.deepEqual(events, [])
  await other.close()
})

test('stays in its run when a peer has less of it, and skips what it has', async () => {
  const { log } = await received([])
  const lines = await Promise.all(['one', 'two', 'three'].map(message => say(log, message)))
  const segment = await log.segmentAt(RUN_0, 1)
  assert.ok(segment)
  assert.equal(await log.addSigned(RUN_0, [segment]), undefined)
  assert.equal(log.doubt, undefined)
  assert.deepEqual([(await say(log, 'four')).author, lines.length], [RUN_0, 3])
  await log.close()
})

test('continues in a new run after entries were lost, and fetches them again', async () => {
  const { log, disk } = await received(runs)
  const lost = log.id
  const rows = allRows(disk).filter(([key]) => key[0] === 0x73)
  const [key, value] = rows.at(-1) ?? []
  assert.ok(key && value)
  disk.write([{ type: 'put', key, value: withBitFlipped(value, 4_000) }])
  for await (const _ of log.read()) void _
  await turns()
  assert.equal((await say(log, 'new')).seq, 2)
  assert.notEqual(log.id, lost)
  const missing = (log.head.find(({ author }) => author === lost)?.seq ?? 0) + 1
  await log.addSigned(lost, [written.run(missing, 40)])
  await turns()
  assert.equal(log.head.find(({ author }) => author === lost)?.seq, 40)
  assert.equal((await log.verify(lost)).fault, undefined)
  await log.close()
})

test('keeps lines that are being written while entries of the same run arrive', async () => {
  for (const wait of [0, 1, 2, 3]) {
    const { log } = await received([])
    const lines = Array.from({ length: 3 }, (_, line) => say(log, `new ${line}`))
    for (let turn = 0; turn < wait; turn++) await new Promise(resolve => setImmediate(resolve))
    await Promise.all([...lines, log.addSigned(RUN_0, runs), log.addSigned(RUN_0, runs.slice(1))])
    await say(log, 'after')
    await turns()
    const messages = await messagesOf(log)
    assert.deepEqual(
      messages.filter(message => /^new|^after/.test(message)),
      ['new 0', 'new 1', 'new 2', 'after'],
      `after ${wait} turns`,
    )
    assert.equal(log.forkOf(RUN_0), 1)
    for (const { author } of log.head) assert.equal((await log.verify(author)).fault, undefined)
    await log.close()
  }
})

for (const length of [1, 3, 40]) {
  test(`divides our log where a peer has another history of ${length} entries, and keeps both`, async () => {
    const { log, disk, events } = await received([])
    for (const message of ['one', 'two']) await say(log, message)
    const shown: string[] = []
    const reading = (async () => {
      for await (const batch of log.read({ live: true }))
        for (const { entry } of batch) shown.push(JSON.parse(Buffer.from(entry).toString()).message)
    })()
    await turns()
    log.ourLogDiffers(RUN_0)
    const refusal = await log.addSigned(
      RUN_0,
      written.runs().map(() => written.run(1, length)),
    )
    // Only entries that are on this disk can be compared: a shorter history has to be requested.
    if (refusal !== undefined) assert.equal(refusal.reason.kind, 'signed-contradiction')
    assert.equal(log.forkOf(RUN_0), 1)
    const theirs = branchOf(alice.publicKey, written.chains[1] as Uint8Array)
    assert.equal(await log.addSigned(theirs, [{ ...written.run(1, length) }]), undefined)
    await turns()
    const expected = ['one', 'two', ...WRITTEN.slice(0, length)].toSorted()
    assert.deepEqual((await messagesOf(log)).toSorted(), expected)
    assert.deepEqual(shown.toSorted(), expected, 'a live reader is shown each line once')
    assert.deepEqual(events, [{ kind: 'fork-proven', author: RUN_0, seq: 1, isOurs: true }])
    const next = await say(log, 'three')
    assert.deepEqual([next.seq, log.isOurs(next.author)], [2, true])
    await log.close()
    await reading
    const again = await logOver(new MemoryStore(disk), alice, { clock: new VirtualClock(), room: LOBBY_ID })
    assert.deepEqual((await messagesOf(again)).toSorted(), [...expected, 'three'].toSorted(), 'after a restart')
    assert.equal((await say(again, 'four')).author, next.author)
    for (const { author } of again.head) assert.equal((await again.verify(author)).fault, undefined)
    await again.close()
  })
}
