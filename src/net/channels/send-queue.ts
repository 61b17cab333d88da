import { varint } from '../../base/wire/bytes.js'
import { SIDE_CHANNEL_TYPES_FROM } from './limits.js'

/**
 * Frames of one channel that wait to be sent, under the window that the other side acknowledges. Frames of the side channel
 * (presence, peer exchange) go first, and do not wait for the window; the others keep their order.
 */
export class SendQueue {
  readonly #windowBytes: number
  #urgent: Uint8Array[] = []
  #ordered: Uint8Array[] = []
  #next = 0
  #queuedBytes = 0
  /** Bytes sent that the other side has not said it read. */
  #inFlight = 0

  constructor(windowBytes: number) {
    this.#windowBytes = windowBytes
  }

  /** Bytes that wait. */
  get length(): number {
    return this.#queuedBytes
  }

  /** `body`: type ‖ rest. */
  add(body: Uint8Array): void {
    if ((body[0] ?? 0) < SIDE_CHANNEL_TYPES_FROM) this.#ordered.push(body)
    else this.#urgent.push(body)
    this.#queuedBytes += body.length
  }

  /** The other side has read this many more bytes. False if it cannot have. */
  acknowledged(bytes: number): boolean {
    this.#inFlight -= bytes
    return this.#inFlight >= 0
  }

  /** The next frame that may be sent now. */
  take(): Uint8Array | undefined {
    const body = this.#urgent.shift() ?? this.#takeOrdered()
    if (body === undefined) return undefined
    this.#queuedBytes -= body.length
    this.#inFlight += sizeOf(body)
    return body
  }

  #takeOrdered(): Uint8Array | undefined {
    const body = this.#ordered[this.#next]
    if (body === undefined || (this.#inFlight > 0 && this.#inFlight + sizeOf(body) > this.#windowBytes))
      return undefined
    if (++this.#next === this.#ordered.length) {
      this.#ordered = []
      this.#next = 0
    }
    return body
  }
}

/** What a frame counts: its length, and what precedes it where it is read. */
const sizeOf = ({ length }: Uint8Array): number => varint(length).length + length
