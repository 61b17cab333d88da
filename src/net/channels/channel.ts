import { Duplex } from 'node:stream'
import type { Millis } from '../../base/clock.js'
import { concat, varint } from '../../base/wire/bytes.js'
import { FRAME_BYTES_MAX, FrameReader } from '../../base/wire/frames.js'
import type { RawConnection } from '../peer-source.js'
import { ACK_BYTES, CHANNEL_WINDOW_BYTES, IDLE_ACK_BYTES } from './limits.js'
import { SendQueue } from './send-queue.js'

/** Queued bytes beyond which the writer has to wait. */
const QUEUE_BYTES_MAX = 64 * 1024
/** Limit on unread bytes. Larger than the window, because side channels ignore the window and one frame may be longer than it. */
const RECEIVED_BYTES_MAX = CHANNEL_WINDOW_BYTES + 2 * FRAME_BYTES_MAX

/** Length from which a frame is passed on without a copy. */
const LONG_BYTES = 16 * 1024

/** The connection that carries a channel, as the channel uses it. */
export interface Carrier extends Pick<RawConnection, 'bytesRead' | 'remoteAddress'> {
  /** The channel has frames to send. */
  schedule(): void
  acknowledge(channel: Channel, bytes: number): void
  closed(channel: Channel): void
}

/** The byte stream of one room on a connection that carries many. Writers write whole frames, and readers read whole frames. */
export class Channel extends Duplex implements RawConnection {
  readonly #carrier: Carrier
  readonly #frames = new FrameReader(FRAME_BYTES_MAX)
  readonly #queue: SendQueue
  #onSent: (() => void) | undefined
  /** Bytes received, and how many of them were acknowledged as read. */
  #receivedBytes = 0
  #acknowledgedBytes = 0

  constructor(carrier: Carrier, windowBytes: number = CHANNEL_WINDOW_BYTES) {
    super({ allowHalfOpen: true, readableHighWaterMark: QUEUE_BYTES_MAX, writableHighWaterMark: QUEUE_BYTES_MAX })
    this.#carrier = carrier
    this.#queue = new SendQueue(windowBytes)
    // Errors close the channel. The carrier reports this to the room.
    this.on('error', () => {})
  }

  get bytesRead(): number {
    return this.#carrier.bytesRead
  }

  get remoteAddress(): string {
    return this.#carrier.remoteAddress
  }

  /** Bytes sent that the other side has not acknowledged. */
  get inFlight(): number {
    return this.#queue.inFlight
  }

  /** Whether the next frame is long, as in a backlog. */
  get isLongNext(): boolean {
    return this.#queue.isLong
  }

  /** The next frame that may be sent now, without its length, given the unacknowledged bytes of the other channels. */
  takeFrame(othersInFlight: number): Uint8Array | undefined {
    const body = this.#queue.take(othersInFlight)
    if (this.#queue.length < QUEUE_BYTES_MAX) this.#continue()
    return body
  }

  /** Whether the other side has stopped reading while frames wait. Call it every `ms`. */
  isUnreadAfter(ms: Millis): boolean {
    return this.#queue.isUnreadAfter(ms)
  }

  /** The other side has read this many more bytes. Returns false if that is more than was sent. */
  acknowledged(bytes: number): boolean {
    const isPossible = this.#queue.acknowledged(bytes)
    this.#carrier.schedule()
    return isPossible
  }

  /** Frames arrived, without their lengths. Returns false if they exceed the window. */
  receive(bodies: readonly Uint8Array[]): boolean {
    if (this.destroyed) return true
    const parts = bodies.flatMap(body => [varint(body.length), body])
    // An event costs more than a copy of a short frame, and less than a copy of a segment.
    if (bodies.some(({ length }) => length > LONG_BYTES)) for (const part of parts) this.#pass(part)
    else this.#pass(concat(parts))
    this.#acknowledge()
    return this.readableLength <= RECEIVED_BYTES_MAX
  }

  /** Acknowledges here rather than in `_read`, which Node calls once per push, not when buffered bytes are read later. */
  override read(size?: number): Buffer | null {
    const bytes = super.read(size)
    this.#acknowledge()
    return bytes
  }

  override _read(): void {}

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#frames.push(chunk)
    for (let read = this.#frames.next(); read.kind !== 'more'; read = this.#frames.next()) {
      if (read.kind === 'bad') {
        done(new Error(read.reason))
        return
      }
      this.#queue.add(read.body)
    }
    this.#onSent = done
    this.#carrier.schedule()
    if (this.#queue.length < QUEUE_BYTES_MAX) this.#continue()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#continue()
    this.#carrier.closed(this)
    done(error)
  }

  #pass(bytes: Uint8Array): void {
    this.#receivedBytes += bytes.length
    this.push(bytes)
  }

  #continue(): void {
    const onSent = this.#onSent
    this.#onSent = undefined
    onSent?.()
  }

  /** Acknowledges read bytes in batches of ACK_BYTES, or IDLE_ACK_BYTES once everything is read. */
  #acknowledge(): void {
    const read = this.#receivedBytes - this.readableLength - this.#acknowledgedBytes
    if (read < (this.readableLength === 0 ? IDLE_ACK_BYTES : ACK_BYTES)) return
    this.#acknowledgedBytes += read
    this.#carrier.acknowledge(this, read)
  }
}
