import { placeOf } from '../../chat/kinds/message.js'
import type { LogId, Seq } from '../../log/format/author.js'
import type { Session } from '../../session/session.js'
import type { CommandContext } from './context.js'

/** Whether a word names a line rather than a person. */
export const isLineName = (session: Session, name: string): boolean =>
  (/^-[1-9]\d{0,4}$/.test(name) || session.room.labels.placeOf(name) !== undefined) &&
  session.authorsNamed(name).length === 0

/** Hides one line, in this user's faces only. */
export async function hideLine({ session, tell, complain }: CommandContext, name: string): Promise<void> {
  const found = await session.references.find(name)
  if (found.kind === 'none') return complain(found.why)
  session.hideLine(placeOf(found.line))
  const label = found.line.label ?? name
  tell(`${label} is hidden from your view only, and stays on this screen: /show ${label} shows it again`)
}

/** Shows a hidden line again. False if the word names no line. */
export async function showLine({ session, quote, tell }: CommandContext, name: string): Promise<boolean> {
  const place = session.room.labels.placeOf(name)
  if (place === undefined || !session.showLine(place)) return false
  const found = await session.references.find(name)
  if (found.kind === 'found') quote(`${name} is shown again`, [found.line], 'end')
  else tell(`${name} is shown again: ${found.why}`)
  return true
}

/** The labels of the hidden lines. */
export function hiddenLabels({ hiddenLines, room }: Session): string[] {
  return [...hiddenLines].map(key => {
    const slash = key.lastIndexOf('/')
    const seq = Number(key.slice(slash + 1)) as Seq
    return room.labels.labelOf(key.slice(0, slash) as LogId, seq) ?? 'a line that is not here'
  })
}
