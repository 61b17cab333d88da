import assert from 'node:assert/strict'
import test from 'node:test'
import { concat, utf8, varint } from '../../src/base/wire/bytes.js'
import { FRAME_BYTES_MAX, frame } from '../../src/base/wire/frames.js'
import { BUFFERED_CONNECTION_BYTES_MAX } from '../../src/compat/scuttleup/limits.js'
import { decodeHandshake, encodeHandshake, type Mode } from '../../src/compat/scuttleup/scuttleup-codec.js'
import { ScuttleupSession } from '../../src/compat/scuttleup/scuttleup-session.js'
import type { LogId, Seq } from '../../src/log/format/author.js'
import { type Entry, toProjected } from '../../src/log/format/entry.js'
import { EARLIEST } from '../../src/log/format/hybrid-clock.js'
import { packEntry } from '../../src/log/format/packed.js'
import { decodeUnsignedEntry, encodeUnsignedEntry } from '../../src/log/format/unsigned-entry.js'
import type { Effect } from '../../src/sync/effects.js'
import { REJECTED_LOGS_MAX } from '../../src/sync/limits.js'

const [alice, bob, carol] = ['alice', 'bob', 'carol'] as [LogId, LogId, LogId]
const dave = 'd'.repeat(64) as LogId // a key
const SIGNATURE = Buffer.alloc(64, 7)

const bytesOf = (n: number): Uint8Array => utf8(JSON.stringify({ username: 'x', message: `line ${n}` }))
const change = (id: string, seq: Seq): Uint8Array => frame(encodeUnsignedEntry({ id, seq, entry: bytesOf(seq) }))
const changes = (id: string, from: Seq, to: Seq): Uint8Array =>
  concat(Array.from({ length: to - from }, (_, i) => change(id, from + i)))
const hello = (head: readonly { id: string; seq: Seq }[] = [], mode: Mode = 'sync', id = 'bob'): Uint8Array =>
  frame(encodeHandshake({ id, head, mode }))
const entries = (author: LogId, from: Seq, to: Seq): Entry[] =>
  Array.from({ length: to - from }, (_, i) => ({ author, seq: from + i, at: EARLIEST, entry: bytesOf(from + i) }))

const setUp = (mode: Mode = 'sync'): ScuttleupSession =>
  new ScuttleupSession({ id: alice, head: [{ author: alice, seq: 3 }], mode })

/** A session that has received the other side's handshake. */
function opened(head: readonly { id: string; seq: Seq }[] = []): ScuttleupSession {
  const session = setUp()
  session.receive(hello(head))
  return session
}

/** Effects in short: entries as `bob 1-3`. */
const summaryOf = (effects: readonly Effect[]): string[] =>
  effects.map(effect => {
    switch (effect.kind) {
      case 'entries':
        return `${effect.run.author} ${effect.run.first}-${effect.run.first + effect.run.entries.length - 1}`
      case 'segments':
        return effect.runs.map(run => `signed ${run.first}-${run.first + run.entries.length - 1}`).join(' ')
      case 'rejected':
        return `rejected ${effect.author}: ${effect.reason.kind}`
      case 'close':
        return `close: ${effect.reason}`
      default:
        return effect.kind
    }
  })

/** The entries in frames: `bob 1`. */
function sent(bytes: Uint8Array | undefined): string[] {
  const lines: string[] = []
  let rest = Buffer.from(bytes ?? [])
  while (rest.length > 0) {
    const length = rest.readUInt8() < 0x80 ? rest.readUInt8() : (rest.readUInt8() & 0x7f) + rest.readUInt8(1) * 0x80
    const start = rest.readUInt8() < 0x80 ? 1 : 2
    const read = decodeUnsignedEntry(rest.subarray(start, start + length))
    assert.ok(read)
    lines.push(`${read.id} ${read.seq}`)
    rest = rest.subarray(start + length)
  }
  return lines
}

test('starts with a handshake that states the heads', () => {
  for (const mode of ['sync', 'push', 'pull'] as const) {
    const start = setUp(mode).start()
    assert.deepEqual(decodeHandshake(start.subarray(1)), { id: alice, head: [{ id: alice, seq: 3 }], mode })
  }
})

test('decides by both modes who sends', () => {
  const table: [ours: Mode, theirs: Mode, what: string][] = [
    ['sync', 'sync', 'serve'],
    ['sync', 'push', 'end'],
    ['sync', 'pull', 'serve'],
    ['push', 'sync', 'serve'],
    ['push', 'push', 'end'],
    ['push', 'pull', 'serve'],
    ['pull', 'sync', 'end'],
    ['pull', 'push', 'end'],
    ['pull', 'pull', 'end'],
  ]
  for (const [ours, theirs, what] of table) {
    assert.deepEqual(summaryOf(setUp(ours).receive(hello([], theirs))), [what], `${ours} with ${theirs}`)
  }
})

