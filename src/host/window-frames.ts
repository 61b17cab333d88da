import { concat, readVarint, textOf, utf8, varint } from '../base/wire/bytes.js'
import { authorOf, type Seq } from '../log/format/author.js'
import { HLC_LENGTH, hlcOf } from '../log/format/hybrid-clock.js'
import { ENTRY_BYTES_MAX } from '../log/limits.js'
import type { RoomEntry } from '../node/room-api.js'

// What a window in another process and the one that keeps the chat running say to each other, in length-prefixed frames.

/** Which question an answer belongs to. */
export type QuestionId = number

/** An object as JSON, entries as they are stored, or bytes of a file. */
export type WindowFrame =
  | { readonly kind: 'json'; readonly value: Readonly<Record<string, unknown>> }
  | { readonly kind: 'entries'; readonly id: QuestionId; readonly entries: readonly RoomEntry[] }
  | { readonly kind: 'bytes'; readonly id: QuestionId; readonly bytes: Uint8Array }

const JSON_KIND = 1
const ENTRIES_KIND = 2
const BYTES_KIND = 3

/** A frame to a window: where things stand with a thousand people who are all away, and say why at length. */
export const WINDOW_FRAME_BYTES_MAX = 2 * 1024 * 1024

/** Entries of one frame: several are sent while one is read. */
const ENTRIES_BYTES_MAX = 64 * 1024
const ID_MAX = 2 ** 31
const SEQ_MAX = 2 ** 32

export const jsonBody = (value: object): Uint8Array => concat([Uint8Array.of(JSON_KIND), utf8(JSON.stringify(value))])

export const bytesBody = (id: QuestionId, bytes: Uint8Array): Uint8Array =>
  concat([Uint8Array.of(BYTES_KIND), varint(id), bytes])

/** Entries, in as many frames as they take. */
export function* entriesBodies(id: QuestionId, entries: readonly RoomEntry[]): Generator<Uint8Array> {
  const head = [Uint8Array.of(ENTRIES_KIND), varint(id)]
  let parts: Uint8Array[] = [...head]
  let bytes = 0
  for (const { author, seq, at, entry, isForked } of entries) {
    const name = utf8(author)
    parts.push(Uint8Array.of(isForked ? 1 : 0, name.length), name, varint(seq), utf8(at), varint(entry.length), entry)
    bytes += entry.length + name.length
    if (bytes < ENTRIES_BYTES_MAX) continue
    yield concat(parts)
    parts = [...head]
    bytes = 0
  }
  if (parts.length > head.length) yield concat(parts)
}

/** Undefined for what is no frame. */
export function readWindowFrame(body: Uint8Array): WindowFrame | undefined {
  const rest = body.subarray(1)
  if (body[0] === JSON_KIND) return readJson(rest)
  const id = readVarint(rest, 0, ID_MAX)
  if (id.kind !== 'value') return undefined
  if (body[0] === BYTES_KIND) return { kind: 'bytes', id: id.value, bytes: rest.subarray(id.next) }
  if (body[0] !== ENTRIES_KIND) return undefined
  const entries = readEntries(rest.subarray(id.next))
  return entries && { kind: 'entries', id: id.value, entries }
}

function readJson(bytes: Uint8Array): WindowFrame | undefined {
  try {
    const value: unknown = JSON.parse(textOf(bytes) ?? '')
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? { kind: 'json', value: value as Record<string, unknown> } : undefined
  } catch {
    return undefined // no JSON: the answer, not a fault
  }
}

function readEntries(bytes: Uint8Array): RoomEntry[] | undefined {
  const entries: RoomEntry[] = []
  for (let offset = 0; offset < bytes.length; ) {
    const read = readEntry(bytes, offset)
    if (read === undefined) return undefined
    entries.push(read.entry)
    offset = read.next
  }
  return entries
}

function readEntry(bytes: Uint8Array, offset: number): { entry: RoomEntry; next: number } | undefined {
  const nameEnd = offset + 2 + (bytes[offset + 1] ?? 0)
  const author = authorOf(textOf(bytes.subarray(offset + 2, nameEnd)) ?? '')
  const seq = readVarint(bytes, nameEnd, SEQ_MAX)
  if (author === undefined || seq.kind !== 'value') return undefined
  const at = hlcOf(textOf(bytes.subarray(seq.next, seq.next + HLC_LENGTH)) ?? '')
  const length = readVarint(bytes, seq.next + HLC_LENGTH, ENTRY_BYTES_MAX)
  if (at === undefined || length.kind !== 'value' || length.next + length.value > bytes.length) return undefined
  const next = length.next + length.value
  const entry: RoomEntry = {
    author,
    seq: seq.value as Seq,
    at,
    entry: bytes.subarray(length.next, next),
    isForked: bytes[offset] === 1,
  }
  return { entry, next }
}
