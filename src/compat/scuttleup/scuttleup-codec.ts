import { concat, textOf } from '../../base/wire/bytes.js'
import { bytesField, type Field, readFields, textField, varintField } from '../../base/wire/fields.js'
import type { Seq } from '../../log/format/author.js'
import { ENTRY_BYTES_MAX, SEQ_MAX, SIGNATURE_MEMBER_BYTES, UNSIGNED_ID_LENGTH_MAX } from '../../log/limits.js'

// scuttleup's messages, as it sends them. PROTOCOL.md §5.1.

const MODES = { sync: 1, push: 2, pull: 3 } as const

/** Who sends entries: both sides, only this one, or only the other. */
export type Mode = keyof typeof MODES

/** How far a log goes, as the other side says it: its id is not yet checked. */
interface ClaimedHead {
  readonly id: string
  readonly seq: Seq
}

export interface Handshake {
  readonly id: string
  readonly head: readonly ClaimedHead[]
  readonly mode: Mode
}

export interface Change {
  readonly id: string
  readonly seq: Seq
  readonly entry: Uint8Array
}

export function encodeHandshake({ id, head, mode }: Handshake): Uint8Array {
  const digests = head.map(digest => bytesField(2, concat([textField(1, digest.id), varintField(2, digest.seq)])))
  return concat([textField(1, id), ...digests, varintField(3, MODES[mode])])
}

/** Undefined for anything but a handshake. */
export function decodeHandshake(bytes: Uint8Array): Handshake | undefined {
  const fields = readFields(bytes)
  const id = text(fields, 1)
  if (fields === undefined || id === undefined) return undefined
  const head: ClaimedHead[] = []
  let mode: Mode | undefined = 'sync'
  for (const field of fields) {
    if (field.number === 2) {
      const digest = field.kind === 'bytes' ? decodeDigest(field.value) : undefined
      if (digest === undefined) return undefined
      head.push(digest)
    } else if (field.number === 3) {
      mode = field.kind === 'varint' ? modeOf(field.value) : undefined
    }
  }
  return mode === undefined ? undefined : { id, head, mode }
}

export function encodeChange({ id, seq, entry }: Change): Uint8Array {
  return concat([textField(1, id), varintField(2, seq), bytesField(3, entry)])
}

/** Undefined for anything but a change whose seq and entry keep within the limits. */
export function decodeChange(bytes: Uint8Array): Change | undefined {
  const fields = readFields(bytes)
  const id = text(fields, 1)
  const seq = number(fields, 2)
  const entry = delimited(fields, 3)
  if (id === undefined || seq === undefined || entry === undefined) return undefined
  if (
    id.length > UNSIGNED_ID_LENGTH_MAX ||
    seq < 1 ||
    seq > SEQ_MAX ||
    entry.length > ENTRY_BYTES_MAX + SIGNATURE_MEMBER_BYTES
  )
    return undefined
  // A copy: it may wait for long, and would hold the whole frame.
  return { id, seq, entry: Buffer.from(new Uint8Array(entry).buffer) }
}

function decodeDigest(bytes: Uint8Array): ClaimedHead | undefined {
  const fields = readFields(bytes)
  const id = text(fields, 1)
  const seq = number(fields, 2)
  return id === undefined || seq === undefined || seq > SEQ_MAX ? undefined : { id, seq }
}

function modeOf(value: number): Mode | undefined {
  for (const mode of ['sync', 'push', 'pull'] as const) if (MODES[mode] === value) return mode
  return undefined
}

const last = (fields: readonly Field[] | undefined, wanted: number): Field | undefined =>
  fields?.findLast(field => field.number === wanted)

function number(fields: readonly Field[] | undefined, wanted: number): number | undefined {
  const field = last(fields, wanted)
  return field?.kind === 'varint' ? field.value : undefined
}

function delimited(fields: readonly Field[] | undefined, wanted: number): Uint8Array | undefined {
  const field = last(fields, wanted)
  return field?.kind === 'bytes' ? field.value : undefined
}

function text(fields: readonly Field[] | undefined, wanted: number): string | undefined {
  const bytes = delimited(fields, wanted)
  return bytes === undefined ? undefined : textOf(bytes)
}
