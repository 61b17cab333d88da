// Valid messages of scuttleup's protocol, mutated field by field, sent to the session that a stranger talks to.

import { concat, EMPTY, utf8, varint } from '../../src/base/wire/bytes.js'
import { FRAME_BYTES_MAX, frame } from '../../src/base/wire/frames.js'
import { RowStore } from '../../src/compat/scuttleup/row-store.js'
import { ScuttleupSession } from '../../src/compat/scuttleup/scuttleup-session.js'
import type { LogId, Seq } from '../../src/log/format/author.js'
import { claimedHlc, decodeEntry, fromProjected } from '../../src/log/format/entry.js'
import { HybridClock } from '../../src/log/format/hybrid-clock.js'
import type { Rejection } from '../../src/log/format/log-fault.js'
import { ENTRY_BYTES_MAX, SEQ_MAX, SIGNATURE_MEMBERS_BYTES } from '../../src/log/limits.js'
import type { Effect } from '../../src/sync/effects.js'
import { HEADS_MAX } from '../../src/sync/limits.js'
import { chance as numbers } from '../long/chance.js'
import { MemoryStore } from './memory-store.js'
import { VirtualClock } from './virtual-clock.js'

/** Connections that are open at the same time: their memory together is bounded. */
export const OPEN_SESSIONS = 64

class Chance {
  readonly #random: () => number

  constructor(seed: number) {
    this.#random = numbers(seed)
  }

  /** A whole number below `end`. */
  below(end: number): number {
    return Math.floor(this.#random() * end)
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256))
  }
}

// Every field of every message is mutated in each of these ways.

const MUTATIONS = ['value', 'drop', 'twice', 'wire', 'number', 'length', 'bits', 'cut', 'insert'] as const
const FIELDS = {
  handshake: ['id', 'head', 'head.id', 'head.seq', 'mode'],
  change: ['id', 'seq', 'entry', 'entry.at', 'entry.username', 'entry.message', 'entry.salt', 'entry.sig'],
  frame: ['prefix'],
} as const

type Mutation = (typeof MUTATIONS)[number]
type Message = keyof typeof FIELDS
interface Shape {
  readonly message: Message
  readonly field: string
  readonly mutation: Mutation
}

export const SHAPES: readonly Shape[] = (['handshake', 'change', 'frame'] as const).flatMap(message =>
  FIELDS[message].flatMap(field => MUTATIONS.map(mutation => ({ message, field, mutation }))),
)

const HEX_ID = 'ab'.repeat(32)
const IDS = ['bob', 'carol', 'cixq1k2p30000abcd1234efgh', HEX_ID]
const NASTY_IDS: readonly Uint8Array[] = [
  ...[
    '',
    '__proto__',
    'constructor',
    'toString',
    'a\u00ffb',
    '\u00ff',
    'x'.repeat(64),
    'x'.repeat(65),
    'x'.repeat(74),
    'x'.repeat(5_000),
  ],
  ...[
    HEX_ID,
    `${HEX_ID}.0100abcd`,
    `${HEX_ID}.00000000`,
    HEX_ID.toUpperCase(),
    '👩',
    'a b',
    '\u001b[2J',
    '../../etc',
    'a\n',
  ],
].map(utf8)
const NASTY_NUMBERS: readonly Uint8Array[] = [
  ...[0, 1, 2, 3, 4, 127, 128, SEQ_MAX - 1, SEQ_MAX, SEQ_MAX + 1, Number.MAX_SAFE_INTEGER].map(varint),
  Buffer.from('ffffffffffffffffff01', 'hex'),
  Buffer.from('80808080808080808000', 'hex'),
  Buffer.alloc(12, 0x80),
  Buffer.from('8000', 'hex'),
  EMPTY,
]
const NASTY_LENGTHS = [
  0,
  1,
  127,
  128,
  ENTRY_BYTES_MAX,
  FRAME_BYTES_MAX,
  FRAME_BYTES_MAX + 1,
  5 * 1024 ** 3,
  2 ** 53 - 1,
]
const NASTY_VALUES = ['null', '7', 'true', '{}', '[]', '"\\u0000\\u202e"', '"__proto__"', '{"toString":"x"}', '"', '']
const SIZES = [0, 1, 100, ENTRY_BYTES_MAX - 100, ENTRY_BYTES_MAX, ENTRY_BYTES_MAX + 200, 40_000]

interface Part {
  readonly number: number
  readonly wire: number
  /** The bytes of a varint, or the content of a delimited field. */
  readonly value: Uint8Array
}

