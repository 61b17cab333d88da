import { retryDelayMs } from '../base/backoff.js'
import type { Millis } from '../base/clock.js'
import { count, type MembersOf, oneOf, optional, text } from '../base/shape.js'
import { DIAL_FAILURES, type DialFailure } from './dial-failure.js'
import { ADDRESS, type Address } from './lan/address.js'

/** Distinct failure reasons reported per peer; further ones are only counted. */
const REASONS_MAX = 16

/** Reported instead of a failure reason. */
const SELF = 'self'

/** A peer that could not be connected to so far. */
export interface DialAttempt extends DialFailure {
  readonly name: string
  readonly address: Address
  /** Failed dials in a row; `reason` and `detail` are those of the last one. */
  readonly tries: number
}

export const DIAL_ATTEMPT: MembersOf<DialAttempt> = {
  name: text,
  address: ADDRESS,
  tries: count,
  reason: oneOf(DIAL_FAILURES),
  detail: optional(text),
}

export type DialState =
  | { readonly kind: 'dialling'; readonly attempt: number }
  | { readonly kind: 'waiting'; readonly attempt: number }
  | { readonly kind: 'connected'; readonly attempt: number }

/** A peer to dial: named by the user, discovered, or learned from another peer. */
export class DialTarget {
  readonly name: string
  readonly address: Address
  /** Dialled once, and not redialled when its connection closes. */
  readonly isProbe: boolean
  state: DialState = { kind: 'dialling', attempt: 0 }
  /** Key and instance of the native peer that answered last, and the network address it answered from. */
  identity: string | undefined
  remoteAddress: string | undefined
  /** Shortest wait before the next dial, set when a view is full. */
  cooldownMs: Millis = 0
  #isCoolingDown = false
  #tries = 0
  #failure: DialFailure = { reason: 'other' }
  readonly #reported = new Set<string>()

  constructor(name: string, address: Address, isProbe: boolean) {
    this.name = name
    this.address = address
    this.isProbe = isProbe
  }

  /** Whether the current wait is a cooldown. */
  get isCoolingDown(): boolean {
    return this.#isCoolingDown
  }

  /** The current dial attempt if dials have failed since the last connection; otherwise undefined. */
  get failing(): DialAttempt | undefined {
    const isDialled = this.state.kind === 'waiting' || this.state.kind === 'dialling'
    if (this.#tries === 0 || !isDialled) return undefined
    return { name: this.name, address: this.address, tries: this.#tries, ...this.#failure }
  }

  succeeded(): void {
    this.#tries = 0
    this.#reported.clear()
  }

  failed(failure: DialFailure): void {
    this.#tries++
    this.#failure = failure
  }

  /** Starts the wait before the next dial. Returns its length. */
  wait(attempt: number, random: () => number): Millis {
    this.state = { kind: 'waiting', attempt: attempt + 1 }
    const delayMs = Math.max(this.cooldownMs * (0.5 + random() / 2), retryDelayMs(attempt, random))
    this.#isCoolingDown = this.cooldownMs > 0
    this.cooldownMs = 0
    return delayMs
  }

  /** Whether to report that the address leads to this process: once, until another process answers there. */
  reportSelf(): boolean {
    const isNew = !this.#reported.has(SELF)
    this.#reported.add(SELF)
    return isNew
  }

  /** The last failure, if it is to be reported: once per reason, and at the 10th, 100th, … failure. */
  report(): DialAttempt | undefined {
    const isPowerOfTen = this.#tries > 1 && /^10+$/.test(String(this.#tries))
    const { reason, detail = '' } = this.#failure
    const isReported = this.#reported.has(reason + detail) || this.#reported.size >= REASONS_MAX
    if (isReported && !isPowerOfTen) return undefined
    this.#reported.add(reason + detail)
    return { name: this.name, address: this.address, tries: this.#tries, ...this.#failure }
  }
}
