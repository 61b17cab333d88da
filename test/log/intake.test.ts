import assert from 'node:assert/strict'
import test from 'node:test'
import { logOfKey } from '../../src/log/format/author.js'
import type { Rejection } from '../../src/log/format/log-fault.js'
import { planSigned, type SignedRun } from '../../src/log/format/segment-plan.js'
import { logOver } from '../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import * as oracle from '../helper/signed-oracle.js'
import {
  alice,
  auditDisk,
  bob,
  carol,
  entryOf,
  LOBBY_ID,
  OTHER_ROOM_ID,
  saltOf,
  seedOf,
  WrittenLog,
  withBitFlipped,
} from '../helper/signed-world.js'

// Each attack is tried three times: on the oracle's receiver without the check that stops it, which must store it (so it is known to
// be an attack); on the oracle's receiver with all checks; and on ours, with a disk.

/** The checks of a receiver, one of which can be left out. Without `place` or `room`, the author's signature omits it too. */
type Check = 'gap' | 'chain' | 'signature' | 'validity' | 'place' | 'room'

const NOWHERE = new Uint8Array(32)

/** Alice's log as she would sign it if receivers lacked one check. */
class Author {
  readonly room: Uint8Array
  readonly entries: readonly Uint8Array[]
  readonly #without: Check | undefined

  constructor(without: Check | undefined, entries: readonly Uint8Array[], room = LOBBY_ID) {
    this.#without = without
    this.room = room
    this.entries = entries
  }

