import assert from 'node:assert/strict'
import test from 'node:test'
import { concat } from '../../src/base/bytes.js'
import { frame } from '../../src/base/frames.js'
import { ENTRY_BYTES_MAX, FRAME_BYTES_MAX, SEQ_MAX } from '../../src/base/limits.js'
import { HybridClock } from '../../src/log/at.js'
import { type AuthorId, authorOfKey, keyOf } from '../../src/log/author.js'
import type { Effect } from '../../src/log/effects.js'
import { decodeEntry, withSignature } from '../../src/log/entry.js'
import { encodeHeads, encodeLoose, encodeSegments } from '../../src/log/frames.js'
import type { Head, SignedHead } from '../../src/log/head.js'
import { Log } from '../../src/log/log.js'
import { encodeChange, encodeHandshake } from '../../src/log/messages.js'
import { PeerSession } from '../../src/log/peer-session.js'
import { RowLogs } from '../../src/log/row-logs.js'
import { encodeSegment } from '../../src/log/segment.js'
import { planSigned, type SignedRun } from '../../src/log/segment-plan.js'
import { Session } from '../../src/log/session.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { heapBytes, MEGABYTE } from '../helper/signed-memory.js'
import { hex } from '../helper/signed-oracle.js'
import { alice, auditDisk, bob, carol, entryOf, LOBBY_ID, WrittenLog } from '../helper/signed-world.js'
import { VirtualClock } from '../helper/virtual-clock.js'

// `FUZZ=1000000 SEED=7 node --test …` for longer, or for the same again. PROTOCOL.md §5.3.

const FRAMES = Number(process.env['FUZZ'] ?? 200_000)
const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 32))

/** Numbers from 0 up to, but not including, `below`; the same for the same seed. */
function chanceOf(seed: number): (below: number) => number {
  let state = seed >>> 0
  return below => {
    state = (state + 0x6d2b_79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}
type Chance = ReturnType<typeof chanceOf>

const pick = <T>(chance: Chance, items: readonly T[]): T => items[chance(items.length)] as T

// What is true: two signed logs, and what an original said.

const LOGS = [
  new WrittenLog(
    alice,
    Array.from({ length: 12 }, (_, index) => entryOf(index, 60 + index * 5)),
  ),
  new WrittenLog(
    bob,
    Array.from({ length: 9 }, (_, index) => entryOf(index, 58, 'bob')),
  ),
] as const
const TRUE = new Map(LOGS.map(log => [authorOfKey(log.name.key), log]))
const ORIGINAL = 'ciz9ebxt60000um6cqt7uc4ha' as AuthorId
const UNSIGNED = Buffer.from('{"username":"dave","message":"from the original program"}')

/** Heads at which a receiver may be: nothing held, some, or all. */
const HEADS: readonly ReadonlyMap<AuthorId, SignedHead>[] = [0, 3, 5, 12].map(
  held =>
    new Map(
      LOGS.flatMap(log => {
        const part = new WrittenLog(log.keys, log.entries.slice(0, held))
        const { head } = planSigned(log.name, undefined, held === 0 ? [] : part.runs())
        return head === undefined ? [] : [[authorOfKey(log.name.key), head] as const]
      }),
    ),
)

/** Runs with their signatures, made once: signing is what takes time. */
const RUNS: readonly { readonly log: WrittenLog; readonly run: SignedRun }[] = LOGS.flatMap(log =>
  log.entries.flatMap((_, first) =>
    [1, 2, 4, 8].flatMap(count =>
      first + count > log.entries.length ? [] : [{ log, run: log.run(first + 1, first + count) }],
    ),
  ),
)

const segmentOf = ({ log, run }: (typeof RUNS)[number]): Uint8Array =>
  encodeSegment({ key: log.name.key, before: new Uint8Array(32), ...run })

// Frames, and what can be done to them.

/** Numbers at which something changes, as they stand in a header. */
const EDGES = [0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x3fff, 0x4000, ENTRY_BYTES_MAX, FRAME_BYTES_MAX, 0x7fff_ffff, SEQ_MAX]
/** Where the fields of a segment begin: key, first, count, before, signature, entries. */
const FIELDS = [0, 32, 36, 38, 70, 134, 135]

function garbledSegment(chance: Chance, segment: Uint8Array): Uint8Array {
  const bytes = Buffer.from(segment)
  const field = chance(FIELDS.length)
  const from = FIELDS[field] as number
  const to = FIELDS[field + 1] ?? bytes.length
  switch (chance(5)) {
    case 0:
      bytes[from + chance(Math.max(1, to - from))] = chance(256)
      return bytes
    case 1:
      if (from + 4 <= bytes.length) bytes.writeUInt32BE(pick(chance, EDGES), from)
      return bytes
    case 2:
      bytes.fill(pick(chance, [0, 0xff]), from, to)
      return bytes
    case 3:
      return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])
    default: {
      // A field of another segment in its place: a splice that reads well.
      const other = Buffer.from(segmentOf(pick(chance, RUNS)))
      return Buffer.concat([bytes.subarray(0, from), other.subarray(from, to), bytes.subarray(to)])
    }
  }
}

