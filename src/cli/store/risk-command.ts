import { ChatError } from '../../base/errors.js'
import { equalsIgnoringCase, shownRoom } from '../../base/names.js'
import { sanitise, sanitisedJson } from '../../base/safe-text.js'
import { shortKey } from '../../chat/display-names.js'
import { isLine } from '../../chat/kinds/kinds.js'
import { placeOf } from '../../chat/kinds/message.js'
import type { EnteredRoom } from '../../host/server/node-store.js'
import { authorOf } from '../../log/format/author.js'
import { Pins } from '../../node/people/pins.js'
import { countedIn } from '../../node/private-rooms/chat-places.js'
import { RoomMembers } from '../../node/private-rooms/room-members.js'
import { messagesOf } from '../../node/room-api.js'
import { openLogCopy } from '../../node/stored-log.js'
import { dateAndTimeOf } from '../../session/dates.js'
import { hasContent } from '../../sync/receipts.js'
import { info, writeLinesIfOpen } from '../../ui/lines/output.js'
import { DONE, FAILED } from '../exit-code.js'
import { requestNode } from '../rooms/node-request.js'
import { provenHeads } from './proven-heads.js'
import { report, type Where } from './stored-logs.js'
import { homeOfRoom, type StoredRooms, withStoredRooms } from './stored-rooms.js'

/** The beginning of a key. */
const KEY_START = /^[0-9a-f]{8,64}$/

export interface RiskOptions {
  /** The room; undefined: all rooms. */
  readonly room: string | undefined
  /** Smallest number of disks that each line has to be on. */
  readonly min: number | undefined
  /** A peer whose copies are to be ignored, by name or by the beginning of the key. */
  readonly forget: string | undefined
  readonly isJson: boolean
}

/** A peer with a copy of some of the lines. */
interface Copy {
  readonly name: string
  readonly key: string
  /** Number of these lines that the peer provably has. */
  readonly lines: number
  /** When the peer last proved this. */
  readonly at: string
}

/** The number of disks that the lines of a room are on, including this one. */
interface RoomRisk {
  readonly room: string
  readonly lines: number
  /** The smallest number of disks that a line is on; 0 if there is no line. */
  readonly copies: number
  /** How many lines are on this disk only. */
  readonly only: number
  readonly peers: readonly Copy[]
}

/**
 * `persisted-chat risk <me> [room]`: what would be lost if this disk failed. Considers only known peers, and only their
 * entries up to a place where the chain value agrees with the log here.
 */
export async function reportRisk(
  where: Omit<Where, 'room'>,
  { room, min, forget, isJson }: RiskOptions,
): Promise<number> {
  if (forget !== undefined) await forgetPeer(where, room, forget)
  return withStoredRooms(where, async stored => {
    const risks: RoomRisk[] = []
    for (const each of roomsCalled(stored, room)) risks.push(await riskOf(where, stored, each))
    await writeLinesIfOpen(process.stdout, isJson ? risks.map(risk => sanitisedJson(risk)) : risks.flatMap(linesOf))
    const isAtRisk = risks.some(({ lines, copies }) => lines > 0 && copies < (min ?? 0))
    return isAtRisk ? FAILED : DONE
  })
}

function roomsCalled({ rooms }: StoredRooms, name: string | undefined): readonly EnteredRoom[] {
  const found = name === undefined ? rooms : rooms.filter(each => each.name === name || each.label === name)
  if (found.length === 0)
    throw new ChatError('BAD_USAGE', `there is no room called ${name}`, { hint: 'The command rooms lists them.' })
  return found
}

/** Ignores the copies of a peer until the peer is heard from again. */
async function forgetPeer(where: Omit<Where, 'room'>, room: string | undefined, text: string): Promise<void> {
  const { peer, labels } = await withStoredRooms(where, async stored => {
    const rooms = roomsCalled(stored, room)
    const peers = new Set<string>()
    for (const each of rooms)
      for (const { name, key } of (await riskOf(where, stored, each)).peers)
        if (equalsIgnoringCase(name, text) || (KEY_START.test(text) && key.startsWith(text))) peers.add(key)
    const [peer, ...others] = peers
    if (peer === undefined || others.length > 0)
      throw new ChatError(
        'BAD_USAGE',
        `${peer === undefined ? 'no peer' : 'more than one peer'} with copies is called ${text}`,
        {
          hint: 'Name it by the beginning of its key, as the command risk shows it.',
        },
      )
    return { peer, labels: rooms.map(({ label }) => label) }
  })
  await requestNode(where.me, where.data, { do: 'forget-peer', peer, labels }, () => {})
  info(`the copies of ${text} are ignored until the peer is heard from again`)
}

async function riskOf(where: Omit<Where, 'room'>, { node }: StoredRooms, room: EnteredRoom): Promise<RoomRisk> {
  const pins = node === undefined ? new Pins() : await Pins.open(node)
  const { log, keys } = await openLogCopy(homeOfRoom(where, room), report, pins)
  try {
    const members = room.privateRoom && (await RoomMembers.open(room.privateRoom, keys, log))
    const counted = await countedIn(log, members)
    const replicas = (await node?.replicas(room.label)) ?? []
    const heads = await Promise.all(replicas.map(replica => provenHeads(log, replica)))
    const found = replicas.map(() => 0)
    let [lines, only, fewest] = [0, 0, Number.POSITIVE_INFINITY]
    for await (const entries of log.read())
      for (const message of messagesOf(counted(entries))) {
        if (!isLine(message)) continue
        const { author, seq } = placeOf(message)
        let copies = 1
        for (const [index, peer] of heads.entries()) {
          const head = peer.get(author)
          if (head === undefined || !hasContent(head, seq)) continue
          copies++
          found[index] = (found[index] ?? 0) + 1
        }
        lines++
        if (copies === 1) only++
        fewest = Math.min(fewest, copies)
      }
    const peers = replicas.map(({ peer, at }, index) => {
      const author = authorOf(peer)
      const name = pins.known.pins.find(({ key }) => key === peer)?.name ?? (author && members?.nameOf(author))
      return { name: name ?? '', key: peer, lines: found[index] ?? 0, at: new Date(at).toISOString() }
    })
    return {
      room: room.name,
      lines,
      copies: lines === 0 ? 0 : fewest,
      only,
      peers: peers.filter(each => each.lines > 0),
    }
  } finally {
    await log.close()
  }
}

function linesOf({ room, lines, copies, only, peers }: RoomRisk): string[] {
  const count = (number: number): string => number.toLocaleString('en')
  const disks = copies === 1 ? 'on this disk at least' : `on ${copies} disks or more`
  const alone = only === 0 ? '' : `; ${count(only)} of them only here`
  const summary = lines === 0 ? 'no lines' : `${count(lines)} ${lines === 1 ? 'line' : 'lines'}, each ${disks}${alone}`
  return [
    sanitise(`${shownRoom(room)}  ${summary}`),
    ...peers.map(({ name, key, lines: here, at }) =>
      sanitise(
        `  ${name === '' ? shortId(key) : `${name} (${shortId(key)})`}  has ${count(here)}, as reported on ${dateAndTimeOf(Date.parse(at))}`,
      ),
    ),
  ]
}

function shortId(key: string): string {
  const author = authorOf(key)
  return author === undefined ? '' : shortKey(author)
}
