import { concat, textOf } from '../../base/wire/bytes.js'
import { bytesField, type Field, readFields, textField, varintField } from '../../base/wire/fields.js'
import type { Seq } from '../../log/format/author.js'
import { SEQ_MAX } from '../../log/limits.js'

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
