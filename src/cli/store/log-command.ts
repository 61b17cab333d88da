import { DisplayNames } from '../../chat/display-names.js'
import { jsonLineOf } from '../../chat/json.js'
import { isCounted } from '../../chat/kinds/counted.js'
import { type Message, messageOf } from '../../chat/kinds/message.js'
import { isProblem } from '../../host/protocol/events.js'
import type { Log } from '../../log/log.js'
import { pinnedNamesOf } from '../../node/people/pin.js'
import { type Counted, countedIn } from '../../node/private-rooms/chat-places.js'
import { RoomMembers } from '../../node/private-rooms/room-members.js'
import { messagesOf, type RoomApi } from '../../node/room-api.js'
import { StoredLabels } from '../../node/stored-labels.js'
import { References, type ShownContext } from '../../session/references.js'
import { labelled } from '../../ui/labels.js'
import { OutputClosed, warn, writeLines } from '../../ui/lines/output.js'
import { joinedGaps } from '../../ui/text/gap-text.js'
import { type Where, withCopy } from './stored-logs.js'

export interface LogFilter {
  readonly isJson: boolean
  readonly last: number | undefined
  readonly sinceMs: number | undefined
  readonly author: string | undefined
  readonly grep: string | undefined
  /** Whether each line begins with its time. */
  readonly hasTimes: boolean
}

/** `persisted-chat log <me>`: prints the stored history in conversation order. */
export async function printLog(where: Where, filter: LogFilter): Promise<number> {
  return withCopy(where, async ({ log, faults, keys }, { home, pins, privateRoom }) => {
    // The log reports damaged and missing entries when it reads them.
    let isWhole = faults.length === 0
    log.on('event', event => {
      if (isProblem(event)) isWhole = false
    })
    if (!isWhole) warn('the logs are damaged, and messages may be missing: `verify` says more')
    const pinned = pinnedNamesOf(pins.known)
    const names = new DisplayNames(home.me, log.author, () => pinned)
    for (const { key, name } of pins.known.pins) names.suggest(key, name)
    const counted = await countedIn(log, privateRoom && (await RoomMembers.open(privateRoom, keys, log)))
    const isTerminal = process.stdout.isTTY === true
    const time = filter.hasTimes ? 'date and time' : 'none'
    const { labels } = await StoredLabels.open(log)
    const batches: RoomApi['batches'] = async function* (options) {
      for await (const entries of log.read(options)) yield messagesOf(counted(entries), undefined, labels)
    }
    const room = { id: log.author, heads: log.head, labels, batches }
    const references = new References({ room, names, isHidden: () => false, isHiddenLine: () => false })
    const contextOf = (message: Message): ShownContext => references.aboutOf(message)
    const format = filter.isJson
      ? (message: Message) => jsonLineOf(message)
      : labelled(names, isTerminal, { time, isWrapped: isTerminal, contextOf })
    if (!filter.isJson) await noteLatest(names, log, counted)
    const hasGaps = filter.sinceMs === undefined && filter.author === undefined && filter.grep === undefined
    const isFiltered = !hasGaps || privateRoom !== undefined
    const last = filter.last
    try {
      // Keeps the last n matches, however many messages are read.
      let window: string[] = []
      for await (const entries of log.read({
        gaps: hasGaps,
        ...(last !== undefined && !isFiltered && { last, isCounted }),
      })) {
        const messages = messagesOf(counted(entries), undefined, labels)
        for (const message of messages) references.lines.note(message)
        const matches = messages.filter(matching(filter))
        if (!filter.isJson) await references.fetch(matches)
        const lines = (filter.isJson ? matches : joinedGaps(matches)).map(format)
        if (last === undefined || !isFiltered) {
          await writeLines(process.stdout, lines)
        } else {
          window = last === 0 ? [] : [...window, ...lines].slice(-last)
        }
      }
      await writeLines(process.stdout, window)
    } catch (error) {
      // The reader of stdout is gone. Damage that was found so far still determines the exit code.
      if (isWhole || !(error instanceof OutputClosed)) throw error
    }
    return isWhole ? 0 : 1
  })
}

/** Notes the name in the latest message of each author before the first line is labelled, so that labels do not change later. */
async function noteLatest(names: DisplayNames, log: Log, counted: Counted): Promise<void> {
  const since = log.head.map(({ author, seq }) => ({ author, seq: Math.max(0, seq - 1) }))
  for await (const entries of log.read({ since }))
    for (const { author, username } of counted(entries).flatMap(entry => messageOf(entry) ?? []))
      names.note(author, username)
}

function matching({ sinceMs, author, grep }: LogFilter): (message: Message) => boolean {
  return message =>
    (sinceMs === undefined || message.timeMs >= sinceMs) &&
    (author === undefined || message.username === author || message.author.startsWith(author)) &&
    (grep === undefined || message.message.includes(grep))
}
