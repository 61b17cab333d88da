import { existsSync } from 'node:fs'
import { pause, systemClock } from '../base/clock.js'
import { type LoadedKey, loadKey } from '../base/crypto/key-file.js'
import { type KeyPair, keyPairOf, SEED_BYTES } from '../base/crypto/signing.js'
import { ChatError } from '../base/errors.js'
import { systemRandom } from '../base/random.js'
import { openRowStore } from '../compat/scuttleup/row-store.js'
import { authorOfKey } from '../log/format/author.js'
import { type KnownPeople, NOBODY_KNOWN } from '../log/known-people.js'
import { Log } from '../log/log.js'
import { type FoundMark, OwnMark } from '../log/mark/own-mark.js'
import type { LogMark, LogOptions } from '../log/options.js'
import { LevelStore } from '../log/store/level-store.js'
import type { FileFault } from '../log/store/leveldb/check.js'
import type { PrivateRoom } from '../membership/format/room.js'
import type { NodeEvent } from './events.js'
import { checkHome, checkKeyIsThere, secureHome } from './home-guard.js'
import { type Home, markPaths, operationMarkPaths } from './paths.js'
import { RoomMembers } from './private-rooms/room-members.js'

type OnEvent = (event: NodeEvent) => void

interface OpenedLog {
  readonly log: Log
  readonly keys: LoadedKey
}

/** How long to wait for the lock of a database. */
const LOCKED_MS_MAX = 2_000
const LOCKED_TRY_MS = 50

/**
 * Opens the logs without a network, repaired if they were damaged. With `isNewKey`, the caller made the key for this room. Rejects
 * with DATA_UNUSABLE, LOG_LOCKED or LOG_CORRUPT.
 */
export async function openLog(
  home: Home,
  onEvent: OnEvent,
  isNewKey = false,
  options: Pick<LogOptions, 'known' | 'quota' | 'lastAccepted' | 'givenFrom'> = {},
): Promise<OpenedLog> {
  await secureHome(home, onEvent)
  await checkKeyIsThere(home)
  // Create the key before the database, so that a database without a key means the key was lost.
  const { isNew } = await loadKey(home.keyFile, systemRandom, onEvent)
  const store = await openStore(home, onEvent)
  let mark: OwnMark | undefined
  try {
    // Read the key again now that the database is locked: `renew` may have replaced it meanwhile.
    const keys = { ...(await loadKey(home.keyFile, systemRandom)), isNew }
    mark = await openMark(home, keys, onEvent)
    const log = await Log.over(store, keys, {
      unsigned: openRowStore,
      room: home.roomId,
      mark,
      isNewKey: isNew || isNewKey,
      onEvent,
      isRepaired: store.isRepaired,
      ...options,
    })
    const heads = log.head
    if (!keys.isChecked && heads.length > 0 && !heads.some(({ author }) => log.isOurs(author))) {
      onEvent({ kind: 'key-without-entries', file: home.keyFile })
    }
    return { log, keys }
  } catch (error) {
    await mark?.release()
    await store.close()
    throw error
  }
}

/**
 * The database in `home`, repaired if it was damaged. Waits up to LOCKED_MS_MAX for its lock: the system releases the
 * locks of a killed process one by one, so a room may stay locked for a moment after another process has become the
 * node.
 */
export async function openStore(home: Home, onEvent: OnEvent): Promise<LevelStore> {
  for (let waitedMs = 0; ; waitedMs += LOCKED_TRY_MS) {
    try {
      return await LevelStore.openOrRepair(home.database, (kept, faults) =>
        onEvent({ kind: 'database-repaired', kept, faults }),
      )
    } catch (error) {
      const isLocked = error instanceof ChatError && error.code === 'LOG_LOCKED'
      if (!isLocked || waitedMs >= LOCKED_MS_MAX) throw error
      await pause(systemClock, LOCKED_TRY_MS)
    }
  }
}

/** The mark of the log that `keys` sign in `home`, open for writing. */
export function openMark(home: Home, keys: KeyPair, onEvent: OnEvent): Promise<OwnMark> {
  const author = authorOfKey(keys.publicKey)
  return OwnMark.open({ ...markPaths(home, author), author, random: systemRandom, onEvent })
}

/** The members of a private room whose log is open, with the mark of our operations. The caller closes both. */
export async function openMembers(
  home: Home,
  room: PrivateRoom,
  { log, keys }: OpenedLog,
  onEvent: OnEvent,
): Promise<RoomMembers> {
  const author = authorOfKey(keys.publicKey)
  const mark = await OwnMark.open({ ...operationMarkPaths(home, author), author, random: systemRandom, onEvent })
  try {
    return await RoomMembers.open(room, keys, log, mark)
  } catch (error) {
    await mark.release()
    throw error
  }
}

export interface LogCopy {
  readonly log: Log
  /** The user's key, or a random one if there is none. */
  readonly keys: KeyPair
  /** Damage in the files of the database. */
  readonly faults: readonly FileFault[]
  /** Where the logs end according to the mark, which is kept outside of the database. */
  readonly found: FoundMark
  /** Whether the key that signs the user's log exists. */
  readonly hasKey: boolean
}

/**
 * Opens a copy of the logs for reading, in the order that a user who knows the people in `known` sees. Does not create, change or lock the
 * logs themselves, so a chat may have them open. Rejects with a ChatError.
 */
export async function openLogCopy(home: Home, onEvent: OnEvent, known: KnownPeople = NOBODY_KNOWN): Promise<LogCopy> {
  await checkHome(home, onEvent)
  const hasKey = existsSync(home.keyFile)
  const keys = hasKey ? await loadKey(home.keyFile, systemRandom, onEvent) : keyPairOf(systemRandom.bytes(SEED_BYTES))
  const author = authorOfKey(keys.publicKey)
  // Read the mark before the copy is made: everything that it records is then in the copy, or was never acknowledged.
  const found = await OwnMark.read(markPaths(home, author), author)
  const { store, faults } = await LevelStore.openCopy(home.database)
  const log = await Log.over(store, keys, {
    unsigned: openRowStore,
    room: home.roomId,
    isRepaired: store.isRepaired,
    ...(found.mark !== undefined && { mark: readOnlyMark(found) }),
    known,
    onEvent,
  })
  return { log, keys, faults, found, hasKey }
}

/** The mark without its pending batch: the copy holds what was being written when the process was killed. */
function readOnlyMark({ mark, heads }: FoundMark): LogMark {
  const nothing = async (): Promise<void> => {}
  const found = mark?.isClean === true ? { ...mark, batch: undefined } : mark
  return {
    found,
    run: found?.run,
    heads,
    isMoved: false,
    advance: nothing,
    reset: nothing,
    forget: () => {},
    close: nothing,
  }
}
