import { HASH_BYTES, hash, RunningHash } from '../../base/crypto/hash.js'
import type { KeyPair } from '../../base/crypto/signing.js'
import { isSignature } from '../../base/crypto/signing.js'
import { concat, utf8 } from '../../base/wire/bytes.js'
import { ENTRY_BYTES_MAX } from '../limits.js'
import type { Seq } from './author.js'

/** The running hash over a log up to one of its entries. docs/protocol/logs.md §3.4. */
export type ChainValue = Uint8Array

export const CHAIN_BYTES = HASH_BYTES

const LOG = utf8('persisted-chat/log/1')
const SIGNATURE = utf8('persisted-chat/sig/1')

/** Identifies one signed log: room and author. */
export interface LogName {
  readonly room: Uint8Array
  readonly key: Uint8Array
}

/** The chain value of the empty log. */
export const chainStart = ({ room, key }: LogName): ChainValue => hash(LOG, room, key)

/** The chain value after one more entry. */
export const chainNext = (before: ChainValue, entry: Uint8Array): ChainValue => hash(before, entry)

const running = new RunningHash(ENTRY_BYTES_MAX)

/** The chain value after all of `entries`. */
export function chainAfter(before: ChainValue, entries: readonly Uint8Array[]): ChainValue {
  running.value = before
  for (const entry of entries) {
    if (entry.length <= ENTRY_BYTES_MAX) running.add(entry)
    else running.value = hash(running.value, entry) // no valid log has such an entry
  }
  return running.value
}

/** Signs all entries up to `seq`, after which the chain value is `chain`. */
export const signChain = (keys: KeyPair, room: Uint8Array, seq: Seq, chain: ChainValue): Uint8Array =>
  keys.sign(signedBytes({ room, key: keys.publicKey }, seq, chain))

/** Whether the author signed all entries up to `seq`. Takes 46 µs. */
export const isChainSigned = (log: LogName, seq: Seq, chain: ChainValue, signature: Uint8Array): boolean =>
  isSignature(signature, signedBytes(log, seq, chain), log.key)

function signedBytes({ room, key }: LogName, seq: Seq, chain: ChainValue): Uint8Array {
  const place = Buffer.alloc(8)
  place.writeBigUInt64BE(BigInt(seq))
  return concat([SIGNATURE, room, key, place, chain])
}
