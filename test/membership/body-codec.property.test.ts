import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { concat } from '../../src/base/wire/bytes.js'
import { bytesField, textField, varintField } from '../../src/base/wire/fields.js'
import type { Body } from '../../src/membership/format/body.js'
import { decodeBody, encodeBody } from '../../src/membership/format/body-codec.js'
import { anyBody } from '../helper/membership-bodies.js'

test('decodes what it encodes', () => {
  fc.assert(
    fc.property(anyBody, body => {
      assert.deepEqual(decodeBody(encodeBody(body)), body)
    }),
    { numRuns: 500 },
  )
})

test('decodes no other bytes than it encodes, and never throws', () => {
  const changed = fc.tuple(anyBody, fc.nat(), fc.integer({ min: 1, max: 255 }), fc.constantFrom('flip', 'cut', 'grow'))
  fc.assert(
    fc.property(changed, ([body, position, mask, how]) => {
      const bytes = Buffer.from(encodeBody(body))
      const at = position % bytes.length
      if (how === 'flip') bytes[at] = (bytes[at] ?? 0) ^ mask
      const given =
        how === 'cut' ? bytes.subarray(0, at) : how === 'grow' ? concat([bytes, Uint8Array.of(mask)]) : bytes
      const decoded = decodeBody(given)
      if (decoded !== undefined) assert.deepEqual(Buffer.from(encodeBody(decoded)), Buffer.from(given))
    }),
    { numRuns: 2_000 },
  )
})

const key = new Uint8Array(32).fill(7)
const LEAVE: Body = { kind: 'leave', time: 5 }

test('rejects fields in another order, repeated, unknown, or of another kind', () => {
  const [kind, time] = [varintField(1, 4), varintField(15, 5)]
  assert.deepEqual(decodeBody(concat([kind, time])), LEAVE)
  for (const [what, parts] of [
    ['another order', [time, kind]],
    ['repeated', [kind, time, time]],
    ['unknown field', [kind, time, varintField(25, 1)]],
    ['a field of another kind', [kind, bytesField(2, key), time]],
    ['fixed-width field', [kind, time, Uint8Array.of(25 * 8 + 5, 1, 0, 0, 0, 0)]],
    ['without time', [kind]],
    ['unknown kind', [varintField(1, 10), time]],
    ['longer varint', [Uint8Array.of(8, 0x84, 0), time]],
    ['empty chat', [kind, bytesField(5, new Uint8Array(0)), time]],
    ['nothing', []],
  ] as const)
    assert.equal(decodeBody(concat(parts)), undefined, what)
})

test('rejects values beyond their limits', () => {
  const admit = { kind: 'admit', subject: 'a'.repeat(64), role: 'host', consent: 'b'.repeat(128), time: 1 } as const
  const body = (more: object): Uint8Array => encodeBody({ ...admit, ...more } as Body)
  assert.ok(decodeBody(body({ guests: 4_096 })))
  for (const [what, bytes] of [
    ['more guests', body({ guests: 4_097 })],
    ['guests of a member', body({ guests: 5, role: 'member' })],
    ['the role of the founder', body({ role: 'founder' })],
    ['25 answers', body({ answers: Array.from({ length: 25 }, (_, i) => (1000 + i).toString(16).padStart(64, '0')) })],
    ['answers in another order', body({ answers: ['2'.repeat(64), '1'.repeat(64)] })],
    ['an answer twice', body({ answers: ['1'.repeat(64), '1'.repeat(64)] })],
    ['a short key', body({ subject: 'a'.repeat(62) })],
    ['a long name', encodeBody({ kind: 'name', name: 'x'.repeat(64), time: 1 })],
    ['an empty name', encodeBody({ kind: 'name', name: '', time: 1 })],
    ['a name that is not UTF-8', concat([varintField(1, 5), bytesField(9, Uint8Array.of(0xff)), varintField(15, 1)])],
    [
      'no use',
      encodeBody({
        kind: 'invite',
        role: 'member',
        inviteKey: 'a'.repeat(64),
        findKey: 'b'.repeat(64),
        until: 1,
        uses: 0,
        time: 1,
      }),
    ],
    [
      'an erasure that ends before it begins',
      encodeBody({
        kind: 'erase',
        subject: 'a'.repeat(64) as never,
        run: 0,
        from: 2,
        to: 1,
        chain: 'c'.repeat(64),
        time: 1,
      }),
    ],
    [
      'place 0 with an id',
      encodeBody({
        kind: 'remove',
        subject: 'a'.repeat(64) as never,
        place: { term: '0'.repeat(64) as never, seq: 0, id: '1'.repeat(64) as never },
        time: 1,
      }),
    ],
    [
      'a run twice',
      encodeBody({ kind: 'leave', chat: [1, 1].map(run => ({ run, seq: 1, chain: 'c'.repeat(64) })), time: 1 }),
    ],
    [
      '257 runs',
      encodeBody({
        kind: 'leave',
        chat: Array.from({ length: 257 }, (_, run) => ({ run, seq: 1, chain: 'c'.repeat(64) })),
        time: 1,
      }),
    ],
    ['seq 0 of a run', encodeBody({ kind: 'leave', chat: [{ run: 0, seq: 0, chain: 'c'.repeat(64) }], time: 1 })],
    ['keeping everything for a time', encodeBody({ kind: 'keep', keep: { unit: 'everything', amount: 1 }, time: 1 })],
    ['keeping 0 bytes', encodeBody({ kind: 'keep', keep: { unit: 'bytes', amount: 0 }, time: 1 })],
    [
      '16 digits of a date',
      encodeBody({
        kind: 'admit',
        subject: 'a'.repeat(64) as never,
        role: 'member',
        consent: 'c'.repeat(128),
        time: 1,
        linesFrom: '1763670000123.000' as never,
      }),
    ],
    [
      'a date in letters',
      encodeBody({
        kind: 'admit',
        subject: 'a'.repeat(64) as never,
        role: 'member',
        consent: 'c'.repeat(128),
        time: 1,
        linesFrom: '1763670000123.000a' as never,
      }),
    ],
    ['more lines than a u32', encodeBody({ kind: 'history', history: 2 ** 32, time: 1 })],
    ['closed with 2', encodeBody({ kind: 'open', name: 'x', nonce: 'a'.repeat(64), closed: 2 as never, time: 1 })],
    ['a name of __proto__ type', concat([varintField(1, 5), textField(9, '__proto__')])],
  ] as const)
    assert.equal(decodeBody(bytes), undefined, what)
})

test('the longest bodies fit into their limits', () => {
  const chat = Array.from({ length: 256 }, (_, run) => ({ run, seq: 0xffff_ffff, chain: 'c'.repeat(64) }))
  const place = { term: 'a'.repeat(64) as never, seq: 65_536, id: 'b'.repeat(64) as never }
  const removal: Body = { kind: 'remove', subject: 'a'.repeat(64) as never, place, chat, time: Number.MAX_SAFE_INTEGER }
  const admission: Body = {
    kind: 'admit',
    subject: 'a'.repeat(64) as never,
    role: 'host',
    answers: Array.from({ length: 24 }, (_, i) => (1000 + i).toString(16).padStart(64, '0') as never),
    invitation: 'd'.repeat(32),
    consent: 'e'.repeat(128),
    guests: 4_096,
    time: Number.MAX_SAFE_INTEGER,
    of: 'f'.repeat(64) as never,
  }
  for (const body of [removal, admission]) assert.deepEqual(decodeBody(encodeBody(body)), body)
})
