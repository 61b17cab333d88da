import { ChatError } from '../base/errors.js'
import { sanitise, sanitisedJson } from '../base/sanitise.js'
import { jsonLineOf } from '../chat/lines.js'
import { type Message, messageOf } from '../chat/message.js'
import { Names } from '../chat/names.js'
import { archiveOf } from '../log/archive.js'
import { isSigned } from '../log/author.js'
import { writeExport } from './export-file.js'
import { labelled } from './labels.js'
import { info, write, writeLines } from './output.js'
import { type Where, withLog } from './stored-logs.js'

export interface LogFilter {
  readonly isJson: boolean
  readonly last: number | undefined
  readonly sinceMs: number | undefined
  readonly author: string | undefined
  readonly grep: string | undefined
}

/** `persisted-chat log <me>`: the stored history, in order of conversation. */
export async function printLog(where: Where, filter: LogFilter): Promise<number> {
  return withLog(where, async (log, home) => {
    const format = filter.isJson ? jsonLineOf : labelled(new Names(home.me, log.id), process.stdout.isTTY === true)
    const isFiltered = filter.sinceMs !== undefined || filter.author !== undefined || filter.grep !== undefined
    const last = filter.last
    // The last n of what matches: a window of n, however much is read.
    let window: string[] = []
    for await (const entries of log.read(last !== undefined && !isFiltered ? { last } : {})) {
      const lines = entries
        .flatMap(entry => messageOf(entry) ?? [])
        .filter(matching(filter))
        .map(format)
      if (last === undefined || !isFiltered) {
        if (!(await writeLines(process.stdout, lines))) return 0
      } else {
        window = last === 0 ? [] : [...window, ...lines].slice(-last)
      }
    }
    await writeLines(process.stdout, window)
    return 0
  })
}

function matching({ sinceMs, author, grep }: LogFilter): (message: Message) => boolean {
  return message =>
    (sinceMs === undefined || message.timeMs >= sinceMs) &&
    (author === undefined || message.username === author || message.author.startsWith(author)) &&
    (grep === undefined || message.message.includes(grep))
}

/** `persisted-chat verify <me>`: every sequence, chain and signature; exit code 1 where anything is wrong. */
export async function verifyLog(where: Where, isJson: boolean): Promise<number> {
  return withLog(where, async log => {
    const problems: { author: string; seq: number; what: string }[] = []
    let entries = 0
    const heads = log.head
    for (const { author } of heads) {
      const { last, fault } = await log.verify(author)
      entries += last
      if (fault !== undefined) problems.push({ author, seq: last + 1, what: fault })
      if (isJson) continue
      const kind = isSigned(author) ? 'signed' : 'unsigned'
      const line = `${author}  ${last} ${kind} entries  ${fault ?? 'ok'}`
      await writeLines(process.stdout, [sanitise(line)])
    }
    if (isJson) {
      await writeLines(process.stdout, [
        sanitisedJson({ authors: heads.length, entries, ok: problems.length === 0, problems }),
      ])
    }
    return problems.length === 0 ? 0 : 1
  })
}

/** `persisted-chat export <me> <file>`; `-` is stdout. */
export async function exportLog(where: Where, file: string): Promise<number> {
  if (file === '-' && process.stdout.isTTY)
    throw new ChatError('BAD_USAGE', 'an export is binary data, and stdout is a terminal', {
      hint: 'Redirect stdout, or name a file.',
    })
  return withLog(where, async (log, home) => {
    const archive = archiveOf(log, home.roomId)
    if (file === '-') {
      if (!(await writeToStdout(archive))) return 0
    } else await writeExport(file, archive)
    const count = log.head.filter(({ author }) => isSigned(author)).length
    info(`exported ${count} signed logs to ${file === '-' ? 'stdout' : file}`)
    return 0
  })
}

/** False if stdout was closed. */
async function writeToStdout(archive: AsyncIterable<Uint8Array>): Promise<boolean> {
  process.stdout.on('error', () => {}) // a closed pipe shows as `destroyed`
  for await (const part of archive) if (!(await write(process.stdout, part))) return false
  return true
}
