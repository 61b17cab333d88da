import { concat } from '../base/bytes.js'
import { bytesField, readFields, varintField } from '../base/protobuf.js'

/** The version of the protocol between ours. Each side speaks the lower of the two. */
export const PROTOCOL_VERSION = 1

const ROOM_ID_BYTES = 32
export const INSTANCE_ID_BYTES = 16

/** What one of ours says of itself when a link opens. PROTOCOL.md §2.3. */
export interface Hello {
  readonly version: number
  readonly room: Uint8Array
  /** Random, one a process: tells two links to one peer, and a link to oneself. */
  readonly instance: Uint8Array
}

export const encodeHello = ({ version, room, instance }: Hello): Uint8Array =>
  concat([varintField(1, version), bytesField(2, room), bytesField(3, instance)])

/** Undefined for anything but a hello; fields that are not known are passed over. */
export function decodeHello(bytes: Uint8Array): Hello | undefined {
  const fields = readFields(bytes)
  let version: number | undefined
  let room: Uint8Array | undefined
  let instance: Uint8Array | undefined
  for (const field of fields ?? []) {
    if (field.number === 1 && field.kind === 'varint') version = field.value
    if (field.number === 2 && field.kind === 'bytes') room = field.value
    if (field.number === 3 && field.kind === 'bytes') instance = field.value
  }
  if (version === undefined || version < 1) return undefined
  if (room?.length !== ROOM_ID_BYTES || instance?.length !== INSTANCE_ID_BYTES) return undefined
  return { version, room: Uint8Array.from(room), instance: Uint8Array.from(instance) }
}