test('reports the heads of the other side without malformed ids', () => {
  const head = [alice, '__proto__', bob, 'constructor', 'a\u00ffb', dave, ''].map((id, i) => ({ id, seq: i + 1 }))
  assert.deepEqual(setUp().receive(hello(head)), [
    {
      kind: 'serve',
      since: [
        { author: alice, seq: 1 },
        { author: bob, seq: 3 },
        { author: dave, seq: 6 },
      ],
    },
  ])
  assert.equal(Reflect.get({}, 'seq'), undefined)
})

test('joins consecutive entries of one author into one effect', () => {
  const session = opened()
  const bytes = concat([changes(bob, 1, 4), Buffer.of(0, 0), changes(bob, 4, 6), changes(carol, 1, 3), change(bob, 6)])
  assert.deepEqual(summaryOf(session.receive(bytes)), ['bob 1-5', 'carol 1-2', 'bob 6-6'])
})

test('reads handshake and entries in one piece or byte by byte', () => {
  const bytes = concat([hello(), changes(bob, 1, 4)])
  assert.deepEqual(summaryOf(setUp().receive(bytes)), ['serve', 'bob 1-3'])
  const session = setUp()
  const effects = [...bytes].flatMap(byte => session.receive(Uint8Array.of(byte)))
  assert.deepEqual(summaryOf(effects), ['serve', 'bob 1-1', 'bob 2-2', 'bob 3-3'])
})

test('leaves gaps and repetitions to the log', () => {
  const session = opened()
  const bytes = concat([change(bob, 1), change(bob, 3), change(bob, 3), change(bob, 2)])
  assert.deepEqual(summaryOf(session.receive(bytes)), ['bob 1-1', 'bob 3-3', 'bob 3-3', 'bob 2-2'])
})

test('sends each entry once, and not to a peer that has it', () => {
  const session = opened([{ id: bob, seq: 2 }])
  assert.deepEqual(sent(session.encode(entries(bob, 1, 5))), ['bob 3', 'bob 4'])
  assert.equal(session.encode(entries(bob, 1, 5)), undefined)
  session.receive(changes(carol, 1, 4))
  assert.deepEqual(sent(session.encode(entries(carol, 1, 6))), ['carol 4', 'carol 5'])
})

test('sends an entry as it is stored', () => {
  const [stored] = entries(bob, 1, 2)
  assert.ok(stored)
  const bytes = opened().encode([stored])
  assert.deepEqual(bytes && Buffer.from(bytes), Buffer.from(change(bob, 1)))
})

test('reports a rejection of an author once and ignores their later entries', () => {
  const session = opened()
  assert.deepEqual(summaryOf(session.refused(bob, { kind: 'contradicts-log' })), ['rejected bob: contradicts-log'])
  assert.deepEqual(session.refused(bob, { kind: 'contradicts-log' }), [])
  assert.deepEqual(summaryOf(session.receive(concat([changes(bob, 5, 9), change(carol, 1)]))), ['carol 1-1'])
})

test('reports a malformed id once and keeps the connection', () => {
  const session = opened()
  const effects = session.receive(
    concat([
      change(bob, 1),
      changes('__proto__', 1, 3),
      change('constructor', 1),
      change('a\u00ffb', 1),
      change(bob, 2),
    ]),
  )
  assert.deepEqual(summaryOf(effects), [
    'bob 1-1',
    ...['__proto__', 'constructor', 'a\u00ffb'].map(id => `rejected ${id}: malformed-author`),
    'bob 2-2',
  ])
  assert.equal(Reflect.get({}, 'entry'), undefined)
  assert.deepEqual(Object.keys(Object.prototype), [])
})

test('closes the connection for malformed frames, with the reason, after what came before', () => {
  const table: [what: string, bytes: Uint8Array, reason: RegExp][] = [
    ['a frame over the limit', varint(FRAME_BYTES_MAX + 1), /frame-too-long/],
    ['5 GiB', varint(5 * 1024 ** 3), /frame-too-long/],
    ['a prefix without end', Buffer.alloc(10, 0x80), /frame-too-long/],
    ['a malformed entry', frame(utf8('hello')), /malformed-entry/],
    [
      'an entry of over 16 KiB',
      frame(encodeUnsignedEntry({ id: bob, seq: 2, entry: Buffer.alloc(17_000) })),
      /malformed-entry/,
    ],
    ['a place of 0', change(bob, 0), /malformed-entry/],
    ['a second handshake', hello(), /malformed-entry/],
  ]
  for (const [what, bytes, reason] of table) {
    const session = opened()
    const [first, close, ...rest] = summaryOf(session.receive(concat([change(bob, 1), bytes, change(bob, 2)])))
    assert.deepEqual([first, rest], ['bob 1-1', []], what)
    assert.match(close ?? '', reason, what)
    assert.deepEqual(session.receive(change(bob, 3)), [], 'nothing is read any more')
  }
})

