import { bufferOf } from '../wire/bytes.js'
import { sodium } from './sodium.js'

/** Bytes of the header that begins a stream. Both ends need it, and it may be public. */
export const STREAM_HEADER_BYTES = 24
/** Bytes that sealing adds to a message. */
export const SEAL_BYTES = 17
/** The part of SEAL_BYTES that precedes the message. */
export const TAG_BYTES = 1

const STATE_BYTES = 52
const TAG_MESSAGE = 0
const TAG_FINAL = 3

/** Seals the messages of one direction, in order (libsodium's secretstream, XChaCha20-Poly1305). `header` must be random. */
export class SealingStream {
  readonly #state: Buffer

  constructor(key: Uint8Array, header: Uint8Array) {
    this.#state = stateOf(key, header)
  }

  /**
   * Seals `message` into `sealed`, which is SEAL_BYTES longer. The message may already be in `sealed`, after the first TAG_BYTES.
   * The final message ends the direction.
   */
  seal(sealed: Buffer, message: Uint8Array, isFinal: boolean): void {
    const tag = isFinal ? TAG_FINAL : TAG_MESSAGE
    sodium().crypto_secretstream_xchacha20poly1305_push(this.#state, sealed, bufferOf(message), null, tag)
  }
}

/** Opens the messages of one direction, in order. */
export class OpeningStream {
  readonly #state: Buffer
  readonly #tag = Buffer.alloc(1)

  constructor(key: Uint8Array, header: Uint8Array) {
    this.#state = stateOf(key, header)
  }

  /** Opens `sealed` into `message`, which is SEAL_BYTES shorter. Undefined unless it is the next message, unchanged. */
  open(sealed: Buffer, message: Buffer): { readonly isFinal: boolean } | undefined {
    try {
      sodium().crypto_secretstream_xchacha20poly1305_pull(this.#state, message, this.#tag, sealed, null)
    } catch {
      return undefined
    }
    return { isFinal: this.#tag[0] === TAG_FINAL }
  }
}

/** The state of either end. (libsodium's `init_push` does the same with a random header of its own.) */
function stateOf(key: Uint8Array, header: Uint8Array): Buffer {
  const state = Buffer.alloc(STATE_BYTES)
  sodium().crypto_secretstream_xchacha20poly1305_init_pull(state, bufferOf(header), bufferOf(key))
  return state
}
