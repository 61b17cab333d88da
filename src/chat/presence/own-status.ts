import type { Millis } from '../../base/clock.js'
import type { KeyPair } from '../../base/crypto/signing.js'
import { STATUS_HOPS_MAX } from './limits.js'
import { awayText, type Status, signStatus } from './status-codec.js'

/** Validity of a status, and time until it is renewed. The difference tolerates a clock that is a minute wrong. */
const VALID_MS = 540_000
const RENEWAL_MS = 450_000
/** Validity of a goodbye: longer than the validity of any status before it. */
const GOODBYE_VALID_MS = 570_000
/** Shortest time between two statuses. */
const PAUSE_MS = 1_000
/** How long a user is shown as typing after a key press, and the time between two statuses while they type. */
const TYPING_MS = 6_000
const TYPING_REPEAT_MS = 3_000
/** Hops of a typing status. Distant peers do not learn it: the message is enough for them. */
const TYPING_HOPS = 4
/** Hops of a renewal. Distant peers learn of it from digests, and request it. */
const RENEWAL_HOPS = 1

export interface OwnStatusOptions {
  readonly keys: KeyPair
  readonly room: Uint8Array
  readonly me: string
  readonly random: () => number
}

/** Our own status: when to send it, and how far. docs/protocol/presence.md §5.6. */
export class OwnStatus {
  readonly #options: OwnStatusOptions
  #signed: { readonly body: Uint8Array; readonly at: Millis; readonly renewAt: Millis } | undefined
  #version = 0
  #away: string | undefined
  #typedAt = Number.NEGATIVE_INFINITY
  #typingSentAt = Number.NEGATIVE_INFINITY
  /** When a change occurred that is not sent yet. */
  #changedAt: Millis | undefined
  #isForAll = false

  constructor(options: OwnStatusOptions) {
    this.#options = options
  }

  /** The frame body that was signed last. */
  get body(): Uint8Array | undefined {
    return this.#signed?.body
  }

  /** The version that was signed last. */
  get version(): number {
    return this.#version
  }

  /** When to sign and send the next status. */
  get dueAt(): Millis {
    const renewAt = this.#signed?.renewAt ?? Number.NEGATIVE_INFINITY
    if (this.#changedAt === undefined) return renewAt
    return Math.min(renewAt, Math.max(this.#changedAt, (this.#signed?.at ?? Number.NEGATIVE_INFINITY) + PAUSE_MS))
  }

  /** Whether the status has to be renewed. */
  isOld(now: Millis): boolean {
    return (this.#signed?.renewAt ?? 0) <= now
  }

  /** An earlier run or another device used this version: the next one has to be greater. */
  observedVersion(version: number): void {
    this.#version = Math.max(this.#version, version)
  }

  /** The user is away, or back if `text` is undefined. */
  setAway(text: string | undefined, now: Millis): void {
    const away = text === undefined ? undefined : awayText(text)
    if (away === this.#away) return
    this.#away = away
    this.changed(now)
  }

  /** The user is typing. */
  typing(now: Millis): void {
    this.#typedAt = now
    if (now - this.#typingSentAt >= TYPING_REPEAT_MS) this.#changedAt ??= now
  }

  /** The user posted the line that they were typing. */
  posted(): void {
    this.#typedAt = Number.NEGATIVE_INFINITY
  }

  /** Something changed that everyone should learn. */
  changed(now: Millis): void {
    this.#changedAt ??= now
    this.#isForAll = true
  }

  /** Signs a new status; with `isLast` a goodbye. */
  sign(now: Millis, isLast = false): void {
    const isTyping = now - this.#typedAt < TYPING_REPEAT_MS && !isLast
    const renewAt = this.#signed?.renewAt ?? 0
    const isForAll = this.#isForAll || this.#signed === undefined || isLast
    const isRenewal = isForAll || renewAt <= now
    this.#version = Math.max(this.#version + 1, now)
    const status: Status = {
      version: this.#version,
      until: this.#version + (isLast ? GOODBYE_VALID_MS : VALID_MS),
      state: isLast ? 'left' : this.#away === undefined ? 'present' : 'away',
      reach: isForAll ? STATUS_HOPS_MAX : isTyping ? TYPING_HOPS : RENEWAL_HOPS,
      name: this.#options.me,
      text: this.#away ?? '',
      typingMs: isTyping ? TYPING_MS : 0,
    }
    if (isTyping) this.#typingSentAt = now
    this.#changedAt = undefined
    this.#isForAll = false
    this.#signed = {
      body: signStatus(this.#options.keys, this.#options.room, status),
      at: now,
      renewAt: isRenewal ? now + RENEWAL_MS * (0.9 + this.#options.random() / 10) : renewAt,
    }
  }
}
