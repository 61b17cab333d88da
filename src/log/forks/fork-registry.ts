import { concat, EMPTY, sameBytes, utf8 } from '../../base/wire/bytes.js'
import {
  authorOfLog,
  isBranch,
  keyOf,
  LOG_KEY_BYTES,
  type LogId,
  logKeyOf,
  logOfLogKey,
  runOf,
  type Seq,
} from '../format/author.js'
import type { LogName } from '../format/chain.js'
import {
  branchesIn,
  compareSegments,
  decodeProof,
  encodeProof,
  type ForkProof,
  isGenuine,
  proofFrom,
  startAt,
  withProofSignature,
} from '../format/fork-proof.js'
import type { Digest } from '../format/heads.js'
import { lastOf, logOfSegment, type Segment } from '../format/segment.js'
import { BRANCHES_MAX, RUNS_MAX } from '../limits.js'
import { checked, unchecked } from '../store/checked-row.js'
import type { SegmentStore } from '../store/segment-store.js'
import type { Row, Write } from '../store/store.js'

/** The result of comparing a contradicting segment with the stored log. */
type Comparison =
  | { readonly kind: 'proven'; readonly proof: ForkProof }
  /** The sender's segment with this entry has to be compared first. */
  | { readonly kind: 'needs-earlier'; readonly seq: Seq }
  | { readonly kind: 'unproven' }

/** One of the histories of a log from a fork on. It is a log of its own. */
export interface Branch {
  readonly log: LogId
  /** The log that it continues. */
  readonly parent: LogId
  /** Proves the fork of the parent at which this history begins. */
  readonly proof: ForkProof
  /** Whether this disk had it as part of the parent when the fork was proven. */
  readonly isKept: boolean
}

const PROOFS = utf8('f')

/** The proven forks. From the lowest fork of a log on, its histories are branches: logs that may fork again. */
export class ForkRegistry {
  readonly #room: Uint8Array
  readonly #segments: SegmentStore
  readonly #branches = new Map<LogId, Branch & { readonly name: LogName }>()
  /** Logs that differ from a peer's at an entry that is not yet known. */
  readonly #suspects = new Set<LogId>()

  constructor(room: Uint8Array, segments: SegmentStore) {
    this.#room = room
    this.#segments = segments
  }

