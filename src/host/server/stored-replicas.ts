import type { Cancel, Clock, Millis } from '../../base/clock.js'
import { authorOf } from '../../log/format/author.js'
import type { Receipts } from '../../sync/receipts.js'
import type { NodeStore } from './node-store.js'

/** Delay before receipts are stored, because many arrive together. */
const SAVE_MS: Millis = 5_000

/** Stores which entries of a room known peers have proven to have, so that this is known after a restart. */
export class StoredReplicas {
  readonly #store: NodeStore
  readonly #label: string
  readonly #receipts: Receipts
  readonly #clock: Clock
  /** Peers with receipts that are not stored yet. */
  readonly #unsaved = new Set<string>()
  #timer: Cancel | undefined
  #saving: Promise<void> = Promise.resolve()
  readonly #onReceipt = (peer: string): void => {
    if (authorOf(peer) === undefined) return // a scuttleup peer, whose heads have no chain values
    this.#unsaved.add(peer)
    this.#timer ??= this.#clock.after(SAVE_MS, () => void this.#save())
  }

  constructor(store: NodeStore, label: string, receipts: Receipts, clock: Clock) {
    this.#store = store
    this.#label = label
    this.#receipts = receipts
    this.#clock = clock
    receipts.on('receipt', this.#onReceipt)
  }

  /** Stores the receipts that are not stored yet. Never rejects: a receipt that is lost is only missing after a restart. */
  async close(): Promise<void> {
    this.#receipts.off('receipt', this.#onReceipt)
    await this.#save()
  }

  #save(): Promise<void> {
    this.#timer?.()
    this.#timer = undefined
    this.#saving = this.#saving
      .then(async () => {
        for (const peer of [...this.#unsaved]) {
          this.#unsaved.delete(peer)
          const heads = await this.#receipts.provenHeadsOf(peer)
          if (heads !== undefined) await this.#store.putReplica(this.#label, { peer, at: this.#clock.now(), heads })
        }
      })
      .catch(() => {})
    return this.#saving
  }
}
