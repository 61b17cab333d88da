import assert from 'node:assert/strict'
import type { Duplex } from 'node:stream'
import test from 'node:test'
import type { LogId } from '../../src/log/format/author.js'
import { isControl } from '../../src/log/format/control.js'
import { decodeEntry, type Entry } from '../../src/log/format/entry.js'
import type { Log } from '../../src/log/log.js'
import type { SyncEvent } from '../../src/sync/events.js'
import { Receipts } from '../../src/sync/receipts.js'
import { logOver, replicate, replicatorOf } from '../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { alice, allRows, bob, carol, LOBBY_ID } from '../helper/signed-world.js'
import { VirtualClock } from '../helper/virtual-clock.js'

// docs/protocol §4.5, §5.5: a receipt names a chain value. One key on two devices, and restored backups.

const BEGIN = 1_800_000_000_000
const clocks = new Set<VirtualClock>()

/** A log on its own disk. The clocks differ so much that two logs with one key never sign the same entry. */
async function logOf(keys: typeof alice, aheadMs = 0, disk = new MemoryDisk()): Promise<Log> {
  const clock = new VirtualClock(BEGIN + aheadMs)
  clocks.add(clock)
  return logOver(new MemoryStore(disk), keys, { clock, room: LOBBY_ID })
}

function copyOf(disk: MemoryDisk): MemoryDisk {
  const copy = new MemoryDisk()
  copy.write(allRows(disk).map(([key, value]) => ({ type: 'put', key, value })))
  return copy
}

async function append(log: Log, ...messages: string[]): Promise<void> {
  for (const message of messages) await log.append({ username: 'alice', message })
}

const nameOf = (keys: typeof alice): string => Buffer.from(keys.publicKey).toString('hex')

/** Connects two logs live; each records the receipts of the other. */
function connect(a: Log, b: Log, events: SyncEvent[] = []): Duplex[] {
  const onEvent = (event: SyncEvent): number => events.push(event)
  const [one, two] = [
    replicate(a, { dialect: 'native', live: true, peer: b.author, replica: b.id, onEvent }),
    replicate(b, { dialect: 'native', live: true, peer: a.author, replica: a.id, onEvent }),
  ]
  one.pipe(two).pipe(one)
  for (const stream of [one, two]) stream.on('error', () => {})
  return [one, two]
}

const disconnect = (streams: readonly Duplex[]): void => {
  for (const stream of streams) stream.destroy()
}

/** Advances the clock until all work that takes up to a second is done. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 300; turn++) {
    await new Promise(resolve => setImmediate(resolve))
    if (turn % 100 === 99) for (const clock of clocks) clock.advance(300)
  }
}

async function connectOnce(a: Log, b: Log): Promise<void> {
  const streams = connect(a, b)
  await settle()
  disconnect(streams)
}

/** The message in an entry, unless it opens a run. */
const messageOf = ({ entry }: Entry): string[] => (isControl(entry) ? [] : [decodeEntry(entry)?.message ?? ''])

const linesOf = async (log: Log): Promise<string[]> => {
  const lines: string[] = []
  for await (const entries of log.read()) lines.push(...entries.flatMap(messageOf))
  return lines
}

/** Collects lines as a live reader of the log receives them. */
function reading(log: Log): readonly string[] {
  const shown: string[] = []
  void (async () => {
    for await (const entries of log.read({ live: true })) shown.push(...entries.flatMap(messageOf))
  })()
  return shown
}

const LENGTHS: readonly { readonly what: string; readonly theirs: number; readonly ours: number }[] = [
  { what: 'as long as', theirs: 2, ours: 2 },
  { what: 'shorter than', theirs: 1, ours: 4 },
  { what: 'longer than', theirs: 5, ours: 2 },
]
for (const shared of [0, 3]) {
  for (const { what, theirs, ours } of LENGTHS) {
    test(`counts a peer whose history is ${what} ours and differs after ${shared} entries once it has ours`, async () => {
      const disk = new MemoryDisk()
      const first = await logOf(alice, 0, disk)
      await append(first, ...Array.from({ length: shared }, (_, i) => `shared ${i}`))
      const copy = copyOf(disk)
      const second = await logOf(alice, 50_000, copy)
      const peer = await logOf(bob)
      const far = await logOf(carol)
      await append(second, ...Array.from({ length: theirs }, (_, i) => `there ${i}`))
      await connectOnce(second, peer)
      await append(first, ...Array.from({ length: ours }, (_, i) => `here ${i}`))
      await connectOnce(first, far)
      assert.equal(
        replicatorOf(first).receipts.of({ author: first.id, seq: shared + ours }).left,
        1,
        'control: carol has it',
      )

      const forked = first.id
      const place = (seq: number) => ({ author: forked, seq })
      const connected = replicatorOf(first).receipts
      for (const round of ['first', 'after a new connection']) {
        const streams = connect(first, peer)
        await settle()
        for (let seq = shared + 1; seq <= shared + ours; seq++)
          assert.deepEqual(connected.of(place(seq)), { on: 1, of: 1, left: 1 }, `entry ${seq}, ${round}`)
        disconnect(streams)
        await settle()
      }
      assert.equal(first.forkOf(forked), shared + 1, 'the fork is found')
      const lines = await linesOf(peer)
      for (let line = 0; line < ours; line++) assert.ok(lines.includes(`here ${line}`), 'the peer has our history')
      for (let line = 0; line < theirs; line++) assert.ok(lines.includes(`there ${line}`), 'and the other one')
      assert.equal(lines.length, shared + ours + theirs)
      const next = await first.append({ username: 'alice', message: 'goes on in a new run' })
      assert.deepEqual([next.author === forked, next.seq], [false, 2])
      for (const log of [first, second, peer, far]) await log.close()
    })
  }
}

