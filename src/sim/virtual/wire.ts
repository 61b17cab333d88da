import type { Millis } from '../../base/clock.js'
import type { SeededRandom } from '../../base/seeded-random.js'
import type { VirtualTime } from './time.js'

/** Largest number of bytes in flight in one direction; the writer waits while there are more. */
const WINDOW_BYTES = 64 * 1024

export type Content =
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'reset' }

/** The network that carries packets. */
export interface Medium {
  readonly time: VirtualTime
  readonly random: SeededRandom
  /** Data bytes sent so far, without duplicates. */
  bytesSent: number
  /** Delay of the next packet. */
  delay(): Millis
  /** Number of copies of the next packet. */
  copies(): number
}

/** The receiving end. */
export interface Receiver {
  /** Whether packets reach the receiver now. */
  readonly isReachable: boolean
  /** Whether the receiver accepts data now. */
  readonly isReady: boolean
  receive(content: Content): void
}

interface Packet {
  readonly content: Content
  /** Whether the packet's delay is over. */
  hasArrived: boolean
}

/**
 * One direction of a connection. Packets are delayed, lost and resent, reordered and duplicated. As with TCP, the
 * reader gets every byte once and in order, so these faults only take time.
 */
export class Wire {
  readonly #medium: Medium
  readonly #target: Receiver
  readonly #packets: Packet[] = []
  #inFlight = 0
  #blockedWriter: (() => void) | undefined
  #isFrozen = false

  constructor(medium: Medium, target: Receiver) {
    this.#medium = medium
    this.#target = target
  }

  /** Drops all packets from now on; neither end notices. */
  freeze(): void {
    this.#isFrozen = true
  }

  send(bytes: Uint8Array, done: () => void): void {
    this.#inFlight += bytes.length
    this.#medium.bytesSent += bytes.length
    const { random } = this.#medium
    const cut = bytes.length > 1 && random.is(0.2) ? random.whole(1, bytes.length - 1) : bytes.length
    this.put({ kind: 'data', bytes: bytes.slice(0, cut) })
    if (cut < bytes.length) this.put({ kind: 'data', bytes: bytes.slice(cut) })
    if (this.#inFlight <= WINDOW_BYTES) done()
    else this.#blockedWriter = done
  }

  put(content: Content): void {
    const packet: Packet = { content, hasArrived: false }
    this.#packets.push(packet)
    for (let copy = this.#medium.copies(); copy > 0; copy--) {
      this.#medium.time.after(this.#medium.delay(), () => {
        packet.hasArrived = true
        this.flush()
      })
    }
  }

  /** Delivers arrived packets in order, as long as the receiver accepts them. */
  flush(): void {
    while (!this.#isFrozen && this.#target.isReachable) {
      const packet = this.#packets[0]
      if (packet === undefined || !packet.hasArrived) return
      const { content } = packet
      if (content.kind === 'data' && !this.#target.isReady) return
      this.#packets.shift()
      if (content.kind === 'data') this.#leave(content.bytes.length)
      this.#target.receive(content)
    }
  }

  #leave(bytes: number): void {
    this.#inFlight -= bytes
    if (this.#blockedWriter === undefined || this.#inFlight > WINDOW_BYTES) return
    const done = this.#blockedWriter
    this.#blockedWriter = undefined
    done()
  }
}
