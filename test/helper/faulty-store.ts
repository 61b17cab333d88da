import type { Write } from '../../src/log/store/store.js'
import { type MemoryDisk, MemoryStore } from './memory-store.js'

/** Whether a failing commit reaches the disk nevertheless. */
export type Fault = 'not stored' | 'stored'

export interface Faults {
  /** The fault of commit `index`, counted from 0. */
  readonly of: (index: number) => Fault | undefined
  /** Number of reopens that fail in a row before one succeeds. */
  readonly failingReopens?: number
  /** False for the control: reopening keeps the failed handle. */
  readonly isReopening?: boolean
}

/**
 * A store whose commits fail on request. After a failed commit it behaves like LevelDB: the handle accepts further commits and
 * reads them back, but they are lost when the database is reopened.
 */
export class FaultyStore extends MemoryStore {
  /** Number of failed commits. */
  failures = 0
  reopens = 0
  /** Number of commits on a handle after its failure; must stay 0. */
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
