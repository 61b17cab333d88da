import assert from 'node:assert/strict'
import test from 'node:test'
import type { LogEvent } from '../../src/log/events.js'
import { type LogId, logOfKey, type Run, runOf, type Seq } from '../../src/log/format/author.js'
import type { Log } from '../../src/log/log.js'
import type { End } from '../../src/log/mark/mark.js'
import type { LogMark, LogOptions } from '../../src/log/options.js'
import { FaultyStore } from '../helper/faulty-store.js'
import { logOver } from '../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { alice, auditDisk, bob } from '../helper/signed-world.js'
import { VirtualClock } from '../helper/virtual-clock.js'

// docs/protocol/storage.md §4.5: the end of our log is recorded twice. When the two differ, the next line opens a new run.

/** A mark in memory. */
class MemoryMark implements LogMark {
  found: End | undefined
  heads: ReadonlyMap<LogId, Seq> = new Map()
  isMoved = false
  end: End | undefined

  get run(): Run | undefined {
    return this.end?.run
  }

  constructor(found?: End) {
    this.found = found
    this.end = found
  }

  async advance(end: End): Promise<void> {
    if (end.run !== this.end?.run || end.seq >= this.end.seq) this.end = end
  }

  async reset(end: End): Promise<void> {
    this.end = end
  }

  forget(): void {}

  async close(): Promise<void> {}
}

const say = (log: Log, message: string) => log.append({ username: 'alice', message })
const RUN_0 = logOfKey(alice.publicKey)

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
}

async function linesOf(log: Log): Promise<string[]> {
  const lines: string[] = []
  for await (const batch of log.read())
    for (const { entry } of batch) lines.push(JSON.parse(Buffer.from(entry).toString()).message)
  return lines.filter(line => line !== '')
}

/** A log of `count` lines, its mark, and a copy of the disk after each line. */
async function written(count: number) {
  const disk = new MemoryDisk()
  const mark = new MemoryMark()
  const log = await logOver(new MemoryStore(disk), alice, { mark })
  const disks = [disk.copy()]
  for (let line = 1; line <= count; line++) {
    await say(log, `line ${line}`)
    disks.push(disk.copy())
  }
  await log.close()
  return { disks, mark: new MemoryMark(mark.end && { ...mark.end, batch: undefined }) }
}

async function open(disk: MemoryDisk, mark: LogMark | undefined, options: Partial<LogOptions> = {}) {
  const events: LogEvent[] = []
  const log = await logOver(new MemoryStore(disk), alice, {
    clock: new VirtualClock(),
    ...(mark !== undefined && { mark }),
    onEvent: event => events.push(event),
    ...options,
  })
  return { log, events }
}

const moved = (mark: MemoryMark): MemoryMark => Object.assign(new MemoryMark(mark.found), { isMoved: true })

