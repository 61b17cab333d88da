import type { Millis } from '../../base/clock.js'
import type { Message } from '../../chat/kinds/message.js'
import type { RoomApi } from '../../node/room-api.js'
import type { Task } from './context.js'

/** Largest number of messages that one command prints: the newest ones. */
const SHOWN_MAX = 2_000

/** Number of messages between two progress reports. */
const PROGRESS_STEP = 4_096

export interface Found {
  /** The newest matches, in conversation order. */
  readonly messages: readonly Message[]
  readonly count: number
  /** How many messages were read. */
  readonly of: number
}

/** The last `count` messages. */
export async function lastMessages(room: RoomApi, count: number): Promise<Message[]> {
  const messages: Message[] = []
  for await (const batch of room.batches({ last: Math.min(count, SHOWN_MAX) })) messages.push(...batch)
  return messages
}

/** Messages written at or after a time. Reads the whole history, because the logs have no index by time. */
export const messagesSince = (room: RoomApi, since: Millis, task: Task): Promise<Found> =>
  findAll(room, message => message.timeMs >= since, task)

async function findAll(
  room: RoomApi,
  matches: (message: Message) => boolean,
  { signal, onProgress }: Task,
): Promise<Found> {
  const of = room.heads.reduce((sum, { seq }) => sum + seq, 0)
  let [read, count, reported] = [0, 0, 0]
  let messages: Message[] = []
  for await (const batch of room.batches({})) {
    if (signal.aborted) break
    read += batch.length
    const found = batch.filter(matches)
    count += found.length
    if (found.length > 0) messages = [...messages, ...found].slice(-SHOWN_MAX)
    if (read - reported < PROGRESS_STEP) continue
    reported = read
    onProgress(read, Math.max(of, read))
  }
  return { messages, count, of: read }
}
