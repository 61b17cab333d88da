import { existsSync } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import path from 'node:path'
import { ChatError, reasonOf, systemCode } from '../../base/errors.js'
import { diskFaultWords, unusableHint } from '../../base/files/disk-faults.js'
import { isOwn } from '../../base/files/ownership.js'
import { NodeStore } from '../../host/server/node-store.js'
import type { Log } from '../../log/log.js'
import { LevelStore } from '../../log/store/level-store.js'
import type { PrivateRoom } from '../../membership/format/room.js'
import type { NodeEvent } from '../../node/events.js'
import { checkKeyIsThere, keyCreated, secureHome } from '../../node/home-guard.js'
import { type Home, homeOf, NODE_DATABASE } from '../../node/paths.js'
import { Pins } from '../../node/people/pins.js'
import { type LogCopy, openLog, openLogCopy } from '../../node/stored-log.js'
import { info, tell } from '../../ui/lines/output.js'
import { eventText } from '../../ui/text/event-text.js'
import { withClosedRooms } from '../closed-rooms.js'
import { alsoInLine } from './data-directory.js'

/** Prints an event. */
export const report = (event: NodeEvent): void => tell(eventText(event))

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Selects the stored logs of one user and conversation. */
export interface Where {
  readonly me: string
  readonly data: string
  /** Other data directories that contain logs of the same name. */
  readonly alsoIn: readonly string[]
  readonly room: string | undefined
}

/** The data that the node of a user has stored about a room. */
export interface StoredRoom {
  readonly home: Home
  /** The people whom the user knows. */
  readonly pins: Pins
  readonly privateRoom?: PrivateRoom | undefined
}

/**
 * The home of a room, and the people whom the user knows. The database of a private or direct room is named by the
 * room's label.
 */
async function storedRoom({ data, me, room }: Where): Promise<StoredRoom> {
  const home = homeOf(data, me, room)
  const file = path.join(home.directory, NODE_DATABASE)
  const copy = existsSync(file) ? await LevelStore.openCopy(file).catch(undefinedIfDamaged) : undefined
  if (copy === undefined) return { home, pins: new Pins() }
  try {
    const node = new NodeStore(copy.store)
    const pins = await Pins.open(node)
    const entered = existsSync(home.database) ? undefined : await node.secretRoom(room)
    if (entered === undefined) return { home, pins }
    const { name, privateRoom, direct } = entered
    return { home: homeOf(data, me, name, privateRoom?.id ?? direct?.id), pins, privateRoom }
  } finally {
    await copy.store.close()
  }
}

/** If the node's database is damaged, public rooms can still be read, but private rooms cannot be found. */
function undefinedIfDamaged(error: unknown): undefined {
  if (error instanceof ChatError && error.code === 'LOG_LOCKED') throw error
}

/**
 * Opens a copy of the stored logs for a command that reads, and removes it afterwards. The original logs are neither
 * opened nor changed: they may be on a read-only file system, and the chat may be running. Rejects with a ChatError.
 */
export async function withCopy(
  where: Where,
  action: (copy: LogCopy, room: StoredRoom) => Promise<number>,
): Promise<number> {
  const room = await storedRoom(where)
  await checkLogs(room.home, where.alsoIn)
  const copy = await openLogCopy(room.home, report, room.pins)
  copy.log.on('event', report)
  return closing(copy.log, () => action(copy, room))
}

/** Runs `action`, then closes what it used, which removes a copy. Also closes it if a signal ends the process. */
async function closing<T>(used: { close(): Promise<void> }, action: () => Promise<T>): Promise<T> {
  const onSignal = (signal: NodeJS.Signals): void => {
    const end = (): void => void process.kill(process.pid, signal)
    used.close().then(end, end)
  }
  for (const signal of SIGNALS) process.once(signal, onSignal)
  try {
    return await action()
  } finally {
    await used.close()
    for (const signal of SIGNALS) process.removeListener(signal, onSignal)
  }
}

/** Opens the stored logs for a command that writes, creating them if they are missing. Rejects with a ChatError. */
export async function withLog(where: Where, action: (log: Log, home: Home) => Promise<number>): Promise<number> {
  const { home } = await storedRoom(where)
  await secureHome(home, report)
  await checkKeyIsThere(home)
  return withClosedRooms(home, () => withOpenLog(where, home, action))
}

async function withOpenLog(
  where: Where,
  home: Home,
  action: (log: Log, home: Home) => Promise<number>,
): Promise<number> {
  const { log, keys } = await openLog(home, report)
  log.on('event', report)
  if (keys.isNew) {
    report(keyCreated(home))
    for (const place of where.alsoIn) info(alsoInLine(home.me, place))
  }
  try {
    return await action(log, home)
  } finally {
    await log.close()
  }
}

/** Rejects with DATA_UNUSABLE if the logs are missing or unreadable. Without this check, a command that reads could create them. */
async function checkLogs(home: Home, alsoIn: readonly string[]): Promise<void> {
  const what = `logs of ${home.me} in ${home.database}`
  try {
    if ((await readdir(home.database)).length === 0) throw Object.assign(new Error('it is empty'), { code: 'ENOENT' }) // opening it would create a database
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') {
      throw new ChatError('DATA_UNUSABLE', `there are no ${what}`, {
        hint:
          alsoIn.length === 0
            ? 'Say where they are with --data, and which conversation with --room.'
            : `There are some in ${alsoIn.join(' and ')}: pass it with --data.`,
      })
    }
    const reason = diskFaultWords(cause) ?? reasonOf(cause)
    throw new ChatError('DATA_UNUSABLE', `the ${what} cannot be read: ${reason}${await ownerOf(home.database)}`, {
      cause,
      hint: unusableHint(cause),
    })
  }
}

/** Names the other user who denies access to a path: the owner of its innermost visible directory. */
async function ownerOf(file: string): Promise<string> {
  for (let at = path.resolve(file); at !== path.dirname(at); at = path.dirname(at)) {
    const found = await lstat(at).catch(() => undefined)
    if (found === undefined) continue
    if (isOwn(found)) return ''
    return `; ${at} belongs to ${found.uid === 0 ? 'root' : `another user (uid ${found.uid})`}`
  }
  return ''
}