test('counts a peer with our entry as soon as it has it, and after a new connection', async () => {
  const [log, peer] = [await logOf(alice), await logOf(bob)]
  const streams = connect(log, peer)
  await append(log, 'one', 'two', 'three')
  await settle()
  assert.deepEqual(replicatorOf(log).receipts.of({ author: log.id, seq: 3 }), { on: 1, of: 1, left: 0 })
  disconnect(streams)
  await settle()
  assert.deepEqual(replicatorOf(log).receipts.of({ author: log.id, seq: 3 }), { on: 0, of: 0, left: 1 })
  const again = connect(log, peer)
  await settle()
  assert.deepEqual(replicatorOf(log).receipts.of({ author: log.id, seq: 3 }), { on: 1, of: 1, left: 0 })
  disconnect(again)
  for (const each of [log, peer]) await each.close()
})

test('two devices with one key: both write, every line of both is on all peers, and receipts are accepted', async () => {
  const disk = new MemoryDisk()
  const here = await logOf(alice, 0, disk)
  await append(here, 'one')
  const there = await logOf(alice, 50_000, copyOf(disk))
  const peer = await logOf(bob)
  const shown = reading(here)
  const streams = connect(here, peer)
  await settle()
  await connectOnce(there, peer)
  await append(there, 'from the other device')
  await connectOnce(there, peer)
  await settle()
  await append(here, 'from here')
  await settle()
  const again = connect(there, peer)
  await settle()
  for (const log of [here, there, peer])
    assert.deepEqual((await linesOf(log)).toSorted(), ['from here', 'from the other device', 'one'])
  assert.deepEqual(shown.toSorted(), ['from here', 'from the other device', 'one'])
  const head = here.head.find(({ author }) => author === here.id)
  assert.deepEqual(replicatorOf(here).receipts.of(head ?? { author: here.id, seq: 1 }), { on: 1, of: 1, left: 0 })
  disconnect([...streams, ...again])
  for (const log of [here, there, peer]) await log.close()
})

for (const alone of [1, 2, 3]) {
  for (const lost of [1, 2, 4]) {
    test(`shows ${lost} lines that a backup lacked once, and ${alone} lines written meanwhile once`, async () => {
      const peer = await logOf(bob)
      const disk = new MemoryDisk()
      const before = await logOf(alice, 0, disk)
      await append(before, 'kept')
      await connectOnce(before, peer)
      const backup = copyOf(disk)
      const back = Array.from({ length: lost }, (_, i) => `back ${i}`)
      await append(before, ...back)
      await connectOnce(before, peer)

      const live = await logOf(alice, 90_000, backup)
      const shown = reading(live)
      const mine = Array.from({ length: alone }, (_, i) => `alone ${i}`)
      await append(live, ...mine)
      await settle()
      const streams = connect(live, peer)
      await settle()
      await append(live, 'after')
      await settle()
      const all = ['kept', ...back, ...mine, 'after']
      assert.deepEqual(shown.toSorted(), all.toSorted())
      for (const log of [live, peer]) assert.deepEqual(await linesOf(log), all)
      const head = live.head.find(({ author }) => author === live.id)
      assert.equal(replicatorOf(live).receipts.of(head ?? { author: live.id, seq: 1 }).on, 1)
      const late: string[] = []
      for await (const entries of live.read({ last: 100 })) late.push(...entries.flatMap(messageOf))
      assert.deepEqual(late, all, 'a reader that comes later sees them in order')
      disconnect(streams)
      for (const log of [peer, before, live]) await log.close()
    })
  }
}

