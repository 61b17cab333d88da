import { readVarint } from '../../src/base/wire/bytes.js'
import { frame } from '../../src/base/wire/frames.js'

/** What an original reads next: the other's address, by which it decides, or one more message, whatever it says. */
type Step = 'address' | 'anything' | 'ready' | 'stuck'

/**
 * An original's side of an opening, without sockets: fully-connected-topology's `onconnection` and `connect`, message by
 * message, as length-prefixed-message reads them. What follows once it is ready is left to scuttleup, in `rest`.
 */
export class OriginalTopology {
  readonly #me: string
  readonly #isAskedFirst: boolean
  #step: Step
  #held: Uint8Array = new Uint8Array(0)

  /** As dialler where `dialled`, the name by which it calls the other side, is given; else as listener. */
  constructor(me: string, dialled?: string) {
    this.#me = me
    this.#isAskedFirst = dialled === undefined
    this.#step = dialled === undefined || me > dialled ? 'address' : 'anything'
  }

  get isReady(): boolean {
    return this.#step === 'ready'
  }

  get rest(): Uint8Array {
    return this.#held
  }

  /** What it writes before it reads. */
  start(): Uint8Array {
    return this.#isAskedFirst ? new Uint8Array(0) : this.#address()
  }

  /** What it writes in answer. */
  receive(bytes: Uint8Array): Uint8Array {
    this.#held = Buffer.concat([this.#held, bytes])
    const written: Uint8Array[] = []
    while (this.#step === 'address' || this.#step === 'anything') {
      const length = readVarint(this.#held, 0, Number.MAX_SAFE_INTEGER)
      if (length.kind !== 'value') break
      if (length.value === 0) {
        this.#step = 'stuck' // it takes an empty message for one that has not come yet, for ever
        break
      }
      const end = length.next + length.value
      if (this.#held.length < end) break
      const message = Buffer.from(this.#held.subarray(length.next, end)).toString()
      this.#held = this.#held.subarray(end)
      if (this.#step === 'address') written.push(this.#address())
      this.#step = this.#step === 'address' && message > this.#me ? 'anything' : 'ready'
    }
    return Buffer.concat(written)
  }

  #address(): Uint8Array {
    return frame(Buffer.from(this.#me))
  }
}
