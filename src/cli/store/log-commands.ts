import { fstatSync, statSync } from 'node:fs'
import { ChatError } from '../../base/errors.js'
import { DisplayNames } from '../../chat/display-names.js'
import { jsonLineOf } from '../../chat/json.js'
import { type Message, messageOf } from '../../chat/kinds/message.js'
import { isSigned } from '../../log/format/author.js'
import type { Log } from '../../log/log.js'
import type { ReadOptions } from '../../log/options.js'
import { archiveOf } from '../../sync/archive.js'
import { writeExport } from '../../ui/export-file.js'
import { noteLatest } from '../../ui/known-names.js'
import { labelled } from '../../ui/labels.js'
import { info, OutputClosed, warn, write, writeLines } from '../../ui/lines/output.js'
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

/** `persisted-chat log <me>`: the stored history, in order of conversation. */
export async function printLog(where: Where, filter: LogFilter): Promise<number> {
  return withCopy(where, async ({ log, faults }, home) => {
    // What is damaged or missing is warned of as it is met.
    let isWhole = faults.length === 0
    log.on('warning', () => {
      isWhole = false
    })
    if (!isWhole) warn(`the logs are damaged: what is shown may not be all. \`verify\` says more.`)
    const names = new DisplayNames(home.me, log.id)
    const isTerminal = process.stdout.isTTY === true
    const time = filter.hasTimes ? 'date and time' : 'none'
    const format = filter.isJson
      ? (message: Message) => jsonLineOf(message)
      : labelled(names, isTerminal, { time, isWrapped: isTerminal })
    if (!filter.isJson) await noteLatest(names, log.head, options => messagesIn(log, options))
    const isFiltered = filter.sinceMs !== undefined || filter.author !== undefined || filter.grep !== undefined
    const last = filter.last
    try {
      // The last n of what matches: a window of n, however much is read.
      let window: string[] = []
      for await (const entries of log.read(last !== undefined && !isFiltered ? { last } : {})) {
        const lines = entries
          .flatMap(entry => messageOf(entry) ?? [])
          .filter(matching(filter))
          .map(format)
        if (last === undefined || !isFiltered) {
          await writeLines(process.stdout, lines)
        } else {
          window = last === 0 ? [] : [...window, ...lines].slice(-last)
        }
      }
      await writeLines(process.stdout, window)
    } catch (error) {
      // Without a reader the rest is not read; what was found damaged before stays a failure.
      if (isWhole || !(error instanceof OutputClosed)) throw error
    }
    return isWhole ? 0 : 1
  })
}

async function* messagesIn(log: Log, options: ReadOptions): AsyncGenerator<readonly Message[]> {
  for await (const entries of log.read(options)) yield entries.flatMap(entry => messageOf(entry) ?? [])
}

function matching({ sinceMs, author, grep }: LogFilter): (message: Message) => boolean {
  return message =>
    (sinceMs === undefined || message.timeMs >= sinceMs) &&
    (author === undefined || message.username === author || message.author.startsWith(author)) &&
    (grep === undefined || message.message.includes(grep))
}

/** `persisted-chat export <me> <file>`; `-` is stdout. */
export async function exportLog(where: Where, file: string): Promise<number> {
  if (file === '-' && process.stdout.isTTY)
    throw new ChatError('BAD_USAGE', 'an export is binary data, and stdout is a terminal', {
      hint: 'Redirect stdout, or name a file.',
    })
  return withCopy(where, async ({ log }, home) => {
    const archive = archiveOf(log, home.roomId)
    if (file !== '-') await writeExport(file, archive)
    else for await (const part of archive) await write(process.stdout, part)
    if (file === '-' && isDiscarded()) {
      warn('stdout is closed or /dev/null: the export is stored nowhere. Redirect stdout, or name a file.')
      return 0
    }
    const count = log.head.filter(({ author }) => isSigned(author)).length
    info(`exported ${count} signed logs to ${file === '-' ? 'stdout' : file}`)
    return 0
  })
}

/** Whether stdout is /dev/null: Node also opens that in place of a stdout that was closed at the start. */
function isDiscarded(): boolean {
  try {
    const stdout = fstatSync(1)
    return stdout.isCharacterDevice() && stdout.rdev === statSync('/dev/null').rdev
  } catch {
    return false
  }
}