test('compares one head of a peer at a time, and then the latest', async () => {
  let lookups = 0
  const author = nameOf(alice) as never
  const receipts = new Receipts({
    isOurs: log => log === author,
    placeOf: place => place,
    chainAt: async (_log, seq) => {
      lookups++
      await new Promise(resolve => setImmediate(resolve))
      return Uint8Array.of(seq % 256)
    },
  })
  const peer = receipts.open('bob')
  for (let seq = 1; seq <= 1_000; seq++) peer.record([{ author, seq, chain: Uint8Array.of(seq % 256) }])
  await settle()
  assert.ok(lookups <= 2, `${lookups} look-ups`)
  assert.equal(receipts.of({ author, seq: 1_000 }).on, 1)
})

test('counts no head of our log without our chain value; compares one beyond our end later', async () => {
  const chains = new Map([[3, Uint8Array.of(3, 3)]])
  const receipts = new Receipts({
    isOurs: log => log === nameOf(alice),
    placeOf: place => place,
    chainAt: async (_log, seq) => chains.get(seq),
  })
  const author = nameOf(alice) as never
  const differing: number[] = []
  const one = receipts.open('bob', { onDiffering: (_log, seq) => differing.push(seq) })
  one.record([{ author, seq: 3 }])
  await settle()
  assert.equal(receipts.of({ author, seq: 3 }).on, 0)
  one.record([{ author, seq: 5, chain: Uint8Array.of(5, 5) }])
  await settle()
  assert.equal(receipts.of({ author, seq: 1 }).on, 0, 'the histories may differ from any entry on')
  chains.set(5, Uint8Array.of(5, 5))
  receipts.ourLogGrew(author)
  await settle()
  assert.deepEqual(receipts.of({ author, seq: 5 }), { on: 1, of: 1, left: 0 })
  const other = receipts.open('carol', { onDiffering: (_log, seq) => differing.push(seq) })
  other.record([{ author, seq: 3, chain: Uint8Array.of(9, 9) }])
  await settle()
  assert.deepEqual(receipts.of({ author, seq: 3 }), { on: 1, of: 2, left: 0, differing: 1 })
  assert.deepEqual(differing, [3])
  receipts.ourLogForked(author)
  assert.deepEqual(receipts.of({ author, seq: 3 }), { on: 1, of: 2, left: 0 }, 'its history goes on in a branch')
  const scuttleup = receipts.open('dave', { hasChainValues: false })
  scuttleup.record([{ author, seq: 3 }])
  assert.equal(receipts.of({ author, seq: 3 }).on, 2, 'scuttleup peers send no chain values')
})

test('lists what each peer says about a line of anybody, and whether its history is ours', async () => {
  const [ours, theirs] = ['a1', 'b0'].map(digits => digits.repeat(32) as LogId) as [LogId, LogId]
  const chain = (byte: number): Uint8Array => new Uint8Array(8).fill(byte)
  const clock = new VirtualClock(1_000)
  const receipts = new Receipts({
    clock,
    isOurs: log => log === ours,
    placeOf: place => place,
    chainAt: async (_log, seq) => (seq <= 5 ? chain(seq) : undefined),
  })
  const holderOf = async (author: LogId, seq: number) => (await receipts.holdersOf({ author, seq }))[0]
  const bob = receipts.open('bob')
  assert.deepEqual(await holderOf(theirs, 1), {
    ...{ peer: 'bob', isConnected: true, isKnown: true, holds: false, isSameHistory: undefined, sinceMs: undefined },
  })
  bob.record([{ author: theirs, seq: 3, chain: chain(3) }])
  clock.advance(1_000)
  bob.record([{ author: theirs, seq: 5, chain: chain(5) }])
  const has = { peer: 'bob', isConnected: true, isKnown: true, holds: true, isSameHistory: true }
  assert.deepEqual(await holderOf(theirs, 2), { ...has, sinceMs: 1_000 })
  assert.deepEqual(await holderOf(theirs, 4), { ...has, sinceMs: 2_000 })
  bob.gaps([{ author: theirs, ranges: [{ from: 2, to: 3 }] }])
  assert.equal((await holderOf(theirs, 2))?.holds, false)
  assert.equal((await holderOf(theirs, 1))?.holds, true)
  bob.record([{ author: theirs, seq: 9, chain: chain(9) }])
  assert.equal((await holderOf(theirs, 4))?.isSameHistory, undefined, 'beyond the end of ours')
  const carol = receipts.open('carol', { isKnown: () => false })
  carol.record([{ author: theirs, seq: 5, chain: chain(99) }])
  const [, other] = await receipts.holdersOf({ author: theirs, seq: 5 })
  assert.deepEqual([other?.isKnown, other?.isSameHistory], [false, false])
  bob.close()
  assert.equal((await holderOf(theirs, 4))?.isConnected, false)
})
