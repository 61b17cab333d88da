import path from 'node:path'
import { loadKey } from '../../src/base/crypto/key-file.js'
import { systemRandom } from '../../src/base/random.js'
import { NodeStore } from '../../src/host/server/node-store.js'
import { LevelStore } from '../../src/log/store/level-store.js'
import { nextPlace, removalOf } from '../../src/membership/drafting.js'
import { signOperation } from '../../src/membership/format/operation.js'
import type { PrivateRoom } from '../../src/membership/format/room.js'
import { homeOf } from '../../src/node/paths.js'
import { RoomMembers } from '../../src/node/private-rooms/room-members.js'
import { openLog } from '../../src/node/stored-log.js'

/** The private room of a user, as their database has it. */
export async function privateRoomOf(data: string, me: string, room: string): Promise<PrivateRoom> {
  const { store } = await LevelStore.openCopy(path.join(homeOf(data, me).directory, 'node'))
  const entered = await new NodeStore(store).privateRoom(room)
  await store.close()
  if (entered?.privateRoom === undefined) throw new Error(`${me} has no room ${room}`)
  return entered.privateRoom
}

/** Signs a removal that the program refuses to sign, in the database of a user whose node does not run. */
export async function removeAnyway(data: string, me: string, room: string, subject: string): Promise<void> {
  const privateRoom = await privateRoomOf(data, me, room)
  const home = homeOf(data, me, room, privateRoom.id)
  const keys = await loadKey(home.keyFile, systemRandom)
  const { log } = await openLog(home, () => {})
  try {
    const members = await RoomMembers.open(privateRoom, keys, log)
    const author = [...members.membership.members.keys()].find(each => members.nameOf(each) === subject)
    const place = nextPlace(members.membership, members.me)
    const body = author && removalOf(members.membership, author, [], Date.now())
    if (place === undefined || body === undefined) throw new Error(`${subject} is no member that ${me} knows`)
    await members.add([signOperation(members.room.id, keys, place, body)])
  } finally {
    await log.close()
  }
}
