import { concat, textOf } from '../../base/wire/bytes.js'
import { bytesField, readFields, textField, varintField } from '../../base/wire/fields.js'
import { ENTRY_BYTES_MAX, LOG_ID_LENGTH_MAX, SEQ_MAX, SIGNATURE_MEMBERS_BYTES } from '../limits.js'
import type { LogId, Seq } from './author.js'

// Entries of unsigned authors on the wire: scuttleup's message, which native peers wrap in a frame.
// docs/protocol/compat-scuttleup.md §5.1.

/** One entry as sent by a peer; its id is not checked yet. */
export interface UnsignedEntry {
  readonly id: string
  readonly seq: Seq
  readonly entry: Uint8Array
}

/** Consecutive entries of one unsigned author as sent by a peer. Only their size is checked. */
export interface UnsignedRun {
  readonly author: LogId
  readonly first: Seq
  readonly entries: readonly Uint8Array[]
}

export function encodeUnsignedEntry({ id, seq, entry }: UnsignedEntry): Uint8Array {
  return concat([textField(1, id), varintField(2, seq), bytesField(3, entry)])
}

/** The entry in `bytes`; undefined if it is malformed or its seq or size exceeds a limit. */
export function decodeUnsignedEntry(bytes: Uint8Array): UnsignedEntry | undefined {
  let id: string | undefined
  let seq: number | undefined
  let entry: Uint8Array | undefined
  // If a field is repeated, the last one wins.
  for (const field of readFields(bytes) ?? []) {
    if (field.number === 1) id = field.kind === 'bytes' ? textOf(field.value) : undefined
    if (field.number === 2) seq = field.kind === 'varint' ? field.value : undefined
    if (field.number === 3) entry = field.kind === 'bytes' ? field.value : undefined
  }
  if (id === undefined || seq === undefined || entry === undefined) return undefined
  if (id.length > LOG_ID_LENGTH_MAX || seq < 1 || seq > SEQ_MAX) return undefined
  if (entry.length > ENTRY_BYTES_MAX + SIGNATURE_MEMBERS_BYTES) return undefined
  // A copy, because the entry may be buffered for long, and a view would keep the whole frame in memory.
  return { id, seq, entry: Buffer.from(new Uint8Array(entry).buffer) }
}
