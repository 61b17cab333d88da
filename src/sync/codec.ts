import { KEY_BYTES } from '../base/crypto/signing.js'
import { bufferOf, concat, EMPTY, readVarint, varint } from '../base/wire/bytes.js'
import { bytesField, readFields, textField, varintField } from '../base/wire/fields.js'
import { frame } from '../base/wire/frames.js'
import { type AuthorId, authorOfKey, keyOf, type Seq, unsignedAuthor } from '../log/format/author.js'
import { decodeProof, encodeProof, type ForkProof } from '../log/format/fork-proof.js'
import { CHAIN_PREFIX_BYTES, type Digest } from '../log/format/heads.js'
import { decodeSegment, type Segment } from '../log/format/segment.js'
import { decodeUnsignedEntry, encodeUnsignedEntry, type UnsignedEntry } from '../log/format/unsigned-entry.js'
import { SEGMENT_BYTES_MAX, SEQ_MAX } from '../log/limits.js'
import { FINGERPRINT_BYTES } from './fingerprints.js'

// Frames between ours: a byte that says what it is, then the rest. PROTOCOL.md §5.2.

const HEADS = 1
const SEGMENTS = 2
const LOOSE = 3
const FORK = 4
const WANT = 5
const CLOCK = 6
const SUMS = 7

export type PeerFrame =
  /** How far the sender's logs go. */
  | { readonly kind: 'heads'; readonly heads: readonly Digest[] }
  /** Segments as they are stored. */
  | { readonly kind: 'segments'; readonly segments: readonly Segment[] }
  /** An entry of an unsigned author. */
  | { readonly kind: 'loose'; readonly change: UnsignedEntry }
  /** Two segments that are said to contradict each other. */
  | { readonly kind: 'fork'; readonly segments: readonly [Segment, Segment] }
  /** The sender asks for the segment that holds this place. */
  | { readonly kind: 'want'; readonly want: Digest }
  /** How far the sender holds logs, and what it wants of them. */
  | { readonly kind: 'clock'; readonly notes: readonly Note[] }
  /** Sums over how far the sender's logs go. */
  | { readonly kind: 'sums'; readonly sums: Uint8Array }
  /** Not about logs, or of a later version. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'bad'; readonly reason: string }

/** What one peer says to another about a log. */
export interface Note extends Digest {
  /**
   * `tell`: up to seq it is held durably. `ask`: what follows seq is wanted, now and from now on. `stop`: it is held, and no
   * more of it is wanted but to be told.
   */
  readonly kind: NoteKind
}
/** In the order of their field numbers; those of unsigned authors stand three further. */
const NOTE_KINDS = ['tell', 'ask', 'stop'] as const
export type NoteKind = (typeof NOTE_KINDS)[number]

const PLACE_BYTES = KEY_BYTES + 4
const FROZEN_BYTES = 4

export function encodeHeads(heads: readonly Digest[]): Uint8Array {
  const fields = heads.map(head => {
    const key = keyOf(head.author)
    return key === undefined ? bytesField(2, unsignedBytes(head)) : bytesField(1, signedBytes(key, head))
  })
  return frame(concat([Uint8Array.of(HEADS), ...fields]))
}

export const encodeFingerprints = (sums: Uint8Array): Uint8Array => frame(concat([Uint8Array.of(SUMS), sums]))

export function encodeNotes(notes: readonly Note[]): Uint8Array {
  const fields = notes.map(note => {
    const key = keyOf(note.author)
    const number = NOTE_KINDS.indexOf(note.kind) + 1
    return key === undefined
      ? bytesField(number + NOTE_KINDS.length, unsignedBytes(note))
      : bytesField(number, signedBytes(key, note))
  })
  return frame(concat([Uint8Array.of(CLOCK), ...fields]))
}

const signedBytes = (key: Uint8Array, { seq, chain, frozen }: Digest): Uint8Array =>
  concat([placeOf(key, seq), chain ?? EMPTY, frozen === undefined ? EMPTY : numberOf(frozen)])

const unsignedBytes = ({ author, seq }: Digest): Uint8Array => concat([textField(1, author), varintField(2, seq)])

export const encodeSegments = (segments: readonly Uint8Array[]): Uint8Array =>
  frame(concat([Uint8Array.of(SEGMENTS), ...segments.flatMap(segment => [varint(segment.length), segment])]))

export const encodeUnsigned = (change: UnsignedEntry): Uint8Array =>
  frame(concat([Uint8Array.of(LOOSE), encodeUnsignedEntry(change)]))

export const encodeFork = (proof: ForkProof): Uint8Array => frame(concat([Uint8Array.of(FORK), encodeProof(proof)]))

/** Asks for the segment that holds (author, seq). */
export const encodeSegmentRequest = ({ author, seq }: Digest): Uint8Array =>
  frame(concat([Uint8Array.of(WANT), placeOf(keyOf(author) ?? EMPTY, seq)]))

const placeOf = (key: Uint8Array, seq: Seq): Uint8Array => concat([key, numberOf(seq)])

function numberOf(seq: Seq): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(seq)
  return bytes
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
    case CLOCK:
      return decodeClock(rest)
    case SUMS:
      return rest.length === FINGERPRINT_BYTES
        ? { kind: 'sums', sums: rest }
        : { kind: 'bad', reason: 'sums that are none' }
    case SEGMENTS:
      return decodeSegments(rest)
    case LOOSE: {
      const change = decodeUnsignedEntry(rest)
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

function decodeClock(bytes: Uint8Array): PeerFrame {
  const notes: Note[] = []
  const fields = bytes.length === 0 ? [] : readFields(bytes)
  if (fields === undefined) return { kind: 'bad', reason: 'notes that cannot be read' }
  for (const { number, ...field } of fields) {
    const kind = NOTE_KINDS[(number - 1) % NOTE_KINDS.length]
    if (field.kind !== 'bytes' || kind === undefined || number > 2 * NOTE_KINDS.length) continue
    const digest = number <= NOTE_KINDS.length ? signedDigest(field.value) : unsignedDigest(field.value)
    if (digest === undefined) return { kind: 'bad', reason: 'a note that is none' }
    notes.push({ ...digest, kind })
  }
  return { kind: 'clock', notes }
}

function signedDigest(bytes: Uint8Array): Digest | undefined {
  const rest = bytes.length - PLACE_BYTES
  // With the chain value, the place from which it is frozen, both, or neither.
  if (rest !== 0 && rest !== CHAIN_PREFIX_BYTES && rest !== FROZEN_BYTES && rest !== CHAIN_PREFIX_BYTES + FROZEN_BYTES)
    return undefined
  const view = bufferOf(bytes)
  const author = authorOfKey(bytes.subarray(0, KEY_BYTES))
  return {
    author,
    seq: view.readUInt32BE(KEY_BYTES),
    ...(rest >= CHAIN_PREFIX_BYTES && { chain: bytes.subarray(PLACE_BYTES, PLACE_BYTES + CHAIN_PREFIX_BYTES) }),
    ...(rest % CHAIN_PREFIX_BYTES !== 0 && { frozen: view.readUInt32BE(bytes.length - FROZEN_BYTES) }),
  }
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
