import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Duplex } from 'node:stream'
import test, { type TestContext } from 'node:test'
import fc from 'fast-check'
import level from 'level7'
import scuttleup from 'scuttleup'
import { frame } from '../../src/base/wire/frames.js'
import { BUFFERED_AUTHOR_BYTES_MAX, BUFFERED_CONNECTION_BYTES_MAX } from '../../src/compat/scuttleup/limits.js'
import { encodeHandshake } from '../../src/compat/scuttleup/scuttleup-codec.js'
import { ScuttleupSession } from '../../src/compat/scuttleup/scuttleup-session.js'
import { UnsignedBuffer } from '../../src/compat/scuttleup/unsigned-buffer.js'
import { type LogId, logOfKey } from '../../src/log/format/author.js'
import { fromProjected, toProjected, validHlc } from '../../src/log/format/entry.js'
import { EARLIEST } from '../../src/log/format/hybrid-clock.js'
import { packEntry } from '../../src/log/format/packed.js'
import { planSigned, type SignedRun } from '../../src/log/format/segment-plan.js'
import { encodeUnsignedEntry } from '../../src/log/format/unsigned-entry.js'
import { ENTRY_BYTES_MAX } from '../../src/log/limits.js'
import type { Log } from '../../src/log/log.js'
import type { Effect } from '../../src/sync/effects.js'
import type { SyncEvent } from '../../src/sync/events.js'
import { logOver, replicate } from '../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { hex } from '../helper/signed-oracle.js'
import {
  alice,
  auditDisk,
  bob,
  carol,
  entryOf,
  RUN_BYTES_MAX,
  saltOf,
  WrittenLog,
  withBitFlipped,
} from '../helper/signed-world.js'

// docs/protocol/compat-scuttleup.md §5.1: signed entries among scuttleup peers.

const BOUND = { timeout: 120_000 }
const AT = '1763670000123.0007'
const ALICE = logOfKey(alice.publicKey)
const CAROL = logOfKey(carol.publicKey)

test('restores a valid entry byte for byte after it travelled with a signature', () => {
  const signature = Buffer.alloc(64, 0xa5)
  for (const text of [
    `{"at":"${AT}","username":"alice","message":"hello"}`,
    `{"at":"${AT}","username":"alice","message":"hello" }`,
    `{"at":"${AT}"\n,\t"username":"","message":"\\ud800"\r}`,
    `{"at":"${AT}","username":"","message":"","salt":"AAAAAAAAAAA"}`,
    `{"at":"${AT}","username":"","message":"","salt":"AAAAAAAAAAA","sig":"${'A'.repeat(86)}"}`,
    `{"at":"${AT}","username":"","message":"","sig":"${'A'.repeat(86)}"}`,
    `{"at":"${AT}","username":"alice","message":"hello"} `,
    `{"at":"${AT}","username":"alice","message":"hello"}\n`,
  ]) {
    const entry = Buffer.from(text)
    if (validHlc(entry, EARLIEST) === undefined) continue
    const salt = Buffer.alloc(8, 0x5a)
    const travelling = toProjected({ entry, salt, signature })
    assert.equal(typeof JSON.parse(Buffer.from(travelling).toString()).sig, 'string', text)
    assert.deepEqual(fromProjected(travelling), { entry, salt, signature })
    assert.deepEqual(fromProjected(toProjected({ entry, salt })), { entry, salt, signature: undefined })
  }
})

/** An entry as a scuttleup peer relays it, with its signature if given. */
const changeOf = (author: LogId, seq: number, entry: Uint8Array, signature?: Uint8Array): Uint8Array =>
  frame(
    encodeUnsignedEntry({
      id: author,
      seq,
      entry: toProjected({ entry, salt: saltOf(seq - 1), ...(signature !== undefined && { signature }) }),
    }),
  )

/** A session that has received the other side's handshake. */
function openSession(): ScuttleupSession {
  const session = new ScuttleupSession({ id: logOfKey(bob.publicKey), head: [], mode: 'sync' })
  session.receive(frame(encodeHandshake({ id: 'peer', head: [], mode: 'sync' })))
  return session
}

const runsIn = (effects: readonly Effect[]): SignedRun[] =>
  effects.flatMap(effect => (effect.kind === 'segments' ? effect.runs : []))