  /** One proof per fork, and one more per additional history. The proofs of a log precede the proofs of its branches. */
  get proofs(): readonly ForkProof[] {
    const placed = [...this.#branches.values()].filter(branch => this.#isPlaced(branch))
    return [...new Set(placed.map(({ proof }) => proof))].sort((a, b) => this.#depth(a) - this.#depth(b))
  }

  get branches(): readonly Branch[] {
    return [...this.#branches.values()]
  }

  /** Whether the limits allow one more fork of a log. */
  hasRoomFor(log: LogId): boolean {
    const author = authorOfLog(log)
    const ofAuthor = this.branches.filter(branch => authorOfLog(branch.log) === author).length
    return this.#branches.size < BRANCHES_MAX && ofAuthor < RUNS_MAX
  }

  branch(log: LogId): Branch | undefined {
    return this.#branches.get(log)
  }

  /** The branches of a log from its lowest fork on. */
  branchesOf(log: LogId): readonly Branch[] {
    const fork = this.proofOf(log)
    return this.branches.filter(({ parent, proof }) => parent === log && proof.forkedAt === fork?.forkedAt)
  }

  /** A proof of the lowest fork of a log. */
  proofOf(log: LogId): ForkProof | undefined {
    let lowest: ForkProof | undefined
    for (const { parent, proof } of this.#branches.values())
      if (parent === log && proof.forkedAt < (lowest?.forkedAt ?? Number.POSITIVE_INFINITY)) lowest = proof
    return lowest
  }

  /** The current place of an entry that this disk has or had: a fork may have moved it. */
  placeOf(place: Digest): Digest {
    const branch = this.branchesOf(place.author).find(({ isKept }) => isKept)
    if (branch === undefined || place.seq < branch.proof.forkedAt) return place
    return this.placeOf({ author: branch.log, seq: place.seq - branch.proof.forkedAt + 1 })
  }

  /** The log in which the history of `log` begins: for a branch, that of its parent, unless the fork is at the first entry. */
  startOf(log: LogId): LogId {
    const branch = this.#branches.get(log)
    return branch === undefined || branch.proof.forkedAt === 1 ? log : this.startOf(branch.parent)
  }

  /** Whether a log is a branch without a known proof, so that the history before it is unknown. */
  isUnknown(log: LogId): boolean {
    return isBranch(log) && !this.#branches.has(log)
  }

  /**
   * Whether a log may be announced. False for a branch of a log that also forked earlier, until a proof shows which earlier branch it
   * continues.
   */
  isPlaced(log: LogId): boolean {
    const branch = this.#branches.get(log)
    return branch === undefined || this.#isPlaced(branch)
  }

  nameOf(log: LogId): LogName {
    return this.#branches.get(log)?.name ?? { room: this.#room, key: keyOf(log) ?? EMPTY, run: runOf(log) }
  }

  isSuspect(log: LogId): boolean {
    return this.#suspects.has(log)
  }

  suspect(log: LogId): void {
    this.#suspects.add(log)
  }

  load(stored: readonly Row[]): void {
    this.#branches.clear()
    let rows = stored.filter(([key]) => key[0] === PROOFS[0])
    // A branch of a branch can be verified once its parent is known.
    for (let count = -1; count !== rows.length; ) {
      count = rows.length
      rows = rows.filter(row => !this.#restore(row))
    }
  }

  /** The proof in two segments; undefined if it proves nothing. */
  check(segments: readonly [Segment, Segment]): ForkProof | undefined {
    const log = logOfSegment(segments[0])
    return this.isUnknown(log) ? undefined : proofFrom(this.nameOf(log), ...segments)
  }

  /** Whether a proof adds nothing to the known forks. */
  isKnown(proof: ForkProof): boolean {
    const parent = logOfSegment(proof.segments[0])
    return branchesIn(proof).every(log => this.#branches.get(log)?.parent === parent)
  }

  /** Whether the two histories have the same id, or one of them has the id of a different known history. */
  isAmbiguous(proof: ForkProof): boolean {
    const parent = logOfSegment(proof.segments[0])
    // The id of a branch is derived from its first entry, so the histories of a branch cannot differ at seq 1.
    if (isBranch(parent) && proof.forkedAt === 1) return true
    const start = startAt(this.nameOf(parent), proof)
    const [a, b] = branchesIn(proof)
    const isOther = (log: LogId): boolean => {
      const known = this.#branches.get(log)?.name.start
      return known !== undefined && (known.after !== start.after || !sameBytes(known.chain, start.chain))
    }
    return a === b || isOther(a) || isOther(b)
  }

  /** The segment with an entry, with a valid signature if possible. */
  async segmentAt(log: LogId, seq: Seq): Promise<Segment | undefined> {
    const segment = await this.#segments.segmentAt(log, seq)
    const proof = this.proofOf(log)
    return segment === undefined || proof === undefined ? segment : withProofSignature(segment, proof, seq)
  }

  /** Looks for the entry at which `theirs` differs from the stored log, whose last entry is `persisted`. */
  async compare(log: LogId, theirs: Segment, persisted: Seq): Promise<Comparison> {
    const name = this.nameOf(log)
    if (!isGenuine(name, theirs)) return { kind: 'unproven' }
    for (let seq = Math.min(lastOf(theirs), persisted); seq >= 1; ) {
      const mine = await this.segmentAt(log, seq)
      if (mine === undefined) return { kind: 'unproven' }
      const comparison = compareSegments(mine, theirs)
      if (comparison.kind === 'equal') return { kind: 'unproven' }
      if (comparison.kind === 'fork') {
        const { proof } = comparison
        const isLower = proof.forkedAt < (this.proofOf(log)?.forkedAt ?? Number.POSITIVE_INFINITY)
        return isLower && isGenuine(name, mine) ? { kind: 'proven', proof } : { kind: 'unproven' }
      }
      if (comparison.of === 'second' || mine.first === 1) {
        this.#suspects.add(log)
        return { kind: 'needs-earlier', seq: theirs.first - 1 }
      }
      seq = mine.first - 1
    }
    return { kind: 'unproven' }
  }

  /** Adds both branches of a proof. `kept` is the branch that this disk has. A branch that is already known gets the forked log of this proof as its parent. */
  add(proof: ForkProof, kept: LogId | undefined): void {
    const parent = logOfSegment(proof.segments[0])
    for (const log of branchesIn(proof)) this.#put({ log, parent, proof, isKept: log === kept || this.#isKept(log) })
    this.#suspects.delete(parent)
  }

  /** The write that stores a branch. */
  write({ log, proof, isKept }: Branch): Write {
    const value = concat([new Uint8Array([isKept ? 1 : 0]), encodeProof(proof)])
    return { type: 'put', key: concat([PROOFS, logKeyOf(log) ?? EMPTY]), value: checked(value) }
  }

  #isKept(log: LogId): boolean {
    return this.#branches.get(log)?.isKept === true
  }

  #put(branch: Branch): void {
    const { key, run } = { key: keyOf(branch.log) ?? EMPTY, run: runOf(branch.log) }
    const start = startAt(this.nameOf(branch.parent), branch.proof)
    this.#branches.set(branch.log, { ...branch, name: { room: this.#room, key, run, start } })
  }

  /** Adds the branch in a row; false if its parent is not known yet, or the row is damaged. */
  #restore([key, value]: Row): boolean {
    const bytes = unchecked(value)
    if (key.length !== 1 + LOG_KEY_BYTES || bytes === undefined || bytes.length === 0) return false
    const log = logOfLogKey(key.subarray(1))
    const segments = decodeProof(bytes.subarray(1))
    const proof = segments && this.check(segments)
    if (segments === undefined || proof === undefined || !branchesIn(proof).includes(log)) return false
    this.#put({ log, parent: logOfSegment(segments[0]), proof, isKept: bytes[0] === 1 })
    return true
  }

  #isPlaced({ parent, proof }: Branch): boolean {
    return proof.forkedAt === this.proofOf(parent)?.forkedAt && this.isPlaced(parent)
  }

  #depth({ segments: [{ key, run }] }: ForkProof): number {
    let depth = 0
    for (let log: LogId | undefined = logOfSegment({ key, run }); log !== undefined; depth++)
      log = this.#branches.get(log)?.parent
    return depth
  }
}
