import { type Clock, pause } from '../../base/clock.js'
import { ChatError } from '../../base/errors.js'
import type { AuthorId } from '../../log/format/author.js'
import { LevelStore } from '../../log/store/level-store.js'
import type { Pin, PinStore } from './pin.js'
import { PinRows } from './pin-rows.js'

/** How long a write waits for the database, which the chat program locks while it runs. */
const LOCKED_MS_MAX = 2_000
const LOCKED_TRY_MS = 100

/**
 * The people whom the user of the library knows, in the node database of a home, where `persisted-chat people` shows them. The database
 * is open during each access only, so that the chat program can open it.
 */
export class HomePins implements PinStore {
  readonly #database: string
  readonly #hasDatabase: () => boolean
  readonly #clock: Clock

  constructor(database: string, hasDatabase: () => boolean, clock: Clock) {
    this.#database = database
    this.#hasDatabase = hasDatabase
    this.#clock = clock
  }

  async pins(): Promise<readonly Pin[]> {
    return (await this.#read(rows => rows.pins())) ?? []
  }

  async addressed(): Promise<readonly AuthorId[]> {
    return (await this.#read(rows => rows.addressed())) ?? []
  }

  putPin(pin: Pin): Promise<void> {
    return this.#write(rows => rows.putPin(pin))
  }

  deletePin(name: string): Promise<void> {
    return this.#write(rows => rows.deletePin(name))
  }

  putAddressed(author: AuthorId): Promise<void> {
    return this.#write(rows => rows.putAddressed(author))
  }

  /** Reads a copy, which works while the chat program runs. Undefined if there is no database. */
  async #read<T>(read: (rows: PinRows) => Promise<T>): Promise<T | undefined> {
    if (!this.#hasDatabase()) return undefined
    const { store } = await LevelStore.openCopy(this.#database)
    return read(new PinRows(store)).finally(() => store.close())
  }

  async #write(write: (rows: PinRows) => Promise<void>): Promise<void> {
    const store = await this.#open()
    await write(new PinRows(store)).finally(() => store.close())
  }

  async #open(): Promise<LevelStore> {
    for (let waitedMs = 0; ; waitedMs += LOCKED_TRY_MS) {
      try {
        return await LevelStore.openOrRepair(this.#database, () => {})
      } catch (error) {
        const isLocked = error instanceof ChatError && error.code === 'LOG_LOCKED'
        if (!isLocked || waitedMs >= LOCKED_MS_MAX) throw error
        await pause(this.#clock, LOCKED_TRY_MS)
      }
    }
  }
}