const DELIMITED = 2
const text = (number: number, value: string): Part => ({ number, wire: DELIMITED, value: utf8(value) })
const whole = (number: number, value: number): Part => ({ number, wire: 0, value: varint(value) })

const encodePart = ({ number, wire, value }: Part): Uint8Array =>
  concat([varint(number * 8 + wire), wire === DELIMITED ? varint(value.length) : EMPTY, value])
const encode = (parts: readonly Part[]): Uint8Array => concat(parts.map(encodePart))

function digest(chance: Chance): Part[] {
  return [text(1, chance.of(IDS)), whole(2, 1 + chance.below(1_000))]
}

function handshake(chance: Chance): Part[] {
  const count = chance.below(2_000) === 0 ? HEADS_MAX + chance.below(2) : chance.below(4)
  const heads = Array.from(
    { length: count },
    (): Part => ({ number: 2, wire: DELIMITED, value: encode(digest(chance)) }),
  )
  return [text(1, chance.of(IDS)), ...heads, whole(3, 1 + chance.below(3))]
}

type Members = [name: string, json: string][]

function members(chance: Chance): Members {
  const all: Members = [
    ['at', `"18000000000${String(chance.below(100)).padStart(2, '0')}.0000"`],
    ['username', '"alice"'],
    ['message', '"hello"'],
  ]
  if (chance.below(2) === 0) all.push(['salt', '"AAAAAAAAAAA"'])
  if (chance.below(3) === 0) all.push(['sig', `"${'A'.repeat(86)}"`])
  return all
}

const json = (members: Members): Uint8Array =>
  utf8(`{${members.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`)

function change(chance: Chance, seq: Seq, entry = json(members(chance))): Part[] {
  return [text(1, chance.of(IDS)), whole(2, seq), { number: 3, wire: DELIMITED, value: entry }]
}

/** A hostile value for a field. */
function nasty(chance: Chance, field: string, present: Uint8Array): Uint8Array {
  if (chance.below(4) === 0) return scrambled(chance, present, 'bits')
  switch (field) {
    case 'id':
    case 'head.id':
      return chance.below(4) === 0 ? chance.bytes(chance.below(8)) : chance.of(NASTY_IDS)
    case 'seq':
    case 'head.seq':
    case 'mode':
      return chance.of(NASTY_NUMBERS)
    default:
      return chance.below(8) === 0 ? Buffer.alloc(chance.of(SIZES), 0x20) : chance.bytes(chance.below(20))
  }
}

function scrambled(chance: Chance, bytes: Uint8Array, how: 'bits' | 'cut' | 'insert'): Uint8Array {
  const place = chance.below(bytes.length + 1)
  if (how === 'cut') return bytes.subarray(0, place)
  if (how === 'insert') {
    return concat([bytes.subarray(0, place), chance.bytes(1 + chance.below(4)), bytes.subarray(place)])
  }
  const changed = Uint8Array.from(bytes)
  for (let i = chance.below(4); i >= 0; i--) {
    const at = chance.below(changed.length)
    if (changed.length > 0) changed[at] = (changed[at] ?? 0) ^ (1 << chance.below(8))
  }
  return changed
}

/** The bytes of a message with one mutated field. */
function mutated(chance: Chance, parts: readonly Part[], number: number, field: string, how: Mutation): Uint8Array {
  const index = parts.findIndex(part => part.number === number)
  const part = parts[index]
  if (part === undefined) return encode(parts)
  const before = encode(parts.slice(0, index))
  const rest = encode(parts.slice(index + 1))
  const around = (bytes: Uint8Array): Uint8Array => concat([before, bytes, rest])
  switch (how) {
    case 'value':
      return around(encodePart({ ...part, value: nasty(chance, field, part.value) }))
    case 'drop':
      return around(EMPTY)
    case 'twice':
      return around(concat([encodePart(part), encodePart({ ...part, value: nasty(chance, field, part.value) })]))
    case 'wire':
      return around(encodePart({ ...part, wire: chance.below(8) }))
    case 'number':
      return around(encodePart({ ...part, number: chance.of([0, 1, 2, 3, 4, 15, 16, 2 ** 28]) }))
    case 'length': {
      const length = chance.below(2) === 0 ? part.value.length + chance.below(3) - 1 : chance.of(NASTY_LENGTHS)
      return around(concat([varint(part.number * 8 + DELIMITED), varint(Math.max(0, length)), part.value]))
    }
    default:
      return around(scrambled(chance, encodePart(part), how))
  }
}

