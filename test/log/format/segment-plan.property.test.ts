import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { SignedHead } from '../../../src/log/format/heads.js'
import type { Rejection } from '../../../src/log/format/log-fault.js'
import { packEntry } from '../../../src/log/format/packed.js'
import { lastOf } from '../../../src/log/format/segment.js'
import { planSigned, type SignedPlan, type SignedRun } from '../../../src/log/format/segment-plan.js'
import { ENTRY_BYTES_MAX, SEGMENT_BYTES_MAX } from '../../../src/log/limits.js'
import type { Write } from '../../../src/log/store/store.js'
import { type Audit, headValue, hex } from '../../helper/signed-oracle.js'
import {
  alice,
  auditWrites,
  bob,
  entryOf,
  LOBBY_ID,
  OTHER_ROOM_ID,
  RUN_BYTES_MAX,
  saltOf,
  WrittenLog,
  withBitFlipped,
} from '../../helper/signed-world.js'

// docs/protocol/logs.md §3.5. The oracle reads and verifies every written segment, and throws at the first invalid segment.

const ALICE = hex(alice.publicKey)

/** Entries of minimal, ordinary and maximal length. */
const entrySize = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 0, max: 300 }) },
  { weight: 2, arbitrary: fc.integer({ min: 2_000, max: 9_000 }) },
  { weight: 1, arbitrary: fc.constantFrom(127, 128, ENTRY_BYTES_MAX - 1, ENTRY_BYTES_MAX) },
)
const writtenLog = fc.array(entrySize, { minLength: 1, maxLength: 40 }).map(
  sizes =>
    new WrittenLog(
      alice,
      sizes.map((bytes, index) => entryOf(index, bytes)),
    ),
)

/** A log and the seqs at which it is split into runs. */
const cutLog = writtenLog.chain(log =>
  fc.record({ log: fc.constant(log), ends: fc.subarray(log.entries.map((_, index) => index + 1)) }),
)

const sizeOf = (run: SignedRun): number => run.entries.reduce((sum, { length }) => sum + length, 0)

/** A plan after `head` whose rows are added to the previous ones. */
class Disk {
  head: SignedHead | undefined
  readonly writes: Write[] = []
  readonly entries: Uint8Array[] = []

  add(log: WrittenLog, runs: readonly SignedRun[]): SignedPlan {
    const plan = planSigned(log.name, this.head, runs)
    this.head = plan.head
    this.writes.push(...plan.writes)
    for (const { seq, entry } of plan.entries) {
      assert.equal(seq, this.entries.length + 1)
      this.entries.push(entry)
    }
    return plan
  }

  /** The state that the oracle finds, checked against the plans. */
  audit(log: WrittenLog): Audit {
    const found = auditWrites([...this.writes, ...headRows(this.head)], log.name.room)
    assert.deepEqual((found.logs.get(ALICE) ?? []).map(hex), this.entries.map(hex))
    for (const write of this.writes) {
      if (write.type === 'put') assert.ok(write.value.length - 4 <= SEGMENT_BYTES_MAX)
    }
    return found
  }

  isPrefixOf(log: WrittenLog): void {
    assert.deepEqual(this.entries.map(hex), log.entries.slice(0, this.entries.length).map(hex))
  }
}

/** The row of a head, as the oracle expects it. */
const headRows = (head: SignedHead | undefined): Write[] =>
  head === undefined
    ? []
    : [
        {
          type: 'put',
          key: Buffer.concat([Buffer.from('h'), Buffer.from(head.author, 'hex'), Buffer.alloc(4)]),
          value: headValue({ ...head, chain: hex(head.chain) }),
        },
      ]

test('stores the same entries however a valid log is split, repeated or overlaps the stored one', () => {
  const delivery = cutLog.chain(({ log, ends }) =>
    fc.record({
      log: fc.constant(log),
      runs: fc.constant(log.runs(ends)),
      stored: fc.integer({ min: 0, max: log.entries.length }),
      overlaps: fc.array(fc.nat(6), { minLength: 8, maxLength: 8 }),
      again: fc.array(fc.nat(5), { minLength: 8, maxLength: 8 }),
      isOurs: fc.boolean(),
      batch: fc.integer({ min: 1, max: 50 }),
    }),
  )
  fc.assert(
    fc.property(delivery, ({ log, runs, stored, overlaps, again, isOurs, batch }) => {
      const disk = new Disk()
      if (stored > 0) {
        for (const run of new WrittenLog(alice, log.entries.slice(0, stored)).runs()) {
          assert.equal(disk.add(log, [run]).fault, undefined)
        }
      }
      const sent: SignedRun[] = []
      runs.forEach((run, index) => {
        const last = lastOf(run)
        const wider = log.run(Math.max(1, run.first - (overlaps[index % 8] ?? 0)), last, isOurs)
        sent.push(sizeOf(wider) <= RUN_BYTES_MAX ? wider : log.run(run.first, last, isOurs))
        if ((again[index % 8] ?? 0) > 3) sent.push(...sent.slice(-3))
      })
      for (let at = 0; at < sent.length; at += batch) {
        const plan = disk.add(log, sent.slice(at, at + batch))
        assert.deepEqual([plan.fault, plan.fork], [undefined, undefined])
      }
      assert.equal(disk.entries.length, log.entries.length)
      disk.isPrefixOf(log)
      disk.audit(log)
    }),
    { numRuns: 150 },
  )
})

