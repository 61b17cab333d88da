import type { Millis } from '../../base/clock.js'
import type { KeyPair } from '../../base/crypto/signing.js'
import { STATUS_HOPS_MAX } from './limits.js'
import { awayText, type Status, signStatus } from './status-codec.js'

/** How long a status holds, and when it is renewed at the latest: a clock that is a minute wrong does no harm. */
const HOLDS_MS = 540_000
/** A goodbye holds for longer than anything its author said before. */
const GONE_MS = 570_000
const AGAIN_MS = 450_000
/** Between two statuses of one's own. */
const PAUSE_MS = 1_000
/** How long somebody is shown as typing after a key was pressed; he says so again while he types. */
const TYPING_MS = 6_000
const TYPING_AGAIN_MS = 3_000
/** Links that it is told over that somebody types: those far away can wait for the line. */
const TYPING_HOPS = 4
/** A renewal goes to those who are linked: all others find it in digests, and ask for it. */
const RENEWAL_HOPS = 1

export interface OwnStatusOptions {
  readonly keys: KeyPair
  readonly room: Uint8Array
  readonly me: string
  readonly random: () => number
}

/** What this peer says of itself, and when it is to be said again. docs/protocol/presence.md §5.6. */
export class OwnStatus {
  readonly #options: OwnStatusOptions
  #said: { readonly body: Uint8Array; readonly at: Millis; readonly againAt: Millis } | undefined
  #version = 0
  #away: string | undefined
  #typedAt = Number.NEGATIVE_INFINITY
  #toldTypingAt = Number.NEGATIVE_INFINITY
  /** Since when there is something new to say. */
  #changedAt: Millis | undefined
  #isForAll = false

  constructor(options: OwnStatusOptions) {
    this.#options = options
  }

  /** As it was said last. */
  get body(): Uint8Array | undefined {
    return this.#said?.body
  }

  /** Of the status that was said last. */
  get version(): number {
    return this.#version
  }

  /** When it is to be said. */
  get dueAt(): Millis {
    const again = this.#said?.againAt ?? Number.NEGATIVE_INFINITY
    if (this.#changedAt === undefined) return again
    return Math.min(again, Math.max(this.#changedAt, (this.#said?.at ?? Number.NEGATIVE_INFINITY) + PAUSE_MS))
  }

  /** Whether it is to be said anew, if nothing has changed. */
  isOld(now: Millis): boolean {
    return (this.#said?.againAt ?? 0) <= now
  }

  /** An earlier run, or another device, has said this version: the next of this one is to count. */
  observedVersion(version: number): void {
    this.#version = Math.max(this.#version, version)
  }

  /** The user is away, or back. */
  setAway(text: string | undefined, now: Millis): void {
    const away = text === undefined ? undefined : awayText(text)
    if (away === this.#away) return
    this.#away = away
    this.changed(now)
  }

  /** The user types. */
  typing(now: Millis): void {
    this.#typedAt = now
    if (now - this.#toldTypingAt >= TYPING_AGAIN_MS) this.#changedAt ??= now
  }

  /** The user has said what he typed. */
  posted(): void {
    this.#typedAt = Number.NEGATIVE_INFINITY
  }

  /** All are to hear it. */
  changed(now: Millis): void {
    this.#changedAt ??= now
    this.#isForAll = true
  }

  /** Signs what is so now; `isLast` where this peer ends. */
  sign(now: Millis, isLast = false): void {
    const isTyping = now - this.#typedAt < TYPING_AGAIN_MS && !isLast
    const againAt = this.#said?.againAt ?? 0
    const isForAll = this.#isForAll || this.#said === undefined || isLast
    const isRenewal = isForAll || againAt <= now
    this.#version = Math.max(this.#version + 1, now)
    const status: Status = {
      version: this.#version,
      until: this.#version + (isLast ? GONE_MS : HOLDS_MS),
      state: isLast ? 'left' : this.#away === undefined ? 'present' : 'away',
      reach: isForAll ? STATUS_HOPS_MAX : isTyping ? TYPING_HOPS : RENEWAL_HOPS,
      name: this.#options.me,
      text: this.#away ?? '',
      typingMs: isTyping ? TYPING_MS : 0,
    }
    if (isTyping) this.#toldTypingAt = now
    this.#changedAt = undefined
    this.#isForAll = false
    this.#said = {
      body: signStatus(this.#options.keys, this.#options.room, status),
      at: now,
      againAt: isRenewal ? now + AGAIN_MS * (0.9 + this.#options.random() / 10) : againAt,
    }
  }
}
