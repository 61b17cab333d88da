import path from 'node:path'
import { hexOf } from '../base/bytes.js'
import { checkName, pathPartOf } from '../base/name.js'
import { LOBBY, roomId } from '../log/room.js'

/** Where one user keeps one conversation. */
export interface Home {
  readonly me: string
  readonly room: string
  readonly roomId: Uint8Array
  /** Directory of the user: his key, and a database for each room. */
  readonly directory: string
  readonly keyFile: string
  readonly database: string
  /** Socket at which further windows of the user come in. */
  readonly door: string
}

/** Names become parts of paths here and nowhere else. Throws BAD_NAME. */
export function homeOf(data: string, me: string, room = LOBBY): Home {
  const name = checkName(me, `the name ${JSON.stringify(me)}`)
  const roomName = checkName(room, `the room name ${JSON.stringify(room)}`)
  const directory = path.join(data, pathPartOf(name))
  const id = roomId(roomName)
  const part = roomName === LOBBY ? LOBBY : hexOf(id).slice(0, 16)
  return {
    me: name,
    room: roomName,
    roomId: id,
    directory,
    keyFile: path.join(directory, 'key'),
    database: path.join(directory, part),
    door: path.join(directory, `${part}.window`),
  }
}
