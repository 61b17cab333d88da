import { shownRoom } from '../../base/names.js'
import type { Message } from '../../chat/kinds/message.js'
import { type FoundMessage, foundIn, progressIn } from '../../host/protocol/found-line.js'
import { queryIn } from '../../node/line-search.js'
import { type CommandContext, command, formatNumber, type Task } from './context.js'

/** Largest number of lines that are shown at once: the newest ones. */
const SHOWN_MAX = 100

export const search = command({
  name: 'search',
  argument: 'words',
  help: 'find lines: from:bob since:mon "two words" -without in:all; /next goes there',
  isOrdered: true,
  run: async (context, text) => {
    const { complain, runTask, session, now } = context
    if (text === '')
      return complain('search for what? /search words, or from:bob since:mon in:all "two words" -without')
    queryIn(text, now())
    await runTask(`searching for ${text}`, async task => {
      const found = await find(context, text, task)
      if (task.signal.aborted) return
      if (found.length === 0) return context.tell(`no line was found for ${text}`)
      session.listed(found.map(({ room: each, message: { label } }) => `${label ?? ''} in:${each}`))
      const count = found.length === 1 ? '1 line' : `${formatNumber(found.length)} lines`
      const more = found.length < SHOWN_MAX ? '' : `, the newest: before: finds older ones`
      for (const [name, lines] of byRoom(found)) showIn(context, name, lines)
      context.tell(`${count} found for ${text}${more}; /next shows the newest among those around it`)
    })
  },
})

/** Finds lines that are not hidden, the newest first. Rejects with a ChatError. */
export async function find(
  { session, request, tell }: Pick<CommandContext, 'session' | 'request' | 'tell'>,
  text: string,
  task: Pick<Task, 'signal' | 'onProgress'>,
): Promise<FoundMessage[]> {
  const found: FoundMessage[] = []
  const hidden = [...session.hidden]
  const command = { do: 'search', text, room: session.room.room, hidden, limit: SHOWN_MAX }
  for await (const item of request(command)) {
    if (task.signal.aborted) break
    const line = foundIn(item)
    if (line !== undefined && session.visible([line.message]).length > 0) found.push(line)
    const progress = progressIn(item, 'progress')
    if (progress !== undefined) task.onProgress(progress.done, progress.of)
    const indexing = progressIn(item, 'indexing')
    if (indexing !== undefined)
      tell(
        `${shownRoom(String(item['room']))} is ${percentOf(indexing)} indexed: the rest was read, which takes longer`,
      )
    if (item['is'] === 'failed-room')
      tell(`${shownRoom(String(item['room']))} was not searched: ${String(item['why'])}`)
  }
  return found
}

const percentOf = ({ done, of }: { readonly done: number; readonly of: number }): string =>
  `${Math.floor((100 * done) / of)} %`

/** The rooms in the order of their newest line, the latest one last. */
function byRoom(found: readonly FoundMessage[]): readonly [string, FoundMessage[]][] {
  const rooms = new Map<string, FoundMessage[]>()
  for (const line of found) rooms.set(line.room, [line, ...(rooms.get(line.room) ?? [])])
  return [...rooms].reverse()
}

/** Quotes the lines of one room. In other rooms, the lines that they refer to are not loaded. */
function showIn({ session, quote }: CommandContext, room: string, lines: readonly FoundMessage[]): void {
  const isHere = room === session.room.room
  if (isHere) for (const { edit } of lines) if (edit !== undefined) session.references.lines.note(edit)
  const messages = lines.map(
    ({ message, edit }): Message => (isHere || edit === undefined ? message : { ...message, message: edit.text }),
  )
  if (isHere) session.noteNames(messages)
  quote(
    `found in ${shownRoom(room)}`,
    messages,
    isHere ? 'end' : `/jump ${lines.at(-1)?.message.label ?? 'label'} in:${room} goes there`,
    {
      isRaw: !isHere,
    },
  )
}