test('buffers signed entries until the signature that covers them, however the bytes are cut', () => {
  const arbitrary = fc.record({
    sizes: fc.array(fc.integer({ min: 60, max: 400 }), { minLength: 1, maxLength: 40 }),
    signed: fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
    cuts: fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 1, maxLength: 6 }),
  })
  fc.assert(
    fc.property(arbitrary, ({ sizes, signed, cuts }) => {
      const log = new WrittenLog(
        alice,
        sizes.map((bytes, index) => entryOf(index, bytes)),
      )
      const ends = sizes.map((_, index) => index + 1).filter(seq => signed[seq - 1])
      const bytes = Buffer.concat(
        log.entries.map((entry, index) =>
          changeOf(ALICE, index + 1, entry, signed[index] ? log.signature(index + 1) : undefined),
        ),
      )
      const session = openSession()
      const runs: SignedRun[] = []
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const size = cuts[turn % cuts.length] ?? 1
        runs.push(...runsIn(session.receive(bytes.subarray(at, at + size))))
        at += size
      }
      assert.deepEqual(
        runs.map(({ first, entries }) => first + entries.length - 1),
        ends,
      )
      const plan = planSigned(log.name, undefined, runs)
      assert.equal(plan.fault, undefined)
      assert.deepEqual(
        plan.entries.map(({ entry }) => hex(entry)),
        log.entries.slice(0, ends.at(-1) ?? 0).map(hex),
      )
    }),
    { numRuns: 100 },
  )
})

test('passes a log through a scuttleup peer unchanged, whatever its segments', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1, maxLength: 40 }),
      fc.nat(7),
      (sizes, every) => {
        const log = new WrittenLog(
          alice,
          sizes.map((bytes, index) => entryOf(index, bytes)),
        )
        const runs = log.runs(sizes.map((_, index) => index * (every + 1)))
        const plan = planSigned(log.name, undefined, runs)
        const bytes = new ScuttleupSession({ id: ALICE, head: [], mode: 'sync' }).encode(plan.entries)
        assert.ok(bytes)
        const received = planSigned(log.name, undefined, runsIn(openSession().receive(bytes)))
        assert.deepEqual([received.fault, received.head], [undefined, plan.head])
        assert.deepEqual(
          received.entries.map(({ entry }) => hex(entry)),
          log.entries.map(hex),
        )
      },
    ),
    { numRuns: 60 },
  )
})

test('buffers a full segment of the shortest entries until its signature arrives', () => {
  const shortest = entryOf(0).length + 1 + 8
  const count = Math.floor(RUN_BYTES_MAX / shortest)
  const log = new WrittenLog(
    alice,
    Array.from({ length: count }, (_, index) => entryOf(index)),
  )
  const buffer = new UnsignedBuffer()
  log.entries.forEach((entry, index) => {
    const seq = index + 1
    const salt = saltOf(index)
    const change = toProjected({ entry, salt, ...(seq === count && { signature: log.signature(seq) }) })
    const run = buffer.add(ALICE, seq, change)
    if (seq < count) assert.equal(run, 'buffered')
    else assert.ok(typeof run === 'object' && planSigned(log.name, undefined, [run]).entries.length === count)
  })
})

test('buffers at most 256 KiB per author; overflow drops that author only', () => {
  const session = openSession()
  const entry = entryOf(0, 1_000)
  const rejections: unknown[] = []
  for (let seq = 1; seq <= 400; seq++) {
    for (const effect of session.receive(changeOf(ALICE, seq, entry))) {
      rejections.push([seq, effect])
    }
  }
  const full = Math.floor(BUFFERED_AUTHOR_BYTES_MAX / packEntry(saltOf(0), entry).length) + 1
  assert.deepEqual(rejections, [[full, { kind: 'rejected', author: ALICE, reason: { kind: 'unsigned-entries' } }]])
  const log = new WrittenLog(carol, [entryOf(0, 100, 'carol')])
  assert.equal(runsIn(session.receive(changeOf(CAROL, 1, log.entries[0] as Uint8Array, log.signature(1)))).length, 1)
})

test('buffers at most 1 MiB for all authors, however small the entries', () => {
  for (const size of [1, 60, 1_000, ENTRY_BYTES_MAX]) {
    const buffer = new UnsignedBuffer()
    let count = 0
    for (let index = 0; index < 20_000; index++) {
      const author = index.toString(16).padStart(64, '0') as LogId
      if (buffer.add(author, 1, toProjected({ entry: Buffer.alloc(size, 0x7d), salt: saltOf(0) })) === 'full') break
      count++
    }
    assert.ok(
      count * (size + 64) < BUFFERED_CONNECTION_BYTES_MAX,
      `${count} authors with an entry of ${size} bytes each`,
    )
    assert.ok(count > 50)
  }
})

