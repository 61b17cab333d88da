import { existsSync } from 'node:fs'
import { systemClock } from '../../base/clock.js'
import { loadKey } from '../../base/crypto/key-file.js'
import { ChatError } from '../../base/errors.js'
import { shownRoom } from '../../base/names.js'
import { systemRandom } from '../../base/random.js'
import { DisplayNames } from '../../chat/display-names.js'
import { foundJsonOf } from '../../chat/json.js'
import type { Message } from '../../chat/kinds/message.js'
import { type FoundMessage, foundIn, progressIn } from '../../host/protocol/found-line.js'
import { authorOfKey } from '../../log/format/author.js'
import { checkHome } from '../../node/home-guard.js'
import { queryIn } from '../../node/line-search.js'
import { homeOf } from '../../node/paths.js'
import { labelled } from '../../ui/labels.js'
import { info, tell, warn, writeLinesIfOpen } from '../../ui/lines/output.js'
import { eventText } from '../../ui/text/event-text.js'
import { wrapped } from '../../ui/wrapped.js'
import { DONE } from '../exit-code.js'
import { requestNode } from '../rooms/node-request.js'
import { dataDirectory } from './data-directory.js'

export interface SearchFlags {
  readonly data?: string
  readonly room?: string
  readonly json?: boolean
  readonly last: number
}

/** `persisted-chat search <me> <words>`: prints matching lines of one room or of all rooms of a user, newest last. */
export async function searchRooms(
  me: string,
  text: string,
  { data: flag, room, json, last }: SearchFlags,
): Promise<number> {
  const query = queryIn(text, systemClock.now())
  const { data } = await dataDirectory(me, flag)
  const home = homeOf(data, me)
  await checkHome(home, event => tell(eventText(event)))
  if (!existsSync(home.keyFile)) throw new ChatError('DATA_UNUSABLE', `there are no logs of ${me} in ${home.directory}`)
  const ourId = authorOfKey((await loadKey(home.keyFile, systemRandom)).publicKey)
  const found: FoundMessage[] = []
  await requestNode(me, flag, { do: 'search', text, room, limit: last }, item => {
    const line = foundIn(item)
    if (line !== undefined) found.unshift(line)
    const name = shownRoom(String(item['room']))
    const indexing = progressIn(item, 'indexing')
    if (indexing !== undefined) info(`${name} is not completely indexed yet: the rest was read, which takes longer`)
    if (item['is'] === 'failed-room') warn(`${name} was not searched: ${String(item['why'])}`)
  })
  if (found.length === 0 && json !== true) info(`no line was found for ${text}`)
  const hasRooms = room === undefined && query.rooms.length !== 1
  const format = json === true ? jsonOf : formatter(me, ourId, hasRooms)
  await writeLinesIfOpen(process.stdout, found.map(format))
  return DONE
}

/** A message with the text of its last edit. */
const current = ({ message, edit }: FoundMessage): Message =>
  edit === undefined ? message : { ...message, message: edit.text }

const jsonOf = (found: FoundMessage): string => foundJsonOf(current(found), found.room, found.edit !== undefined)

function formatter(
  me: string,
  ourId: ReturnType<typeof authorOfKey>,
  hasRooms: boolean,
): (found: FoundMessage) => string {
  const isTerminal = process.stdout.isTTY === true
  const formats = new Map<string, (message: Message) => string>()
  return found => {
    const { room } = found
    const format =
      formats.get(room) ??
      labelled(new DisplayNames(me, ourId), isTerminal, {
        time: 'date and time',
        isWrapped: false,
        hasLabels: true,
      })
    formats.set(room, format)
    const line = `${hasRooms ? `${shownRoom(room)} ` : ''}${format(current(found))}`
    return isTerminal ? wrapped(line, process.stdout.columns) : line
  }
}
