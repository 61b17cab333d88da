import { isCount, isFields, text } from '../../base/shape.js'
import { bufferOf } from '../../base/wire/bytes.js'
import { type Message, messageOf } from '../../chat/kinds/message.js'
import { logIdOf } from '../../log/format/author.js'
import type { Entry } from '../../log/format/entry.js'
import { hlcOf } from '../../log/format/hybrid-clock.js'
import type { FoundLine } from '../../search/search.js'
import type { Fields } from './codec.js'

/** A line that a search found, in any room. */
export interface FoundMessage extends Omit<FoundLine, 'entry' | 'edit'> {
  readonly room: string
  readonly edit: (Message & { readonly kind: 'edit' }) | undefined
}

const entryFields = ({ author, seq, at, entry, isAhead }: Entry): Fields => ({
  log: author,
  seq,
  at,
  entry: bufferOf(entry).toString('base64'),
  isAhead,
})

/** A found line in the answer of a node. */
export const foundFields = (room: string, { entry, message, edit }: FoundLine): Fields => ({
  is: 'line',
  room,
  ...entryFields(entry),
  label: message.label,
  ...(edit !== undefined && { edit: entryFields(edit.entry) }),
})

/** Decodes a found line; undefined for anything else. */
export function foundIn({ is, room, label, edit: edited, ...fields }: Fields): FoundMessage | undefined {
  const message = messageIn(fields)
  if (is !== 'line' || !text(room) || message === undefined) return undefined
  const edit = isFields(edited) ? messageIn(edited) : undefined
  return {
    room,
    message: { ...message, ...(text(label) && { label }) },
    edit: edit?.kind === 'edit' ? edit : undefined,
  }
}

function messageIn({ log, seq, at, entry, isAhead }: Fields): Message | undefined {
  const author = text(log) ? logIdOf(log) : undefined
  const hlc = text(at) ? hlcOf(at) : undefined
  if (author === undefined || hlc === undefined || !isCount(seq) || !text(entry)) return undefined
  const ahead = isAhead === true ? ({ isAhead } as const) : {}
  return messageOf({ author, seq, at: hlc, entry: Buffer.from(entry, 'base64'), ...ahead })
}

/** The progress in an answer; undefined if the answer is not progress of this kind. */
export function progressIn(
  { is, done, of }: Fields,
  kind: 'progress' | 'indexing',
): { readonly done: number; readonly of: number } | undefined {
  return is === kind && isCount(done) && isCount(of) ? { done, of } : undefined
}
