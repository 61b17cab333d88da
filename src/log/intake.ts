import { sameBytes } from '../base/wire/bytes.js'
import type { LogCore } from './core.js'
import type { Splitter } from './forks/splitter.js'
import type { LogId } from './format/author.js'
import type { LogName } from './format/chain.js'
import { type ForkProof, isGenuine } from './format/fork-proof.js'
import { CHAIN_PREFIX_BYTES, type Digest } from './format/heads.js'
import type { Rejection } from './format/log-fault.js'
import { lastOf, logOfSegment, type Segment } from './format/segment.js'
import { planBelow, planSigned, type SignedPlan, type SignedRun } from './format/segment-plan.js'
import { signedHeadWrite } from './format/segment-rows.js'
import type { UnsignedRun } from './format/unsigned-entry.js'
import type { NewAuthorLimit, Refusal } from './options.js'

/**
 * Validates entries from peers. Stores only entries that continue a log and that its author signed. docs/protocol/wire.md §5.3.
 */
export class Intake {
  readonly #core: LogCore
  readonly #splitter: Splitter

  constructor(core: LogCore, splitter: Splitter) {
    this.#core = core
    this.#splitter = splitter
  }

  /** Adds entries of an unsigned author. Rejects if the disk fails. */
  async add(run: UnsignedRun, newAuthors: NewAuthorLimit | undefined): Promise<Refusal | undefined> {
    const { isLobby, frontier, unsigned, logBytesMax } = this.#core
    if (!isLobby) return { reason: { kind: 'unsigned-log' } }
    const pending = frontier.pendingHead(run.author)
    const skip = (pending?.seq ?? 0) + 1 - run.first
    if (skip >= run.entries.length) return undefined
    if (skip < 0) return { reason: { kind: 'gap', missing: run.first + skip, before: run.first } }
    const refusal = frontier.refusalOf(run.author, newAuthors)
    if (refusal !== undefined) return refusal
    const { head, entries, writes, fault } = unsigned.plan(run.author, pending, run.entries.slice(skip), logBytesMax)
    if (head !== undefined && entries.length > 0) {
      const headWrite = () => unsigned.headWrite(head)
      await frontier.write({ head, count: entries.length, writes, headWrite, segments: 0 })
    }
    return fault === undefined ? undefined : { reason: fault }
  }

