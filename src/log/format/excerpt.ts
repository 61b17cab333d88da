import { ByteReader } from '../../base/wire/byte-reader.js'
import { ByteWriter } from '../../base/wire/byte-writer.js'
import { sameBytes, utf8 } from '../../base/wire/bytes.js'
import { SEGMENT_BYTES_MAX } from '../limits.js'
import type { Run, Seq } from './author.js'
import { type ChainValue, chainAfter, chainStart, isChainSigned, stubsOf } from './chain.js'
import { packedHlc } from './entry.js'
import { EARLIEST, type Hlc } from './hybrid-clock.js'
import { isStub } from './packed.js'
import { decodeSegment, encodeSegment, lastOf, type Segment } from './segment.js'

// Consecutive entries of one log in a file that anybody can verify, without the room or a network. docs/protocol/proofs.md §12.

const MAGIC = utf8('persisted-chat/proof/1\n')
const ROOM_BYTES = 32

/** Largest file that is read. */
export const EXCERPT_BYTES_MAX = 64 * 1024 * 1024
/** How many bytes `beginsExcerpt` needs. */
export const EXCERPT_START_BYTES = MAGIC.length

/** Whether a file that starts with these bytes is an excerpt. */
export const beginsExcerpt = (bytes: Uint8Array): boolean => sameBytes(bytes.subarray(0, MAGIC.length), MAGIC)

/** Consecutive entries that the author of a log signed, without gaps. */
export interface Excerpt {
  readonly room: Uint8Array
  readonly key: Uint8Array
  readonly run: Run
  readonly first: Seq
  /** Packed; stubs where the content is not in the file. */
  readonly entries: readonly Uint8Array[]
}

/** Why a file proves nothing, and the places that the fault concerns, if known. */
export type ExcerptFault = {
  readonly kind: 'not-an-excerpt' | 'malformed' | 'other-log' | 'gap' | 'out-of-order' | 'not-signed'
  readonly first?: Seq
  readonly last?: Seq
}

export const isExcerptFault = (read: Excerpt | ExcerptFault): read is ExcerptFault => 'kind' in read

/**
 * Encodes an excerpt of the entries `from` to `to`. `segments` contain all of them, in order. Entries before `from` are left out; entries
 * after `to`, up to the next signature, become stubs.
 */
export function encodeExcerpt(room: Uint8Array, segments: readonly Segment[], from: Seq, to: Seq): Uint8Array {
  const writer = new ByteWriter().bytes(MAGIC).bytes(room)
  for (const segment of segments) {
    const skipped = Math.max(0, from - segment.first)
    const kept = segment.entries.slice(skipped)
    const inside = Math.max(0, to - segment.first - skipped + 1)
    writer.sized(
      encodeSegment({
        ...segment,
        first: segment.first + skipped,
        before: chainAfter(segment.before, segment.entries.slice(0, skipped)),
        entries: [...kept.slice(0, inside), ...stubsOf(kept.slice(inside))],
      }),
    )
  }
  return writer.finish()
}

/** The entries of a file, if the author signed exactly these. Stubs at the end are left out. */
export function readExcerpt(bytes: Uint8Array): Excerpt | ExcerptFault {
  if (!beginsExcerpt(bytes)) return { kind: 'not-an-excerpt' }
  const reader = new ByteReader(bytes.subarray(MAGIC.length))
  const room = reader.bytes(ROOM_BYTES)
  const segments: Segment[] = []
  while (reader.remaining > 0) {
    const segment = decodeSegment(reader.sized(SEGMENT_BYTES_MAX))
    if (segment === undefined) return { kind: 'malformed', ...after(segments) }
    segments.push(segment)
  }
  const [start] = segments
  if (reader.isBad || start === undefined) return { kind: 'malformed', ...after(segments) }
  const { key, run, first } = start
  const fault = faultIn(room, segments)
  if (fault !== undefined) return fault
  const entries = segments.flatMap(segment => [...segment.entries])
  const last = entries.findLastIndex(entry => !isStub(entry))
  return last === -1 ? { kind: 'malformed', first } : { room, key, run, first, entries: entries.slice(0, last + 1) }
}

/** The place after the last of the segments. */
function after(segments: readonly Segment[]): { readonly first?: Seq } {
  const last = segments.at(-1)
  return last === undefined ? {} : { first: lastOf(last) + 1 }
}

function faultIn(room: Uint8Array, segments: readonly Segment[]): ExcerptFault | undefined {
  let previous: { readonly segment: Segment; readonly chain: ChainValue } | undefined
  let at: Hlc = EARLIEST
  for (const segment of segments) {
    const { key, run, first, before, entries, signature } = segment
    const last = lastOf(segment)
    if (previous !== undefined) {
      if (!sameBytes(key, previous.segment.key) || run !== previous.segment.run)
        return { kind: 'other-log', first, last }
      const expected = lastOf(previous.segment) + 1
      if (first !== expected)
        return { kind: 'gap', first: Math.min(first, expected), last: Math.max(first, expected) - 1 }
    }
    for (const [index, entry] of entries.entries()) {
      const next = packedHlc(entry)
      if (next === undefined) return { kind: 'malformed', first: first + index }
      if (next <= at) return { kind: 'out-of-order', first: first + index - 1, last: first + index }
      at = next
    }
    const log = { room, key, run }
    const expected = previous?.chain ?? (first === 1 ? chainStart(log) : before)
    const chain = chainAfter(before, entries)
    if (!sameBytes(before, expected) || !isChainSigned(log, last, chain, signature))
      return { kind: 'not-signed', first, last }
    previous = { segment, chain }
  }
  return undefined
}
