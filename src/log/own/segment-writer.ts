import { RunningHash } from '../../base/crypto/hash.js'
import type { KeyPair } from '../../base/crypto/signing.js'
import { writeVarint } from '../../base/wire/bytes.js'
import type { Seq } from '../format/author.js'
import { type ChainValue, signChain } from '../format/chain.js'
import { packedSize } from '../format/packed.js'
import { ENTRIES_AT, writeHeader } from '../format/segment.js'
import { segmentWrite } from '../format/segment-rows.js'
import { ENTRY_BYTES_MAX, SEGMENT_BYTES_MAX } from '../limits.js'
import type { Put } from '../store/store.js'

/** Builds the segments of our log. Each entry is packed and hashed into the chain as it is added. */
export class SegmentWriter {
  readonly #keys: KeyPair
  readonly #room: Uint8Array
  readonly #bytes = Buffer.allocUnsafeSlow(SEGMENT_BYTES_MAX)
  readonly #chain = new RunningHash(ENTRY_BYTES_MAX)
  #before: ChainValue
  #first: Seq
  #count = 0
  #size: number
  #end = ENTRIES_AT

  /** The log continues at `next`; `before` is the chain value before it, `size` the packed size of its entries. */
  constructor(
    keys: KeyPair,
    room: Uint8Array,
    { next, before, size }: { readonly next: Seq; readonly before: ChainValue; readonly size: number },
  ) {
    this.#keys = keys
    this.#room = room
    this.#first = next
    this.#before = before
    this.#chain.value = before
    this.#size = size
  }

  /** Packed size of all entries of the log. */
  get size(): number {
    return this.#size
  }

  /** The chain value after the last entry. */
  get chain(): ChainValue {
    return this.#chain.value
  }

  /** The seq after the last entry. */
  get next(): Seq {
    return this.#first + this.#count
  }

  /** Adds an entry of at most ENTRY_BYTES_MAX. If it does not fit, starts a new segment and returns the row of the full one. */
  add(entry: string): Put | undefined {
    const length = this.#chain.part.write(entry)
    const isFull = this.#end + packedSize(length) > SEGMENT_BYTES_MAX
    const row = isFull ? this.cut() : undefined
    this.#end = writeVarint(this.#bytes, this.#end, length)
    this.#bytes.set(this.#chain.part.subarray(0, length), this.#end)
    this.#end += length
    this.#size += packedSize(length)
    this.#count++
    this.#chain.advance(length)
    return row
  }

  /** Signs the added entries, returns the row of their segment, and starts the next one. Undefined if there are no entries. */
  cut(): Put | undefined {
    if (this.#count === 0) return undefined
    const [key, first, before, chain] = [this.#keys.publicKey, this.#first, this.#before, this.chain]
    const signature = signChain(this.#keys, this.#room, this.next - 1, chain)
    writeHeader(this.#bytes, { key, first, count: this.#count, before, signature })
    const row = segmentWrite(key, first, this.#bytes.subarray(0, this.#end))
    this.#first = this.next
    this.#before = chain
    this.#count = 0
    this.#end = ENTRIES_AT
    return row
  }
}
