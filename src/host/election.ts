import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type Clock, pause } from '../base/clock.js'
import { ChatError } from '../base/errors.js'
import { LevelStore } from '../log/store/level-store.js'
import type { Store } from '../log/store/store.js'
import { NODE_DATABASE } from '../node/paths.js'
import { holderOf, isHolderBusy, lockedError, pidFileOf, pidText } from './holder.js'

/** How often a process without the lock tries to acquire it or to reach the node that has it. */
const TRY_MS = 200
/** How long a process may hold the lock without serving. */
const UNSERVED_MS_MAX = 10_000
/** How long a process may hold the lock without serving while it opens or closes databases. */
export const BUSY_MS_MAX = 60_000

/**
 * The lock of a home: the lock of the node's database, which the kernel releases when the process ends. Only the
 * process that has it may open the databases of the home, and bind or remove its socket.
 */
export class NodeLock {
  readonly #store: LevelStore
  readonly #pidFile: string

  private constructor(store: LevelStore, pidFile: string) {
    this.#store = store
    this.#pidFile = pidFile
  }

  /** Undefined if another process holds it. Rejects with DATA_UNUSABLE or LOG_CORRUPT. */
  static async acquire(directory: string): Promise<NodeLock | undefined> {
    let store: LevelStore
    try {
      store = await LevelStore.openOrRepair(path.join(directory, NODE_DATABASE), () => {})
    } catch (error) {
      if (error instanceof ChatError && error.code === 'LOG_LOCKED') return undefined
      throw error
    }
    // Only for messages and for `stop --kill`: the lock does not depend on it.
    const pidFile = pidFileOf(directory)
    await rm(pidFile, { force: true }).catch(() => {})
    await writeFile(pidFile, pidText(false), { flag: 'wx', mode: 0o600 }).catch(() => {})
    return new NodeLock(store, pidFile)
  }

  /** The node's own database. */
  get store(): Store {
    return this.#store
  }

  /** Records that this process is closing its databases. */
  async ending(): Promise<void> {
    await writeFile(this.#pidFile, pidText(true), { flag: 'r+' }).catch(() => {})
  }

  async release(): Promise<void> {
    await rm(this.#pidFile, { force: true }).catch(() => {})
    await this.#store.close()
  }
}

export interface Electorate {
  readonly clock: Clock
  /** Whether the node that holds the lock accepts connections. */
  readonly isServed: () => Promise<boolean>
}

/**
 * Acquires the lock of a home; undefined if the process that holds it serves. Rejects with LOG_LOCKED if it does not begin to
 * serve in time, and with DATA_UNUSABLE or LOG_CORRUPT.
 */
export async function elect(directory: string, { clock, isServed }: Electorate): Promise<NodeLock | undefined> {
  const since = clock.now()
  for (;;) {
    const lock = await NodeLock.acquire(directory)
    if (lock !== undefined) return lock
    if (await isServed()) return undefined
    if (clock.now() - since > ((await isHolderBusy(directory)) ? BUSY_MS_MAX : UNSERVED_MS_MAX))
      throw lockedError(directory, await holderOf(directory))
    await pause(clock, TRY_MS)
  }
}
