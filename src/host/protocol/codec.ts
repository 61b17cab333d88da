import { isCount, isFields } from '../../base/shape.js'
import { bufferOf, concat, EMPTY, readVarint, textOf, utf8, varint, writeVarint } from '../../base/wire/bytes.js'
import { type LogId, logIdOf, type Seq } from '../../log/format/author.js'
import type { Entry, GapState } from '../../log/format/entry.js'
import type { Digest } from '../../log/format/heads.js'
import { HLC_LENGTH, hlcOf } from '../../log/format/hybrid-clock.js'
import { ENTRY_BYTES_MAX, LOG_ID_LENGTH_MAX } from '../../log/limits.js'
import { PASSED_MAX, type ReadMark } from '../../log/options.js'

// The protocol between a face and its node: length-prefixed frames with JSON, entries or bytes.

/** Version of this codec. A face and a node of the same major version are compatible. */
export interface CodecVersion {
  readonly major: number
  readonly minor: number
}

export const CODEC_VERSION: CodecVersion = { major: 3, minor: 2 }

/** The minor version that added the calls about files. */
export const FILES_MINOR = 1
/** The minor version that added the states `expired` and `not-given`. An older face is shown `kept-out` instead. */
const GAP_STATES_MINOR = 2

/** Matches an answer to its call. */
export type CallId = number

/** The fields of a JSON frame. */
export type Fields = Readonly<Record<string, unknown>>

/** An object as JSON, entries as they are stored, or bytes of a file. */
export type HostFrame =
  | { readonly kind: 'json'; readonly value: Fields }
  | { readonly kind: 'entries'; readonly id: CallId; readonly entries: readonly Entry[] }
  | { readonly kind: 'bytes'; readonly id: CallId; readonly bytes: Uint8Array }

const JSON_KIND = 1
const ENTRIES_KIND = 2
const BYTES_KIND = 3

/**
 * Largest frame from a node, in bytes. Fits the state of a room with a thousand people who are all away with a long
 * message.
 */
export const NODE_FRAME_BYTES_MAX = 2 * 1024 * 1024

/** Bytes of entries in one frame. Small, so that the next frames are sent while the face reads one. */
const ENTRIES_BYTES_MAX = 64 * 1024
/** Maximum overhead of an encoded entry: flags, author, seq, `at`, two lengths, and the count and state of a gap. */
const ENTRY_OVERHEAD_BYTES = 1 + LOG_ID_LENGTH_MAX + 5 + HLC_LENGTH + 3 + 6
/**
 * The states of a gap. A gap is encoded as an empty entry, then its count and the index of its state; no other entry is
 * empty.
 */
const GAP_STATES: readonly GapState[] = ['deleted', 'kept-out', 'missing', 'expired', 'not-given']
export const CALL_ID_MAX = 2 ** 31
const SEQ_MAX = 2 ** 32

export const jsonBody = (value: object): Uint8Array => bodyOf(JSON.stringify(value))

/** Encodes requests to append lines, which are drafts as JSON. */
export const linesBody = (first: number, acknowledged: number, drafts: readonly string[]): Uint8Array =>
  bodyOf(`{"do":"say","first":${first},"acknowledged":${acknowledged},"drafts":[${drafts.join(',')}]}`)

const bodyOf = (json: string): Uint8Array => concat([Uint8Array.of(JSON_KIND), utf8(json)])

export const bytesBody = (id: CallId, bytes: Uint8Array): Uint8Array =>
  concat([Uint8Array.of(BYTES_KIND), varint(id), bytes])

/** Flag in the byte with the length of the author: the entry is dated too far ahead. */
const AHEAD_FLAG = 0x80

/**
 * Encodes entries in as many frames as they need, for a receiver of the minor version `minor`. An entry of the same author as the one before
 * it omits the author.
 */
export function* entriesBodies(
  id: CallId,
  entries: readonly Entry[],
  minor = CODEC_VERSION.minor,
): Generator<Uint8Array> {
  for (let at = 0; at < entries.length; ) {
    let bytes = ENTRY_OVERHEAD_BYTES
    const from = at
    for (; at < entries.length && bytes < ENTRIES_BYTES_MAX; at++)
      bytes += (entries[at]?.entry.length ?? 0) + ENTRY_OVERHEAD_BYTES
    const body = Buffer.allocUnsafe(bytes)
    body[0] = ENTRIES_KIND
    let end = writeVarint(body, 1, id)
    let before: LogId | undefined
    for (const entry of entries.slice(from, at)) {
      end = writeEntry(body, end, minor < GAP_STATES_MINOR ? asOlder(entry) : entry, entry.author === before)
      before = entry.author
    }
    yield body.subarray(0, end)
  }
}

/** The entry with its state replaced by one that an older face knows. */
function asOlder(entry: Entry): Entry {
  const { gap } = entry
  return gap?.state === 'expired' || gap?.state === 'not-given'
    ? { ...entry, gap: { ...gap, state: 'kept-out' } }
    : entry
}

function writeEntry(
  body: Buffer,
  start: number,
  { author, seq, at, entry, isAhead, gap }: Entry,
  isSame: boolean,
): number {
  body[start] = (isSame ? 0 : author.length) | (isAhead ? AHEAD_FLAG : 0)
  let end = start + 1
  if (!isSame) end += body.write(author, end, 'latin1')
  end = writeVarint(body, end, seq)
  end += body.write(at, end, 'latin1')
  end = writeVarint(body, end, entry.length)
  if (entry.length === 0) {
    end = writeVarint(body, end, gap?.count ?? 0)
    body[end++] = gap === undefined ? 0 : GAP_STATES.indexOf(gap.state)
  }
  body.set(entry, end)
  return end + entry.length
}