function mutatedEntry(chance: Chance, name: string, how: Mutation): Uint8Array {
  const all = members(chance)
  const index = all.findIndex(([own]) => own === name)
  const value = chance.below(8) === 0 ? `"${'x'.repeat(chance.of(SIZES))}"` : chance.of(NASTY_VALUES)
  switch (how) {
    case 'value':
    case 'length':
      return json(all.with(Math.max(0, index), [name, value]))
    case 'drop':
      return json(all.filter(([own]) => own !== name))
    case 'twice':
      return json([...all, [name, value]])
    case 'wire':
      return json([...all, ['__proto__', `{"${name}":${value || '1'}}`]])
    case 'number':
      return json([[chance.of(['1', '__proto__', 'constructor', 'toString']), value || '1'], ...all])
    default:
      return scrambled(chance, json(all), how)
  }
}

/** A frame in which the field of `shape` is mutated. */
function mutatedFrame(chance: Chance, { message, field, mutation }: Shape, seq: Seq): Uint8Array {
  if (message === 'frame') {
    const body = encode(change(chance, seq))
    const prefix =
      mutation === 'bits' || mutation === 'insert' ? scrambled(chance, varint(body.length), mutation) : EMPTY
    const length = mutation === 'value' ? chance.of(NASTY_LENGTHS) : body.length + chance.below(5) - 2
    return concat([prefix.length > 0 ? prefix : varint(Math.max(0, length)), body])
  }
  if (message === 'handshake') {
    const parts = handshake(chance)
    const number = { id: 1, head: 2, 'head.id': 2, 'head.seq': 2, mode: 3 }[field] ?? 1
    if (!field.startsWith('head.')) return frame(mutated(chance, parts, number, field, mutation))
    const value = mutated(chance, digest(chance), field === 'head.id' ? 1 : 2, field, mutation)
    return frame(encode([...parts, { number: 2, wire: DELIMITED, value }]))
  }
  const [, member] = field.split('.')
  if (member !== undefined) return frame(encode(change(chance, seq, mutatedEntry(chance, member, mutation))))
  return frame(mutated(chance, change(chance, seq), { id: 1, seq: 2, entry: 3 }[field] ?? 1, field, mutation))
}

// The receivers, and the rules that they must keep.

export interface Receiver {
  receive(bytes: Uint8Array): Effect[]
  refused(author: LogId, reason: Rejection): Effect[]
}

export const OBJECT_PROTOTYPE = Object.getOwnPropertyNames(Object.prototype)
export const ENTRY_MOST = ENTRY_BYTES_MAX + SIGNATURE_MEMBERS_BYTES

export const isUnsigned = (id: string): boolean =>
  /^[A-Za-z0-9_-]{1,64}$/.test(id) && !/^[0-9A-Fa-f]{64}$/.test(id) && !OBJECT_PROTOTYPE.includes(id)
const isKey = (id: string): boolean => /^[0-9a-f]{64}(\.(?!0{8})[0-9a-f]{8})?$/.test(id)

/** The fault of a run of entries, if any. */
function faultOfRun(first: Seq, entries: readonly Uint8Array[]): string | undefined {
  if (!Number.isInteger(first) || first < 1 || first + entries.length - 1 > SEQ_MAX) return 'a place that cannot be'
  if (entries.length === 0) return 'a run of nothing'
  return entries.some(({ length }) => length > ENTRY_MOST) ? 'an entry over the limit' : undefined
}

function faultOf(effect: Effect): string | undefined {
  switch (effect.kind) {
    case 'entries':
      if (!isUnsigned(effect.run.author)) return `an author that cannot be: ${effect.run.author}`
      return faultOfRun(effect.run.first, effect.run.entries)
    case 'segments':
      if (!isKey(effect.author)) return `a key that cannot be: ${effect.author}`
      if (effect.runs.some(({ signature }) => signature.length !== 64)) return 'a signature that is none'
      return effect.runs.map(({ first, entries }) => faultOfRun(first, entries)).find(fault => fault !== undefined)
    case 'serve':
    case 'end':
      if (effect.since.length > HEADS_MAX) return 'more heads than the limit'
      if (!effect.since.every(({ author }) => isUnsigned(author) || isKey(author))) return 'a head of nobody'
      return effect.since.every(({ seq }) => seq >= 0 && seq <= SEQ_MAX) ? undefined : 'a head that cannot be'
    case 'rejected':
      return effect.author.length > 64 ? 'an author without end' : undefined
    case 'close':
      return undefined
    default:
      return `an effect that scuttleup's protocol does not have: ${effect.kind}`
  }
}

const sizeOf = (effect: Effect): number => {
  const entries =
    effect.kind === 'entries'
      ? effect.run.entries
      : effect.kind === 'segments'
        ? effect.runs.flatMap(run => run.entries)
        : []
  return entries.reduce((sum, { length }) => sum + length, 0)
}