const DOUBTS: readonly (readonly [
  string,
  (of: Awaited<ReturnType<typeof written>>) => readonly [MemoryDisk, LogMark],
])[] = [
  ['behind', ({ disks, mark }) => [disks[3] as MemoryDisk, mark]],
  ['behind', ({ disks, mark }) => [disks[3] as MemoryDisk, moved(mark)]],
  ['moved', ({ disks, mark }) => [disks[5] as MemoryDisk, moved(mark)]],
  ['no-mark', ({ disks }) => [disks[5] as MemoryDisk, new MemoryMark()]],
  ['no-log', ({ disks, mark }) => [disks[0] as MemoryDisk, mark]],
  [
    'other-run',
    ({ disks, mark }) => [disks[5] as MemoryDisk, new MemoryMark(mark.found && { ...mark.found, run: 0x0100_0001 })],
  ],
]
for (const [reason, prepare] of DOUBTS) {
  test(`continues in a new run at once: ${reason}`, async () => {
    const [disk, mark] = prepare(await written(5))
    const { log, events } = await open(disk, mark)
    const before = await linesOf(log)
    const ended = log.head
    assert.equal(log.doubt, reason)
    const { author, seq } = await say(log, 'the next')
    assert.equal(seq, 2, 'the first entry of a run names the earlier ones')
    assert.equal(author, log.id)
    assert.notEqual(author, RUN_0)
    assert.deepEqual(
      events.filter(({ kind }) => kind === 'run-opened'),
      reason === 'no-log' ? [] : [{ kind: 'run-opened', run: runOf(author), reason }],
    )
    for (const head of ended) assert.ok(log.head.some(each => each.author === head.author && each.seq === head.seq))
    assert.equal((await say(log, 'and one more')).author, author)
    assert.deepEqual(await linesOf(log), [...before, 'the next', 'and one more'])
    const opening = await log.entry(author, 1)
    const { runs } = JSON.parse(Buffer.from(opening?.entry ?? []).toString())
    assert.deepEqual(
      runs.map(([run, end]: [Run, Seq]) => [run, end]),
      ended.map(head => [runOf(head.author), head.seq]),
    )
    await log.close()
    auditDisk(disk)
    // Nothing is in doubt at the next start.
    const again = await open(disk, new MemoryMark((mark as MemoryMark).end))
    assert.equal(again.log.doubt, undefined)
    const next = await say(again.log, 'after a restart')
    assert.deepEqual([next.author, next.seq], [author, 4])
    await again.log.close()
  })
}

test('control: without a mark a seq that was used is used again', async () => {
  const { disks } = await written(5)
  const { log } = await open(disks[3] as MemoryDisk, undefined)
  const { author, seq } = await say(log, 'the next')
  assert.deepEqual([author, seq], [RUN_0, 4])
  await log.close()
})

test('opens at most eight runs for a reason that recurs at every start, and then ignores it', async () => {
  const { disks, mark } = await written(1)
  const disk = disks[1] as MemoryDisk
  const runs: LogId[] = []
  let end = mark.found
  for (let start = 1; start <= 12; start++) {
    const found = Object.assign(new MemoryMark(end && { ...end, batch: undefined }), { isMoved: true })
    const { log } = await open(disk, found)
    await say(log, `start ${start}`)
    runs.push(log.id)
    await log.close()
    end = found.end
  }
  assert.equal(new Set(runs.slice(0, 8)).size, 8)
  assert.deepEqual(new Set(runs.slice(8)), new Set([runs[7]]))
  const { log } = await open((disks[0] as MemoryDisk).copy(), new MemoryMark(end))
  assert.equal(log.doubt, 'no-log', 'this reason always opens a run')
  await log.close()
})

test('opens a new run with the first line, not before', async () => {
  const { disks, mark } = await written(5)
  const disk = disks[3] as MemoryDisk
  const { log } = await open(disk, mark)
  await turns()
  assert.equal(log.id, RUN_0)
  await assert.rejects(log.append({ username: 'alice', message: 'x'.repeat(20_000) }), { code: 'BAD_MESSAGE' })
  assert.equal(log.id, RUN_0)
  await log.close()
  assert.equal((await open(disk, new MemoryMark(mark.end))).log.doubt, 'behind')
})

test('stores the opening of a run and its first lines in one commit, or neither', async () => {
  const { disks, mark } = await written(5)
  let isFailing = true
  const disk = disks[3] as MemoryDisk
  const clock = new VirtualClock()
  const store = new FaultyStore(disk, { of: () => (isFailing ? 'not stored' : undefined) })
  const log = await logOver(store, alice, { mark, clock })
  await assert.rejects(say(log, 'not stored'), { code: 'LOG_WRITE_FAILED' })
  isFailing = false
  clock.advance(60_000)
  await log.writable()
  const { author, seq } = await say(log, 'stored')
  assert.equal(seq, 2)
  assert.deepEqual(await linesOf(log), ['line 1', 'line 2', 'line 3', 'stored'])
  assert.deepEqual(log.head.map(head => head.author).sort(), [RUN_0, author].sort())
  await log.close()
})

