import type { At } from '../log/at.js'
import { millisOf } from '../log/at.js'
import { type AuthorId, isSigned, type Seq } from '../log/author.js'
import { decodeEntry, type Entry } from '../log/entry.js'

/** What somebody said. The texts are a stranger's: they go through `sanitise` before anybody sees them. */
export interface Message {
  readonly author: AuthorId
  readonly seq: Seq
  readonly username: string
  readonly message: string
  readonly at: At
  /** When it was written by the writer's clock, in milliseconds since 1970. */
  readonly timeMs: number
  /** Whether it was signed by the author's key; unsigned lines are what some original peer said. */
  readonly isVerified: boolean
  /** Whether its author signed another history as well, in which it does not stand. */
  readonly isDisputed: boolean
}

/** What an entry says; undefined for one that nobody could read. */
export function messageOf(entry: Entry, isDisputed = false): Message | undefined {
  const members = decodeEntry(entry.entry)
  if (members === undefined) return undefined
  const { time } = members
  const hasTime = typeof time === 'number' && Number.isFinite(time) && Math.abs(time) < 8.64e15
  return {
    author: entry.author,
    seq: entry.seq,
    username: members.username,
    message: members.message,
    at: entry.at,
    isVerified: isSigned(entry.author),
    isDisputed,
    timeMs: hasTime ? time : millisOf(entry.at),
  }
}
