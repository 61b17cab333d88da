import { shownRoom } from '../../base/names.js'
import { sanitise, sanitisedJson } from '../../base/safe-text.js'
import type { EnteredRoom } from '../../host/server/node-store.js'
import { authorOfLog, isBranch, type LogId, runOf, type Seq } from '../../log/format/author.js'
import { millisOf } from '../../log/format/hybrid-clock.js'
import type { Log } from '../../log/log.js'
import { openLogCopy } from '../../node/stored-log.js'
import { dateAndTimeOf } from '../../session/dates.js'
import { writeLinesIfOpen } from '../../ui/lines/output.js'
import { DONE } from '../exit-code.js'
import { report, type Where } from './stored-logs.js'
import { homeOfRoom, withStoredRooms } from './stored-rooms.js'

/**
 * One log of the user's key in a room. Each device writes its own log, and a new one when the end of the last one is in
 * doubt.
 */
interface OwnRun {
  readonly room: string
  readonly run: number
  /** Whether this computer continues the log. */
  readonly here: boolean
  readonly entries: number
  /** When the first and the last entry were written, by the clock of the device; null if their content is not here. */
  readonly since: string | null
  readonly last: string | null
}

/** `persisted-chat devices <me>`: the logs of the user's key in each room, and which of them this computer writes. */
export async function listDevices(where: Omit<Where, 'room'>, isJson: boolean): Promise<number> {
  return withStoredRooms(where, async ({ rooms }) => {
    const runs: OwnRun[] = []
    for (const room of rooms) runs.push(...(await runsIn(where, room)))
    await writeLinesIfOpen(process.stdout, isJson ? runs.map(run => sanitisedJson(run)) : runs.map(lineOf))
    return DONE
  })
}

async function runsIn(where: Omit<Where, 'room'>, room: EnteredRoom): Promise<OwnRun[]> {
  const { log, found } = await openLogCopy(homeOfRoom(where, room), report)
  try {
    const runs: OwnRun[] = []
    for (const { author, seq } of log.head) {
      if (authorOfLog(author) !== log.author || isBranch(author) || seq === 0) continue
      const run = runOf(author)
      const [since, last] = [await timeOf(log, author, 1), await timeOf(log, author, seq)]
      runs.push({ room: room.name, run, here: found.mark?.run === run, entries: seq, since, last })
    }
    return runs.sort((a, b) => Number(b.here) - Number(a.here) || (b.last ?? '').localeCompare(a.last ?? ''))
  } finally {
    await log.close()
  }
}

async function timeOf(log: Log, author: LogId, seq: Seq): Promise<string | null> {
  const entry = await log.entry(author, seq)
  return entry === undefined ? null : new Date(millisOf(entry.at)).toISOString()
}

function lineOf({ room, run, here, entries, since, last }: OwnRun): string {
  const where = here ? 'this computer' : `another device, or this one before run ${run} was ended`
  const time = (at: string | null): string => (at === null ? 'unknown' : dateAndTimeOf(Date.parse(at)))
  const count = `${entries.toLocaleString('en')} ${entries === 1 ? 'entry' : 'entries'}`
  return sanitise(`${shownRoom(room)}  run ${run}  ${where}  ${count}, since ${time(since)}, the last ${time(last)}`)
}
