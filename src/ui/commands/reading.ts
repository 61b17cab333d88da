import type { Millis } from '../../base/clock.js'
import type { Message } from '../../chat/kinds/message.js'
import { searchFor } from '../../chat/search.js'
import type { RoomApi } from '../../node/room-api.js'

/** Messages that one command prints at most: the newest of them. */
const SHOWN_MAX = 2_000

/** How often it is told how far a search has come, in messages. */
const PROGRESS_STEP = 4_096

export interface Found {
  /** The newest of those found, in order of conversation. */
  readonly messages: readonly Message[]
  readonly count: number
  /** How many were looked through. */
  readonly of: number
}

/** The last `count` messages. */
export async function lastMessages(conversation: RoomApi, count: number): Promise<Message[]> {
  const messages: Message[] = []
  for await (const batch of conversation.batches({ last: Math.min(count, SHOWN_MAX) })) messages.push(...batch)
  return messages
}

/** What was said at or after a time; what it is read backwards for is not known, so all is looked through. */
export const messagesSince = (conversation: RoomApi, since: Millis, task: Task): Promise<Found> =>
  findAll(
    conversation,
    () => true,
    message => message.timeMs >= since,
    task,
  )

/** The messages of the whole history that contain a text. */
export function messagesWith(conversation: RoomApi, text: string, task: Task): Promise<Found> {
  const { mayMatch, matches } = searchFor(text)
  return findAll(conversation, mayMatch, matches, task)
}

/** Something that takes a while: told how far it has come, and given up when it is aborted. */
export interface Task {
  readonly signal: AbortSignal
  readonly onProgress: (done: number, of: number) => void
}

async function findAll(
  conversation: RoomApi,
  mayMatch: (entry: Uint8Array) => boolean,
  matches: (message: Message) => boolean,
  { signal, onProgress }: Task,
): Promise<Found> {
  const of = conversation.heads.reduce((sum, { seq }) => sum + seq, 0)
  let [read, count, told] = [0, 0, 0]
  let messages: Message[] = []
  const isWanted = (entry: Uint8Array): boolean => {
    read++
    return mayMatch(entry)
  }
  for await (const batch of conversation.batches({}, isWanted)) {
    if (signal.aborted) break
    const found = batch.filter(matches)
    count += found.length
    if (found.length > 0) messages = [...messages, ...found].slice(-SHOWN_MAX)
    if (read - told < PROGRESS_STEP) continue
    told = read
    onProgress(read, Math.max(of, read))
  }
  return { messages, count, of: read }
}
