import { messageOf } from '../../chat/kinds/message.js'
import { type AuthorId, authorOfLog, runOf } from '../../log/format/author.js'
import type { Log } from '../../log/log.js'
import type { NodeEvent } from '../events.js'
import type { Withdrawn } from './chat-places.js'

/**
 * Largest number of entries that are read to count the messages among them. Each entry beyond it is counted as a
 * message.
 */
const READ_MAX = 1_000

/** Largest number of code points of the first message that are quoted. */
const QUOTED_MAX = 40

/** The event that reports withdrawn messages; undefined if there is no message among the entries. */
export async function withdrawnLines(
  log: Pick<Log, 'entry' | 'isOurs'>,
  { log: id, from, to }: Withdrawn,
  nameOf: (author: AuthorId) => string,
): Promise<NodeEvent | undefined> {
  let first: { readonly seq: number; readonly text: string } | undefined
  let count = Math.max(0, to - from + 1 - READ_MAX)
  for (let seq = from; seq <= Math.min(to, from + READ_MAX - 1); seq++) {
    const entry = await log.entry(id, seq)
    const message = entry && messageOf(entry)
    if (message === undefined || (message.kind !== 'text' && message.kind !== 'action')) continue
    first ??= { seq, text: message.message }
    count++
  }
  if (first === undefined) return undefined
  const author = authorOfLog(id)
  return {
    kind: 'lines-withdrawn',
    member: nameOf(author),
    author,
    run: runOf(id),
    seq: first.seq,
    count,
    first: beginningOf(first.text),
    isOurs: log.isOurs(id),
  }
}

function beginningOf(text: string): string {
  const points = [...text.slice(0, 2 * QUOTED_MAX + 2)]
  return points.length <= QUOTED_MAX ? text : `${points.slice(0, QUOTED_MAX).join('')}…`
}