/** Undefined for a malformed body. */
export function readHostFrame(body: Uint8Array): HostFrame | undefined {
  const rest = body.subarray(1)
  if (body[0] === JSON_KIND) return readJson(rest)
  const id = readVarint(rest, 0, CALL_ID_MAX)
  if (id.kind !== 'value') return undefined
  if (body[0] === BYTES_KIND) return { kind: 'bytes', id: id.value, bytes: rest.subarray(id.next) }
  if (body[0] !== ENTRIES_KIND) return undefined
  const entries = readEntries(rest.subarray(id.next))
  return entries && { kind: 'entries', id: id.value, entries }
}

/** Heads as JSON: pairs of an author and a seq. */
export const pairsOf = (heads: readonly Digest[]): [LogId, Seq][] => heads.map(({ author, seq }) => [author, seq])

/** Heads from pairs of an author and a seq; undefined for anything else. */
export function digestsOf(value: unknown): Digest[] | undefined {
  if (!Array.isArray(value)) return undefined
  const digests: Digest[] = []
  for (const pair of value) {
    const [name, seq]: unknown[] = Array.isArray(pair) ? pair : []
    const author = typeof name === 'string' ? logIdOf(name) : undefined
    if (author === undefined || !isCount(seq)) return undefined
    digests.push({ author, seq })
  }
  return digests
}

/** Read marks: author, seq, and the ranges that had no content when the mark passed them; undefined for anything else. */
export function readMarksOf(value: unknown): ReadMark[] | undefined {
  const digests = digestsOf(value)
  return digests?.map((digest, index) => {
    const ranges: unknown = (value as unknown[][])[index]?.[2]
    const passed = (Array.isArray(ranges) ? ranges : []).flatMap(range => {
      const [from, to]: unknown[] = Array.isArray(range) ? range : []
      return isCount(from) && isCount(to) && from >= 1 && from < to ? [{ from, to }] : []
    })
    return passed.length === 0 ? digest : { ...digest, passed: passed.slice(0, PASSED_MAX) }
  })
}

/** Encodes read marks as JSON. */
export const readMarkPairs = (marks: readonly ReadMark[]): unknown[] =>
  marks.map(({ author, seq, passed }) =>
    passed === undefined || passed.length === 0
      ? [author, seq]
      : [author, seq, passed.map(({ from, to }) => [from, to])],
  )

/** The texts in a list; undefined for anything else. */
export const textsOf = (value: unknown): string[] | undefined =>
  Array.isArray(value) && value.every(each => typeof each === 'string') ? value : undefined

/** A version from its JSON, `[major, minor]`; undefined for anything else. */
export function versionOf(value: unknown): CodecVersion | undefined {
  const [major, minor]: unknown[] = Array.isArray(value) ? value : []
  return isCount(major) && isCount(minor) ? { major, minor } : undefined
}

function readJson(bytes: Uint8Array): HostFrame | undefined {
  try {
    const value: unknown = JSON.parse(textOf(bytes) ?? '')
    return isFields(value) ? { kind: 'json', value } : undefined
  } catch {
    return undefined // malformed JSON
  }
}

function readEntries(bytes: Uint8Array): Entry[] | undefined {
  const buffer = bufferOf(bytes)
  const entries: Entry[] = []
  for (let offset = 0; offset < bytes.length; ) {
    const read = readEntry(buffer, offset, entries.at(-1)?.author)
    if (read === undefined) return undefined
    entries.push(read.entry)
    offset = read.next
  }
  return entries
}

function readEntry(
  bytes: Buffer,
  offset: number,
  before: LogId | undefined,
): { entry: Entry; next: number } | undefined {
  const flags = bytes[offset] ?? 0
  const nameEnd = offset + 1 + (flags & ~AHEAD_FLAG)
  const author = nameEnd === offset + 1 ? before : logIdOf(bytes.toString('latin1', offset + 1, nameEnd))
  const seq = readVarint(bytes, nameEnd, SEQ_MAX)
  if (author === undefined || seq.kind !== 'value') return undefined
  const at = hlcOf(bytes.toString('latin1', seq.next, seq.next + HLC_LENGTH))
  const length = readVarint(bytes, seq.next + HLC_LENGTH, ENTRY_BYTES_MAX)
  if (at === undefined || length.kind !== 'value' || length.next + length.value > bytes.length) return undefined
  if (length.value === 0) {
    const count = readVarint(bytes, length.next, SEQ_MAX)
    const state = count.kind === 'value' ? GAP_STATES[bytes[count.next] ?? GAP_STATES.length] : undefined
    if (count.kind !== 'value' || state === undefined) return undefined
    const empty = {
      author,
      seq: seq.value as Seq,
      at,
      entry: EMPTY,
      ...((flags & AHEAD_FLAG) !== 0 && { isAhead: true as const }),
    }
    const entry = count.value === 0 ? empty : { ...empty, gap: { count: count.value, state } }
    return { entry, next: count.next + 1 }
  }
  const next = length.next + length.value
  const entry: Entry = {
    author,
    seq: seq.value as Seq,
    at,
    entry: bytes.subarray(length.next, next),
    ...((flags & AHEAD_FLAG) !== 0 && { isAhead: true }),
  }
  return { entry, next }
}