function garbledBytes(chance: Chance, bytes: Uint8Array): Uint8Array {
  const copy = Buffer.from(bytes)
  const at = chance(copy.length + 1)
  const length = 1 + chance(8)
  switch (chance(6)) {
    case 0:
      if (at < copy.length) copy[at] = (copy[at] ?? 0) ^ (1 << chance(8))
      return copy
    case 1:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + length)])
    case 2:
      return Buffer.concat([
        copy.subarray(0, at),
        Buffer.from(Array.from({ length }, () => chance(256))),
        copy.subarray(at),
      ])
    case 3:
      return copy.subarray(0, at)
    case 4:
      return Buffer.concat([copy, copy.subarray(at)])
    default:
      return Buffer.concat([copy.subarray(0, at), Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]), copy.subarray(at)])
  }
}

/** The body of a frame between ours, garbled in one of its fields or anywhere. */
function ourFrame(chance: Chance): Uint8Array {
  switch (chance(8)) {
    case 0: {
      const heads = LOGS.map(log => ({ author: authorOfKey(log.name.key), seq: pick(chance, EDGES) }))
      return garbledBytes(chance, encodeHeads([...heads, { author: ORIGINAL, seq: chance(5) }]))
    }
    case 1: {
      const id = pick(chance, [ORIGINAL, '__proto__', '', 'a'.repeat(64), 'A'.repeat(64), 'x'.repeat(65), 'é'])
      const entry = chance(2) === 0 ? UNSIGNED : garbledBytes(chance, UNSIGNED)
      return garbledBytes(chance, encodeLoose({ id, seq: pick(chance, [1, 2, 3, ...EDGES]), entry }))
    }
    case 2:
      return frame(Buffer.concat([Buffer.of(chance(256)), garbledBytes(chance, segmentOf(pick(chance, RUNS)))]))
    case 3:
      return garbledBytes(chance, encodeSegments([segmentOf(pick(chance, RUNS)), segmentOf(pick(chance, RUNS))]))
    default: {
      const segments = Array.from({ length: 1 + chance(3) }, () => segmentOf(pick(chance, RUNS)))
      const at = chance(segments.length)
      segments[at] = garbledSegment(chance, segments[at] as Uint8Array)
      return encodeSegments(segments)
    }
  }
}

/** The same in the original's words. */
function originalFrame(chance: Chance): Uint8Array {
  if (chance(10) === 0) {
    const head = [{ id: pick(chance, [ORIGINAL, '__proto__', hex(alice.publicKey)]), seq: pick(chance, EDGES) }]
    return garbledBytes(chance, frame(encodeHandshake({ id: 'x', head, mode: pick(chance, ['sync', 'push', 'pull']) })))
  }
  const { log, run } = pick(chance, RUNS)
  const id = chance(4) === 0 ? ORIGINAL : authorOfKey(log.name.key)
  const frames = run.entries.map((entry, index) => {
    const isEnd = index === run.entries.length - 1
    return frame(
      encodeChange({ id, seq: run.first + index, entry: isEnd ? withSignature(entry, run.signature) : entry }),
    )
  })
  const at = chance(frames.length)
  frames[at] = garbledBytes(chance, frames[at] as Uint8Array)
  return concat(frames)
}

