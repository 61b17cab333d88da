import { keyPairOf } from '../../src/base/crypto/signing.js'
import { chainNext, chainStart, type LogName, signChain } from '../../src/log/format/chain.js'
import { packEntry } from '../../src/log/format/packed.js'
import { roomId } from '../../src/log/format/room-id.js'
import type { SignedRun } from '../../src/log/format/segment-plan.js'
import type { Row, Write } from '../../src/log/store/store.js'
import { MemoryDisk } from './memory-store.js'
import { type Audit, audit } from './signed-oracle.js'

export const LOBBY_ID = roomId('lobby')
export const OTHER_ROOM_ID = roomId('elsewhere')

export const seedOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
export const alice = keyPairOf(seedOf(1))
export const bob = keyPairOf(seedOf(2))
export const carol = keyPairOf(seedOf(3))
export const keysOfByte = (byte: number): typeof alice => keyPairOf(seedOf(byte))
export type Keys = typeof alice

/** Most bytes of packed entries in one segment: 128 KiB less the header. */
export const RUN_BYTES_MAX = 128 * 1024 - 138

const EMPTY_ENTRY_BYTES = Buffer.byteLength('{"at":"0000000000000.0000","username":"alice","message":""}')

/** A valid entry of `bytes` bytes, or of the minimum if that is more, `index` milliseconds into the conversation. */
export function entryOf(index: number, bytes = 0, username = 'alice'): Uint8Array {
  const at = `${String(1_763_670_000_000 + index).padStart(13, '0')}.0000`
  const text = `${index} `.padEnd(Math.max(0, bytes - EMPTY_ENTRY_BYTES), 'x')
  return Buffer.from(JSON.stringify({ at, username, message: text.slice(0, Math.max(0, bytes - EMPTY_ENTRY_BYTES)) }))
}

/** The salt of the entry at an index. */
export const saltOf = (index: number): Uint8Array => new Uint8Array(8).fill(index)

/** A complete signed log, from which tests take runs. */
export class WrittenLog {
  readonly keys: Keys
  readonly name: LogName
  readonly entries: readonly Uint8Array[]
  /** The entries as in segments. */
  readonly packed: readonly Uint8Array[]
  /** The chain value before the first entry and after each. */
  readonly chains: readonly Uint8Array[]

  constructor(keys: Keys, entries: readonly Uint8Array[], room = LOBBY_ID, run = 0) {
    this.keys = keys
    this.name = { room, key: keys.publicKey, run }
    this.entries = entries
    this.packed = entries.map((entry, index) => packEntry(saltOf(index), entry))
    const chains = [chainStart(this.name)]
    for (const entry of this.packed) chains.push(chainNext(chains.at(-1) as Uint8Array, entry))
    this.chains = chains
  }

  /** The author's signature for all entries up to `seq`. */
  signature(seq: number): Uint8Array {
    return signChain(this.keys, this.name, seq, this.chains[seq] as Uint8Array)
  }

  /** The entries `first` to `last` with their signature; if `isOurs`, with the chain value before them, as between native peers. */
  run(first: number, last: number, isOurs = true): SignedRun {
    return {
      first,
      entries: this.packed.slice(first - 1, last),
      signature: this.signature(last),
      ...(isOurs && { before: this.chains[first - 1] as Uint8Array }),
    }
  }

  /** The whole log as runs that end at the seqs in `ends`, and wherever a longer run would not fit into a segment. */
  runs(ends: Iterable<number> = [], isOurs = true): SignedRun[] {
    const wanted = new Set(ends)
    const runs: SignedRun[] = []
    let first = 1
    let size = 0
    this.packed.forEach(({ length }, index) => {
      const seq = index + 1
      size += length
      if (size > RUN_BYTES_MAX) {
        runs.push(this.run(first, seq - 1, isOurs))
        first = seq
        size = length
      }
      if (wanted.has(seq) || seq === this.entries.length) {
        runs.push(this.run(first, seq, isOurs))
        first = seq + 1
        size = 0
      }
    })
    return runs.filter(run => run.entries.length > 0)
  }
}

/** The bytes with bit number `bit`, counted from the start, flipped. */
export function withBitFlipped(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = Uint8Array.from(bytes)
  const index = Math.floor(bit / 8) % Math.max(1, flipped.length)
  flipped[index] = (flipped[index] ?? 0) ^ (1 << (bit % 8))
  return flipped
}

/** Verifies the rows of a plan with the oracle, and returns their content. Throws if anything is invalid. */
export function auditWrites(writes: readonly Write[], room = LOBBY_ID): Audit {
  const disk = new MemoryDisk()
  disk.write(writes)
  return auditDisk(disk, room)
}

const EVERYTHING = { gte: new Uint8Array(0), lt: new Uint8Array(64).fill(0xff) }

export const allRows = (disk: MemoryDisk): Row[] => disk.rows(EVERYTHING, Number.POSITIVE_INFINITY)

/** The same for all rows of a disk. */
export const auditDisk = (disk: MemoryDisk, room = LOBBY_ID): Audit => audit(room, allRows(disk))
