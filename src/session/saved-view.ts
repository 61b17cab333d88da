import type { Millis } from '../base/clock.js'
import type { Topic } from '../chat/views/topic.js'
import type { AuthorId } from '../log/format/author.js'
import type { UnsentLine } from './draft.js'
import { isNotifyLevel, type NotifyLevel } from './notify-level.js'
import { loadFields, saveFields } from './saved-json.js'

/** State of a session that is saved for the next one, per user and room. Never sent. */
export interface SavedView {
  readonly leftAt: Millis | undefined
  /** Authors whose messages are not shown. */
  readonly hidden: ReadonlySet<AuthorId>
  /** Hidden companions, each with the author whom the user hid: their lines came by the same connection. */
  readonly companions: ReadonlyMap<AuthorId, AuthorId>
  /** Lines that are not shown, by `keyOfPlace`. */
  readonly hiddenLines?: ReadonlySet<string> | undefined
  readonly topic: Topic | undefined
  /** Which messages ring in this room. */
  readonly notifyLevel?: NotifyLevel | undefined
  readonly draft: UnsentLine
}

const NO_DRAFT: UnsentLine = { text: '', pid: undefined }

/** The file of a saved view, beside the database of the room. */
export const savedViewFile = (database: string): string => `${database}.screen`

/** The saved view; an empty one if it cannot be read. */
export function loadView(file: string): SavedView {
  const { leftAt, hidden, companions, hiddenLines, topic, notifyLevel, draft, window } = loadFields(file)
  return {
    leftAt: typeof leftAt === 'number' ? leftAt : undefined,
    hidden: new Set(textsIn(hidden) as AuthorId[]),
    hiddenLines: new Set(textsIn(hiddenLines)),
    companions: new Map(
      pairsIn(companions).filter(pair => pair.every(author => typeof author === 'string')) as [AuthorId, AuthorId][],
    ),
    topic: isTopic(topic) ? topic : undefined,
    notifyLevel: isNotifyLevel(notifyLevel) ? notifyLevel : undefined,
    draft: typeof draft === 'string' ? { text: draft, pid: typeof window === 'number' ? window : undefined } : NO_DRAFT,
  }
}

/** Replaces the file atomically. */
export function saveView(file: string, { hidden, companions, hiddenLines, draft, ...rest }: SavedView): Promise<void> {
  return saveFields(file, {
    ...rest,
    draft: draft.text,
    window: draft.pid,
    hidden: [...hidden],
    hiddenLines: [...(hiddenLines ?? [])],
    companions: [...companions],
  })
}

const textsIn = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter(each => typeof each === 'string') : []

const pairsIn = (value: unknown): [unknown, unknown][] =>
  Array.isArray(value) ? value.filter(pair => Array.isArray(pair) && pair.length === 2) : []

function isTopic(value: unknown): value is Topic {
  if (typeof value !== 'object' || value === null) return false
  const { text, at } = value as Record<string, unknown>
  return typeof text === 'string' && typeof at === 'string'
}
