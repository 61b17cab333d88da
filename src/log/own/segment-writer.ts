import type { KeyPair } from '../../base/crypto/signing.js'
import { writeVarint } from '../../base/wire/bytes.js'
import { logKey, type Run, type Seq } from '../format/author.js'
import { ChainHash, type ChainValue, signChain } from '../format/chain.js'
import { packedSize, SALT_BYTES } from '../format/packed.js'
import { ENTRIES_AT, writeHeader } from '../format/segment.js'
import { segmentWrite } from '../format/segment-rows.js'
import { SEGMENT_BYTES_MAX } from '../limits.js'
import type { Put } from '../store/store.js'
import type { WriteSalt } from './salts.js'

/** The key that signs our log, with its room and run. */
export interface Signer {
  readonly keys: KeyPair
  readonly room: Uint8Array
  readonly run: Run
  readonly writeSalt: WriteSalt
}

/** Where a log is continued. */
interface WriterStart {
  readonly next: Seq
  /** The chain value before the next entry. */
  readonly before: ChainValue
  /** Packed size of the entries so far. */
  readonly size: number
}

/** Builds the segments of our log. Each entry is packed and hashed into the chain as it is added. */
export class SegmentWriter {
  readonly #signer: Signer
  readonly #bytes = Buffer.allocUnsafeSlow(SEGMENT_BYTES_MAX)
  readonly #chain = new ChainHash()
  #before: ChainValue
  #first: Seq
  #count = 0
  #size: number
  #end = ENTRIES_AT

  constructor(signer: Signer, { next, before, size }: WriterStart) {
    this.#signer = signer
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

  /** Adds an entry of at most ENTRY_BYTES_MAX. If it does not fit, starts a new segment and returns the row of the full segment. */
  add(entry: string): Put | undefined {
    const length = Buffer.byteLength(entry)
    const size = packedSize(length)
    const row = this.#end + size > SEGMENT_BYTES_MAX ? this.cut() : undefined
    const start = writeVarint(this.#bytes, this.#end, 2 * length)
    this.#signer.writeSalt(this.#bytes, start)
    this.#bytes.write(entry, start + SALT_BYTES)
    this.#end += size
    this.#size += size
    this.#count++
    this.#chain.advance(this.#bytes, start, this.#end)
    return row
  }

  /** Signs the added entries, returns the row of their segment, and starts the next one. Undefined if there are no entries. */
  cut(): Put | undefined {
    if (this.#count === 0) return undefined
    const { keys, run } = this.#signer
    const [key, first, before, chain] = [keys.publicKey, this.#first, this.#before, this.chain]
    const signature = signChain(keys, this.#signer, this.next - 1, chain)
    writeHeader(this.#bytes, { key, run, first, count: this.#count, before, signature })
    const row = segmentWrite(logKey(key, run), first, this.#bytes.subarray(0, this.#end))
    this.#first = this.next
    this.#before = chain
    this.#count = 0
    this.#end = ENTRIES_AT
    return row
  }
}
