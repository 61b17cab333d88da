import { CHAIN_BYTES } from './chain.js'
import { WASM } from './entry-validator-wasm.js'

/** Bytes that the module may read beyond its input. */
const BEYOND_INPUT_BYTES = 128
const PAGE_BYTES = 64 * 1024

/** The exports of wasm/assembly/entry-validator.ts: addresses, variables, and a function. */
interface Exports {
  readonly memory: WebAssembly.Memory
  readonly chain: WebAssembly.Global
  readonly input: WebAssembly.Global
  readonly high: WebAssembly.Global
  readonly low: WebAssembly.Global
  readonly accepted: WebAssembly.Global
  accept(from: number, to: number, count: number): number
}

/**
 * Validates and hashes entries in plain form in WebAssembly, a whole segment in one call. Its state is the chain value and `at` after the
 * last accepted entry. All validators share it, so each sets the state before it validates.
 */
class PlainValidator {
  readonly #exports: Exports
  readonly #input: number
  readonly #chainAt: number
  #bytes: Uint8Array
  #chain: Uint8Array
  #length = 0

  constructor() {
    this.#exports = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(WASM, 'base64'))).exports as Exports
    const { memory, input, chain } = this.#exports
    this.#input = input.value
    this.#chainAt = chain.value
    this.#bytes = new Uint8Array(memory.buffer)
    this.#chain = this.#chainView()
  }

  /** The chain value, as a view for reading and writing. */
  get chain(): Uint8Array {
    return this.#chain
  }

  /** `at` of the last entry, as two numbers of nine and eight digits. */
  get high(): number {
    return this.#exports.high.value
  }

  get low(): number {
    return this.#exports.low.value
  }

  setAt(high: number, low: number): void {
    this.#exports.high.value = high
    this.#exports.low.value = low
  }

  /** Copies packed entries into the module. */
  load(bytes: Uint8Array): void {
    const missing = this.#input + bytes.length + BEYOND_INPUT_BYTES - this.#bytes.length
    if (missing > 0) {
      this.#exports.memory.grow(Math.ceil(missing / PAGE_BYTES))
      this.#bytes = new Uint8Array(this.#exports.memory.buffer)
      this.#chain = this.#chainView()
    }
    this.#bytes.set(bytes, this.#input)
    this.#length = bytes.length
  }

  /** Accepts up to `count` of the loaded entries from `offset` on, until one is invalid or not in plain form. Returns their number. */
  accept(offset: number, count: number): number {
    return this.#exports.accept(offset, this.#length, count)
  }

  /** Offset of the first entry that was not accepted. */
  get offset(): number {
    return this.#exports.accepted.value
  }

  #chainView(): Uint8Array {
    return this.#bytes.subarray(this.#chainAt, this.#chainAt + CHAIN_BYTES)
  }
}

let instance: PlainValidator | undefined

/** Compiled on first use: clients of a node never need it. */
export function plainValidator(): PlainValidator {
  instance ??= new PlainValidator()
  return instance
}
