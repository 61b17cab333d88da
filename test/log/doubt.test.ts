import assert from 'node:assert/strict'
import test from 'node:test'
import type { LogEvent } from '../../src/log/events.js'
import type { LogId, Seq } from '../../src/log/format/author.js'
import type { Log } from '../../src/log/log.js'
import type { End } from '../../src/log/mark/mark.js'
import type { LogMark } from '../../src/log/options.js'
import { FaultyStore } from '../helper/faulty-store.js'
import { logOver } from '../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { alice, allRows } from '../helper/signed-world.js'
import { VirtualClock } from '../helper/virtual-clock.js'

// docs/protocol/storage.md §4.5: the end of our log is recorded twice, and nothing is appended while the two differ.

/** A mark in memory. */
class MemoryMark implements LogMark {
  found: End | undefined
  heads: ReadonlyMap<LogId, Seq> = new Map()
  isMoved = false
  end: End | undefined

  constructor(found?: End) {
    this.found = found
    this.end = found
  }

  async advance(end: End): Promise<void> {
    if (end.seq >= (this.end?.seq ?? 0)) this.end = end
  }

  async reset(end: End): Promise<void> {
    this.end = end
  }

  async close(): Promise<void> {}
}

const say = (log: Log, message: string) => log.append({ username: 'alice', message })

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
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

async function open(disk: MemoryDisk, mark: LogMark | undefined, clock = new VirtualClock()) {
  const events: LogEvent[] = []
  const log = await logOver(new MemoryStore(disk), alice, {
    clock,
    ...(mark !== undefined && { mark }),
    onEvent: event => events.push(event),
  })
  const line = { seq: 0, error: '' }
  const saying = say(log, 'the next').then(
    entry => {
      line.seq = entry.seq
    },
    error => {
      line.error = error.code
    },
  )
  await turns()
  return { log, events, line, saying }
}

test('appends nothing to a log that is shorter than its mark, and without a mark appends (control)', async () => {
  const { disks, mark } = await written(5)
  const { log, events, line, saying } = await open((disks[3] as MemoryDisk).copy(), mark)
  assert.deepEqual([log.inDoubt, line.seq], [{ reason: 'behind', to: 5, published: 0 }, 0])
  assert.deepEqual(events, [{ kind: 'log-in-doubt', reason: 'behind', end: 3, to: 5 }, { kind: 'append-waits' }])
  await log.close()
  await saying
  assert.equal(line.error, 'LOG_CLOSED')
  const control = await open((disks[3] as MemoryDisk).copy(), undefined)
  assert.equal(control.line.seq, 4, 'a number that was given out is given out again')
  await control.log.close()
})

test('keeps a doubt until all published entries are restored, whichever peer connects first', async () => {
  const { disks, mark } = await written(5)
  assert.ok(mark.found)
  const clock = new VirtualClock()
  const { log, line } = await open(
    (disks[3] as MemoryDisk).copy(),
    new MemoryMark({ ...mark.found, published: 5 }),
    clock,
  )
  // A peer with nothing of the log, one with less than this disk, and one with as much.
  for (const seq of [0, 2, 3]) log.ourLogClaimed(seq)
  clock.advance(60_000)
  await turns()
  assert.deepEqual([line.seq, log.inDoubt?.reason], [0, 'behind'])
  log.ourLogClaimed(5)
  clock.advance(60_000)
  await turns()
  assert.equal(line.seq, 0, 'a claim alone ends nothing')
  const peer = await logOver(new MemoryStore(disks[5]), alice, {})
  for (let seq = 4; seq <= 5; seq++) {
    const segment = await peer.segmentAt(peer.id, seq)
    if (segment !== undefined) await log.addSigned(log.id, [segment])
  }
  await turns()
  assert.equal(line.seq, 6)
  await log.close()
  await peer.close()
})

test('ends a doubt with any peer if no missing entry was published', async () => {
  const { disks, mark } = await written(5)
  const { log, line } = await open((disks[3] as MemoryDisk).copy(), mark)
  log.ourLogClaimed(0)
  await turns()
  assert.equal(line.seq, 4)
  await log.close()
})

test('waits, after a log was copied, for a peer that has at least as much of it', async () => {
  const { disks, mark } = await written(5)
  for (const [seq, expected] of [
    [0, 0],
    [4, 0],
    [5, 6],
  ] as const) {
    const moved = new MemoryMark(mark.found)
    moved.isMoved = true
    const { log, line } = await open((disks[5] as MemoryDisk).copy(), moved)
    log.ourLogClaimed(seq)
    await turns()
    assert.equal(line.seq, expected, `a peer with ${seq} entries`)
    await log.close()
  }
})

test('continues, also after restarts, once the author says that nobody has more', async () => {
  const { disks, mark } = await written(5)
  const disk = disks[3] as MemoryDisk
  const { log, line } = await open(disk, mark)
  await log.trustThisDisk()
  await turns()
  assert.equal(line.seq, 4)
  assert.equal(mark.end?.seq, 4)
  await log.close()
  const again = await open(disk, new MemoryMark(mark.end))
  assert.deepEqual([again.log.inDoubt, again.line.seq], [undefined, 5])
  await again.log.close()
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
  const { line, log: next } = await open(disk, new MemoryMark(mark.end))
  assert.equal(line.seq, 3)
  assert.equal(next.inDoubt, undefined)
  const texts: string[] = []
  for await (const batch of next.read())
    for (const { entry } of batch) texts.push(JSON.parse(Buffer.from(entry).toString()).message)
  assert.deepEqual(texts, ['line 1', 'line 2', 'the next'])
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

test('does not delay lines of one key because of what another key published', async () => {
  const disk = new MemoryDisk()
  const log = await logOver(new MemoryStore(disk), alice, {})
  await say(log, 'hello')
  await log.publish()
  await log.close()
  assert.ok(allRows(disk).some(([key]) => key[0] === 'o'.charCodeAt(0) && key.length === 37))
  const { bob } = await import('../helper/signed-world.js')
  const renewed = await logOver(new MemoryStore(disk), bob, { mark: new MemoryMark() })
  assert.equal((await say(renewed, 'with a new key')).seq, 1)
  await renewed.close()
})