  run(first: number, last: number): SignedRun & { readonly before: Uint8Array } {
    const name = placeOf(this.room, this.#without)
    const before = oracle.chain(name, this.entries.slice(0, first - 1)).at(-1) as Uint8Array
    const entries = this.entries.slice(first - 1, last)
    return {
      first,
      entries,
      before,
      signature: oracle.sign(seedOf(1), words(name, first, entries, before, this.#without)),
    }
  }
}

const placeOf = (room: Uint8Array, without: Check | undefined): oracle.Place => ({
  room: without === 'room' ? NOWHERE : room,
  key: alice.publicKey,
  run: 0,
})

/** The bytes that a signature covers; without the check `place`, neither the seq nor the preceding chain value. */
function words(
  name: oracle.Place,
  first: number,
  entries: readonly Uint8Array[],
  before: Uint8Array,
  without: Check | undefined,
): Uint8Array {
  const start = without === 'place' ? NOWHERE : before
  const end = oracle.chain(name, entries, start).at(-1) as Uint8Array
  return oracle.signedBytes(name, without === 'place' ? 0 : first + entries.length - 1, end)
}

/** Whether a receiver that has stored the entries `stored` accepts the run. */
function isStored(room: Uint8Array, stored: readonly Uint8Array[], run: SignedRun, without?: Check): boolean {
  const name = placeOf(room, without)
  if (without !== 'gap' && run.first !== stored.length + 1) return false
  const chain = oracle.chain(name, stored).at(-1) as Uint8Array
  const before = without === 'chain' || without === 'gap' ? (run.before ?? chain) : chain
  if (without !== 'validity') {
    let at = Buffer.from(oracle.texts(stored).at(-1)?.subarray(7, 25) ?? '').toString()
    for (const packed of run.entries) {
      const { entry } = oracle.parts(packed) ?? { entry: new Uint8Array(0) }
      if (oracle.entryFault(entry, at) !== undefined) return false
      at = Buffer.from(entry.subarray(7, 25)).toString()
    }
  }
  const message = words(name, run.first, run.entries, before, without)
  return without === 'signature' || oracle.isSignature(run.signature, message, alice.publicKey)
}

interface Attack {
  readonly what: string
  /** The check that stops the attack. */
  readonly check: Check
  readonly run: (author: Author, without: Check | undefined) => SignedRun
  /** The reported reason for the rejection. */
  readonly reason: Rejection
  /** Alice's entries; default: the usual ones. */
  readonly entries?: readonly Uint8Array[]
  /** The room of the attack; default: the lobby. */
  readonly room?: Uint8Array
  /** Number of stored entries; default: two. */
  readonly stored?: number
}

const TEXTS = Array.from({ length: 6 }, (_, index) => entryOf(index, 90))
const ENTRIES = TEXTS.map((entry, index) => oracle.packed(saltOf(index), entry))
const STORED = 2

const reworded = (entry: Uint8Array | undefined): Uint8Array =>
  Buffer.from(
    Buffer.from(entry ?? [])
      .toString('latin1')
      .replace('xx', 'yy'),
    'latin1',
  )

/** The usual entries, with an invalid entry at `at` that alice signs anyway. */
const signedInvalid = (what: string, entry: Uint8Array): Attack => ({
  what,
  check: 'validity',
  entries: ENTRIES.with(2, oracle.packed(saltOf(2), entry)),
  run: author => author.run(3, 4),
  reason: { kind: 'invalid-entry', seq: 3 },
})

const attacks: readonly Attack[] = [
  {
    what: 'an entry with altered text',
    check: 'signature',
    run: author => ({ ...author.run(3, 4), entries: [ENTRIES[2] as Uint8Array, reworded(ENTRIES[3])] }),
    reason: { kind: 'invalid-signature', seq: 4 },
  },
  {
    what: 'entries after a gap',
    check: 'gap',
    run: author => author.run(4, 5),
    reason: { kind: 'gap', missing: 3, before: 4 },
  },
  {
    what: 'a second history of the same author',
    check: 'chain',
    run: (_, without) => new Author(without, ENTRIES.with(0, reworded(ENTRIES[0]))).run(3, 4),
    reason: { kind: 'signed-contradiction', before: 5 },
  },
  {
    what: 'a second history, sent by a scuttleup peer without the chain value before it',
    check: 'chain',
    run: (_, without) => {
      const run = new Author(without, ENTRIES.with(0, reworded(ENTRIES[0]))).run(3, 4)
      if (without === 'chain') return run
      const { before, ...rest } = run
      return rest
    },
    reason: { kind: 'invalid-signature', seq: 4 },
  },
  {
    what: 'a signature with one flipped bit',
    check: 'signature',
    run: author => ({ ...author.run(3, 4), signature: withBitFlipped(author.run(3, 4).signature, 77) }),
    reason: { kind: 'invalid-signature', seq: 4 },
  },
  {
    what: 'a signature of zeros',
    check: 'signature',
    run: author => ({ ...author.run(3, 4), signature: new Uint8Array(64) }),
    reason: { kind: 'invalid-signature', seq: 4 },
  },
  {
    what: "bob's signature under alice's entries",
    check: 'signature',
    run: author => ({ ...author.run(3, 4), signature: new WrittenLog(bob, TEXTS).signature(4) }),
    reason: { kind: 'invalid-signature', seq: 4 },
  },
  {
    what: "the signature of alice's previous entry",
    check: 'signature',
    run: author => ({ ...author.run(3, 4), signature: author.run(3, 3).signature }),
    reason: { kind: 'invalid-signature', seq: 4 },
  },
  {
    what: 'entries moved to earlier seqs',
    check: 'place',
    run: (author, without) => {
      const stored = oracle.chain(placeOf(author.room, without), ENTRIES.slice(0, STORED)).at(-1) as Uint8Array
      return { ...author.run(5, 6), first: 3, before: stored }
    },
    reason: { kind: 'invalid-signature', seq: 4 },
  },
  {
    what: 'entries from the same author in another room',
    check: 'room',
    room: OTHER_ROOM_ID,
    stored: 0,
    run: author => author.run(1, 2),
    reason: { kind: 'unsigned-contradiction', seq: 1 },
  },
  {
    ...signedInvalid('a stub that is at the same time as the entry before', entryOf(1, 100)),
    run: author => {
      const run = author.run(3, 4)
      return { ...run, entries: run.entries.map((entry, index) => (index === 0 ? oracle.stub(entry) : entry)) }
    },
  },
  signedInvalid(
    'a control entry with free text',
    Buffer.from('{"at":"1763670000002.0000","type":"open","runs":[],"username":"alice","message":"hello"}'),
  ),
  signedInvalid('an entry that goes back in time', entryOf(0, 90)),
  signedInvalid('an entry that is at the same time as the one before', entryOf(1, 100)),
  signedInvalid('an entry without a message', Buffer.from('{"at":"1763670000002.0000","username":"alice"}')),
  signedInvalid('an entry that is no JSON', Buffer.from('{"at":"1763670000002.0000","username":"alice","message":"}')),
]

for (const { what, check, run, reason, entries = ENTRIES, room = LOBBY_ID, stored = STORED } of attacks) {
  test(`rejects ${what} and keeps valid entries; a receiver without the ${check} check stores it`, async () => {
    const careless = new Author(check, entries)
    assert.ok(isStored(room, entries.slice(0, stored), run(careless, check), check), 'the control')

    const honest = new Author(undefined, entries)
    const attack = run(honest, undefined)
    assert.ok(!isStored(room, entries.slice(0, stored), attack), "the oracle's receiver")

    const disk = new MemoryDisk()
    const log = await logOver(new MemoryStore(disk), carol, { room })
    const author = logOfKey(alice.publicKey)
    if (stored > 0) assert.equal(await log.addSigned(author, [honest.run(1, stored)]), undefined)
    const before = auditDisk(disk, room)
    const refusal = await log.addSigned(author, [attack])
    assert.deepEqual(refusal?.reason, reason)
    assert.deepEqual(auditDisk(disk, room), before)
    for await (const relayed of log.relay()) {
      if (relayed.kind !== 'segments') continue
      for (const bytes of relayed.segments)
        assert.equal(oracle.segmentFault(room, oracle.readSegment(bytes)), undefined)
    }
    // The rest of the real log is still accepted.
    if (room === LOBBY_ID && check !== 'validity') {
      assert.equal(await log.addSigned(author, [honest.run(3, 6)]), undefined)
      assert.equal(auditDisk(disk).logs.get(author)?.length, 6)
    }
    await log.close()
  })
}

test('does not report a fork after a relay garbled the previous run of an honest author', () => {
  const log = new WrittenLog(alice, TEXTS)
  const garbled = log.run(1, 4)
  const plan = planSigned(log.name, undefined, [
    { ...garbled, entries: garbled.entries.with(1, reworded(garbled.entries[1])) },
    log.run(5, 6),
  ])
  assert.equal(plan.fork, undefined)
  assert.equal(plan.entries.length, 0)
  assert.deepEqual(plan.fault, { kind: 'invalid-signature', seq: 4 })
})

test('notices a different head with the same seq', () => {
  const log = new WrittenLog(alice, TEXTS)
  const other = new WrittenLog(
    alice,
    TEXTS.map((entry, index) => (index === 3 ? reworded(entry) : entry)),
  )
  const stored = planSigned(log.name, undefined, [log.run(1, 4)])
  for (const first of [1, 3, 4]) {
    const plan = planSigned(log.name, stored.head, [other.run(first, 4)])
    assert.equal(plan.fork?.first, first)
    assert.equal(plan.entries.length, 0)
  }
  for (const first of [1, 3, 4]) assert.equal(planSigned(log.name, stored.head, [log.run(first, 4)]).fault, undefined)
  const garbled = { ...log.run(4, 4), entries: [reworded(ENTRIES[3])] }
  assert.deepEqual(planSigned(log.name, stored.head, [garbled]).fault, { kind: 'unsigned-contradiction', seq: 4 })
})

test('proves two histories that arrive at the same time before either is on disk', async () => {
  const other = new WrittenLog(
    alice,
    TEXTS.map((entry, index) => (index === 3 ? reworded(entry) : entry)),
  )
  for (const last of [4, 6]) {
    const log = await logOver(new MemoryStore(), carol)
    const forkPoints: number[] = []
    log.on('fork', ({ forkedAt }) => forkPoints.push(forkedAt))
    const author = logOfKey(alice.publicKey)
    await Promise.all([
      log.addSigned(author, [new WrittenLog(alice, TEXTS).run(1, 4)]),
      log.addSigned(author, [other.run(1, last)]),
    ])
    assert.deepEqual(forkPoints, [4])
    await log.close()
  }
})

test('extends our log only with entries that our key signed', async () => {
  const disk = new MemoryDisk()
  const log = await logOver(new MemoryStore(disk), alice)
  await log.append({ username: 'alice', message: 'hello' })
  const run = new WrittenLog(alice, TEXTS).run(1, 6)
  const forged = { ...run, signature: withBitFlipped(run.signature, 100) }
  for (const runs of [[forged], [{ ...run, before: withBitFlipped(run.before ?? run.signature, 3) }]]) {
    const refusal = await log.addSigned(log.id, runs)
    assert.ok(refusal !== undefined)
    assert.equal(log.doubt, undefined)
    assert.equal(auditDisk(disk).logs.get(log.id)?.length, 1)
  }
  await log.append({ username: 'alice', message: 'is not delayed' })
  await log.close()
})

test('rejects a key of small order, with which a signature verifies for every message', async () => {
  const log = await logOver(new MemoryStore(), carol)
  const identity = Uint8Array.from({ length: 32 }, (_, index) => (index === 0 ? 1 : 0))
  const signature = new Uint8Array(64)
  signature[0] = 1
  const refusal = await log.addSigned(logOfKey(identity), [{ first: 1, entries: ENTRIES, signature }])
  assert.equal(refusal?.reason.kind, 'invalid-signature')
  assert.deepEqual(log.head, [])
  await log.close()
})
