// Genuine frames with one mutated field, sent to sessions; what they would store is checked.

import assert from 'node:assert/strict'
import { concat, EMPTY } from '../../src/base/wire/bytes.js'
import { bytesField } from '../../src/base/wire/fields.js'
import { FRAME_BYTES_MAX, frame } from '../../src/base/wire/frames.js'
import { RowStore } from '../../src/compat/scuttleup/row-store.js'
import { encodeHandshake } from '../../src/compat/scuttleup/scuttleup-codec.js'
import { ScuttleupSession } from '../../src/compat/scuttleup/scuttleup-session.js'
import { keyOf, type LogId, logKey, logOfKey, runOf } from '../../src/log/format/author.js'
import { contentOf, decodeEntry, toProjected } from '../../src/log/format/entry.js'
import { proofFrom } from '../../src/log/format/fork-proof.js'
import type { Head, SignedHead } from '../../src/log/format/heads.js'
import { HybridClock } from '../../src/log/format/hybrid-clock.js'
import type { Rejection } from '../../src/log/format/log-fault.js'
import { encodeSegment } from '../../src/log/format/segment.js'
import { planSigned, type SignedRun } from '../../src/log/format/segment-plan.js'
import { encodeUnsignedEntry } from '../../src/log/format/unsigned-entry.js'
import { ENTRY_BYTES_MAX, SEQ_MAX } from '../../src/log/limits.js'
import { encodeSegments, encodeUnsigned } from '../../src/sync/codec.js'
import type { Effect } from '../../src/sync/effects.js'
import { fingerprintsOf } from '../../src/sync/fingerprints.js'
import { PeerSession } from '../../src/sync/peer-session.js'
import { chance as numbers } from '../long/chance.js'
import { PRESENCE_TYPES, SIDE_CHANNEL_FIELDS, SideChannelReceiver, sideChannelFrame } from './fuzz-side-channel.js'
import { MemoryStore } from './memory-store.js'
import { hex } from './signed-oracle.js'
import { alice, bob, carol, entryOf, LOBBY_ID, WrittenLog } from './signed-world.js'
import { VirtualClock } from './virtual-clock.js'

/** Numbers from 0 up to, but not including, `below`; the same for the same seed. */
export function chanceOf(seed: number): (below: number) => number {
  const random = numbers(seed)
  return below => Math.floor(random() * below)
}
type Chance = ReturnType<typeof chanceOf>

const pick = <T>(chance: Chance, items: readonly T[]): T => items[chance(items.length)] as T

// The genuine logs: two signed ones and an unsigned one.

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
export const TRUE = new Map(LOGS.map(log => [logOfKey(log.name.key), log]))
const UNSIGNED_ID = 'ciz9ebxt60000um6cqt7uc4ha' as LogId
const UNSIGNED = Buffer.from('{"username":"dave","message":"from a scuttleup peer"}')

/** Heads of a receiver: of empty, partial and complete logs. */
const HEADS: readonly ReadonlyMap<LogId, SignedHead>[] = [0, 3, 5, 12].map(
  count =>
    new Map(
      LOGS.flatMap(log => {
        const part = new WrittenLog(log.keys, log.entries.slice(0, count))
        const { head } = planSigned(log.name, undefined, count === 0 ? [] : part.runs())
        return head === undefined ? [] : [[logOfKey(log.name.key), head] as const]
      }),
    ),
)

/** Runs with their signatures, made once because signing takes time. */
const RUNS: readonly { readonly log: WrittenLog; readonly run: SignedRun }[] = LOGS.flatMap(log =>
  log.entries.flatMap((_, first) =>
    [1, 2, 4, 8].flatMap(count =>
      first + count > log.entries.length ? [] : [{ log, run: log.run(first + 1, first + count) }],
    ),
  ),
)

const segmentOf = ({ log, run }: (typeof RUNS)[number]): Uint8Array =>
  encodeSegment({ key: log.name.key, run: 0, before: new Uint8Array(32), ...run })

// Frames and their mutations.

/** Boundary values for numbers in headers. */
const EDGES = [0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x3fff, 0x4000, ENTRY_BYTES_MAX, FRAME_BYTES_MAX, 0x7fff_ffff, SEQ_MAX]
/** The offsets of a segment's fields: key, run, first, count, before, signature, entries. */
const FIELDS = [0, 32, 36, 40, 42, 74, 138, 139]

