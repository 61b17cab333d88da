import type { Millis } from '../base/clock.js'
import type { SeededRandom } from '../base/seeded-random.js'
import type { VirtualTime } from './virtual-time.js'

/** Bytes under way in one direction before the writer has to wait. */
const WINDOW_BYTES = 64 * 1024

export type Content =
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'reset' }

/** What carries packets. */
export interface Medium {
  readonly time: VirtualTime
  readonly chance: SeededRandom
  /** Bytes of data that were ever sent, without copies. */
  bytesSent: number
  /** How long the next packet takes. */
  delay(): Millis
  /** How many copies of it come. */
  copies(): number
}

/** Where packets go. */
export interface Terminal {
  /** Whether it can be reached now. */
  readonly isReachable: boolean
  /** Whether it takes data now. */
  readonly isReady: boolean
  receive(content: Content): void
}

interface Packet {
  readonly content: Content
  /** Whether it has come as far as the other machine, if the way is free. */
  hasArrived: boolean
}

/**
 * One direction of a connection. Packets are delayed, lost and sent again, overtake each other and come twice; as under
 * TCP, what is read is in order and each byte once, so that of all this only time is seen.
 */
export class Wire {
  readonly #medium: Medium
  readonly #target: Terminal
  readonly #packets: Packet[] = []
  #inFlight = 0
  #held: (() => void) | undefined
  #isFrozen = false

  constructor(medium: Medium, target: Terminal) {
    this.#medium = medium
    this.#target = target
  }

  /** Nothing comes through any more, and nobody is told. */
  freeze(): void {
    this.#isFrozen = true
  }

  send(bytes: Uint8Array, done: () => void): void {
    this.#inFlight += bytes.length
    this.#medium.bytesSent += bytes.length
    const { chance } = this.#medium
    const cut = bytes.length > 1 && chance.is(0.2) ? chance.whole(1, bytes.length - 1) : bytes.length
    this.put({ kind: 'data', bytes: bytes.slice(0, cut) })
    if (cut < bytes.length) this.put({ kind: 'data', bytes: bytes.slice(cut) })
    if (this.#inFlight <= WINDOW_BYTES) done()
    else this.#held = done
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

  /** Hands over what has arrived, as far as the other side takes it and nothing before it is missing. */
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
    if (this.#held === undefined || this.#inFlight > WINDOW_BYTES) return
    const done = this.#held
    this.#held = undefined
    done()
  }
}
