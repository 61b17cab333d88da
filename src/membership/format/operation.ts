import { hash } from '../../base/crypto/hash.js'
import { isSignature, KEY_BYTES, type KeyPair, SIGNATURE_BYTES } from '../../base/crypto/signing.js'
import { ByteReader } from '../../base/wire/byte-reader.js'
import { ByteWriter } from '../../base/wire/byte-writer.js'
import { concat, hexOf, utf8 } from '../../base/wire/bytes.js'
import { type AuthorId, authorOfKey } from '../../log/format/author.js'
import { OPERATIONS_MAX } from '../limits.js'
import { type Body, NO_OPERATION, type OperationId, type TermId } from './body.js'
import { decodeBody, encodeBody } from './body-codec.js'
import { ID_BYTES } from './field-types.js'
import { keyBytes } from './room.js'

const OPERATION_LABEL = utf8('persisted-chat/membership-op/1')
const SIGNATURE_LABEL = utf8('persisted-chat/membership/1')

/** Where an operation is appended: the log, and the operation before it. */
export interface NextPlace {
  readonly term: TermId
  readonly seq: number
  readonly previous: OperationId
}

/** A signed statement about the members of a room. docs/protocol/membership.md §9.2. */
export interface Operation extends NextPlace {
  readonly id: OperationId
  readonly author: AuthorId
  readonly body: Body
  /** As stored and sent. */
  readonly bytes: Uint8Array
}

/** Signs an operation. */
export function signOperation(room: Uint8Array, keys: KeyPair, next: NextPlace, body: Body): Operation {
  const encoded = encodeBody(body)
  const author = authorOfKey(keys.publicKey)
  const id = operationId(room, keys.publicKey, next, encoded)
  const bytes = new ByteWriter()
    .bytes(keys.publicKey)
    .bytes(Buffer.from(next.term, 'hex'))
    .u32(next.seq)
    .bytes(Buffer.from(next.previous, 'hex'))
    .u16(encoded.length)
    .bytes(encoded)
    .bytes(keys.sign(signedBytes(id)))
    .finish()
  return { id, author, term: next.term, seq: next.seq, previous: next.previous, body, bytes }
}

/**
 * Decodes an operation of `room`; undefined if it is malformed. Its signature is not verified. The id covers the room, so an
 * operation of another room has a different id here, and its signature is invalid.
 */
export function decodeOperation(room: Uint8Array, bytes: Uint8Array): Operation | undefined {
  const reader = new ByteReader(bytes)
  const key = reader.bytes(KEY_BYTES)
  const term = hexOf(reader.bytes(ID_BYTES)) as TermId
  const seq = reader.u32()
  const previous = hexOf(reader.bytes(ID_BYTES)) as OperationId
  const encoded = reader.bytes(reader.u16())
  reader.bytes(SIGNATURE_BYTES)
  if (reader.end(true) === undefined) return undefined
  if (seq < 1 || seq > OPERATIONS_MAX || (seq === 1) !== (previous === NO_OPERATION)) return undefined
  const body = decodeBody(encoded)
  if (body === undefined) return undefined
  const id = operationId(room, key, { term, seq, previous }, encoded)
  return { id, author: authorOfKey(key), term, seq, previous, body, bytes: Uint8Array.from(bytes) }
}

/** Whether its author signed the operation. */
export const isOperationSigned = ({ id, author, bytes }: Operation): boolean =>
  isSignature(bytes.subarray(-SIGNATURE_BYTES), signedBytes(id), keyBytes(author))

function operationId(room: Uint8Array, key: Uint8Array, next: NextPlace, body: Uint8Array): OperationId {
  const seq = Buffer.allocUnsafe(4)
  seq.writeUInt32BE(next.seq)
  const [term, previous] = [Buffer.from(next.term, 'hex'), Buffer.from(next.previous, 'hex')]
  return hexOf(hash(OPERATION_LABEL, room, key, term, seq, previous, body)) as OperationId
}

const signedBytes = (id: OperationId): Uint8Array => concat([SIGNATURE_LABEL, Buffer.from(id, 'hex')])