/** A receiver without a disk, which notes what it would store and looks at it. */
class Receiver {
  readonly #heads: Map<AuthorId, SignedHead>
  readonly #unsigned = new Map<AuthorId, Head>()
  readonly #rows = new RowLogs(new MemoryStore(), new HybridClock(new VirtualClock()), () => {})
  readonly #isCareless: boolean
  readonly #outcome: Outcome

  /** The careless one, which is the control, does not look at signatures. */
  constructor(heads: ReadonlyMap<AuthorId, SignedHead>, isCareless: boolean, outcome: Outcome) {
    this.#outcome = outcome
    this.#heads = new Map(heads)
    this.#isCareless = isCareless
  }

  /** Whether the link is still open. */
  perform(session: Session | PeerSession, effects: readonly Effect[]): boolean {
    for (const effect of effects) {
      if ('reason' in effect) this.#outcome.reasons.add(effect.reason.replace(/[0-9a-f]{64}/g, '').replace(/\d+/g, 'N'))
      if (effect.kind === 'close') return false
      const refusal =
        effect.kind === 'offer-signed'
          ? this.#signed(effect.author, effect.runs)
          : effect.kind === 'offer'
            ? this.#loose(effect.run)
            : undefined
      if (refusal === undefined) continue
      const { author, reason } = refusal
      this.#outcome.reasons.add(reason.replace(/\d+/g, 'N'))
      if (session.refused(author, reason).some(({ kind }) => kind === 'close')) return false
    }
    return true
  }

  #signed(author: AuthorId, runs: readonly SignedRun[]): { author: AuthorId; reason: string } | undefined {
    const key = keyOf(author)
    assert.ok(key)
    const head = this.#heads.get(author)
    const plan = planSigned({ room: LOBBY_ID, key }, head, runs)
    if (this.#isCareless) for (const run of runs) if (run.first === (head?.seq ?? 0) + 1) this.#store(author, run)
    for (const { seq, entry } of plan.entries) this.#store(author, { first: seq, entries: [entry] })
    if (plan.head !== undefined) this.#heads.set(author, plan.head)
    return plan.fault === undefined ? undefined : { author, reason: plan.fault }
  }

  #store(author: AuthorId, { first, entries }: Pick<SignedRun, 'first' | 'entries'>): void {
    entries.forEach((entry, index) => {
      const said = TRUE.get(author)?.entries[first + index - 1]
      assert.ok(said !== undefined && Buffer.compare(said, entry) === 0, `entry ${first + index} was never said`)
      this.#outcome.stored++
    })
  }

  #loose({ author, first, entries }: Extract<Effect, { kind: 'offer' }>['run']) {
    const head = this.#unsigned.get(author)
    const skip = (head?.seq ?? 0) + 1 - first
    if (skip < 0) return { author, reason: 'a gap' }
    const plan = this.#rows.plan(author, head, entries.slice(skip))
    for (const { entry } of plan.entries) assert.ok(entry.length <= ENTRY_BYTES_MAX && decodeEntry(entry) !== undefined)
    if (plan.head !== undefined) this.#unsigned.set(author, plan.head)
    return plan.fault === undefined ? undefined : { author, reason: plan.fault }
  }
}

/** What came of a fuzz: how many entries were stored, and every reason for which something was not. */
interface Outcome {
  stored: number
  readonly reasons: Set<string>
}

/** Sends garbled frames to one session after the other, each as long as it lasts. */
function fuzz(
  frames: number,
  open: () => Session | PeerSession,
  next: (chance: Chance) => Uint8Array,
  isCareless = false,
): Outcome {
  const chance = chanceOf(SEED)
  const outcome: Outcome = { stored: 0, reasons: new Set() }
  let sent = 0
  while (sent < frames) {
    const session = open()
    const receiver = new Receiver(pick(chance, HEADS), isCareless, outcome)
    for (let turn = 0, isOpen = true; isOpen && turn < 40 && sent < frames; turn++) {
      const bytes = next(chance)
      sent++
      try {
        const cut = chance(4) === 0 ? chance(bytes.length) : bytes.length
        isOpen =
          receiver.perform(session, session.receive(bytes.subarray(0, cut))) &&
          receiver.perform(session, session.receive(bytes.subarray(cut)))
      } catch (error) {
        throw new Error(`SEED=${SEED}, frame ${sent}: ${Buffer.from(bytes).toString('hex').slice(0, 2_000)}`, {
          cause: error,
        })
      }
    }
  }
  return outcome
}

