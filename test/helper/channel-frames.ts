import { concat, varint } from '../../src/base/wire/bytes.js'
import { FRAME_BYTES_MAX, FrameReader, frame } from '../../src/base/wire/frames.js'
import { encodeRooms } from '../../src/net/channels/rooms-frame.js'
import { type Role, roomTagOf } from '../../src/net/handshake/hello.js'

/** The frame in which the side in `role` names its rooms. */
export const roomsFrame = (rooms: readonly Uint8Array[], handshakeHash: Uint8Array, role: Role): Uint8Array =>
  onChannel(
    0,
    encodeRooms(
      rooms.map(room => roomTagOf(room, handshakeHash, role)),
      bytes => Buffer.alloc(bytes, 9),
    ),
  )

/** One frame for the room in a place of the receiver; 0: about all rooms. */
export const onChannel = (place: number, body: Uint8Array): Uint8Array => frame(concat([varint(place), body]))

/** The frames of a replication stream, on a channel. */
export function framesOn(place: number, bytes: Uint8Array): Uint8Array {
  const reader = new FrameReader(FRAME_BYTES_MAX)
  reader.push(bytes)
  const frames: Uint8Array[] = []
  for (let read = reader.next(); read.kind === 'frame'; read = reader.next()) frames.push(onChannel(place, read.body))
  return concat(frames)
}
