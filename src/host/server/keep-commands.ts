import type { Clock } from '../../base/clock.js'
import { ChatError } from '../../base/errors.js'
import { isCount } from '../../base/shape.js'
import type { Keep } from '../../membership/format/body.js'
import { keepOf, keepText } from '../../membership/keep.js'
import type { RoomMembers } from '../../node/private-rooms/room-members.js'
import type { Room } from '../../node/room.js'
import type { Fields } from '../protocol/codec.js'
import { type OnItem, signIn } from './member-commands.js'

/** Number of lines that are fetched by default. */
const FETCHED = 1_000

/** The commands that set, list or fetch what a room keeps. */
export const KEEP_COMMANDS: readonly unknown[] = ['keep', 'older', 'fetch']

/** Runs one of these commands in an open room. Rejects with a ChatError. */
export async function runKeepCommand(room: Room, command: Fields, clock: Clock, onItem: OnItem): Promise<void> {
  const { retention } = room
  if (retention === undefined) throw new ChatError('BAD_USAGE', 'this room keeps everything')
  if (command['do'] === 'older') return onItem({ ...retention.older() })
  if (command['do'] === 'fetch') {
    const fetched = await retention.fetch(isCount(command['count']) ? command['count'] : FETCHED)
    return onItem({ fetched, ...retention.older() })
  }
  const keep = keepIn(command)
  if (keep !== undefined) await setKeep(room, keep, command['isHere'] === true, clock)
  const { room: ofRoom, own, bytes } = await retention.status()
  onItem({
    room: room.room,
    keep: ofRoom === undefined ? null : keepText(ofRoom),
    here: own === undefined ? null : keepText(own),
    ...(bytes !== undefined && { bytes }),
  })
}

/** Sets which content a closed private room keeps. Rejects with a ChatError. */
export async function keepInClosedRoom(
  name: string,
  members: RoomMembers,
  command: Fields,
  clock: Clock,
  onItem: OnItem,
): Promise<void> {
  const keep = keepIn(command)
  if (command['do'] !== 'keep' || command['isHere'] === true)
    throw new ChatError('BAD_USAGE', `${name} is not open`, { hint: `Open it first, with --room ${name}.` })
  if (keep !== undefined) await signKeep(members, keep, clock)
  const { keep: ofRoom } = members.membership
  onItem({ room: name, keep: ofRoom === undefined ? null : keepText(ofRoom) })
}

async function setKeep({ members, retention }: Room, keep: Keep, isHere: boolean, clock: Clock): Promise<void> {
  const isFounder = members !== undefined && members.room.founder === members.me
  if (members !== undefined && !isHere && (isFounder || keep.unit === 'milliseconds'))
    return signKeep(members, keep, clock)
  if (keep.unit === 'milliseconds')
    throw new ChatError('ROOM_REFUSED', 'only the founder can set how long a room keeps lines for everybody', {
      hint: 'Set the size that this computer keeps, such as 500MB.',
    })
  await retention?.setOwn(keep)
}

const signKeep = (members: RoomMembers, keep: Keep, clock: Clock): Promise<void> =>
  signIn(members, () => ({ kind: 'keep', keep, time: clock.now() }))

/** The setting in a command, if there is one. Throws BAD_USAGE. */
function keepIn({ keep }: Fields): Keep | undefined {
  if (keep === undefined) return undefined
  const read = typeof keep === 'string' ? keepOf(keep) : undefined
  if (read === undefined) throw new ChatError('BAD_USAGE', `${String(keep)} is neither a time nor a size`)
  return read
}
