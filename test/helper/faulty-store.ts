import type { Write } from '../../src/log/store/store.js'
import { type MemoryDisk, MemoryStore } from './memory-store.js'

/** What a failing commit leaves on the disk: nothing, or all of it. */
export type Fault = 'not stored' | 'stored'

export interface Faults {
  /** What happens to the `index`th commit, counted from 0. */
  readonly of: (index: number) => Fault | undefined
  /** How many times in a row a reopen fails before it works again. */
  readonly failingReopens?: number
  /** False for the control: a store that is told to reopen and goes on with the handle it has. */
  readonly isReopening?: boolean
}

/**
 * A store whose commits fail where a test wants it, and which then behaves as LevelDB was seen to: the handle goes on
 * taking commits and reads them back, but what was committed after the failure is gone once the database is reopened.
 */
export class FaultyStore extends MemoryStore {
  /** How many commits failed. */
  failures = 0
  reopens = 0
  /** How many commits were made on a handle that had failed: there must be none. */
  commitsAfterFailure = 0
  readonly #disk: MemoryDisk
  readonly #faults: Faults
  #isBroken = false
  #reopensLeft: number

  constructor(disk: MemoryDisk, faults: Faults, pageRows?: number) {
    super(disk.copy(), pageRows)
    this.#disk = disk
    this.#faults = faults
    this.#reopensLeft = faults.failingReopens ?? 0
  }

  override async commit(writes: readonly Write[]): Promise<void> {
    const fault = this.#faults.of(this.commits)
    this.commits++
    await this.turn()
    if (this.#isBroken) this.commitsAfterFailure++
    if (fault !== undefined) {
      this.failures++
      this.#isBroken = true
      if (fault === 'stored') this.#disk.write(writes)
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    }
    this.view.write(writes)
    if (!this.#isBroken) this.#disk.write(writes)
  }

  override async reopen(): Promise<void> {
    this.reopens++
    await this.turn()
    if (this.#reopensLeft > 0) {
      this.#reopensLeft--
      throw new Error('still no space left on device')
    }
    if (this.#faults.isReopening === false) return
    this.view = this.#disk.copy()
    this.#isBroken = false
  }
}