/** Numbers of the mutations of a segment's field, and of arbitrary bytes. */
const SEGMENT_WAYS = [0, 1, 2, 3, 4] as const
const WAYS = [0, 1, 2, 3, 4, 5] as const
const PARTS = {
  heads: ['key', 'seq', 'chain', 'unsigned', 'all'],
  'unsigned-entry': ['id', 'entry', 'all'],
  'segment-request': ['key', 'seq', 'all'],
  notes: ['number', 'key', 'seq', 'chain', 'unsigned', 'all'],
  fingerprints: ['fingerprints', 'all'],
  frame: ['type', 'all'],
  ...SIDE_CHANNEL_FIELDS,
} as const

type Shape =
  | { readonly message: 'segments' | 'fork'; readonly field: number; readonly way: (typeof SEGMENT_WAYS)[number] }
  | { readonly message: keyof typeof PARTS; readonly part: string; readonly way: (typeof WAYS)[number] }

/** Every mutation of every field of every message. */
export const NATIVE_SHAPES: readonly Shape[] = [
  ...(['segments', 'fork'] as const).flatMap(message =>
    FIELDS.flatMap((_, field) => SEGMENT_WAYS.map(way => ({ message, field, way }))),
  ),
  ...(
    ['heads', 'unsigned-entry', 'segment-request', 'notes', 'fingerprints', 'frame', 'status', 'view'] as const
  ).flatMap(message => PARTS[message].flatMap(part => WAYS.map(way => ({ message, part, way })))),
]

function garbledSegment(
  chance: Chance,
  segment: Uint8Array,
  field: number,
  way: (typeof SEGMENT_WAYS)[number],
): Uint8Array {
  const bytes = Buffer.from(segment)
  const from = FIELDS[field] as number
  const to = FIELDS[field + 1] ?? bytes.length
  switch (way) {
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
      // The field of another segment in its place: well-formed, and wrong.
      const other = Buffer.from(segmentOf(pick(chance, RUNS)))
      return Buffer.concat([bytes.subarray(0, from), other.subarray(from, to), bytes.subarray(to)])
    }
  }
}

