import { HASH_BYTES, hash, RunningHash } from '../../base/crypto/hash.js'
import type { KeyPair } from '../../base/crypto/signing.js'
import { isSignature } from '../../base/crypto/signing.js'
import { concat, sameBytes, utf8 } from '../../base/wire/bytes.js'
import { logKey, type Run, type Seq } from './author.js'
import { isControl } from './control.js'
import { AT_BYTES, contentStart, isControlStub, isStub, packedEnd, SALT_BYTES, stub } from './packed.js'

/** The running hash over a log up to one of its entries. docs/protocol/logs.md §3.4. */
export type ChainValue = Uint8Array

export const CHAIN_BYTES = HASH_BYTES

const LOG = utf8('persisted-chat/log/2')
const SIGNATURE = utf8('persisted-chat/sig/2')

/** `at` and the control bit. */
const HEAD_BYTES = AT_BYTES + 1
/** Where `at` is in an entry: 13 digits, a dot, 4 digits. */
const AT_START = 7
const DOT_AT = 13

/** Identifies one signed log: room, author and run. */
export interface LogName {
  readonly room: Uint8Array
  readonly key: Uint8Array
  readonly run: Run
  /** For a branch: where it continues a run. */
  readonly start?: BranchStart | undefined
}

/** Where a branch continues the run that its entries were signed for. */
export interface BranchStart {
  readonly run: Run
  /** The last seq before the branch. */
  readonly after: Seq
  /** The chain value there. */
  readonly chain: ChainValue
}

/** The chain value of the empty log. */
export const chainStart = ({ room, key, run, start }: LogName): ChainValue =>
  start?.chain ?? hash(LOG, room, logKey(key, run))

/** Computes chain values. A step hashes `at`, the control bit, and the hash of salt and entry. */
export class ChainHash extends RunningHash {
  constructor() {
    super(HEAD_BYTES)
  }

  /** Adds the entry whose salt and text are at `start ≤ i < end` of `bytes`. */
  advance(bytes: Uint8Array, start: number, end: number): void {
    this.#setHead(bytes, start + SALT_BYTES, end)
    this.hashContent(bytes, start, end)
    this.step()
  }

  /** Adds the stub at `offset` of `bytes`. */
  advanceStub(bytes: Uint8Array, offset: number): void {
    const digest = offset + 1 + AT_BYTES
    this.head.set(bytes.subarray(offset + 1, digest))
    this.head[AT_BYTES] = isControlStub(bytes, offset) ? 1 : 0
    this.digest.set(bytes.subarray(digest, digest + HASH_BYTES))
    this.step()
  }

  /** Adds a packed entry. A malformed entry also yields a chain value, but no author signs it. */
  add(packed: Uint8Array): void {
    if (packedEnd(packed, 0) !== packed.length) {
      this.digest.set(hash(packed))
      this.step()
    } else if (isStub(packed)) this.advanceStub(packed, 0)
    else this.advance(packed, contentStart(packed), packed.length)
  }

  /** A packed entry without its content. */
  stubOf(packed: Uint8Array): Uint8Array {
    if (isStub(packed)) return packed
    const start = contentStart(packed)
    this.#setHead(packed, start + SALT_BYTES, packed.length)
    this.hashContent(packed, start, packed.length)
    return stub(this.head[AT_BYTES] === 1, this.head.subarray(0, AT_BYTES), this.digest)
  }

  /** Writes `at` and the control bit of an entry. An invalid entry may end before or within its `at`: missing digits are zeros. */
  #setHead(bytes: Uint8Array, start: number, end: number): void {
    const { head } = this
    for (let i = 0, from = start + AT_START; i < AT_BYTES; i++, from++) {
      if (i === DOT_AT) from++
      head[i] = from < end ? (bytes[from] as number) : 0
    }
    head[AT_BYTES] = isControl(bytes, start, end) ? 1 : 0
  }
}

const running = new ChainHash()

/** The chain value after one more packed entry. */
export const chainNext = (before: ChainValue, packed: Uint8Array): ChainValue => chainAfter(before, [packed])

/** The chain value after all of these packed entries. */
export function chainAfter(before: ChainValue, entries: readonly Uint8Array[]): ChainValue {
  running.value = before
  for (const entry of entries) running.add(entry)
  return running.value
}

/** The packed entries without their contents. They have the same chain values. */
export const stubsOf = (entries: readonly Uint8Array[]): Uint8Array[] => entries.map(entry => running.stubOf(entry))

/** Whether a packed entry is the content of a stub: it has the hash, the `at` and the control bit of the stub. */
export const isContentOf = (stub: Uint8Array, packed: Uint8Array): boolean =>
  !isStub(packed) && sameBytes(running.stubOf(packed), stub)

/** Signs all entries up to `seq`, after which the chain value is `chain`. */
export const signChain = (
  keys: KeyPair,
  { room, run }: Omit<LogName, 'key'>,
  seq: Seq,
  chain: ChainValue,
): Uint8Array => keys.sign(signedBytes({ room, run, key: keys.publicKey }, seq, chain))

/** Whether the author signed all entries up to `seq`. Takes 46 µs. */
export const isChainSigned = (log: LogName, seq: Seq, chain: ChainValue, signature: Uint8Array): boolean =>
  isSignature(signature, signedBytes(log, seq, chain), log.key)

function signedBytes({ room, key, run, start }: LogName, seq: Seq, chain: ChainValue): Uint8Array {
  const place = Buffer.alloc(8)
  place.writeBigUInt64BE(BigInt(seq + (start?.after ?? 0)))
  return concat([SIGNATURE, room, logKey(key, start?.run ?? run), place, chain])
}
