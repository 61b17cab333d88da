import { type ChannelCarrier, RoomChannels } from '../../net/room-channels.js'
import type { Introductions } from './introductions.js'
import type { RoomMembers } from './room-members.js'

interface MemberChannels {
  readonly channels: RoomChannels
  /** Stops following the members. */
  close(): void
}

/**
 * The channels of a private room: only its members learn that it exists, and the channel of anybody who is removed is closed at once.
 * Peers who are members, or were, get the operations that say so.
 */
export function memberChannels(
  members: RoomMembers,
  connections: ChannelCarrier,
  introductions: Introductions,
): MemberChannels {
  const channels = new RoomChannels(members.room.id, connections, key => members.isMember(key))
  const changed = (): void => channels.updateAdmission()
  members.on('change', changed) // before the introductions: they send nothing on a channel that closes
  const remove = introductions.add(members)
  const close = (): void => {
    members.off('change', changed)
    remove()
  }
  return { channels, close }
}
