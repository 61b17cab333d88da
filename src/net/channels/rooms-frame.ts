import { concat, EMPTY } from '../../base/wire/bytes.js'
import { ROOM_TAG_BYTES } from '../handshake/hello.js'
import { ROOMS_MAX } from './limits.js'

/** Types of the frames that the channels themselves exchange. */
export const ROOMS = 1
export const PING = 10
export const PONG = 11
export const ACK = 16

/** A Rooms frame is padded to a multiple of this number of tags, so that it does not reveal the exact number of rooms. */
const PADDED_TO = 8

/** The body of a Rooms frame: its type, then one tag per slot, from slot 1. An empty slot has a random tag. */
export function encodeRooms(
  tags: readonly (Uint8Array | undefined)[],
  random: (bytes: number) => Uint8Array,
): Uint8Array {
  const slots = Math.max(PADDED_TO, Math.ceil(tags.length / PADDED_TO) * PADDED_TO)
  const filled = Array.from({ length: slots }, (_, i) => tags[i] ?? random(ROOM_TAG_BYTES))
  return concat([Uint8Array.of(ROOMS), ...filled])
}

/** The tags of a Rooms frame; undefined if it is malformed. */
export function decodeRooms(body: Uint8Array): Uint8Array[] | undefined {
  const count = (body.length - 1) / ROOM_TAG_BYTES
  if (body[0] !== ROOMS || !Number.isInteger(count) || count > ROOMS_MAX) return undefined
  return Array.from({ length: count }, (_, i) =>
    Uint8Array.from(body.subarray(1 + i * ROOM_TAG_BYTES, 1 + (i + 1) * ROOM_TAG_BYTES) ?? EMPTY),
  )
}
