import { ByteWriter } from '../../base/wire/byte-writer.js'
import { textOf } from '../../base/wire/bytes.js'
import { bytesField, type Field, readFields, textField, varintField } from '../../base/wire/fields.js'
import type { Seq } from '../../log/format/author.js'
import { SEQ_MAX } from '../../log/limits.js'

// scuttleup's Handshake, byte for byte. Its Change is in log/format/unsigned-entry. docs/protocol/compat-scuttleup.md §5.1.

const MODES = { sync: 1, push: 2, pull: 3 } as const

/** Who sends entries: both sides, only the sender of the mode, or only the other side. */
export type Mode = keyof typeof MODES

/** A head that the other side claims; its id is not validated yet. */
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
  const message = new ByteWriter().bytes(textField(1, id))
  for (const { id, seq } of head)
    message.bytes(bytesField(2, new ByteWriter().bytes(textField(1, id)).bytes(varintField(2, seq)).finish()))
  return message.bytes(varintField(3, MODES[mode])).finish()
}

/** Undefined for anything but a handshake. */
export function decodeHandshake(bytes: Uint8Array): Handshake | undefined {
  const fields = readFields(bytes)
  const id = fields && lastText(fields, 1)
  if (fields === undefined || id === undefined) return undefined
  const head: ClaimedHead[] = []
  let mode: Mode | undefined = 'sync'
  for (const field of fields) {
    if (field.number === 2) {
      const claimed = field.kind === 'bytes' ? decodeHead(field.value) : undefined
      if (claimed === undefined) return undefined
      head.push(claimed)
    } else if (field.number === 3) {
      mode = field.kind === 'varint' ? modeOf(field.value) : undefined
    }
  }
  return mode === undefined ? undefined : { id, head, mode }
}

function decodeHead(bytes: Uint8Array): ClaimedHead | undefined {
  const fields = readFields(bytes)
  const id = fields && lastText(fields, 1)
  const seq = fields && last(fields, 2)
  if (id === undefined || seq?.kind !== 'varint' || seq.value > SEQ_MAX) return undefined
  return { id, seq: seq.value }
}

function modeOf(value: number): Mode | undefined {
  for (const mode of ['sync', 'push', 'pull'] as const) if (MODES[mode] === value) return mode
  return undefined
}

/** The last occurrence of a field: it wins, as in Protocol Buffers. */
const last = (fields: readonly Field[], number: number): Field | undefined =>
  fields.findLast(field => field.number === number)

function lastText(fields: readonly Field[], number: number): string | undefined {
  const field = last(fields, number)
  return field?.kind === 'bytes' ? textOf(field.value) : undefined
}
