import { SENT_BYTES_MAX } from './limits.js'

/** What remembering a message takes besides its text. */
const MEMBER_BYTES = 64

/**
 * The set of messages already sent. It grows up to a bound and forgets nothing: where a client had forgotten a message that
 * still went round, it would send it again, and the message would go round for ever. README.md in this folder.
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

  /** False where there is no room for another message. */
  add(text: string): boolean {
    const bytes = Buffer.byteLength(text) + MEMBER_BYTES
    if (this.#bytes + bytes > this.#bytesMax) return false
    this.#bytes += bytes
    this.#texts.add(text)
    return true
  }
}
