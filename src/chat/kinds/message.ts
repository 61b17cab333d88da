import { type AuthorId, isSigned, type Seq } from '../../log/format/author.js'
import { decodeEntry, type Entry } from '../../log/format/entry.js'
import type { Hlc } from '../../log/format/hybrid-clock.js'
import { millisOf } from '../../log/format/hybrid-clock.js'

/** What an entry is, besides a line that was said: something done, another name, what the conversation is about. */
const KINDS = ['action', 'nick', 'topic'] as const
type MessageKind = 'line' | (typeof KINDS)[number]

/** What somebody said. The texts are a stranger's: they go through `sanitise` before anybody sees them. */
export interface Message {
  readonly author: AuthorId
  readonly seq: Seq
  readonly username: string
  readonly message: string
  readonly kind: MessageKind
  /** What the conversation is about from here on, of a message of that kind. */
  readonly topic: string | undefined
  readonly at: Hlc
  /** When it was written by the writer's clock, in milliseconds since 1970. */
  readonly timeMs: number
  /** Whether it was signed by the author's key; unsigned lines are what some original peer said. */
  readonly isVerified: boolean
  /** Whether its author signed another history as well, in which it does not stand. */
  readonly isForked: boolean
}

/** What an entry says; undefined for one that nobody could read. */
export function messageOf(entry: Entry, isForked = false): Message | undefined {
  const members = decodeEntry(entry.entry)
  if (members === undefined) return undefined
  const { time, type, topic } = members
  const hasTime = typeof time === 'number' && Number.isFinite(time) && Math.abs(time) < 8.64e15
  return {
    author: entry.author,
    seq: entry.seq,
    username: members.username,
    message: members.message,
    kind: KINDS.find(kind => kind === type) ?? 'line',
    topic: type === 'topic' && typeof topic === 'string' ? topic : undefined,
    at: entry.at,
    isVerified: isSigned(entry.author),
    isForked,
    timeMs: hasTime ? time : millisOf(entry.at),
  }
}
