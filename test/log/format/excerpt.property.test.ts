import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { keyPairOf } from '../../../src/base/crypto/signing.js'
import { utf8 } from '../../../src/base/wire/bytes.js'
import { chainAfter, chainStart, signChain } from '../../../src/log/format/chain.js'
import { contentOf } from '../../../src/log/format/entry.js'
import { type Excerpt, encodeExcerpt, isExcerptFault, readExcerpt } from '../../../src/log/format/excerpt.js'
import { isStub, packEntry } from '../../../src/log/format/packed.js'
import type { Segment } from '../../../src/log/format/segment.js'

const KEYS = keyPairOf(new Uint8Array(32).fill(1))
const ROOM = new Uint8Array(32).fill(7)
const BEGIN = 1_763_670_000_000

const entry = (index: number, text: string): Uint8Array =>
  packEntry(
    new Uint8Array(8).fill(index % 251),
    utf8(JSON.stringify({ at: `${BEGIN + index}.0000`, username: 'alice', message: text })),
  )

/** A log of these texts, whose segments have the given lengths. */
function segmentsOf(texts: readonly string[], lengths: readonly number[], keys = KEYS, room = ROOM): Segment[] {
  const segments: Segment[] = []
  let before = chainStart({ room, key: keys.publicKey, run: 0 })
  let first = 1
  for (const length of lengths) {
    const entries = texts.slice(first - 1, first - 1 + length).map((text, index) => entry(first + index, text))
    const after = chainAfter(before, entries)
    const signature = signChain(keys, { room, run: 0 }, first + length - 1, after)
    segments.push({ key: keys.publicKey, run: 0, first, entries, before, signature })
    before = after
    first += length
  }
  return segments
}

/** The segments that contain a range. */
const covering = (segments: readonly Segment[], from: number, to: number): Segment[] =>
  segments.filter(({ first, entries }) => first <= to && first + entries.length > from)

const textsOf = (excerpt: Excerpt): string[] =>
  excerpt.entries.map(packed => {
    const content = contentOf(packed)
    return content === undefined ? '' : JSON.parse(Buffer.from(content.entry).toString()).message
  })

function read(bytes: Uint8Array): Excerpt {
  const excerpt = readExcerpt(bytes)
  assert.ok(!isExcerptFault(excerpt), JSON.stringify(excerpt))
  return excerpt
}

const TEXTS = ['one', 'two', 'three', 'four', 'five']

test('an excerpt contains the lines of its range, in order, and no other text', () =>
  fc.assert(
    fc.property(
      fc.array(fc.string(), { minLength: 1, maxLength: 30 }),
      fc.infiniteStream(fc.nat(9)),
      (texts, chance) => {
        const lengths: number[] = []
        for (let left = texts.length; left > 0; left -= lengths.at(-1) ?? 0)
          lengths.push(Math.min(left, 1 + (chance.next().value ?? 0)))
        const segments = segmentsOf(texts, lengths)
        const from = 1 + ((chance.next().value ?? 0) % texts.length)
        const to = Math.min(texts.length, from + (chance.next().value ?? 0))
        const excerpt = read(encodeExcerpt(ROOM, covering(segments, from, to), from, to))
        assert.equal(excerpt.first, from)
        assert.deepEqual(textsOf(excerpt), texts.slice(from - 1, to))
      },
    ),
  ))

test('rejects a file with any byte changed', () => {
  const bytes = encodeExcerpt(ROOM, segmentsOf(TEXTS, [2, 3]), 1, 4)
  for (let index = 0; index < bytes.length; index++)
    for (const change of [1, 2, 0x80, 0xff]) {
      const changed = Uint8Array.from(bytes)
      changed[index] = (changed[index] ?? 0) ^ change
      assert.ok(isExcerptFault(readExcerpt(changed)), `byte ${index} ^ ${change}`)
    }
  read(bytes) // control
})