test('leaves no gap for runs in any order, and accepts a rejected run once it continues the log', () => {
  const shuffled = cutLog.chain(({ log, ends }) => {
    const runs = log.runs(ends)
    return fc.record({
      log: fc.constant(log),
      order: fc.shuffledSubarray([...runs, ...runs.slice(0, 3)], { minLength: runs.length + Math.min(3, runs.length) }),
    })
  })
  fc.assert(
    fc.property(shuffled, ({ log, order }) => {
      const disk = new Disk()
      for (let before = -1; before < disk.entries.length; ) {
        before = disk.entries.length
        for (const run of order) {
          const expected = disk.entries.length + 1
          const { fault, fork } = disk.add(log, [run])
          assert.equal(fork, undefined)
          if (run.first > expected) assert.deepEqual(fault, { kind: 'gap', missing: expected, before: run.first })
          else assert.equal(fault, undefined)
        }
      }
      assert.equal(disk.entries.length, log.entries.length)
      disk.isPrefixOf(log)
      disk.audit(log)
    }),
    { numRuns: 100 },
  )
})

test('joins runs that arrive together up to the size of a segment, under verified signatures only', () => {
  fc.assert(
    fc.property(cutLog, ({ log, ends }) => {
      const disk = new Disk()
      const runs = log.runs(ends)
      disk.add(log, runs)
      const { segments } = disk.audit(log)
      let least = 0
      let size = 0
      for (const run of runs) {
        if (least === 0 || size + sizeOf(run) > RUN_BYTES_MAX) {
          least++
          size = 0
        }
        size += sizeOf(run)
      }
      assert.equal(segments, least)
    }),
    { numRuns: 60 },
  )
})

