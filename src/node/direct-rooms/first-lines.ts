import { requestText } from '../../membership/exchange/request-frame.js'
import { REQUEST_BYTES_MAX } from '../../membership/limits.js'
import type { Room } from '../room.js'

/** The text of the message request to the other person of a direct room: the first of our lines. */
export async function firstLinesOf(room: Pick<Room, 'id' | 'batches'>): Promise<string> {
  const lines: string[] = []
  let bytes = 0
  for await (const batch of room.batches({})) {
    for (const { author, kind, message } of batch) {
      if (author !== room.id || (kind !== 'text' && kind !== 'action')) continue
      lines.push(message)
      bytes += Buffer.byteLength(message)
    }
    if (bytes > REQUEST_BYTES_MAX) break
  }
  return requestText(lines)
}
