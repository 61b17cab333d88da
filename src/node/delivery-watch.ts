import { EventEmitter } from 'node:events'
import type { Cancel, Clock } from '../base/clock.js'
import type { AuthorId } from '../log/format/author.js'
import type { Digest } from '../log/format/heads.js'
import type { Log } from '../log/log.js'
import type { Receipts, Replicas } from '../sync/receipts.js'

/** Receipts that arrive within this time are reported together, so that many lines cause one change. */
const SETTLE_MS = 300

/** Time for scuttleup peers to store an entry, before a new connection asks them what they have stored. */
const SCUTTLEUP_MS = 1_000

interface DeliveryEvents {
  /** The peers that store our latest entry changed. */
  change: [Replicas]
  /** The peers that store our latest entry may have changed. */
  check: []
}

export interface DeliveryWatchOptions {
  readonly log: Log
  readonly receipts: Receipts
  readonly clock: Clock
  /** Whether the user named a peer. If so, a stranger's receipt does not prove delivery. */
  readonly hasNamed: () => boolean
  /** Reopens the connections to scuttleup peers, which report what they have stored only in their handshake. */
  readonly askScuttleupPeers: () => void
}

/** Follows which peers have stored our latest entry. */
export class DeliveryWatch extends EventEmitter<DeliveryEvents> {
  readonly #log: Log
  readonly #receipts: Receipts
  readonly #clock: Clock
  readonly #hasNamed: () => boolean
  readonly #askScuttleupPeers: () => void
  #timer: Cancel | undefined
  #reported = ''

  constructor({ log, receipts, clock, hasNamed, askScuttleupPeers }: DeliveryWatchOptions) {
    super()
    this.#log = log
    this.#receipts = receipts
    this.#clock = clock
    this.#hasNamed = hasNamed
    this.#askScuttleupPeers = askScuttleupPeers
    receipts.on('receipt', (_replica, author) => {
      if (log.isOurs(author)) this.changed()
    })
  }

  /** A receipt arrived, or a stranger whose receipt had arrived became known. */
  changed(): void {
    this.emit('check')
    if (this.listenerCount('change') === 0) return
    this.#timer ??= this.#clock.after(SETTLE_MS, () => {
      this.#timer = undefined
      this.#report()
    })
  }

  /** Which peers store our latest entry; undefined if there is none. */
  get current(): Replicas | undefined {
    const latest = this.#latest
    return latest && this.#receipts.of(latest)
  }

  /**
   * Resolves when our latest entry at the time of the call is delivered, or when `signal` is aborted. It is delivered when the peer with
   * the key `to` has stored it; without `to`, when a known person has, or, if the user named nobody, any peer.
   */
  async delivered({ to, signal }: { to?: AuthorId | undefined; signal?: AbortSignal | undefined } = {}): Promise<void> {
    const latest = this.#latest
    if (latest === undefined) return
    const isDelivered = (): boolean => {
      if (to !== undefined) return this.#receipts.isAt(to, latest)
      const { on, left, strangers = 0 } = this.#receipts.of(latest)
      return on + left > 0 || (strangers > 0 && !this.#hasNamed())
    }
    let cancel: Cancel = () => {}
    const askLater = (): void => {
      cancel = this.#clock.after(SCUTTLEUP_MS, () => {
        this.#askScuttleupPeers()
        askLater()
      })
    }
    askLater()
    await new Promise<void>(resolve => {
      const check = (): void => {
        if (!isDelivered() && signal?.aborted !== true) return
        this.off('check', check)
        signal?.removeEventListener('abort', check)
        resolve()
      }
      this.on('check', check)
      signal?.addEventListener('abort', check)
      check()
    })
    cancel()
  }

  get #latest(): Digest | undefined {
    return this.#log.head.find(({ author }) => author === this.#log.id)
  }

  #report(): void {
    const replicas = this.current
    if (replicas === undefined) return
    const state = JSON.stringify([this.#latest, replicas])
    if (state === this.#reported) return
    this.#reported = state
    this.emit('change', replicas)
  }
}
