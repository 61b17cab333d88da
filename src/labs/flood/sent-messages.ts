import { SENT_BYTES_MAX } from './limits.js'

/** Memory of a message besides its text. */
const MEMBER_BYTES = 64

/**
 * The set of messages already sent. It has a bound and forgets nothing: a client that forgot a circulating message would send
 * it again, and the message would circulate forever. See README.md.
 */
export class SentMessages {
  readonly #texts = new Set<string>()
  readonly #bytesMax: number
  #bytes = 0

  constructor(bytesMax: number = SENT_BYTES_MAX) {
    this.#bytesMax = bytesMax
  }

  has(text: string): boolean {
    return this.#texts.has(text)
  }

  /** Returns false if the set is full. */
  add(text: string): boolean {
    const bytes = Buffer.byteLength(text) + MEMBER_BYTES
    if (this.#bytes + bytes > this.#bytesMax) return false
    this.#bytes += bytes
    this.#texts.add(text)
    return true
  }
}
