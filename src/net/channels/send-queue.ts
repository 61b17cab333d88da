import type { Millis } from '../../base/clock.js'
import { varint } from '../../base/wire/bytes.js'
import { NOT_READING_MS_MAX } from '../limits.js'
import { IDLE_ACK_BYTES, LIVE_FRAME_BYTES_MAX, SIDE_CHANNEL_TYPES_FROM } from './limits.js'

/**
 * Frames of one channel that wait to be sent, under the window that the other side acknowledges. Frames of the side channel (presence, peer
 * exchange) go first, and do not wait for the window; the other frames keep their order. A long frame belongs to a backlog and also waits
 * for the unacknowledged bytes of other channels, so that lines in a quiet room do not queue behind the backlog of another room.
 */
export class SendQueue {
  readonly #windowBytes: number
  #urgent: Uint8Array[] = []
  #ordered: Uint8Array[] = []
  #next = 0
  #queuedBytes = 0
  #inFlight = 0
  /** Bytes acknowledged since the last check that found progress. */
  #acknowledgedBytes = 0
  #unreadMs: Millis = 0

  constructor(windowBytes: number) {
    this.#windowBytes = windowBytes
  }

  /** Bytes sent that the other side has not acknowledged. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Bytes that wait to be sent. */
  get length(): number {
    return this.#queuedBytes
  }

  /** `body`: type ‖ rest. */
  add(body: Uint8Array): void {
    if ((body[0] ?? 0) < SIDE_CHANNEL_TYPES_FROM) this.#ordered.push(body)
    else this.#urgent.push(body)
    this.#queuedBytes += body.length
  }

  /** The other side has read this many more bytes. Returns false if that is more than was sent. */
  acknowledged(bytes: number): boolean {
    this.#inFlight -= bytes
    this.#acknowledgedBytes += bytes
    return this.#inFlight >= 0
  }

  /**
   * Whether frames have waited for NOT_READING_MS_MAX while fewer bytes were acknowledged than one acknowledgement covers. Call it every
   * `ms`: it counts calls instead of reading the clock, so that the time while this computer sleeps is not included.
   */
  isUnreadAfter(ms: Millis): boolean {
    if (this.#queuedBytes === 0 || this.#acknowledgedBytes >= IDLE_ACK_BYTES) {
      this.#acknowledgedBytes = 0
      this.#unreadMs = 0
    } else this.#unreadMs += ms
    return this.#unreadMs >= NOT_READING_MS_MAX
  }

  /** Whether the next frame is long. */
  get isLong(): boolean {
    return this.#urgent.length === 0 && (this.#ordered[this.#next]?.length ?? 0) > LIVE_FRAME_BYTES_MAX
  }

  /** The next frame that may be sent now, given the unacknowledged bytes of the other channels. */
  take(othersInFlight: number): Uint8Array | undefined {
    const body = this.#urgent.shift() ?? this.#takeOrdered(othersInFlight)
    if (body === undefined) return undefined
    this.#queuedBytes -= body.length
    this.#inFlight += sizeOf(body)
    return body
  }

  #takeOrdered(othersInFlight: number): Uint8Array | undefined {
    const body = this.#ordered[this.#next]
    if (body === undefined || !this.#isInWindow(body, othersInFlight)) return undefined
    if (++this.#next === this.#ordered.length) {
      this.#ordered = []
      this.#next = 0
    }
    return body
  }

  /** Below IDLE_ACK_BYTES the receiver may not acknowledge at all, so one frame is sent regardless of the window to avoid a stall. */
  #isInWindow(body: Uint8Array, othersInFlight: number): boolean {
    const isLittle = this.#inFlight < IDLE_ACK_BYTES
    const others = body.length > LIVE_FRAME_BYTES_MAX ? othersInFlight : 0
    return isLittle || this.#inFlight + others + sizeOf(body) <= this.#windowBytes
  }
}

/** Bytes of a frame that count against the window: its body and its length prefix. */
const sizeOf = ({ length }: Uint8Array): number => varint(length).length + length