test('a file that was cut or extended is rejected, or proves only the lines in it', () => {
  const bytes = encodeExcerpt(ROOM, segmentsOf(TEXTS, [2, 3]), 1, 5)
  for (let end = 0; end < bytes.length; end++) {
    const excerpt = readExcerpt(bytes.subarray(0, end))
    if (!isExcerptFault(excerpt)) assert.deepEqual(textsOf(excerpt), ['one', 'two'], `cut after ${end} bytes`)
  }
  assert.ok(isExcerptFault(readExcerpt(Buffer.concat([bytes, Buffer.from([0])]))))
  fc.assert(
    fc.property(fc.uint8Array(), junk => isExcerptFault(readExcerpt(Buffer.concat([bytes.subarray(0, 60), junk])))),
  )
})

/** Writes segments without checking them: the file may prove nothing. */
const forged = (...segments: readonly Segment[]): Uint8Array => encodeExcerpt(ROOM, segments, 1, 1_000)

test('rejects a changed, dropped, added or swapped line, and names it', () => {
  const [segment] = segmentsOf(TEXTS, [5])
  if (segment === undefined) return assert.fail()
  const { entries } = segment
  const faultOf = (changed: readonly Uint8Array[]) => {
    const fault = readExcerpt(forged({ ...segment, entries: changed }))
    return isExcerptFault(fault) ? [fault.kind, fault.first, fault.last] : 'accepted'
  }
  assert.equal(faultOf(entries), 'accepted', 'control')
  for (let index = 0; index < entries.length; index++) {
    assert.deepEqual(faultOf(entries.with(index, entry(index + 1, 'other'))), ['not-signed', 1, 5])
    assert.deepEqual(faultOf(entries.toSpliced(index, 1)), ['not-signed', 1, 4])
    const [a, b] = [entries[index], entries[index + 1]]
    if (a !== undefined && b !== undefined)
      assert.deepEqual(faultOf(entries.with(index, b).with(index + 1, a)), ['out-of-order', index + 1, index + 2])
  }
  assert.deepEqual(faultOf([...entries, entry(6, 'six')]), ['not-signed', 1, 6])
})

test('rejects segments that are left out, moved, or of another log, room or author', () => {
  const [a, b, c] = segmentsOf(TEXTS, [2, 1, 2]) as [Segment, Segment, Segment]
  const kindOf = (bytes: Uint8Array) => {
    const fault = readExcerpt(bytes)
    return isExcerptFault(fault) ? fault.kind : 'accepted'
  }
  assert.equal(kindOf(forged(a, b, c)), 'accepted', 'control')
  assert.equal(kindOf(forged(a, c)), 'gap')
  assert.equal(kindOf(forged(b, a)), 'gap')
  assert.equal(kindOf(forged(a, a)), 'gap')
  const others = segmentsOf(TEXTS, [2, 1, 2], keyPairOf(new Uint8Array(32).fill(2)))
  assert.equal(kindOf(forged(a, others[1] as Segment)), 'other-log')
  assert.equal(kindOf(forged({ ...a, key: (others[0] as Segment).key })), 'not-signed')
  const elsewhere = segmentsOf(TEXTS, [2, 1, 2], KEYS, new Uint8Array(32).fill(8))
  assert.equal(kindOf(forged(...elsewhere)), 'not-signed')
  // Two histories of one key: each segment is signed, and they do not continue each other.
  const [, fork] = segmentsOf(['other', ...TEXTS.slice(1)], [2, 1, 2])
  assert.equal(kindOf(forged(a, fork as Segment)), 'not-signed')
})

test('leaves out the places after the range that the same signature covers', () => {
  const [segment] = segmentsOf(TEXTS, [5])
  if (segment === undefined) return assert.fail()
  const stubbed = readExcerpt(encodeExcerpt(ROOM, [segment], 1, 3))
  assert.ok(!isExcerptFault(stubbed))
  assert.deepEqual(textsOf(stubbed), TEXTS.slice(0, 3), 'the places after the range are left out')
  assert.ok(!stubbed.entries.some(packed => isStub(packed)))
})

test('an excerpt of a hundred lines is smaller than 64 KiB', t => {
  const texts = Array.from({ length: 400 }, (_, index) => `line ${index} ${'x'.repeat(100)}`)
  const segments = segmentsOf(texts, [400])
  const { length } = encodeExcerpt(ROOM, segments, 101, 200)
  t.diagnostic(`${length} bytes, with 200 places after them under the same signature`)
  assert.ok(length < 64 * 1024, `${length} bytes`)
})