test('frees buffered entries when they are signed or when a gap follows', () => {
  const buffer = new UnsignedBuffer()
  const big = { entry: entryOf(0, ENTRY_BYTES_MAX - 100), salt: saltOf(0) }
  const bare = toProjected(big)
  for (let round = 0; round < 200; round++) {
    assert.equal(buffer.add(ALICE, 10 * round + 1, bare), 'buffered', String(round))
    assert.equal(buffer.add(CAROL, 10 * round + 1, bare), 'buffered')
    const run = buffer.add(CAROL, 10 * round + 2, toProjected({ ...big, signature: new Uint8Array(64) }))
    assert.ok(typeof run === 'object' && run.entries.length === 2)
  }
})

interface ScuttleupPeer {
  readonly log: ReturnType<typeof scuttleup>
  /** Resolves when it has stored `count` entries. */
  stores(count: number): Promise<void>
}

/** A scuttleup peer in this process. */
async function openScuttleup(t: TestContext): Promise<ScuttleupPeer> {
  const directory = await mkdtemp(path.join(tmpdir(), 'scuttleup-'))
  const database = level(directory)
  t.after(async () => {
    await database.close()
    await rm(directory, { recursive: true })
  })
  await database.open()
  const log = scuttleup(database)
  await new Promise<void>(resolve => log.on('ready', resolve))
  let entries = 0
  let onMore = (): void => {}
  log.on('append', () => {
    entries++
    onMore()
  })
  const stores = async (count: number): Promise<void> => {
    while (entries < count) {
      await new Promise<void>(resolve => {
        onMore = resolve
      })
    }
  }
  return { log, stores }
}

/** Connects a native log with a scuttleup peer until the test ends. */
function connect(t: TestContext, ours: Log, peer: ScuttleupPeer, onEvent = (_event: SyncEvent): void => {}): Duplex {
  const stream = replicate(ours, { live: true, dialect: 'scuttleup', onEvent })
  const theirs = peer.log.createReplicationStream({ live: true })
  stream.on('error', () => {})
  theirs.on('error', () => {})
  stream.pipe(theirs).pipe(stream)
  t.after(() => {
    stream.destroy()
    theirs.destroy()
  })
  return stream
}

async function reaches(log: Log, count: number): Promise<void> {
  while (log.head.reduce((sum, { seq }) => sum + seq, 0) < count)
    await new Promise(resolve => log.once('entries', resolve))
}

async function openLog(t: TestContext, keys: typeof alice): Promise<{ log: Log; disk: MemoryDisk }> {
  const disk = new MemoryDisk()
  const log = await logOver(new MemoryStore(disk), keys)
  t.after(() => log.close())
  return { log, disk }
}

const signedTexts = (disk: MemoryDisk): Record<string, string[]> =>
  Object.fromEntries(
    [...auditDisk(disk).logs].map(([author, entries]) => [author, entries.map(entry => Buffer.from(entry).toString())]),
  )

test('replicates verified logs from one native peer to another through a scuttleup peer', BOUND, async t => {
  const peer = await openScuttleup(t)
  const [alices, bobs] = [await openLog(t, alice), await openLog(t, bob)]
  const written = new WrittenLog(
    carol,
    Array.from({ length: 400 }, (_, index) => entryOf(index, index % 50 === 0 ? ENTRY_BYTES_MAX : 60 + index, 'carol')),
  )
  assert.equal(await alices.log.addSigned(CAROL, written.runs([1, 2, 3, 100])), undefined)
  const append = (log: Log, line: number): Promise<unknown> =>
    log.append({ username: 'someone', message: `line ${line}` })
  await Promise.all(Array.from({ length: 300 }, (_, line) => append(alices.log, line)))
  for (let line = 0; line < 20; line++) await append(alices.log, line)
  connect(t, alices.log, peer)
  await peer.stores(720)
  connect(t, bobs.log, peer)
  await reaches(bobs.log, 720)
  // Live, in both directions, with an entry of the scuttleup peer in between.
  await Promise.all(
    Array.from({ length: 30 }, async (_, line) => {
      await append(alices.log, line)
      await append(bobs.log, line)
    }),
  )
  await new Promise(resolve => peer.log.append('{"username":"dave","message":"unsigned"}', resolve))
  await Promise.all([reaches(bobs.log, 781), reaches(alices.log, 781)])
  const [one, other] = [signedTexts(alices.disk), signedTexts(bobs.disk)]
  assert.deepEqual(one, other)
  assert.deepEqual(
    Object.values(one)
      .map(({ length }) => length)
      .sort(),
    [30, 350, 400],
  )
  for (const { log } of [alices, bobs]) {
    for (const { author } of log.head) assert.equal((await log.verify(author)).fault, undefined)
  }
})

