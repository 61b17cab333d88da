import { type Message, placeOf } from '../../../chat/kinds/message.js'
import { keyOfPlace } from '../../../chat/views/lines.js'
import { logIdOf, type Seq } from '../../../log/format/author.js'
import type { Digest } from '../../../log/format/heads.js'

const SEQ_DIGITS = 16

/** The id of a row: the place of its message. */
export function idOf(message: Message): string {
  const { author, seq } = placeOf(message)
  return keyOfPlace(author, seq)
}

/** The place that an id encodes; undefined if the id is malformed. */
export function placeIn(id: string): Digest | undefined {
  const slash = id.lastIndexOf('/')
  const author = slash === -1 ? undefined : logIdOf(id.slice(0, slash))
  const seq = Number(id.slice(slash + 1))
  return author !== undefined && Number.isSafeInteger(seq) && seq > 0 ? { author, seq: seq as Seq } : undefined
}

/**
 * A sort key that orders messages as the conversation does: by time, log and seq, with messages dated ahead last. The separator, a space,
 * sorts before all characters of a log id.
 */
export function orderOf(message: Message): string {
  const { author, seq } = placeOf(message)
  return `${message.isAhead ? 1 : 0}${message.at} ${author} ${String(seq).padStart(SEQ_DIGITS, '0')}`
}