function garbledBytes(chance: Chance, bytes: Uint8Array, way: number = chance(WAYS.length)): Uint8Array {
  const copy = Buffer.from(bytes)
  const at = chance(copy.length + 1)
  const length = 1 + chance(8)
  switch (way) {
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

const [SEGMENTS_TYPE, FORK_TYPE, HEADS_TYPE, SEGMENT_REQUEST_TYPE, NOTES_TYPE, FINGERPRINTS_TYPE] = [2, 4, 1, 5, 6, 7]

/** A native frame, mutated in one of its fields or anywhere. */
export function nativeFrame(chance: Chance, shape: Shape = pick(chance, NATIVE_SHAPES)): Uint8Array {
  if ('field' in shape) {
    const count = shape.message === 'fork' ? 2 : 1 + chance(3)
    const segments = Array.from({ length: count }, () => segmentOf(pick(chance, RUNS)))
    const at = chance(segments.length)
    segments[at] = garbledSegment(chance, segments[at] as Uint8Array, shape.field, shape.way)
    const bytes = encodeSegments(segments)
    const type = shape.message === 'fork' ? FORK_TYPE : SEGMENTS_TYPE
    bytes[bytes.indexOf(SEGMENTS_TYPE, 1)] = type
    return bytes
  }
  const { message, part, way } = shape
  /** Mutates only the part that the shape names. */
  const of = (name: string, bytes: Uint8Array): Uint8Array => (name === part ? garbledBytes(chance, bytes, way) : bytes)
  const { log, run } = pick(chance, RUNS)
  const seq = Buffer.alloc(4)
  seq.writeUInt32BE(pick(chance, [...EDGES, run.first]))
  switch (message) {
    case 'heads': {
      const chain = chance(2) === 0 ? EMPTY : (log.chains[run.first] as Uint8Array).subarray(0, 8)
      const signed = concat([of('key', logKey(log.name.key, 0)), of('seq', seq), of('chain', chain)])
      const unsigned = encodeUnsignedEntry({ id: UNSIGNED_ID, seq: pick(chance, EDGES), entry: EMPTY })
      const fields = concat([bytesField(1, signed), bytesField(2, of('unsigned', unsigned))])
      return frame(of('all', concat([Uint8Array.of(HEADS_TYPE), fields])))
    }
    case 'unsigned-entry': {
      const nasty = ['__proto__', '', 'a'.repeat(64), 'A'.repeat(64), 'x'.repeat(65), 'é']
      const id = part === 'id' ? pick(chance, nasty) : UNSIGNED_ID
      return of('all', encodeUnsigned({ id, seq: pick(chance, [1, 2, 3, ...EDGES]), entry: of('entry', UNSIGNED) }))
    }
    case 'notes': {
      const number = part === 'number' ? chance(20) : 1 + chance(3)
      const chain = chance(2) === 0 ? EMPTY : (log.chains[run.first] as Uint8Array).subarray(0, 8)
      const signed = concat([of('key', logKey(log.name.key, 0)), of('seq', seq), of('chain', chain)])
      const unsigned = encodeUnsignedEntry({ id: UNSIGNED_ID, seq: pick(chance, EDGES), entry: EMPTY })
      const fields = concat([bytesField(number, signed), bytesField(number + 3, of('unsigned', unsigned))])
      return frame(of('all', concat([Uint8Array.of(NOTES_TYPE), fields])))
    }
    case 'fingerprints': {
      const heads = chance(2) === 0 ? [] : [{ author: logOfKey(log.name.key), seq: pick(chance, EDGES) }]
      return frame(of('all', concat([Uint8Array.of(FINGERPRINTS_TYPE), of('fingerprints', fingerprintsOf(heads))])))
    }
    case 'status':
    case 'view':
      return sideChannelFrame(
        items => pick(chance, items),
        message,
        part,
        bytes => garbledBytes(chance, bytes, way),
      )
    case 'segment-request': {
      const key = of('key', logKey(log.name.key, 0))
      return frame(of('all', concat([Uint8Array.of(SEGMENT_REQUEST_TYPE), key, of('seq', seq)])))
    }
    default: {
      const type = part === 'type' ? chance(256) : SEGMENTS_TYPE
      return of('all', frame(concat([Uint8Array.of(type), of('type', segmentOf({ log, run }))])))
    }
  }
}

/** The same in scuttleup's protocol. */
export function scuttleupFrame(chance: Chance): Uint8Array {
  if (chance(10) === 0) {
    const head = [{ id: pick(chance, [UNSIGNED_ID, '__proto__', hex(alice.publicKey)]), seq: pick(chance, EDGES) }]
    return garbledBytes(chance, frame(encodeHandshake({ id: 'x', head, mode: pick(chance, ['sync', 'push', 'pull']) })))
  }
  const { log, run } = pick(chance, RUNS)
  const id = chance(4) === 0 ? UNSIGNED_ID : logOfKey(log.name.key)
  const frames = run.entries.map((packed, index) => {
    const isEnd = index === run.entries.length - 1
    const { entry, salt } = contentOf(packed) ?? { entry: packed, salt: packed }
    const projected = toProjected({ entry, salt, ...(isEnd && { signature: run.signature }) })
    return frame(encodeUnsignedEntry({ id, seq: run.first + index, entry: projected }))
  })
  const at = chance(frames.length)
  frames[at] = garbledBytes(chance, frames[at] as Uint8Array)
  return concat(frames)
}

/** A receiver without a disk, which checks what it would store. */
class Receiver {
  readonly #heads: Map<LogId, SignedHead>
  readonly #unsigned = new Map<LogId, Head>()
  readonly #rows = new RowStore(new MemoryStore(), new HybridClock(new VirtualClock()), () => {})
  readonly #isCareless: boolean
  readonly #sideChannel: SideChannelReceiver
  readonly #outcome: Outcome

  /** For the control: a receiver that does not verify signatures. */
  constructor(heads: ReadonlyMap<LogId, SignedHead>, isCareless: boolean, outcome: Outcome) {
    this.#outcome = outcome
    this.#heads = new Map(heads)
    this.#isCareless = isCareless
    this.#sideChannel = new SideChannelReceiver(isCareless)
  }

  /** Whether the connection is still open. */
  perform(session: ScuttleupSession | PeerSession, effects: readonly Effect[]): boolean {
    for (const effect of effects) {
      if (effect.kind === 'rejected') this.#outcome.reasons.add(`rejected: ${effect.reason.kind}`)
      if (effect.kind === 'close') this.#outcome.reasons.add(effect.reason)
      if (effect.kind === 'close') return false
      if (effect.kind === 'side-channel' && !this.#sideChannel.receive(effect.body)) {
        this.#outcome.reasons.add(
          PRESENCE_TYPES.includes(effect.body[0] ?? 0) ? 'a malformed presence frame' : 'contacts that are none',
        )
        return false
      }
      if (effect.kind === 'fork') this.#accused(effect.segments)
      const refusal =
        effect.kind === 'segments'
          ? this.#signed(effect.author, effect.runs)
          : effect.kind === 'entries'
            ? this.#loose(effect.run)
            : undefined
      if (refusal === undefined) continue
      const { author, reason } = refusal
      this.#outcome.reasons.add(`rejected: ${reason.kind}`)
      if (session.refused(author, reason).some(({ kind }) => kind === 'close')) return false
    }
    return true
  }

  /** Alice and bob are honest: no proof of a fork may verify. */
  #accused(segments: Extract<Effect, { kind: 'fork' }>['segments']): void {
    assert.equal(
      proofFrom({ room: LOBBY_ID, key: segments[0].key, run: segments[0].run }, ...segments),
      undefined,
      'an honest author is accused',
    )
    this.#outcome.proofs++
  }

  #signed(author: LogId, runs: readonly SignedRun[]): { author: LogId; reason: Rejection } | undefined {
    const key = keyOf(author)
    assert.ok(key)
    const head = this.#heads.get(author)
    const plan = planSigned({ room: LOBBY_ID, key, run: runOf(author) }, head, runs)
    assert.equal(plan.fork, undefined, 'an honest author is accused')
    if (this.#isCareless)
      for (const { first, entries } of runs)
        if (first === (head?.seq ?? 0) + 1)
          this.#store(author, { first, entries: entries.flatMap(packed => contentOf(packed)?.entry ?? []) })
    for (const { seq, entry } of plan.entries) this.#store(author, { first: seq, entries: [entry] })
    if (plan.head !== undefined) this.#heads.set(author, plan.head)
    return plan.fault === undefined ? undefined : { author, reason: plan.fault }
  }

  #store(author: LogId, { first, entries }: Pick<SignedRun, 'first' | 'entries'>): void {
    entries.forEach((entry, index) => {
      const said = TRUE.get(author)?.entries[first + index - 1]
      assert.ok(said !== undefined && Buffer.compare(said, entry) === 0, `entry ${first + index} was never said`)
      this.#outcome.stored++
    })
  }

  #loose({ author, first, entries }: Extract<Effect, { kind: 'entries' }>['run']) {
    const head = this.#unsigned.get(author)
    const skip = (head?.seq ?? 0) + 1 - first
    if (skip < 0) return { author, reason: { kind: 'gap', missing: first + skip, before: first } as const }
    const plan = this.#rows.plan(author, head, entries.slice(skip))
    for (const { entry } of plan.entries) assert.ok(entry.length <= ENTRY_BYTES_MAX && decodeEntry(entry) !== undefined)
    if (plan.head !== undefined) this.#unsigned.set(author, plan.head)
    return plan.fault === undefined ? undefined : { author, reason: plan.fault }
  }
}