/** The rule that a log violates if it accepts these entries, if any. */
function faultOfPlan(logs: RowStore, author: LogId, entries: readonly Uint8Array[]): string | undefined {
  for (const entry of entries) {
    decodeEntry(entry)
    claimedHlc(entry)
    fromProjected(entry)
  }
  let last = ''
  for (const { at, entry } of logs.plan(author, undefined, entries).entries) {
    if (entry.length > ENTRY_BYTES_MAX) return 'an entry over the limit was planned'
    if (at <= last) return 'a clock that does not advance'
    last = at
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(entry))
    const hasText = (name: string) =>
      typeof value === 'object' &&
      value !== null &&
      Object.hasOwn(value, name) &&
      typeof Reflect.get(value, name) === 'string'
    if (!hasText('username') || !hasText('message')) return 'what is no entry was planned'
  }
  return undefined
}

/** Cuts bytes into a few chunks, or into single bytes. */
function* chunks(chance: Chance, bytes: Uint8Array): Generator<Uint8Array> {
  const most = chance.below(50) === 0 ? 1 : Math.max(1, Math.floor(bytes.length / (1 + chance.below(4))))
  const size = most === 1 && bytes.length > 2_000 ? 500 : most
  for (let start = 0; start < bytes.length; start += size) yield Uint8Array.from(bytes.subarray(start, start + size))
}

export interface Report {
  readonly fault: string | undefined
  readonly effects: Map<Effect['kind'], number>
  readonly tried: number
}

/** Sends mutated messages to receivers until one violates a rule. */
export function fuzzScuttleup(makeReceiver: () => Receiver, seed: number, iterations: number): Report {
  const chance = new Chance(seed)
  const effects = new Map<Effect['kind'], number>()
  const logs = new RowStore(new MemoryStore(), new HybridClock(new VirtualClock()), () => {})
  const open: { receiver: Receiver; isClosed: boolean; isOpen: boolean; fed: number; offered: number; seq: Seq }[] = []
  const faulty = (fault: string, tried: number): Report => ({ fault, effects, tried })
  for (let i = 0; i < iterations; i++) {
    const shape = SHAPES[i % SHAPES.length] as Shape
    const slot = chance.below(OPEN_SESSIONS)
    const isBeginning = shape.message === 'handshake'
    const session = open[slot]
    const connection =
      session === undefined || session.isClosed || session.isOpen === isBeginning || chance.below(50) === 0
        ? { receiver: makeReceiver(), isClosed: false, isOpen: false, fed: 0, offered: 0, seq: 1 }
        : session
    open[slot] = connection
    const frames: Uint8Array[] = []
    if (!isBeginning && !connection.isOpen) frames.push(frame(encode(handshake(chance))))
    connection.isOpen = true
    if (!isBeginning && chance.below(2) === 0) frames.push(frame(encode(change(chance, connection.seq++))))
    frames.push(mutatedFrame(chance, shape, connection.seq++), frame(encode(change(chance, connection.seq++))))
    try {
      for (const chunk of chunks(chance, concat(frames))) {
        connection.fed += chunk.length
        for (const effect of connection.receiver.receive(chunk)) {
          if (connection.isClosed) return faulty('an effect after the connection was closed', i)
          effects.set(effect.kind, (effects.get(effect.kind) ?? 0) + 1)
          const fault = faultOf(effect)
          if (fault !== undefined) return faulty(fault, i)
          connection.isClosed = effect.kind === 'close'
          connection.offered += sizeOf(effect)
          if (effect.kind !== 'entries') continue
          const { author, entries } = effect.run
          const broken = faultOfPlan(logs, author, entries)
          if (broken !== undefined) return faulty(broken, i)
          if (chance.below(30) === 0) connection.receiver.refused(author, { kind: 'contradicts-log' })
        }
        if (connection.offered > connection.fed) return faulty('more bytes were passed on than arrived', i)
      }
    } catch (error) {
      return faulty(`thrown: ${error}`, i)
    }
    if (Object.getOwnPropertyNames(Object.prototype).length !== OBJECT_PROTOTYPE.length) {
      return faulty('Object.prototype was changed', i)
    }
  }
  return { fault: undefined, effects, tried: iterations }
}

/** A frame with a valid handshake. */
export const handshakeFrame = (seed: number): Uint8Array => frame(encode(handshake(new Chance(seed))))

/** The session that a stranger talks to. */
export const strangersSession = (): ScuttleupSession =>
  new ScuttleupSession({ id: 'alice' as LogId, head: [], mode: 'sync' })
