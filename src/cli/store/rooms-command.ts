import path from 'node:path'
import { sanitise, sanitisedJson } from '../../base/safe-text.js'
import { shortKey } from '../../chat/display-names.js'
import { concerns } from '../../chat/mention.js'
import { keyOfPlace } from '../../chat/views/lines.js'
import { UnreadCount } from '../../chat/views/unread-count.js'
import { askNode, statusIn } from '../../host/client/connect.js'
import type { EnteredRoom } from '../../host/server/node-store.js'
import type { NodeStatus } from '../../host/server/server.js'
import type { ReadMark } from '../../log/options.js'
import { countedIn } from '../../node/private-rooms/chat-places.js'
import { RoomMembers } from '../../node/private-rooms/room-members.js'
import { messagesOf } from '../../node/room-api.js'
import { openLogCopy } from '../../node/stored-log.js'
import { dateAndTimeOf } from '../../session/dates.js'
import { loadView, savedViewFile } from '../../session/saved-view.js'
import { info, writeLinesIfOpen } from '../../ui/lines/output.js'
import { DONE } from '../exit-code.js'
import { ANSWER_MS_MAX } from '../node/status-command.js'
import { within } from '../node/within.js'
import { report, type Where } from './stored-logs.js'
import { homeOfRoom, withStoredRooms } from './stored-rooms.js'

/** The row that `rooms` prints about a room. */
interface RoomSummary {
  readonly room: string
  /** Name of its directory. */
  readonly id: string
  readonly kind: 'public' | 'private' | 'direct'
  /** Whether a running node has it open. */
  readonly open: boolean
  /** Number of people who have written in a public room, or of members of a private room. */
  readonly members: number
  /** Members of a private room whose machines stay in it. */
  readonly keepers?: readonly string[]
  readonly unread: number
  /** Unread messages that mention the user. */
  readonly mentions: number
  /** When the latest message was written; null if there is none. */
  readonly lastAt: string | null
}

/**
 * `persisted-chat rooms <me>`: the rooms of a user, with their unread messages. Reads copies, so that a node may run.
 * Changes nothing.
 */
export async function listRooms(where: Omit<Where, 'room'>, isJson: boolean): Promise<number> {
  return withStoredRooms(where, async ({ directory, rooms, unnamed, node }) => {
    const open = await openRooms(where.me, directory)
    const summaries: RoomSummary[] = []
    for (const room of rooms)
      summaries.push(await summaryOf(where, room, (await node?.marks(room.label)) ?? [], open.has(room.name)))
    await writeLinesIfOpen(process.stdout, isJson ? summaries.map(room => sanitisedJson(room)) : linesOf(summaries))
    for (const label of unnamed)
      info(`${path.join(directory, label)} is a room whose name is listed once you have opened it again with --room`)
    return DONE
  })
}

/** The rooms that a running node has open. */
async function openRooms(me: string, directory: string): Promise<ReadonlySet<string>> {
  const answer = await within(ANSWER_MS_MAX, askNode({ me, directory }, 'status'))
  const status = answer === 'late' ? undefined : answer && (statusIn(answer.value) as NodeStatus | undefined)
  return new Set(status?.rooms.flatMap(({ room, open = true }) => (open ? [room] : [])))
}

async function summaryOf(
  where: Omit<Where, 'room'>,
  room: EnteredRoom,
  stored: readonly ReadMark[],
  isOpen: boolean,
): Promise<RoomSummary> {
  const { name, privateRoom, direct } = room
  const home = homeOfRoom(where, room)
  const { hidden, hiddenLines } = loadView(savedViewFile(home.database))
  const { log, keys } = await openLogCopy(home, report)
  try {
    const marks = await log.marksNow(stored)
    const count = new UnreadCount(
      {
        ourId: log.author,
        isHidden: author => hidden.has(author),
        isHiddenLine: ({ author, seq }) => hiddenLines?.has(keyOfPlace(author, seq)) === true,
        isMention: message => concerns(message, log.author, [where.me]),
      },
      marks,
    )
    const members = privateRoom && (await RoomMembers.open(privateRoom, keys, log))
    const counted = await countedIn(log, members)
    for await (const entries of log.read({ since: marks }))
      for (const message of messagesOf(counted(entries))) count.note(message)
    let lastAt: string | null = null
    for await (const entries of log.read({ last: 1 }))
      for (const { timeMs } of messagesOf(entries)) lastAt = new Date(timeMs).toISOString()
    const { unread, mentions: mentioned } = count
    return {
      room: name,
      id: home.databaseName,
      kind: privateRoom !== undefined ? 'private' : direct !== undefined ? 'direct' : 'public',
      open: isOpen,
      members: members?.membership.members.size ?? (direct === undefined ? log.head.length : 2),
      ...(members !== undefined && {
        keepers: members.keepers.map(author => members.nameOf(author) ?? shortKey(author)),
      }),
      unread,
      mentions: mentioned,
      lastAt,
    }
  } finally {
    await log.close()
  }
}

function linesOf(rooms: readonly RoomSummary[]): string[] {
  const width = Math.max(0, ...rooms.map(({ room }) => room.length))
  return rooms.map(({ room, kind, open, members, keepers = [], unread, mentions, lastAt }) => {
    const counts = [
      ...(kind === 'direct' ? ['direct'] : []),
      ...(kind === 'private' ? [`private, ${members} ${members === 1 ? 'member' : 'members'}`] : []),
      ...(keepers.length === 0 ? [] : [`kept by ${keepers.join(', ')}`]),
      unread === 0 ? 'all read' : `${unread.toLocaleString('en')} unread`,
      ...(mentions === 0 ? [] : [`${mentions.toLocaleString('en')} mention you`]),
      ...(lastAt === null ? [] : [`last message ${dateAndTimeOf(Date.parse(lastAt))}`]),
      ...(open ? ['open'] : []),
    ]
    return sanitise(`${room.padEnd(width)}  ${counts.join(', ')}`)
  })
}