/** How many entries were stored, and every reason of a rejection. */
export interface Outcome {
  stored: number
  /** How many false fork proofs were sent. */
  proofs: number
  readonly reasons: Set<string>
}

/** Most frames that one session gets. */
const TURNS = 40

/** Sends mutated frames to one session after the other, each until it closes. Throws at the first fault. */
function fuzz(
  { frames, seed, isCareless = false }: FuzzOptions,
  open: () => ScuttleupSession | PeerSession,
  next: (chance: Chance, index: number) => Uint8Array,
): Outcome {
  const chance = chanceOf(seed)
  const outcome: Outcome = { stored: 0, proofs: 0, reasons: new Set() }
  let sent = 0
  while (sent < frames) {
    const session = open()
    const receiver = new Receiver(pick(chance, HEADS), isCareless, outcome)
    for (let turn = 0, isOpen = true; isOpen && turn < TURNS && sent < frames; turn++) {
      const bytes = next(chance, sent)
      sent++
      try {
        const cut = chance(4) === 0 ? chance(bytes.length) : bytes.length
        isOpen =
          receiver.perform(session, session.receive(bytes.subarray(0, cut))) &&
          receiver.perform(session, session.receive(bytes.subarray(cut)))
      } catch (cause) {
        const { message } = cause as Error
        throw new Error(`${message}, seed ${seed}, frame ${sent}: ${hex(bytes).slice(0, 2_000)}`, { cause })
      }
    }
  }
  return outcome
}

export interface FuzzOptions {
  readonly frames: number
  readonly seed: number
  /** For the control: a receiver that does not verify signatures. */
  readonly isCareless?: boolean
}

/** Native frames: every shape in turn. */
export const fuzzNative = (options: FuzzOptions): Outcome =>
  fuzz(
    options,
    () => new PeerSession(log => log === logOfKey(LOBBY_ID), []),
    (chance, index) => nativeFrame(chance, NATIVE_SHAPES[index % NATIVE_SHAPES.length]),
  )

/** Signed entries, as a scuttleup peer relays them. */
export const fuzzRelayed = (options: FuzzOptions): Outcome =>
  fuzz(
    options,
    () => {
      const session = new ScuttleupSession({ id: logOfKey(carol.publicKey), head: [], mode: 'sync' })
      session.receive(frame(encodeHandshake({ id: 'scuttleup', head: [], mode: 'sync' })))
      return session
    },
    scuttleupFrame,
  )