/** Runs a fuzz twice, a short time to warm up; the second must have met every one of `reasons`, and leave nothing behind. */
function check(run: (frames: number) => Outcome, frames: number, reasons: readonly RegExp[]): void {
  run(Math.min(frames, 5_000))
  const before = heapBytes()
  const outcome = run(frames)
  const grown = heapBytes() - before
  assert.ok(grown < 8 * MEGABYTE, `${grown / MEGABYTE} MiB: SEED=${SEED}`)
  assert.ok(outcome.stored > frames / 100, `only ${outcome.stored} entries were stored at all: SEED=${SEED}`)
  const met = [...outcome.reasons]
  for (const reason of reasons)
    assert.ok(
      met.some(text => reason.test(text)),
      `never met: ${reason}`,
    )
}

/** What both find wrong with signed entries. */
const FAULTS = [
  /^entry N is missing before entry N$/,
  /^entry N is not valid$/,
  /^the signature at entry N does not vouch for it$/,
  /an author id that cannot be one/,
  /an entry that is no JSON object/,
  /^a frame of over N bytes$/,
]

const ours = (): PeerSession => new PeerSession([])

const original = (): Session => {
  const session = new Session({ id: authorOfKey(carol.publicKey), head: [], mode: 'sync' })
  session.receive(frame(encodeHandshake({ id: 'original', head: [], mode: 'sync' })))
  return session
}

test('garbled frames between ours: nothing throws, nothing is stored that was not said, nothing is left behind', () => {
  check(frames => fuzz(frames, ours, ourFrame), FRAMES, [
    ...FAULTS,
    /^entry N does not continue the log, and its signature is none$/,
    /^a segment that is none$/,
    /^segments that cannot be read$/,
    /^heads that cannot be read$/,
    /^a head that is none$/,
    /^a loose entry that is none$/,
  ])
})

test('garbled frames from an original: the same', () => {
  check(frames => fuzz(frames, original, originalFrame), Math.ceil(FRAMES / 5), [
    ...FAULTS,
    /^a frame that is no entry$/,
  ])
})

test('control: a receiver that does not look at signatures is caught within a few frames', () => {
  assert.throws(() => fuzz(2_000, ours, ourFrame, true), /SEED/)
  assert.throws(() => fuzz(2_000, original, originalFrame, true), /SEED/)
})

test('garbled frames into a log with a disk: what is on the disk at the end was all said, and verifies', async () => {
  const chance = chanceOf(SEED)
  const disk = new MemoryDisk()
  const log = await Log.over(new MemoryStore(disk), carol)
  for (let link = 0; link < Math.min(400, FRAMES / 100); link++) {
    const dialect = pick(chance, ['ours', 'original'] as const)
    const stream = log.createReplicationStream({ dialect, live: true })
    stream.on('error', () => {})
    stream.resume()
    if (dialect === 'original') stream.write(frame(encodeHandshake({ id: 'x', head: [], mode: 'sync' })))
    for (let turn = 0; turn < 8 && !stream.destroyed; turn++) {
      stream.write(dialect === 'ours' ? ourFrame(chance) : originalFrame(chance))
      await new Promise(resolve => setImmediate(resolve))
    }
    stream.destroy()
  }
  await new Promise(resolve => setImmediate(resolve))
  await log.close()
  const { logs } = auditDisk(disk)
  assert.ok(logs.size > 0)
  for (const [author, entries] of logs) {
    const said = TRUE.get(author as AuthorId)?.entries.slice(0, entries.length) ?? []
    assert.deepEqual(entries.map(hex), said.map(hex), `SEED=${SEED}`)
  }
})
