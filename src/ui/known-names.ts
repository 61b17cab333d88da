import type { DisplayNames } from '../chat/display-names.js'
import type { Message } from '../chat/kinds/message.js'
import type { Digest } from '../log/format/heads.js'
import type { ReadOptions } from '../log/options.js'

/**
 * Reads the latest message of each author and notes its name before the first line is labelled, so that labels do not change
 * later. Returns those messages.
 */
export async function noteLatest(
  names: DisplayNames,
  heads: readonly Digest[],
  read: (options: ReadOptions) => AsyncIterable<readonly Message[]>,
): Promise<Message[]> {
  const latest: Message[] = []
  const since = heads.map(({ author, seq }) => ({ author, seq: Math.max(0, seq - 1) as typeof seq }))
  for await (const messages of read({ since })) {
    for (const message of messages) {
      names.note(message.author, message.username)
      latest.push(message)
    }
  }
  return latest
}
