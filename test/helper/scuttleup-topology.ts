import { readVarint } from '../../src/base/wire/bytes.js'
import { frame } from '../../src/base/wire/frames.js'

/** What a scuttleup peer reads next: the other side's address, which determines the next step, or a message with any content. */
type Step = 'address' | 'anything' | 'ready' | 'stuck'

/**
 * A scuttleup peer's side of the topology handshake, without sockets: fully-connected-topology's `onconnection` and `connect`,
 * message by message, as length-prefixed-message reads them. `rest` is what follows once it is ready.
 */
export class ScuttleupTopology {
  readonly #me: string
  readonly #isListener: boolean
  #step: Step
  #buffered: Uint8Array = new Uint8Array(0)

  /** As the dialler of `dialled`, its name for the other side; without it as the listener. */
  constructor(me: string, dialled?: string) {
    this.#me = me
    this.#isListener = dialled === undefined
    this.#step = dialled === undefined || me > dialled ? 'address' : 'anything'
  }

  get isReady(): boolean {
    return this.#step === 'ready'
  }

  get rest(): Uint8Array {
    return this.#buffered
  }

  /** The bytes that it writes before it reads. */
  start(): Uint8Array {
    return this.#isListener ? new Uint8Array(0) : this.#address()
  }

  /** The bytes that it writes in answer. */
  receive(bytes: Uint8Array): Uint8Array {
    this.#buffered = Buffer.concat([this.#buffered, bytes])
    const written: Uint8Array[] = []
    while (this.#step === 'address' || this.#step === 'anything') {
      const length = readVarint(this.#buffered, 0, Number.MAX_SAFE_INTEGER)
      if (length.kind !== 'value') break
      if (length.value === 0) {
        this.#step = 'stuck' // it waits for ever, because it takes an empty message for a missing one
        break
      }
      const end = length.next + length.value
      if (this.#buffered.length < end) break
      const message = Buffer.from(this.#buffered.subarray(length.next, end)).toString()
      this.#buffered = this.#buffered.subarray(end)
      if (this.#step === 'address') written.push(this.#address())
      this.#step = this.#step === 'address' && message > this.#me ? 'anything' : 'ready'
    }
    return Buffer.concat(written)
  }

  #address(): Uint8Array {
    return frame(Buffer.from(this.#me))
  }
}