test('closes the connection for a malformed beginning', () => {
  const heads = Array.from({ length: 3_000 }, (_, i) => ({ id: `a${i}`, seq: 1 }))
  const table: [what: string, bytes: Uint8Array, reason: RegExp][] = [
    ['an entry', change(bob, 1), /malformed-handshake/],
    [
      'a request for a web page',
      utf8(`GET / HTTP/1.1\r\nHost: localhost\r\n${'x'.repeat(100)}`),
      /malformed-handshake/,
    ],
    ['more heads than allowed', hello(heads), /too-many-heads/],
    ['a frame over the limit', varint(FRAME_BYTES_MAX + 1), /frame-too-long/],
  ]
  for (const [what, bytes, reason] of table) {
    const [close, ...rest] = summaryOf(setUp().receive(bytes))
    assert.match(close ?? '', /^close: /, what)
    assert.match(close ?? '', reason, what)
    assert.deepEqual(rest, [], what)
  }
})

test('closes the connection after too many malformed ids', () => {
  const session = opened()
  const effects = Array.from({ length: REJECTED_LOGS_MAX + 5 }, (_, i) =>
    session.receive(change(`no id ${i}`, 1)),
  ).flat()
  assert.equal(effects.length, REJECTED_LOGS_MAX + 1)
  assert.deepEqual(summaryOf(effects.slice(-1)), ['close: too-many-rejected-authors'])
})

test('reports what arrived before it closes the connection', () => {
  const session = opened()
  for (let i = 0; i < REJECTED_LOGS_MAX; i++) session.receive(change(`no id ${i}`, 1))
  assert.deepEqual(summaryOf(session.receive(concat([change(bob, 1), change('one too many', 1), change(bob, 2)]))), [
    'bob 1-1',
    'close: too-many-rejected-authors',
  ])
})

const SALT = Buffer.alloc(8, 7)
const entryBytes = (seq: Seq): Buffer => Buffer.from(bytesOf(seq))
const salted = (id: string, seq: Seq, entry = entryBytes(seq)): Uint8Array =>
  frame(encodeUnsignedEntry({ id, seq, entry: toProjected({ entry, salt: SALT }) }))
const allSalted = (id: string, from: Seq, to: Seq): Uint8Array =>
  concat(Array.from({ length: to - from }, (_, i) => salted(id, from + i)))
const signed = (id: string, seq: Seq): Uint8Array =>
  frame(
    encodeUnsignedEntry({ id, seq, entry: toProjected({ entry: entryBytes(seq), salt: SALT, signature: SIGNATURE }) }),
  )

test('buffers entries of a signed author until a signature covers them', () => {
  const session = opened()
  assert.deepEqual(session.receive(allSalted(dave, 1, 3)), [])
  const effects = session.receive(concat([signed(dave, 3), signed(dave, 4), salted(dave, 5)]))
  assert.deepEqual(summaryOf(effects), ['signed 1-3 signed 4-4'])
  const [effect] = effects
  assert.ok(effect?.kind === 'segments')
  assert.equal(effect.author, dave)
  assert.deepEqual(
    effect.runs.map(({ entries, signature }) => [entries.map(entry => Buffer.from(entry)), Buffer.from(signature)]),
    [
      [[1, 2, 3].map(n => packEntry(SALT, entryBytes(n))), SIGNATURE],
      [[packEntry(SALT, entryBytes(4))], SIGNATURE],
    ],
  )
})

test('drops buffered entries that the next one does not continue', () => {
  const session = opened()
  session.receive(allSalted(dave, 1, 3))
  assert.deepEqual(summaryOf(session.receive(concat([salted(dave, 4), signed(dave, 5)]))), ['signed 4-5'])
})

test('drops and ignores an author with too many entries without a signature', () => {
  const session = opened()
  const entry = Buffer.alloc(16_000, 0x7d)
  const effects: Effect[] = []
  for (let seq = 1; seq <= 20; seq++) effects.push(...session.receive(salted(dave, seq, entry)))
  assert.deepEqual(summaryOf(effects), [`rejected ${dave}: unsigned-entries`])
  assert.deepEqual(session.receive(signed(dave, 21)), [])
})

test('bounds the buffer of a connection, even for empty entries', () => {
  for (const size of [1, 2, 8 * 1024]) {
    const session = opened()
    let count = 0
    for (; count < 100_000; count++) {
      const id = count.toString(16).padStart(64, '0')
      const effects = session.receive(salted(id, 1, Buffer.alloc(size, 0x7d)))
      if (effects.some(({ kind }) => kind === 'close')) break
    }
    assert.ok(
      count < REJECTED_LOGS_MAX + BUFFERED_CONNECTION_BYTES_MAX / 64,
      `${count} authors of ${size} bytes each were kept`,
    )
  }
})

test('bounds the buffer of an author, even for empty entries', () => {
  const session = opened()
  for (let seq = 1; seq <= BUFFERED_CONNECTION_BYTES_MAX / 64; seq++) {
    const effects = session.receive(salted(dave, seq, Buffer.from('}')))
    if (effects.length > 0) return
  }
  assert.fail('all were kept')
})

test('copies buffered entries out of the received bytes', () => {
  const session = opened()
  const chunk = concat([salted(dave, 1), Buffer.alloc(60_000)])
  session.receive(chunk)
  const [effect] = session.receive(signed(dave, 2))
  assert.ok(effect?.kind === 'segments')
  assert.notEqual(effect.runs[0]?.entries[0]?.buffer, chunk.buffer)
})
