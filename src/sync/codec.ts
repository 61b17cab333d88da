import { KEY_BYTES } from '../base/crypto/signing.js'
import { ByteReader } from '../base/wire/byte-reader.js'
import { ByteWriter } from '../base/wire/byte-writer.js'
import { bufferOf, concat, EMPTY } from '../base/wire/bytes.js'
import { bytesField, readFields, textField, varintField } from '../base/wire/fields.js'
import type { ContentRun } from '../log/content/contents.js'
import { type LogId, logKeyOf, logOfKey, type Seq, unsignedLog } from '../log/format/author.js'
import { decodeProof, encodeProof, type ForkProof } from '../log/format/fork-proof.js'
import { CHAIN_PREFIX_BYTES, type Digest } from '../log/format/heads.js'
import { countOfPacked, unpack } from '../log/format/packed.js'
import type { PlaceRange } from '../log/format/places.js'
import { decodeSegment, type Segment } from '../log/format/segment.js'
import { decodeUnsignedEntry, encodeUnsignedEntry, type UnsignedEntry } from '../log/format/unsigned-entry.js'
import { SEGMENT_BYTES_MAX, SEQ_MAX } from '../log/limits.js'
import type { SeqRange } from '../log/read/subscription.js'
import type { Violation } from '../net/violation.js'
import { FINGERPRINTS_BYTES } from './fingerprints.js'
import { GAP_RANGES_MAX, GAPS_NOTES_MAX, HEADS_MAX } from './limits.js'

// Frames between native peers: one byte for the type, then the body. docs/protocol/wire.md §5.2.

const CONTENT = 0
const HEADS = 1
const SEGMENTS = 2
const UNSIGNED_ENTRY = 3
const FORK = 4
const SEGMENT_REQUEST = 5
const NOTES = 6
const FINGERPRINTS = 7

export type PeerFrame =
  /** The sender's heads, or a page of them. */
  | { readonly kind: 'heads'; readonly heads: readonly Digest[]; readonly isLast: boolean }
  /** Segments as they are stored. */
  | { readonly kind: 'segments'; readonly segments: readonly Segment[] }
  | { readonly kind: 'unsigned-entry'; readonly entry: UnsignedEntry }
  /** Two segments that allegedly contradict each other. */
  | { readonly kind: 'fork'; readonly segments: readonly [Segment, Segment] }
  /** The sender requests the segment that contains this entry. */
  | { readonly kind: 'segment-request'; readonly place: Digest }
  /** The sender requests the contents of these places. */
  | { readonly kind: 'content-request'; readonly range: SeqRange }
  /** Contents of consecutive places, with stubs where the sender has none. */
  | { readonly kind: 'content'; readonly author: LogId; readonly run: ContentRun }
  /** Announcements, subscriptions and unsubscriptions of the sender, and where its logs have no content. */
  | { readonly kind: 'notes'; readonly notes: readonly Note[]; readonly gaps: readonly GapsNote[] }
  /** Fingerprints of the sender's heads. */
  | { readonly kind: 'fingerprints'; readonly fingerprints: Uint8Array }
  /** A frame of the side channel or of a later version. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'bad'; readonly reason: Violation }

/** One log, as a peer announces it, subscribes to it or unsubscribes from it. */
export interface Note extends Digest {
  readonly kind: NoteKind
}

/**
 * `announce` (Plumtree's IHAVE): the sender has persisted the log up to seq. `subscribe` (GRAFT): send the entries after seq, now
 * and as they arrive. `unsubscribe` (PRUNE): the sender has the log up to seq; only announce it from now on. In the order of
 * their field numbers.
 */
const NOTE_KINDS = ['announce', 'subscribe', 'unsubscribe'] as const
export type NoteKind = (typeof NOTE_KINDS)[number]

/** Where the sender has no content of a log: the first `GAP_RANGES_MAX` ranges. */
export interface GapsNote {
  readonly author: LogId
  readonly ranges: readonly PlaceRange[]
}

const GAPS_FIELD = 2 * NOTE_KINDS.length + 1

/** Heads in as many frames as they need. */
export function encodeHeads(heads: readonly Digest[]): Uint8Array {
  const pages: Uint8Array[] = []
  for (let start = 0; start === 0 || start < heads.length; start += HEADS_MAX) {
    const end = start + HEADS_MAX
    pages.push(encodePage(heads.slice(start, end), end >= heads.length))
  }
  return concat(pages)
}

function encodePage(heads: readonly Digest[], isLast: boolean): Uint8Array {
  const message = new ByteWriter().u8(HEADS)
  for (const head of heads) {
    const key = logKeyOf(head.author)
    message.bytes(key === undefined ? bytesField(2, unsignedBytes(head)) : bytesField(1, signedBytes(key, head)))
  }
  if (!isLast) message.bytes(varintField(3, 1))
  return message.frame()
}

