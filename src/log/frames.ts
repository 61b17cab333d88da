import { concat, EMPTY, readVarint, varint } from '../base/bytes.js'
import { frame } from '../base/frames.js'
import { SEGMENT_BYTES_MAX, SEQ_MAX } from '../base/limits.js'
import { bytesField, readFields, textField, varintField } from '../base/protobuf.js'
import { KEY_BYTES } from '../base/signing.js'
import { type AuthorId, authorOfKey, keyOf, type Seq, unsignedAuthor } from './author.js'
import { decodeProof, encodeProof, type ForkProof } from './fork.js'
import type { Digest } from './head.js'
import { type Change, decodeChange, encodeChange } from './messages.js'
import { decodeSegment, type Segment } from './segment.js'

// Frames between ours: a byte that says what it is, then the rest. PROTOCOL.md §5.2.

const HEADS = 1
const SEGMENTS = 2
const LOOSE = 3
const FORK = 4
const WANT = 5

export type PeerFrame =
  /** How far the sender's logs go. */
  | { readonly kind: 'heads'; readonly heads: readonly Digest[] }
  /** Segments as they are stored. */
  | { readonly kind: 'segments'; readonly segments: readonly Segment[] }
  /** An entry of an unsigned author. */
  | { readonly kind: 'loose'; readonly change: Change }
  /** Two segments that are said to contradict each other. */
  | { readonly kind: 'fork'; readonly segments: readonly [Segment, Segment] }
  /** The sender asks for the segment that holds this place. */
  | { readonly kind: 'want'; readonly want: Digest }
  /** Of a later version: passed over. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'bad'; readonly reason: string }

const DIGEST_BYTES = KEY_BYTES + 4
export const CHAIN_PREFIX_BYTES = 8

export function encodeHeads(heads: readonly Digest[]): Uint8Array {
  const fields = heads.map(head => {
    const key = keyOf(head.author)
    if (key === undefined) return bytesField(2, concat([textField(1, head.author), varintField(2, head.seq)]))
    return bytesField(1, concat([placeOf(key, head.seq), head.chain ?? EMPTY]))
  })
  return frame(concat([Uint8Array.of(HEADS), ...fields]))
}

export const encodeSegments = (segments: readonly Uint8Array[]): Uint8Array =>
  frame(concat([Uint8Array.of(SEGMENTS), ...segments.flatMap(segment => [varint(segment.length), segment])]))

export const encodeLoose = (change: Change): Uint8Array => frame(concat([Uint8Array.of(LOOSE), encodeChange(change)]))

export const encodeFork = (proof: ForkProof): Uint8Array => frame(concat([Uint8Array.of(FORK), encodeProof(proof)]))

/** Asks for the segment that holds (author, seq). */
export const encodeWant = ({ author, seq }: Digest): Uint8Array =>
  frame(concat([Uint8Array.of(WANT), placeOf(keyOf(author) ?? EMPTY, seq)]))

function placeOf(key: Uint8Array, seq: Seq): Uint8Array {
  const place = Buffer.alloc(4)
  place.writeUInt32BE(seq)
  return concat([key, place])
}

/** What the body of a frame says. Never throws; nothing in it is checked but its form. */
export function decodeFrame(body: Uint8Array): PeerFrame {
  const rest = body.subarray(1)
  switch (body[0]) {
    case FORK: {
      const segments = decodeProof(rest)
      return segments === undefined ? { kind: 'bad', reason: 'a proof that is none' } : { kind: 'fork', segments }
    }
    case WANT: {
      const want = signedDigest(rest)
      return want === undefined ? { kind: 'bad', reason: 'a wish that is none' } : { kind: 'want', want }
    }
    case HEADS:
      return decodeHeads(rest)
    case SEGMENTS:
      return decodeSegments(rest)
    case LOOSE: {
      const change = decodeChange(rest)
      return change === undefined ? { kind: 'bad', reason: 'a loose entry that is none' } : { kind: 'loose', change }
    }
    default:
      return { kind: 'unknown' }
  }
}

function decodeHeads(bytes: Uint8Array): PeerFrame {
  const heads: Digest[] = []
  const fields = bytes.length === 0 ? [] : readFields(bytes)
  if (fields === undefined) return { kind: 'bad', reason: 'heads that cannot be read' }
  for (const field of fields) {
    if (field.kind !== 'bytes') continue
    const head =
      field.number === 1 ? signedDigest(field.value) : field.number === 2 ? unsignedDigest(field.value) : undefined
    if (head === undefined && field.number <= 2) return { kind: 'bad', reason: 'a head that is none' }
    if (head !== undefined) heads.push(head)
  }
  return { kind: 'heads', heads }
}

function signedDigest(bytes: Uint8Array): Digest | undefined {
  if (bytes.length !== DIGEST_BYTES && bytes.length !== DIGEST_BYTES + CHAIN_PREFIX_BYTES) return undefined
  const seq = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readUInt32BE(KEY_BYTES)
  const author = authorOfKey(bytes.subarray(0, KEY_BYTES))
  return bytes.length === DIGEST_BYTES ? { author, seq } : { author, seq, chain: bytes.subarray(DIGEST_BYTES) }
}

function unsignedDigest(bytes: Uint8Array): Digest | undefined {
  let author: AuthorId | undefined
  let seq: number | undefined
  for (const field of readFields(bytes) ?? []) {
    if (field.number === 1 && field.kind === 'bytes')
      author = unsignedAuthor(Buffer.from(field.value).toString('latin1'))
    if (field.number === 2 && field.kind === 'varint') seq = field.value
  }
  return author === undefined || seq === undefined || seq > SEQ_MAX ? undefined : { author, seq }
}

function decodeSegments(bytes: Uint8Array): PeerFrame {
  const segments: Segment[] = []
  let rest = bytes
  while (rest.length > 0) {
    const length = readVarint(rest, 0, SEGMENT_BYTES_MAX)
    if (length.kind !== 'value' || length.next + length.value > rest.length)
      return { kind: 'bad', reason: 'segments that cannot be read' }
    const segment = decodeSegment(rest.subarray(length.next, length.next + length.value))
    if (segment === undefined) return { kind: 'bad', reason: 'a segment that is none' }
    segments.push(segment)
    rest = length.next + length.value === rest.length ? EMPTY : rest.subarray(length.next + length.value)
  }
  return { kind: 'segments', segments }
}
