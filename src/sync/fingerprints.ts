import { hash } from '../base/crypto/hash.js'
import { concat, utf8 } from '../base/wire/bytes.js'
import type { AuthorId } from '../log/format/author.js'
import type { Digest } from '../log/format/heads.js'

// By sums over heads two peers find out where theirs differ, so that a link between peers that hold the same costs the same
// however many authors they hold. PROTOCOL.md §5.2.

/** Authors are dealt into so many groups by a hash of their ids; each has a sum. */
const GROUPS = 32
/** Of each sum, so many bytes: two sets of heads with the same one are not found by trying. */
const SUM_BYTES = 12
export const FINGERPRINT_BYTES = GROUPS * SUM_BYTES

const groupOf = (author: AuthorId): number => (hash(utf8(author))[0] ?? 0) % GROUPS

/** The sums of all groups, one after the other. */
export function fingerprintsOf(heads: readonly Digest[]): Uint8Array {
  const groups = Array.from({ length: GROUPS }, (): Digest[] => [])
  for (const head of heads) groups[groupOf(head.author)]?.push(head)
  return concat(groups.map(sumOf))
}

/** Those of the heads that are in groups whose sums differ, and those that are not. */
export function comparedHeads(
  heads: readonly Digest[],
  ours: Uint8Array,
  theirs: Uint8Array,
): { readonly differing: Digest[]; readonly alike: Digest[]; readonly isAlike: boolean } {
  const differs = Array.from({ length: GROUPS }, (_, group) => {
    const [from, to] = [group * SUM_BYTES, (group + 1) * SUM_BYTES]
    return Buffer.compare(ours.subarray(from, to), theirs.subarray(from, to)) !== 0
  })
  const isDiffering = ({ author }: Digest): boolean => differs[groupOf(author)] === true
  return {
    differing: heads.filter(isDiffering),
    alike: heads.filter(head => !isDiffering(head)),
    isAlike: !differs.includes(true),
  }
}

function sumOf(heads: readonly Digest[]): Uint8Array {
  const parts = heads
    .toSorted((a, b) => (a.author < b.author ? -1 : 1))
    .map(({ author, seq, chain, frozen }) => {
      const numbers = Buffer.alloc(8)
      numbers.writeUInt32BE(seq)
      numbers.writeUInt32BE(frozen ?? 0, 4)
      return concat([utf8(author), Uint8Array.of(0), numbers, chain ?? new Uint8Array(8)])
    })
  return hash(...parts).subarray(0, SUM_BYTES)
}