export const encodeFingerprints = (fingerprints: Uint8Array): Uint8Array =>
  new ByteWriter().u8(FINGERPRINTS).bytes(fingerprints).frame()

export function encodeNotes(notes: readonly Note[]): Uint8Array {
  const message = new ByteWriter().u8(NOTES)
  for (const note of notes) {
    const key = logKeyOf(note.author)
    const number = NOTE_KINDS.indexOf(note.kind) + 1
    message.bytes(
      key === undefined
        ? bytesField(number + NOTE_KINDS.length, unsignedBytes(note))
        : bytesField(number, signedBytes(key, note)),
    )
  }
  return message.frame()
}

export function encodeGaps(notes: readonly GapsNote[]): Uint8Array {
  const frames: Uint8Array[] = []
  for (let start = 0; start < notes.length; start += GAPS_NOTES_MAX) {
    const message = new ByteWriter().u8(NOTES)
    for (const { author, ranges } of notes.slice(start, start + GAPS_NOTES_MAX)) {
      const value = new ByteWriter().bytes(logKeyOf(author) ?? EMPTY)
      for (const { from, to } of ranges) value.u32(from).u32(to)
      message.bytes(bytesField(GAPS_FIELD, value.finish()))
    }
    frames.push(message.frame())
  }
  return concat(frames)
}

export function encodeSegments(segments: readonly Uint8Array[]): Uint8Array {
  const message = new ByteWriter().u8(SEGMENTS)
  for (const segment of segments) message.sized(segment)
  return message.frame()
}

export const encodeUnsigned = (entry: UnsignedEntry): Uint8Array =>
  new ByteWriter().u8(UNSIGNED_ENTRY).bytes(encodeUnsignedEntry(entry)).frame()

export const encodeFork = (proof: ForkProof): Uint8Array => new ByteWriter().u8(FORK).bytes(encodeProof(proof)).frame()

/** Requests the segment that contains (author, seq). */
export const encodeSegmentRequest = ({ author, seq }: Digest): Uint8Array =>
  new ByteWriter()
    .u8(SEGMENT_REQUEST)
    .bytes(logKeyOf(author) ?? EMPTY)
    .u32(seq)
    .frame()

/** Requests the contents of places. */
export const encodeContentRequest = ({ author, from, to }: SeqRange): Uint8Array =>
  new ByteWriter()
    .u8(SEGMENT_REQUEST)
    .bytes(logKeyOf(author) ?? EMPTY)
    .u32(from)
    .u32(to)
    .frame()

export const encodeContent = (author: LogId, { first, entries }: ContentRun): Uint8Array =>
  new ByteWriter()
    .u8(CONTENT)
    .bytes(logKeyOf(author) ?? EMPTY)
    .u32(first)
    .bytes(concat(entries))
    .frame()

const signedBytes = (key: Uint8Array, { seq, chain }: Digest): Uint8Array =>
  new ByteWriter()
    .bytes(key)
    .u32(seq)
    .bytes(chain ?? EMPTY)
    .finish()

const unsignedBytes = ({ author, seq }: Digest): Uint8Array =>
  new ByteWriter().bytes(textField(1, author)).bytes(varintField(2, seq)).finish()

/** Decodes the body of a frame. Never throws; checks the encoding, not the content. */
export function decodeFrame(body: Uint8Array): PeerFrame {
  const bytes = body.subarray(1)
  switch (body[0]) {
    case CONTENT:
      return decodeContent(bytes)
    case HEADS:
      return decodeHeads(bytes)
    case SEGMENTS:
      return decodeSegments(bytes)
    case UNSIGNED_ENTRY: {
      const entry = decodeUnsignedEntry(bytes)
      return entry === undefined ? bad('malformed-unsigned-entry') : { kind: 'unsigned-entry', entry }
    }
    case FORK: {
      const segments = decodeProof(bytes)
      return segments === undefined ? bad('malformed-fork-proof') : { kind: 'fork', segments }
    }
    case SEGMENT_REQUEST: {
      const range = contentRequest(bytes)
      if (range !== undefined) return { kind: 'content-request', range }
      const place = signedDigest(bytes)
      return place === undefined ? bad('malformed-segment-request') : { kind: 'segment-request', place }
    }
    case NOTES:
      return decodeNotes(bytes)
    case FINGERPRINTS:
      return bytes.length === FINGERPRINTS_BYTES
        ? { kind: 'fingerprints', fingerprints: bytes }
        : bad('malformed-fingerprints')
    default:
      return { kind: 'unknown' }
  }
}

const bad = (reason: Violation): PeerFrame => ({ kind: 'bad', reason })