test('continues in a new run in a room that is entered later, and in run 0 with a new key', async () => {
  for (const isNewKey of [true, false]) {
    const { log, events } = await open(new MemoryDisk(), new MemoryMark(), { isNewKey })
    assert.equal((await say(log, 'hello')).author === RUN_0, isNewKey)
    assert.deepEqual(events, [])
    await log.close()
  }
})

test('fetches the lost entries of the earlier run, whose log goes on elsewhere', async () => {
  const { disks, mark } = await written(5)
  const peer = await logOver(new MemoryStore(disks[5]), alice, {})
  const { log } = await open(disks[3] as MemoryDisk, mark)
  await say(log, 'the next')
  for (let seq = 4; seq <= 5; seq++) {
    const segment = await peer.segmentAt(RUN_0, seq)
    assert.ok(segment)
    assert.equal(await log.addSigned(RUN_0, [segment]), undefined)
  }
  assert.deepEqual(await linesOf(log), ['line 1', 'line 2', 'line 3', 'line 4', 'line 5', 'the next'])
  assert.equal((await log.verify(RUN_0)).fault, undefined)
  await log.close()
  await peer.close()
})

test('two machines with copies of one disk write to different runs, and each gets the lines of the other', async () => {
  const { disks, mark } = await written(3)
  const copies = [0, 1].map(() => (disks[3] as MemoryDisk).copy())
  const logs = await Promise.all(copies.map(async disk => (await open(disk, moved(mark))).log))
  const [one, other] = logs as [Log, Log]
  await say(one, 'from one')
  await say(other, 'from the other')
  assert.notEqual(one.id, other.id)
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    const segment = await from.segmentAt(from.id, 1)
    assert.ok(segment)
    assert.equal(await to.addSigned(from.id, [segment]), undefined)
  }
  for (const log of logs)
    assert.deepEqual((await linesOf(log)).sort(), ['from one', 'from the other', 'line 1', 'line 2', 'line 3'])
  await Promise.all(logs.map(log => log.close()))
})

test('stores at the next start the entries that were being written when the process was killed', async () => {
  const disk = new MemoryDisk()
  const mark = new MemoryMark()
  let isFailing = false
  const store = new FaultyStore(disk, { of: () => (isFailing ? 'not stored' : undefined) })
  const log = await logOver(store, alice, { mark, clock: new VirtualClock() })
  await say(log, 'line 1')
  isFailing = true
  await assert.rejects(say(log, 'line 2'))
  assert.equal(mark.end?.seq, 2)
  const { log: next } = await open(disk, new MemoryMark(mark.end))
  assert.equal(next.doubt, undefined)
  assert.equal((await say(next, 'the next')).seq, 3)
  assert.deepEqual(await linesOf(next), ['line 1', 'line 2', 'the next'])
  await next.close()
  await log.close()
})

test('acknowledges nothing before its mark is on disk', async () => {
  const mark = new MemoryMark()
  let release = (): void => {}
  const blocked = new Promise<void>(resolve => {
    release = resolve
  })
  mark.advance = () => blocked
  const log = await logOver(new MemoryStore(new MemoryDisk()), alice, { mark })
  let isTold = false
  log.on('entries', () => {
    isTold = true
  })
  const line = say(log, 'hello')
  await turns()
  assert.equal(isTold, false)
  release()
  await line
  assert.equal(isTold, true)
  await log.close()
})

test('does not doubt the log of a new key because of entries of another key', async () => {
  const disk = new MemoryDisk()
  const log = await logOver(new MemoryStore(disk), alice, {})
  await say(log, 'hello')
  await log.close()
  const renewed = await logOver(new MemoryStore(disk), bob, { mark: new MemoryMark() })
  assert.equal((await say(renewed, 'with a new key')).seq, 1)
  await renewed.close()
})
