import type { Face } from '../host/client/face.js'
import { homeOf } from '../node/paths.js'
import type { StopRequest } from '../ui/lines/stop-request.js'
import { Notices } from '../ui/notices.js'
import { type AttachedFace, RoomTabs } from '../ui/rooms/room-tabs.js'
import { SavedRooms } from '../ui/rooms/saved-rooms.js'
import { runScreen, type ScreenOptions } from '../ui/terminal/run.js'
import { attachFace } from './attach-face.js'
import { inRoom, type PreparedNode } from './prepared-node.js'

/**
 * The chat on a terminal, which shows one of its rooms at a time. Saved rooms are opened after the first one is shown. Resolves
 * with the faces of the rooms that are open at the end.
 */
export async function runTerminal(
  first: AttachedFace,
  options: ScreenOptions,
  prepared: PreparedNode,
  stop: StopRequest,
): Promise<readonly Face[]> {
  const saved = new SavedRooms(homeOf(options.data, options.me).directory)
  const rooms = new RoomTabs(first, saved, async room => {
    const notices = new Notices()
    return { face: await attachFace(inRoom(prepared, room), notices.add, notices.add), notices }
  })
  await runScreen(rooms, options, Promise.race([stop.asked(), rooms.ended]))
  return rooms.all.map(({ face }) => face)
}
