// Binary messages, in both directions: the id of the request in four bytes, the most significant one first; then up to CHUNK_BYTES_MAX bytes.

import { CHUNK_BYTES_MAX } from './limits.js'

const ID_BYTES = 4

/** Bytes of the file of one request. */
export interface Chunk {
  readonly id: number
  readonly bytes: Uint8Array
}

export function encodeChunk({ id, bytes }: Chunk): Uint8Array {
  const message = new Uint8Array(ID_BYTES + bytes.length)
  new DataView(message.buffer).setUint32(0, id)
  message.set(bytes, ID_BYTES)
  return message
}

/** Undefined if it is malformed. The bytes are a view of `message`. Never throws. */
export function parseChunk(message: Uint8Array): Chunk | undefined {
  if (message.length <= ID_BYTES || message.length > ID_BYTES + CHUNK_BYTES_MAX) return undefined
  const id = new DataView(message.buffer, message.byteOffset, ID_BYTES).getUint32(0)
  return { id, bytes: message.subarray(ID_BYTES) }
}