/** Changes that a relay can make to a run, and the expected fault. */
type Garbling = (run: SignedRun, random: number) => SignedRun
const garblings: Record<string, Garbling> = {
  signature: (run, random) => ({ ...run, signature: withBitFlipped(run.signature, random) }),
  entry: (run, random) => {
    const at = random % run.entries.length
    return { ...run, entries: run.entries.with(at, withBitFlipped(run.entries[at] as Uint8Array, random >>> 6)) }
  },
  'an entry that reads well': (run, random) => {
    const at = random % run.entries.length
    const text = Buffer.from(run.entries[at] as Uint8Array).toString('latin1')
    return { ...run, entries: run.entries.with(at, Buffer.from(text.replace('"alice"', '"Alice"'), 'latin1')) }
  },
  'an entry left out': (run, random) => ({ ...run, entries: run.entries.toSpliced(random % run.entries.length, 1) }),
  'an entry twice': (run, random) => {
    const at = random % run.entries.length
    return { ...run, entries: run.entries.toSpliced(at, 0, run.entries[at] as Uint8Array) }
  },
  'two entries exchanged': run => ({ ...run, entries: run.entries.toReversed() }),
  'a later place': (run, random) => ({ ...run, first: run.first + 1 + (random % 3) }),
  'an earlier place': (run, random) => ({ ...run, first: Math.max(1, run.first - 1 - (random % 3)) }),
  before: (run, random) => ({ ...run, before: withBitFlipped(run.before ?? new Uint8Array(32), random) }),
  'an entry added': run => ({
    ...run,
    entries: [...run.entries, packEntry(saltOf(0), entryOf(9_000_000, 80))],
  }),
  'the last entry cut off': run => ({ ...run, entries: run.entries.slice(0, -1) }),
}
const garbled = cutLog.chain(({ log, ends }) => {
  const runs = log.runs(ends)
  return fc.record({
    log: fc.constant(log),
    runs: fc.constant(runs),
    faults: fc.array(
      fc.record({
        at: fc.nat(runs.length - 1),
        how: fc.constantFrom(...Object.keys(garblings)),
        random: fc.nat(0xff_ffff),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    batch: fc.integer({ min: 1, max: 20 }),
  })
})

test('stores only what the author signed, up to the first run that a relay garbled, and names the fault', () => {
  let named = 0
  fc.assert(
    fc.property(garbled, ({ log, runs, faults, batch }) => {
      const sent = [...runs]
      for (const { at, how, random } of faults) {
        const run = sent[at] as SignedRun
        if (run.entries.length > 0) sent[at] = garblings[how]?.(run, random) ?? run
      }
      const disk = new Disk()
      let fault: Rejection | undefined
      for (let at = 0; at < sent.length && fault === undefined; at += batch) {
        const plan = disk.add(log, sent.slice(at, at + batch))
        assert.equal(plan.fork, undefined, 'an author is not accused of what a relay did')
        fault = plan.fault
      }
      disk.isPrefixOf(log)
      disk.audit(log)
      // All runs before the first garbled run are stored.
      const least = Math.min(...faults.map(({ at }) => (runs[at] as SignedRun).first - 1))
      assert.ok(disk.entries.length >= least, `${disk.entries.length} of ${least}`)
      if (disk.entries.length < log.entries.length) {
        // A run with an earlier seq consists of stored entries.
        const isCutShort = sent.some((run, index) => lastOf(run) < lastOf(runs[index] as SignedRun))
        if (!isCutShort || fault !== undefined) {
          named++
          assert.ok(fault !== undefined && Object.keys(fault).length > 1, 'it says where')
        }
      }
      // Honest peers send the rest, regardless of the entries that the relay stored.
      for (const run of runs) assert.deepEqual(disk.add(log, [run]).fault, undefined)
      assert.equal(disk.entries.length, log.entries.length)
      disk.audit(log)
    }),
    { numRuns: 300 },
  )
  assert.ok(named > 100, `only ${named} faults`)
})

test('stores nothing unverified when a relay garbles every inner signature', () => {
  fc.assert(
    fc.property(cutLog, fc.nat(511), ({ log, ends }, bit) => {
      const runs = log.runs(ends)
      const inner = runs.map((run, index) =>
        index === runs.length - 1 ? run : { ...run, signature: withBitFlipped(run.signature, bit) },
      )
      const disk = new Disk()
      disk.add(log, inner)
      disk.isPrefixOf(log)
      disk.audit(log)
      const isOneSegment = runs.reduce((sum, run) => sum + sizeOf(run), 0) <= RUN_BYTES_MAX
      if (isOneSegment) assert.equal(disk.entries.length, log.entries.length)
    }),
    { numRuns: 60 },
  )
})

test('rejects entries signed for another room or by another author', () => {
  fc.assert(
    fc.property(cutLog, fc.boolean(), ({ log, ends }, withBefore) => {
      const runs = log.runs(ends, withBefore)
      for (const name of [
        { room: OTHER_ROOM_ID, key: alice.publicKey, run: 0 },
        { room: LOBBY_ID, key: bob.publicKey, run: 0 },
        { room: LOBBY_ID, key: alice.publicKey, run: 1 },
      ]) {
        const plan = planSigned(name, undefined, runs)
        assert.deepEqual([plan.entries, plan.writes, plan.head, plan.fork], [[], [], undefined, undefined])
        assert.ok(plan.fault)
      }
    }),
    { numRuns: 40 },
  )
})

test('rejects a run that exceeds a segment without a signature, and keeps the entries before it', () => {
  for (const over of [0, 1]) {
    // The longest entry, and an entry that fills the segment exactly or exceeds it by one byte.
    const longest = entryOf(1, ENTRY_BYTES_MAX)
    const long = Array.from({ length: 7 }, (_, index) => entryOf(index + 1, ENTRY_BYTES_MAX))
    const rest = RUN_BYTES_MAX - 7 * packEntry(saltOf(0), longest).length
    const log = new WrittenLog(alice, [entryOf(0, 80), ...long, entryOf(8, rest - 3 - 8 + over)])
    assert.equal(sizeOf(log.run(2, 9)), RUN_BYTES_MAX + over)
    const plan = planSigned(log.name, undefined, [log.run(1, 1), log.run(2, 9)])
    assert.equal(plan.entries.length, over === 0 ? 9 : 1)
    if (over === 0) assert.equal(plan.fault, undefined)
    else assert.deepEqual(plan.fault, { kind: 'segment-too-long', first: 2 })
    auditWrites([...plan.writes, ...headRows(plan.head)])
  }
})