test('accepts a log that a scuttleup peer got with two segment boundaries', BOUND, async t => {
  const peer = await openScuttleup(t)
  const written = new WrittenLog(
    carol,
    Array.from({ length: 120 }, (_, index) => entryOf(index, 100, 'carol')),
  )
  // Two native peers with the same log in other segments connect to one scuttleup peer, one after the other.
  for (const [keys, stored, every] of [
    [alice, 50, 7],
    [bob, 120, 33],
  ] as const) {
    const { log } = await openLog(t, keys)
    const part = new WrittenLog(carol, written.entries.slice(0, stored))
    const runs = part.runs(part.entries.map((_, index) => index * every))
    for (const run of runs) assert.equal(await log.addSigned(CAROL, [run]), undefined)
    connect(t, log, peer)
    await peer.stores(stored)
  }
  const dave = await openLog(t, alice)
  connect(t, dave.log, peer)
  await reaches(dave.log, 120)
  assert.equal(auditDisk(dave.disk).logs.get(CAROL)?.length, 120)
})

/** Puts entries into a scuttleup peer's log, as any of its peers could. */
async function inject(peer: ScuttleupPeer, changes: readonly Uint8Array[]): Promise<void> {
  const theirs = peer.log.createReplicationStream({ live: true })
  theirs.on('error', () => {})
  theirs.resume()
  theirs.write(Buffer.concat([frame(encodeHandshake({ id: 'mallory', head: [], mode: 'push' })), ...changes]))
  await peer.stores(changes.length)
}

test('rejects only the forged author behind an honest scuttleup peer and keeps the connection', BOUND, async t => {
  const log = new WrittenLog(
    alice,
    Array.from({ length: 6 }, (_, index) => entryOf(index, 90)),
  )
  const carols = new WrittenLog(carol, [entryOf(0, 90, 'carol'), entryOf(1, 90, 'carol')])
  const reworded = Buffer.from(
    Buffer.from(log.entries[3] as Uint8Array)
      .toString()
      .replace('xxx', 'yyy'),
  )
  const forgeries: Record<string, (seq: number) => Uint8Array> = {
    'an entry reworded': seq =>
      changeOf(
        ALICE,
        seq,
        seq === 4 ? reworded : (log.entries[seq - 1] as Uint8Array),
        seq % 2 ? undefined : log.signature(seq),
      ),
    'a signature garbled': seq =>
      changeOf(
        ALICE,
        seq,
        log.entries[seq - 1] as Uint8Array,
        seq % 2 ? undefined : withBitFlipped(log.signature(seq), seq === 4 ? 9 : 0),
      ),
    'an entry that is no JSON': seq =>
      changeOf(
        ALICE,
        seq,
        seq === 4 ? Buffer.from('}{') : (log.entries[seq - 1] as Uint8Array),
        seq % 2 ? undefined : log.signature(seq),
      ),
  }
  for (const [what, forged] of Object.entries(forgeries)) {
    await t.test(what, BOUND, async t => {
      const peer = await openScuttleup(t)
      await inject(peer, [1, 2, 3, 4, 5, 6].map(forged))
      const { log: bobs, disk } = await openLog(t, bob)
      const events: SyncEvent[] = []
      const stream = connect(t, bobs, peer, event => events.push(event))
      const accepted = what === 'a signature garbled' ? 0 : 2
      const changes = carols.entries.map((entry, index) =>
        changeOf(CAROL, index + 1, entry, carols.signature(index + 1)),
      )
      const theirs = peer.log.createReplicationStream({ live: true })
      theirs.resume()
      theirs.write(
        Buffer.concat([frame(encodeHandshake({ id: 'carol', head: [], mode: 'push' })), changes[0] as Uint8Array]),
      )
      await reaches(bobs, accepted + 1)
      while (events.length === 0) await new Promise(resolve => setImmediate(resolve))
      theirs.write(changes[1] as Uint8Array)
      await reaches(bobs, accepted + 2)
      assert.equal(stream.destroyed, false)
      const [rejected, ...more] = events
      assert.ok(rejected?.kind === 'entries-rejected' && 'seq' in rejected.reason)
      assert.deepEqual([rejected.author, more], [ALICE, []])
      assert.equal(auditDisk(disk).logs.get(ALICE)?.length ?? 0, accepted)
      assert.equal(auditDisk(disk).logs.get(CAROL)?.length, 2)
    })
  }
})
