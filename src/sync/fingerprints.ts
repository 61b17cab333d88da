import { hash } from '../base/crypto/hash.js'
import { ByteWriter } from '../base/wire/byte-writer.js'
import { concat, utf8 } from '../base/wire/bytes.js'
import type { LogId } from '../log/format/author.js'
import { CHAIN_PREFIX_BYTES, type Digest } from '../log/format/heads.js'

// Two peers compare fingerprints of their heads, then exchange only the heads that differ: with equal logs, they exchange the
// same number of bytes for any number of authors. docs/protocol/wire.md §5.2.

/** Authors are divided into this many groups by a hash of their ids; each group has a fingerprint. */
const GROUPS = 32
/** Long enough that equal fingerprints mean equal heads. */
const FINGERPRINT_BYTES = 12
export const FINGERPRINTS_BYTES = GROUPS * FINGERPRINT_BYTES

const NO_CHAIN = new Uint8Array(CHAIN_PREFIX_BYTES)

const groupOf = (author: LogId): number => (hash(utf8(author))[0] ?? 0) % GROUPS

/** The fingerprints of all groups, concatenated. */
export function fingerprintsOf(heads: readonly Digest[]): Uint8Array {
  const groups = Array.from({ length: GROUPS }, (): Digest[] => [])
  for (const head of heads) groups[groupOf(head.author)]?.push(head)
  return concat(groups.map(fingerprintOf))
}

export interface ComparedHeads {
  /** The heads in groups whose fingerprints differ. */
  readonly differing: Digest[]
  /** The heads in the other groups, which are equal on both sides. */
  readonly equal: Digest[]
  readonly areEqual: boolean
}

/** Divides our heads by whether the fingerprints of their groups are the same on both sides. */
export function compareHeads(heads: readonly Digest[], ours: Uint8Array, theirs: Uint8Array): ComparedHeads {
  const differs = Array.from({ length: GROUPS }, (_, group) => {
    const [from, to] = [group * FINGERPRINT_BYTES, (group + 1) * FINGERPRINT_BYTES]
    return Buffer.compare(ours.subarray(from, to), theirs.subarray(from, to)) !== 0
  })
  const isDiffering = ({ author }: Digest): boolean => differs[groupOf(author)] === true
  return {
    differing: heads.filter(isDiffering),
    equal: heads.filter(head => !isDiffering(head)),
    areEqual: !differs.includes(true),
  }
}

function fingerprintOf(heads: readonly Digest[]): Uint8Array {
  const parts = heads
    .toSorted((a, b) => (a.author < b.author ? -1 : 1))
    .map(({ author, seq, chain }) =>
      new ByteWriter()
        .text(author)
        .u8(0)
        .u32(seq)
        .bytes(chain ?? NO_CHAIN)
        .finish(),
    )
  return hash(...parts).subarray(0, FINGERPRINT_BYTES)
}
