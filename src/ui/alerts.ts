import { type Clock, type Millis, systemClock } from '../base/clock.js'
import { shownRoom } from '../base/names.js'
import { messageJsonOf } from '../chat/json.js'
import type { Message } from '../chat/kinds/message.js'
import { isLive } from '../chat/liveness.js'
import { MentionCommand } from './mention-command.js'

/** How long after the last keypress the user is assumed to be reading the screen. */
const ATTENDED_MS: Millis = 60_000
/** Shortest time between two notifications. */
const NOTIFICATION_MS: Millis = 1_000

export interface AlertsOptions {
  /** The command of --on-mention, if any. */
  readonly command: string | undefined
  /** Shows a desktop notification. The text is untrusted. */
  readonly notify: (text: string) => void
  readonly warn: (line: string) => void
  readonly clock?: Clock
}

/** A message that rings at the notify level of its room. */
export interface Ring {
  readonly room: string
  readonly message: Message
  /** When the newest connection of the room opened. */
  readonly connectedAt: Millis | undefined
  /** Whether the face prints the message. */
  readonly isShown: boolean
}

/** Calls the user's attention to live messages that they do not see, because they use another program or view another room. */
export class Alerts {
  readonly #options: AlertsOptions
  readonly #clock: Clock
  readonly #command: MentionCommand | undefined
  readonly #startedAt: Millis
  #usedAt: Millis = Number.NEGATIVE_INFINITY
  #notifiedAt: Millis = Number.NEGATIVE_INFINITY

  constructor(options: AlertsOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#startedAt = this.#clock.now()
    this.#command = options.command === undefined ? undefined : new MentionCommand(options.command, options.warn)
  }

  /** The user has pressed a key or typed a line. */
  used(): void {
    this.#usedAt = this.#clock.now()
  }

  rang({ room, message, connectedAt = 0, isShown }: Ring): void {
    const now = this.#clock.now()
    if (isShown && now - this.#usedAt < ATTENDED_MS) return
    if (!isLive(message.timeMs, { now, startedAt: this.#startedAt, connectedAt, isOurs: false })) return
    this.#command?.run(messageJsonOf(message, room))
    if (now - this.#notifiedAt < NOTIFICATION_MS) return
    this.#notifiedAt = now
    this.#options.notify(`${shownRoom(room)} ${message.username}: ${message.message}`)
  }
}
