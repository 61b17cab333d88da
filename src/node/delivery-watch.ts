import { EventEmitter } from 'node:events'
import type { Cancel, Clock } from '../base/clock.js'
import type { Digest } from '../log/format/heads.js'
import type { Log } from '../log/log.js'
import type { Replicas } from '../sync/receipts.js'

/** How long changes are gathered before they are told: many lines at once are one change. */
const SETTLE_MS = 300

/** How long originals are given to store a line before they are asked, by a new link, whether they have. */
const ORIGINAL_MS = 1_000

interface KeepingEvents {
  /** The last own line is held by others than were told of before. */
  change: [Replicas]
}

/** Who has stored the last own line, besides this disk. */
export class DeliveryWatch extends EventEmitter<KeepingEvents> {
  readonly #log: Log
  readonly #clock: Clock
  /** Opens links to originals again: they tell what they hold in their handshake alone. */
  readonly #askOriginals: () => void
  #timer: Cancel | undefined
  #told = ''

  constructor(log: Log, clock: Clock, askOriginals: () => void) {
    super()
    this.#log = log
    this.#clock = clock
    this.#askOriginals = askOriginals
    log.custody.on('told', (_holder, author) => {
      if (author !== log.id || this.listenerCount('change') === 0) return
      this.#timer ??= clock.after(SETTLE_MS, () => {
        this.#timer = undefined
        this.#tell()
      })
    })
  }

  /** Who holds the last own line; undefined where there is none. */
  get current(): Replicas | undefined {
    const last = this.#last
    return last && this.#log.custody.of(last)
  }

  /** Resolves when some peer has stored the last own line of now, or nobody wants to know any more. */
  async stored(signal?: AbortSignal): Promise<void> {
    const last = this.#last
    if (last === undefined) return
    const isStored = (): boolean => {
      const { on, left } = this.#log.custody.of(last)
      return on + left > 0
    }
    let cancel: Cancel = () => {}
    const askLater = (): void => {
      cancel = this.#clock.after(ORIGINAL_MS, () => {
        this.#askOriginals()
        askLater()
      })
    }
    askLater()
    await new Promise<void>(resolve => {
      const look = (): void => {
        if (!isStored() && signal?.aborted !== true) return
        this.#log.custody.off('told', look)
        signal?.removeEventListener('abort', look)
        resolve()
      }
      this.#log.custody.on('told', look)
      signal?.addEventListener('abort', look)
      look()
    })
    cancel()
  }

  get #last(): Digest | undefined {
    return this.#log.head.find(({ author }) => author === this.#log.id)
  }

  #tell(): void {
    const holders = this.current
    if (holders === undefined) return
    const told = JSON.stringify([this.#last?.seq, holders])
    if (told === this.#told) return
    this.#told = told
    this.emit('change', holders)
  }
}
