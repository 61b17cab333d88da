import { sanitise } from '../base/safe-text.js'
import { count, boolean as isBoolean, listOf, record, text } from '../base/shape.js'
import { shortKey } from '../chat/display-names.js'
import type { Fields } from '../host/protocol/codec.js'
import { authorOf } from '../log/format/author.js'
import type { OlderLines } from '../node/retention/fetches.js'
import type { Session } from '../session/session.js'

/** People who are named as having older lines. */
const NAMED_MAX = 2

const isOlderLines = record<OlderLines>({
  count,
  expired: count,
  notGiven: count,
  holders: listOf(record<OlderLines['holders'][number]>({ peer: text, isKnown: isBoolean, count })),
})

/** The name of a peer, by its key; of a scuttleup peer, its address. */
export function nameOfPeer(session: Session, peer: string): string {
  const author = authorOf(peer)
  const name = author === undefined ? undefined : session.people.nameOf(author)
  if (author !== undefined && name !== undefined) return session.names.nameOf(author, name)
  return author === undefined ? sanitise(peer) : shortKey(author)
}

const linesText = (count: number): string =>
  `${count.toLocaleString('en')} older ${count === 1 ? 'line is' : 'lines are'}`

/** How many lines a fetch has brought; `where` says where they are found. */
export const fetchedText = (count: number, where: string): string =>
  count === 0
    ? 'nobody who is connected has older lines'
    : `fetched ${count.toLocaleString('en')} ${count === 1 ? 'line' : 'lines'}: ${where}`

/** What is still missing, for each reason, without the names of those who have it. */
export function leftText(item: Fields): string[] {
  if (!isOlderLines(item)) return []
  const { count, expired, notGiven } = item
  return [...unavailable(expired, notGiven), ...(count > 0 ? [`${linesText(count)} not kept here`] : [])]
}

/** What no fetch gets. */
const unavailable = (expired: number, notGiven: number): string[] => [
  ...(expired > 0 ? [`${linesText(expired)} older than the room keeps`.replace(' older ', ' ')] : []),
  ...(notGiven > 0 ? [`${linesText(notGiven)} not given to newcomers of this room`] : []),
]

/** One row for each reason why older lines are not here: `1,204 older lines are with carol: /fetch`. */
export function olderRows(session: Session, item: Fields): string[] {
  if (!isOlderLines(item)) return []
  const { count, expired, notGiven, holders } = item
  const known = holders.filter(({ isKnown }) => isKnown)
  const named = known.slice(0, NAMED_MAX).map(({ peer }) => nameOfPeer(session, peer))
  const more = known.length - named.length
  const who = [...named, ...(more > 0 ? [`${more} more`] : [])].join(' and ')
  return [
    ...unavailable(expired, notGiven),
    ...(count > 0 ? [`${linesText(count)} ${who === '' ? 'not kept here' : `with ${who}`}: /fetch`] : []),
  ]
}

/** The rows about older lines of the room, as far as its node says. */
export async function olderLines(
  session: Session,
  request: (command: Fields) => AsyncIterable<Fields>,
): Promise<string[]> {
  const rows: string[] = []
  try {
    for await (const item of request({ do: 'older', room: session.room.room })) rows.push(...olderRows(session, item))
  } catch {
    // The face shows the history without them.
  }
  return rows
}
