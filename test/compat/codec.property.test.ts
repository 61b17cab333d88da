import assert from 'node:assert/strict'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import test from 'node:test'
import fc from 'fast-check'
import { decodeHandshake, encodeHandshake, type Handshake } from '../../src/compat/scuttleup/scuttleup-codec.js'
import { decodeUnsignedEntry, encodeUnsignedEntry, type UnsignedEntry } from '../../src/log/format/unsigned-entry.js'
import { ENTRY_BYTES_MAX, SEQ_MAX, SIGNATURE_MEMBERS_BYTES } from '../../src/log/limits.js'

interface Codec {
  encode(message: object): Buffer
  decode(bytes: Uint8Array): unknown
}

/** scuttleup's own reading of its own schema. */
const original = (() => {
  const at = createRequire(import.meta.url).resolve('scuttleup')
  const compile = createRequire(at)('protocol-buffers') as (schema: Buffer) => Record<'Handshake' | 'Change', Codec>
  return compile(fs.readFileSync(path.join(path.dirname(at), 'schema.proto')))
})()

const MODES = { sync: 1, push: 2, pull: 3 }

const id = fc.oneof(
  fc.constantFrom('', 'a', '__proto__', 'x'.repeat(63), 'x'.repeat(64), 'a\u00ffb', '👩'),
  fc.string({ maxLength: 30 }),
)
const headSeq = fc.oneof(fc.constantFrom(0, 1, SEQ_MAX - 1, SEQ_MAX), fc.nat(SEQ_MAX))
const entryMost = ENTRY_BYTES_MAX + SIGNATURE_MEMBERS_BYTES
const entry = fc.oneof(
  fc.constantFrom(0, 1, 127, 128, entryMost - 1, entryMost).map(length => Buffer.alloc(length, 7)),
  fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes)),
)
const handshake: fc.Arbitrary<Handshake> = fc
  .tuple(id, fc.array(fc.tuple(id, headSeq)), fc.constantFrom('sync' as const, 'push' as const, 'pull' as const))
  .map(([id, head, mode]) => ({ id, head: head.map(([id, seq]) => ({ id, seq })), mode }))
const change: fc.Arbitrary<UnsignedEntry & { entry: Buffer }> = fc
  .tuple(id, headSeq, entry)
  .map(([id, seq, entry]) => ({ id, seq: Math.max(1, seq), entry }))

const originalHandshake = ({ id, head, mode }: Handshake) => ({
  id,
  head: head.map(({ id, seq }) => ({ peer: id, seq })),
  mode: MODES[mode],
})

test("encodes handshakes as scuttleup does, and each decodes the other's", () => {
  fc.assert(
    fc.property(handshake, handshake => {
      const bytes = encodeHandshake(handshake)
      assert.deepEqual(Buffer.from(bytes), original.Handshake.encode(originalHandshake(handshake)))
      assert.deepEqual(decodeHandshake(bytes), handshake)
      assert.deepEqual(JSON.parse(JSON.stringify(original.Handshake.decode(bytes))), originalHandshake(handshake))
    }),
    { numRuns: 500 },
  )
})

test("encodes entries as scuttleup does, and each decodes the other's", () => {
  fc.assert(
    fc.property(change, change => {
      const bytes = encodeUnsignedEntry(change)
      const { id, seq, entry } = change
      assert.deepEqual(Buffer.from(bytes), original.Change.encode({ peer: id, seq, entry }))
      const read = decodeUnsignedEntry(bytes)
      assert.deepEqual(read && { ...read, entry: Buffer.from(read.entry) }, change)
    }),
    { numRuns: 500 },
  )
})

test('decodes random bytes to a message within the limits or to nothing, and never throws', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc
      .tuple(fc.oneof(handshake.map(encodeHandshake), change.map(encodeUnsignedEntry)), fc.nat(), fc.nat(255))
      .map(([bytes, place, value]) => {
        const mutated = Buffer.from(bytes)
        if (mutated.length > 0) mutated[place % mutated.length] = value
        return mutated
      }),
  )
  fc.assert(
    fc.property(bytes, bytes => {
      for (const { seq } of decodeHandshake(bytes)?.head ?? []) assert.ok(seq >= 0 && seq <= SEQ_MAX)
      const change = decodeUnsignedEntry(bytes)
      if (change === undefined) return
      assert.ok(change.seq >= 1 && change.seq <= SEQ_MAX)
      assert.ok(change.id.length <= 64 && change.entry.length <= entryMost)
    }),
    { numRuns: 10_000 },
  )
})