function decodeHeads(bytes: Uint8Array): PeerFrame {
  const heads: Digest[] = []
  const fields = bytes.length === 0 ? [] : readFields(bytes)
  if (fields === undefined) return bad('malformed-heads')
  let isLast = true
  for (const field of fields) {
    if (field.kind === 'varint' && field.number === 3) isLast = field.value === 0
    if (field.kind !== 'bytes' || field.number > 2) continue
    const head = field.number === 1 ? signedDigest(field.value) : unsignedDigest(field.value)
    if (head === undefined) return bad('malformed-head')
    heads.push(head)
  }
  return { kind: 'heads', heads, isLast }
}

function decodeNotes(bytes: Uint8Array): PeerFrame {
  const notes: Note[] = []
  const gaps: GapsNote[] = []
  const fields = bytes.length === 0 ? [] : readFields(bytes)
  if (fields === undefined) return bad('malformed-notes')
  for (const { number, ...field } of fields) {
    if (number === GAPS_FIELD && field.kind === 'bytes') {
      const note = decodeGaps(field.value)
      if (note === undefined) return bad('malformed-note')
      gaps.push(note)
      continue
    }
    const kind = NOTE_KINDS[(number - 1) % NOTE_KINDS.length]
    if (field.kind !== 'bytes' || kind === undefined || number > 2 * NOTE_KINDS.length) continue
    const digest = number <= NOTE_KINDS.length ? signedDigest(field.value) : unsignedDigest(field.value)
    if (digest === undefined) return bad('malformed-note')
    notes.push({ ...digest, kind })
  }
  return { kind: 'notes', notes, gaps }
}

/** key ‖ u32 run, then disjoint ranges in order. */
function decodeGaps(bytes: Uint8Array): GapsNote | undefined {
  const reader = new ByteReader(bytes)
  const author = logOfKey(reader.bytes(KEY_BYTES), reader.u32())
  const ranges: PlaceRange[] = []
  for (let end = 1; reader.remaining > 0; ) {
    const [from, to] = [reader.u32(), reader.u32()]
    if (from < end || to <= from || ranges.length >= GAP_RANGES_MAX) return undefined
    ranges.push({ from, to })
    end = to
  }
  return reader.end({ author, ranges })
}

/** key ‖ u32 run ‖ u32 from ‖ u32 to. */
function contentRequest(bytes: Uint8Array): SeqRange | undefined {
  const reader = new ByteReader(bytes)
  const author = logOfKey(reader.bytes(KEY_BYTES), reader.u32())
  return reader.end({ author, from: reader.u32(), to: reader.u32() })
}

/** key ‖ u32 run ‖ u32 first, then packed entries. */
function decodeContent(bytes: Uint8Array): PeerFrame {
  const reader = new ByteReader(bytes)
  const author = logOfKey(reader.bytes(KEY_BYTES), reader.u32())
  const first = reader.u32()
  const packed = reader.rest()
  const count = countOfPacked(packed)
  if (reader.isBad || first < 1 || count === undefined || first + count > SEQ_MAX) return bad('malformed-content')
  return { kind: 'content', author, run: { first, entries: unpack({ bytes: bufferOf(packed), count }) } }
}

/** key ‖ u32 run ‖ u32 seq, then possibly a prefix of the chain value. */
function signedDigest(bytes: Uint8Array): Digest | undefined {
  const reader = new ByteReader(bytes)
  const author = logOfKey(reader.bytes(KEY_BYTES), reader.u32())
  const seq = reader.u32()
  const chain = reader.remaining >= CHAIN_PREFIX_BYTES ? reader.bytes(CHAIN_PREFIX_BYTES) : undefined
  return reader.end({ author, seq, ...(chain !== undefined && { chain }) })
}

function unsignedDigest(bytes: Uint8Array): Digest | undefined {
  let author: LogId | undefined
  let seq: Seq | undefined
  for (const field of readFields(bytes) ?? []) {
    if (field.number === 1 && field.kind === 'bytes') author = unsignedLog(Buffer.from(field.value).toString('latin1'))
    if (field.number === 2 && field.kind === 'varint') seq = field.value
  }
  return author === undefined || seq === undefined || seq > SEQ_MAX ? undefined : { author, seq }
}

function decodeSegments(body: Uint8Array): PeerFrame {
  const segments: Segment[] = []
  const reader = new ByteReader(body)
  while (reader.remaining > 0) {
    const bytes = reader.sized(SEGMENT_BYTES_MAX)
    if (reader.isBad) return bad('malformed-segments')
    const segment = decodeSegment(bytes)
    if (segment === undefined) return bad('malformed-segment')
    segments.push(segment)
  }
  return { kind: 'segments', segments }
}
