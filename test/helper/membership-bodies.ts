import fc from 'fast-check'
import type { AuthorId } from '../../src/log/format/author.js'
import { hlcAt } from '../../src/log/format/hybrid-clock.js'
import type { Body, OperationId } from '../../src/membership/format/body.js'
import { ROLES } from '../../src/membership/format/role.js'

// Random bodies of operations, the largest and smallest values included.

const hex = (bytes: number): fc.Arbitrary<string> =>
  fc
    .oneof(
      { weight: 9, arbitrary: fc.uint8Array({ minLength: bytes, maxLength: bytes }) },
      { weight: 1, arbitrary: fc.constantFrom(0, 0xff).map(byte => new Uint8Array(bytes).fill(byte)) },
    )
    .map(value => Buffer.from(value).toString('hex'))
const id = hex(32) as fc.Arbitrary<OperationId>
const author = hex(32) as fc.Arbitrary<string> as fc.Arbitrary<AuthorId>
const time = fc.oneof(fc.nat(), fc.constantFrom(0, Number.MAX_SAFE_INTEGER))
const u32 = (min: number): fc.Arbitrary<number> =>
  fc.oneof(fc.integer({ min, max: 0xffff_ffff }), fc.constantFrom(min, min + 1, 0xffff_fffe, 0xffff_ffff))
const role = fc.constantFrom(...ROLES.slice(2)) as fc.Arbitrary<'admin' | 'host' | 'member'>
const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }).filter(text => Buffer.byteLength(text) <= 63)

const chat = fc
  .uniqueArray(fc.record({ run: u32(0), seq: u32(1), chain: hex(32) }), {
    selector: ({ run }) => run,
    minLength: 1,
    maxLength: 256,
  })
  .map(ends => ends.sort((a, b) => a.run - b.run))
const answers = fc.uniqueArray(id, { minLength: 1, maxLength: 24 }).map(ids => ids.sort())
const place = fc.oneof(
  fc.record({ term: id, seq: u32(1), id: id.filter(text => /[1-9a-f]/.test(text)) }),
  id.map(term => ({ term, seq: 0, id: '0'.repeat(64) as OperationId })),
)
const keep = fc.oneof(
  fc.record({
    unit: fc.constantFrom('milliseconds' as const, 'bytes' as const),
    amount: time.filter(amount => amount > 0),
  }),
  fc.constant({ unit: 'everything' as const, amount: 0 }),
)

const record: fc.Arbitrary<Body> = fc.oneof(
  fc.record(
    { kind: fc.constant('open' as const), name, time, nonce: hex(32), rescue: author, closed: fc.constant(1 as const) },
    { requiredKeys: ['kind', 'name', 'time', 'nonce'] },
  ),
  fc.record(
    {
      kind: fc.constant('admit' as const),
      subject: author,
      role: fc.constant('host' as const),
      consent: hex(64),
      time,
      answers,
      invitation: hex(16),
      guests: fc.integer({ min: 0, max: 4096 }),
      of: author,
      history: u32(0),
      linesFrom: fc.nat().map(ms => hlcAt(ms, ms % 10_000)),
    },
    { requiredKeys: ['kind', 'subject', 'role', 'consent', 'time'] },
  ),
  fc.record({ kind: fc.constant('admit' as const), subject: author, role, consent: hex(64), time }),
  fc.record(
    { kind: fc.constant('remove' as const), subject: author, place, time, chat },
    { requiredKeys: ['kind', 'subject', 'place', 'time'] },
  ),
  fc.record({ kind: fc.constant('leave' as const), time, chat }, { requiredKeys: ['kind', 'time'] }),
  fc.record({ kind: fc.constant('name' as const), name, time }),
  fc.record({
    kind: fc.constant('invite' as const),
    role,
    inviteKey: hex(32),
    findKey: hex(32),
    until: time,
    uses: u32(1),
    time,
  }),
  fc.record({ kind: fc.constant('revoke' as const), invitation: hex(16), time }),
  fc
    .record({ subject: author, time, run: u32(0), a: u32(1), b: u32(1), chain: hex(32) })
    .map(({ a, b, ...body }) => ({ kind: 'erase' as const, ...body, from: Math.min(a, b), to: Math.max(a, b) })),
  fc.record({ kind: fc.constant('keep' as const), time, keep }),
  fc.record({ kind: fc.constant('history' as const), time, history: u32(0) }),
)

/** Any body, as a plain object. */
export const anyBody: fc.Arbitrary<Body> = record.map(body => JSON.parse(JSON.stringify(body)))
