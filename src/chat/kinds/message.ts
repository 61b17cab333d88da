import { type AuthorId, authorOfLog, isSigned, logOf, type Run, runOf, type Seq } from '../../log/format/author.js'
import { isControl } from '../../log/format/control.js'
import { decodeEntry, type Entry, type Gap } from '../../log/format/entry.js'
import type { Digest } from '../../log/format/heads.js'
import type { Hlc } from '../../log/format/hybrid-clock.js'
import { millisOf } from '../../log/format/hybrid-clock.js'
import type { LineLabels } from '../line-labels.js'
import { erasureIn } from './erasure.js'
import { type Content, contentOf } from './kinds.js'
import type { Target } from './target.js'

/** A decoded entry. Names and texts are untrusted: `sanitise` them before they are shown. */
export type Message = MessageHead & Content

interface MessageHead {
  readonly author: AuthorId
  /** Number of the log among the author's logs. */
  readonly run: Run
  readonly seq: Seq
  /** A short name of the line for people, such as `b412`; undefined if no label is assigned. */
  readonly label?: string | undefined
  readonly username: string
  /** The text; for other kinds, the text that older peers show. */
  readonly message: string
  readonly at: Hlc
  /** When it was written, by the clock of its author, in milliseconds since 1970. */
  readonly timeMs: number
  /** Whether it is dated too far ahead of the reader's clock: it is shown at the end of the history. */
  readonly isAhead?: true
  /** Whether it is signed by the author's key. Unsigned entries come from scuttleup peers. */
  readonly isVerified: boolean
}

const AHEAD = { isAhead: true } as const

/** The range of JavaScript dates, before and after 1970. */
const DATE_MS_MAX = 8.64e15

/**
 * The message in an entry, or the places without content; undefined for a control entry, and if the entry cannot be
 * decoded.
 */
export function messageOf(entry: Entry, labels?: LineLabels): Message | undefined {
  if (entry.gap !== undefined) return gapOf(entry, entry.gap, labels)
  if (isControl(entry.entry)) return deletionOf(entry, labels)
  const members = decodeEntry(entry.entry)
  if (members === undefined) return undefined
  const { time } = members
  const hasTime = typeof time === 'number' && Number.isFinite(time) && Math.abs(time) < DATE_MS_MAX
  return {
    author: authorOfLog(entry.author),
    run: runOf(entry.author),
    seq: entry.seq,
    label: labels?.labelOf(entry.author, entry.seq),
    username: members.username,
    message: members.message,
    at: entry.at,
    isVerified: isSigned(entry.author),
    timeMs: hasTime ? time : millisOf(entry.at),
    ...(entry.isAhead && AHEAD),
    // Spread last: if it came first, V8 would add each of the members above to a slow object, at ten times the cost.
    ...contentOf(members),
  }
}

const gapOf = ({ author, seq, at }: Entry, gap: Gap, labels: LineLabels | undefined): Message => ({
  author: authorOfLog(author),
  run: runOf(author),
  seq,
  label: labels?.labelOf(author, seq),
  username: '',
  message: '',
  at,
  isVerified: true,
  timeMs: millisOf(at),
  kind: 'gap',
  ...gap,
})

/** The erasure in a control entry. */
function deletionOf({ author, seq, at, entry }: Entry, labels: LineLabels | undefined): Message | undefined {
  const erasure = erasureIn(entry)
  if (erasure === undefined) return undefined
  const { run, from, to } = erasure
  return {
    ...{ author: authorOfLog(author), run: runOf(author), seq, label: labels?.labelOf(author, seq) },
    ...{ username: '', message: '', at, isVerified: true, timeMs: millisOf(at) },
    ...{ kind: 'delete', to: { run, seq: from }, count: to - from + 1 },
  }
}

/** The line that a message refers to. */
export function targetOf(message: Message): Target | undefined {
  switch (message.kind) {
    case 'edit':
    case 'delete':
      return { author: message.author, ...message.to }
    case 'reply':
    case 'reaction':
      return message.to
    case 'text':
    case 'action':
    case 'nick':
    case 'topic':
    case 'file':
    case 'gap':
      return undefined
    default:
      return message satisfies never
  }
}

/** Whether a message carries the name of its author. */
const hasName = ({ kind }: Message): boolean => kind !== 'gap' && kind !== 'delete'

/** The messages that carry the names of their authors: all except gaps and erasures. */
export const withNames = (messages: readonly Message[]): readonly Message[] =>
  messages.every(hasName) ? messages : messages.filter(hasName)

/** The log of a message, and its place there. */
export const placeOf = ({ author, run, seq }: Pick<MessageHead, 'author' | 'run' | 'seq'>): Digest => ({
  author: logOf(author, run),
  seq,
})

/** The log of a message or a gap, and its last place there. */
export const lastPlaceOf = (message: Message): Digest => {
  const { author, seq } = placeOf(message)
  return { author, seq: message.kind === 'gap' ? seq + message.count - 1 : seq }
}