  /** Adds consecutive runs of a signed author. Rejects if the disk fails. */
  async addSigned(
    author: LogId,
    runs: readonly SignedRun[],
    newAuthors: NewAuthorLimit | undefined,
  ): Promise<Refusal | undefined> {
    const { frontier, own, forks } = this.#core
    // The proof that says which history a branch is comes before it, or with another connection.
    if (forks.isUnknown(author)) return undefined
    const name = forks.nameOf(author)
    if (author === own.author && own.doubt === undefined && this.#isLonger(author, runs) && isGenuineRun(name, runs))
      await own.leave('elsewhere')
    // Meanwhile the log may have been divided.
    while (this.#splitter.settled !== undefined) await this.#splitter.settled.catch(() => {})
    const head = frontier.signedHead(author)
    const proof = forks.proofOf(author)
    if (proof !== undefined) return this.#addBelow(author, proof, runs)
    if (forks.isSuspect(author) && !this.#isLonger(author, runs)) return this.#compareAll(author, runs)
    const isOurs = own.isOurs(author)
    const plan = planSigned(name, head, runs, isOurs ? undefined : this.#core.logBytesMax)
    const refusal = plan.count > 0 && !isOurs ? frontier.refusalOf(author, newAuthors) : undefined
    if (refusal !== undefined) return refusal
    await this.#store(plan)
    if (plan.fork !== undefined) return this.#compare(author, plan.fork, plan.fault ?? CONTRADICTION)
    return plan.fault === undefined ? undefined : { reason: plan.fault }
  }

  /** Adds a fork proof from a peer if it is valid. A third history may have forked earlier than the two that are known. */
  async addProof(segments: readonly [Segment, Segment]): Promise<Refusal | undefined> {
    const { forks, frontier } = this.#core
    const author = logOfSegment(segments[0])
    const hasLog = frontier.has(author)
    const proof = forks.check(segments)
    if (proof !== undefined && (hasLog || frontier.hasRoom)) await this.#splitter.split(proof)
    const [one, other] = segments
    const earlier = one.first < other.first ? one : other
    return hasLog ? this.#compare(author, earlier, { kind: 'contradicts-proof' }) : undefined
  }

  /** Heads with the same seq as ours but a different chain value. */
  differing(heads: readonly Digest[]): Digest[] {
    const { frontier, forks } = this.#core
    return heads.filter(({ author, seq, chain }) => {
      const head = frontier.signedHead(author)
      if (head === undefined || chain === undefined || head.seq !== seq || forks.proofOf(author) !== undefined)
        return false
      if (sameBytes(chain, head.chain.subarray(0, CHAIN_PREFIX_BYTES))) return false
      forks.suspect(author)
      return true
    })
  }

  /** Whether the runs end behind what this disk has of a log. */
  #isLonger(author: LogId, runs: readonly SignedRun[]): boolean {
    return seqAfter(runs) - 1 > (this.#core.frontier.pendingHead(author)?.seq ?? 0)
  }

  async #store(plan: SignedPlan): Promise<void> {
    const { head, count, writes } = plan
    if (head === undefined || count === 0) return
    const { frontier, heads } = this.#core
    heads.observe(plan)
    await frontier.write({
      head,
      count,
      writes: [...heads.replaced(head.author, head.seq - count + 1, head.seq), ...writes],
      headWrite: () => signedHeadWrite(head),
      segments: writes.length,
    })
  }

  /** Adds missing entries below a proven fork. If no signature covers the last of them, the proof does. The rest is in branches. */
  async #addBelow(author: LogId, proof: ForkProof, runs: readonly SignedRun[]): Promise<Refusal | undefined> {
    const { frontier, forks, own, logBytesMax } = this.#core
    const bytesMax = own.isOurs(author) ? undefined : logBytesMax
    const plan = planBelow(forks.nameOf(author), frontier.signedHead(author), runs, proof, bytesMax)
    await this.#store(plan)
    if (plan.contradictedAt !== undefined && !forks.isSuspect(author)) {
      forks.suspect(author)
      return { reason: CONTRADICTION, neededSeq: plan.contradictedAt }
    }
    return forks.isSuspect(author) ? this.#compareAll(author, runs) : undefined
  }

  async #compareAll(author: LogId, runs: readonly SignedRun[]): Promise<Refusal | undefined> {
    const { forks } = this.#core
    const { key, run: number } = forks.nameOf(author)
    const known = forks.proofOf(author)
    for (const { before, first, entries, signature } of runs) {
      if (before === undefined) continue
      const theirs = { key, run: number, before, first, entries, signature }
      const refusal = await this.#compare(author, theirs, CONTRADICTION)
      if (refusal?.neededSeq !== undefined || forks.proofOf(author) !== known) return refusal
    }
    return undefined
  }

  /** Compares a segment with the stored log, and divides the log if that proves a fork. */
  async #compare(author: LogId, theirs: Segment, reason: Rejection): Promise<Refusal | undefined> {
    const { queue, forks, frontier } = this.#core
    await queue.write([]) // only entries on disk can be compared
    const comparison = await forks.compare(author, theirs, frontier.persisted(author))
    if (comparison.kind === 'needs-earlier') return { reason, neededSeq: comparison.seq }
    if (comparison.kind === 'unproven') return { reason }
    await this.#splitter.split(comparison.proof)
    return undefined
  }
}

const CONTRADICTION: Rejection = { kind: 'contradicts-log' }

/** Whether the author signed the last of the runs; false if it came without a chain value. */
function isGenuineRun(log: LogName, runs: readonly SignedRun[]): boolean {
  const run = runs.at(-1)
  if (run?.before === undefined) return false
  const { before, first, entries, signature } = run
  return isGenuine(log, { ...log, before, first, entries, signature })
}

/** The seq after the last entry of the runs. */
function seqAfter(runs: readonly SignedRun[]): number {
  const end = runs.at(-1)
  return end === undefined ? 0 : lastOf(end) + 1
}
