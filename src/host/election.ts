import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { ChatError } from '../base/errors.js'
import { LevelStore } from '../log/store/level-store.js'
import { pidFileOf } from './holder.js'

/** The node's database: the process that holds its LOCK serves this home. The kernel releases the lock when the process ends. */
const DATABASE = 'node'

/** The lock of a home. Only the process that holds it may open the databases of the home, and bind or remove its socket. */
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
      store = await LevelStore.openOrRepair(path.join(directory, DATABASE), () => {})
    } catch (error) {
      if (error instanceof ChatError && error.code === 'LOG_LOCKED') return undefined
      throw error
    }
    // Only for messages and for `stop --kill`: the lock does not depend on it.
    const pidFile = pidFileOf(directory)
    await rm(pidFile, { force: true }).catch(() => {})
    await writeFile(pidFile, `${process.pid}\n`, { flag: 'wx', mode: 0o600 }).catch(() => {})
    return new NodeLock(store, pidFile)
  }

  async release(): Promise<void> {
    await rm(this.#pidFile, { force: true }).catch(() => {})
    await this.#store.close()
  }
}
