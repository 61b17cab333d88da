import { EMPTY, sameBytes } from '../base/wire/bytes.js'
import type { LogCore } from './core.js'
import { keyOf, type LogId, runOf } from './format/author.js'
import type { LogName } from './format/chain.js'
import { type ForkProof, isGenuine } from './format/fork-proof.js'
import { CHAIN_PREFIX_BYTES, type Digest } from './format/heads.js'
import type { Rejection } from './format/log-fault.js'
import { lastOf, logOfSegment, type Segment } from './format/segment.js'
import { planBelow, planSigned, type SignedPlan, type SignedRun } from './format/segment-plan.js'
import { signedHeadWrite } from './format/segment-rows.js'
import type { UnsignedRun } from './format/unsigned-entry.js'
import type { NewAuthorLimit, Refusal } from './options.js'
import type { OwnLogRepair } from './repair/own-log-repair.js'

/**
 * Validates entries from peers. Stores only entries that continue a log and that its author signed. docs/protocol/wire.md §5.3.
 */
export class Intake {
  readonly #core: LogCore
  readonly #repair: OwnLogRepair
  /** Whether it was reported that another device may use our key. */
  #hasReportedDevice = false

  constructor(core: LogCore, repair: OwnLogRepair) {
    this.#core = core
    this.#repair = repair
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
    const isOwn = author === own.author && own.doubt === undefined
    const isOurs = own.isOurs(author)
    // Our pending entries already have their seqs, so restored entries go after them.
    if (isOwn && this.#repair.isBlocking) await own.settled()
    const head = frontier.signedHead(author)
    const proof = forks.proofOf(author)
    if (proof !== undefined) return this.#addBelow(author, proof, runs)
    const isLonger = seqAfter(runs) - 1 > (head?.seq ?? 0)
    if (isOwn && isLonger && !this.#repair.isBlocking) return this.#addOwn(runs, newAuthors)
    const isSuspect = forks.isSuspect(author) || (isOwn && this.#repair.isBlocking)
    if (isSuspect && !isLonger) return this.#compareAll(author, runs)
    const plan = planSigned(this.#nameOf(author), head, runs, isOurs ? undefined : this.#core.logBytesMax)
    const refusal = plan.count > 0 && !isOurs ? frontier.refusalOf(author, newAuthors) : undefined
    if (refusal !== undefined) return refusal
    await this.#store(plan)
    if (isOwn && plan.count > 0) this.#repair.restored(plan.head)
    if (plan.fork !== undefined) return this.#compare(author, plan.fork, plan.fault ?? CONTRADICTION, runs)
    return plan.fault === undefined ? undefined : { reason: plan.fault }
  }

  /** Adds a fork proof from a peer if it is valid. A third history may have forked earlier than the two that are known. */
  async addProof(segments: readonly [Segment, Segment]): Promise<Refusal | undefined> {
    const { forks, frontier } = this.#core
    const author = logOfSegment(segments[0])
    const hasLog = frontier.has(author)
    const proof = forks.check(segments)
    if (proof !== undefined && (hasLog || (frontier.hasRoom && forks.hasRoom))) await this.#freeze(proof)
    const [one, other] = segments
    const earlier = one.first < other.first ? one : other
    return hasLog ? this.#compare(author, earlier, { kind: 'contradicts-proof' }, []) : undefined
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

  /** Entries signed with our key that this disk lacks: written before a backup was restored, or by another device. */
  async #addOwn(runs: readonly SignedRun[], newAuthors: NewAuthorLimit | undefined): Promise<Refusal | undefined> {
    const { author } = this.#core.own
    if (isGenuineRun(this.#nameOf(author), runs)) {
      this.#repair.announced(seqAfter(runs) - 1)
      if (!this.#hasReportedDevice) this.#core.report({ kind: 'own-entries-elsewhere' })
      this.#hasReportedDevice = true
    }
    return this.#repair.isBlocking ? this.addSigned(author, runs, newAuthors) : { reason: { kind: 'not-author' } }
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

  /** Adds missing entries below a proven fork. If no signature covers the last of them, the proof does. */
  async #addBelow(author: LogId, proof: ForkProof, runs: readonly SignedRun[]): Promise<Refusal | undefined> {
    const { frontier, forks, own, logBytesMax } = this.#core
    const plan = planBelow(this.#nameOf(author), frontier.signedHead(author), runs, proof, logBytesMax)
    if (author !== own.author || own.doubt !== undefined) await this.#store(plan)
    if (plan.contradictedAt !== undefined && !forks.isSuspect(author)) {
      forks.suspect(author)
      return { reason: CONTRADICTION, neededSeq: plan.contradictedAt }
    }
    if (forks.isSuspect(author)) {
      const refusal = await this.#compareAll(author, runs)
      if (refusal?.neededSeq !== undefined) return refusal
      // A prefix cut off at the fork has no signature, so its contradiction proves nothing: wait for the requested segment.
      if (plan.contradictedAt !== undefined) return undefined
    }
    if (seqAfter(runs) <= proof.forkedAt) return undefined
    return { reason: { kind: 'forked', forkedAt: proof.forkedAt } }
  }

  async #compareAll(author: LogId, runs: readonly SignedRun[]): Promise<Refusal | undefined> {
    const { forks } = this.#core
    const { key, run: number } = this.#nameOf(author)
    const known = forks.proofOf(author)
    for (const { before, first, entries, signature } of runs) {
      if (before === undefined) continue
      const theirs = { key, run: number, before, first, entries, signature }
      const refusal = await this.#compare(author, theirs, CONTRADICTION, runs)
      if (refusal === undefined || refusal.neededSeq !== undefined || forks.proofOf(author) !== known) return refusal
    }
    return undefined
  }

  /** Compares a segment with the stored log, and freezes the log if that proves a fork. */
  async #compare(
    author: LogId,
    theirs: Segment,
    reason: Rejection,
    runs: readonly SignedRun[],
  ): Promise<Refusal | undefined> {
    const { queue, forks, frontier, own } = this.#core
    const { retraction } = this.#repair
    await queue.write([]) // only entries on disk can be compared
    const { count } = retraction
    const comparison = await forks.compare(author, theirs, frontier.persisted(author))
    const isOwn = author === own.author && own.doubt === undefined
    if (isOwn && count !== retraction.count) {
      await retraction.finished()
      return this.addSigned(author, runs, undefined)
    }
    const isFork = comparison.kind === 'proven' && (!isOwn || comparison.proof.forkedAt <= own.publishedUpTo)
    // Entries that were never published can be retracted: then there is no fork.
    const isRetractable = isOwn && forks.proofOf(author) === undefined && comparison.kind !== 'unproven' && !isFork
    if (isRetractable && (await retraction.retract())) return this.addSigned(author, runs, undefined)
    if (comparison.kind === 'needs-earlier') return { reason, neededSeq: comparison.seq }
    if (comparison.kind === 'proven') await this.#freeze(comparison.proof)
    return { reason }
  }

  async #freeze(proof: ForkProof): Promise<void> {
    const { queue, forks, own, announcer } = this.#core
    await queue.write([forks.add(proof)])
    const author = logOfSegment(proof.segments[0])
    if (author === own.author) {
      this.#repair.end()
      await own.leave('forked')
    }
    announcer.forked(proof)
    this.#core.report({ kind: 'fork-proven', author, seq: proof.forkedAt, isOurs: own.isOurs(author) })
  }

  #nameOf(author: LogId): LogName {
    return { room: this.#core.room, key: keyOf(author) ?? EMPTY, run: runOf(author) }
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
