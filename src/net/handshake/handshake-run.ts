import type { Cancel, Clock } from '../../base/clock.js'
import type { DialFailureReason } from '../dial-failure.js'
import { HANDSHAKE_MS_MAX } from '../limits.js'
import type { RawConnection } from '../peer-source.js'
import { SealedConnection } from '../sealed/sealed-connection.js'
import type { HandshakeEffect, NativeRemote, ScuttleupRemote } from './effects.js'
import { Handshake, type HandshakeOptions } from './handshake.js'

export type HandshakeOutcome =
  /** `stream` is paused; its next bytes are the first ones after the handshake. */
  | { readonly kind: 'opened'; readonly remote: ScuttleupRemote; readonly stream: RawConnection }
  | {
      readonly kind: 'sealed'
      readonly remote: NativeRemote
      readonly stream: SealedConnection
      readonly handshakeHash: Uint8Array
    }
  /** The connection is closed. `hasAnswered`: the other side sent at least one byte. */
  | { readonly kind: 'failed'; readonly reason: DialFailureReason; readonly hasAnswered: boolean }

/** Runs a handshake on a raw connection, for at most HANDSHAKE_MS_MAX. Calls `onOutcome` once, after removing its listeners. */
export class HandshakeRun {
  readonly #connection: RawConnection
  readonly #handshake: Handshake
  readonly #onOutcome: (outcome: HandshakeOutcome) => void
  readonly #cancelTimeout: Cancel
  readonly #onData = (bytes: Buffer): void => this.#receive(bytes)
  readonly #onEnd = (): void => this.#fail('closed')
  readonly #onClose = (): void => this.#closed()
  #failure: DialFailureReason = 'closed'
  #hasAnswered = false

  constructor(
    connection: RawConnection,
    options: HandshakeOptions,
    clock: Clock,
    onOutcome: (outcome: HandshakeOutcome) => void,
  ) {
    this.#connection = connection
    this.#handshake = new Handshake(options)
    this.#onOutcome = onOutcome
    this.#cancelTimeout = clock.after(HANDSHAKE_MS_MAX, () => this.#fail('no-answer'))
  }

  start(): void {
    this.#connection.on('data', this.#onData)
    this.#connection.once('end', this.#onEnd)
    this.#connection.once('close', this.#onClose)
    // A connection that broke before it was handed over emits no further event.
    if (this.#connection.destroyed) this.#closed()
    else this.#perform(this.#handshake.start())
  }

  #receive(bytes: Buffer): void {
    this.#hasAnswered = true
    this.#perform(this.#handshake.receive(bytes))
  }

  #perform(effects: readonly HandshakeEffect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          this.#connection.write(effect.bytes)
          break
        case 'failed':
          this.#fail(effect.reason)
          break
        case 'opened': {
          const { remote, rest } = effect
          this.#detach()
          this.#connection.pause()
          if (rest.length > 0) this.#connection.unshift(rest)
          this.#onOutcome({ kind: 'opened', remote, stream: this.#connection })
          break
        }
        case 'sealed': {
          const { remote, records, handshakeHash } = effect
          this.#detach()
          this.#connection.pause()
          const stream = new SealedConnection(this.#connection, records)
          this.#onOutcome({ kind: 'sealed', remote, stream, handshakeHash })
        }
      }
    }
  }

  #fail(reason: DialFailureReason): void {
    this.#failure = reason
    this.#connection.destroy()
  }

  #closed(): void {
    this.#settle({ kind: 'failed', reason: this.#failure, hasAnswered: this.#hasAnswered })
  }

  #settle(outcome: HandshakeOutcome): void {
    this.#detach()
    this.#onOutcome(outcome)
  }

  #detach(): void {
    this.#cancelTimeout()
    this.#connection.removeListener('data', this.#onData)
    this.#connection.removeListener('end', this.#onEnd)
    this.#connection.removeListener('close', this.#onClose)
  }
}
