import { sameBytes } from '../base/wire/bytes.js'
import type { Contents } from './content/contents.js'
import type { LogCore } from './core.js'
import type { Splitter } from './forks/splitter.js'
import type { LogId, Seq } from './format/author.js'
import { type LogName, stubsOf } from './format/chain.js'
import { isControlEntry } from './format/entry.js'
import { type ForkProof, isGenuine } from './format/fork-proof.js'
import { CHAIN_PREFIX_BYTES, type Digest, type Head, type SignedHead } from './format/heads.js'
import type { Rejection } from './format/log-fault.js'
import { entryStart, isStub, stubsIn, unpack } from './format/packed.js'
import { decodeSegment, lastOf, logOfSegment, packedOf, type Segment } from './format/segment.js'
import { planBelow, planSigned, type SignedPlan, type SignedRun } from './format/segment-plan.js'
import { signedHeadWrite, writtenSegments } from './format/segment-rows.js'
import type { UnsignedRun } from './format/unsigned-entry.js'
import type { Refusal } from './options.js'
import type { Shortener } from './shortener.js'
import type { Write } from './store/store.js'
import type { Introducer } from './stranger-quota.js'

/**
 * Decides which entries from peers are stored: valid entries that continue a log and, unless their author is unsigned, are signed.
 * docs/protocol/wire.md §5.3. Its gates, in order, are in src/sync/README.md.
 */
export class Intake {
  readonly #core: LogCore
  readonly #splitter: Splitter
  readonly #shortener: Shortener
  readonly #contents: Contents

  constructor(core: LogCore, splitter: Splitter, shortener: Shortener, contents: Contents) {
    this.#core = core
    this.#splitter = splitter
    this.#shortener = shortener
    this.#contents = contents
  }

  /** Adds entries of an unsigned author, brought by `introducer`. Rejects if the disk fails. */
  async add(run: UnsignedRun, introducer: Introducer | undefined): Promise<Refusal | undefined> {
    const { isLobby, frontier, unsigned } = this.#core
    if (!isLobby) return { reason: { kind: 'unsigned-log' } }
    const pending = frontier.pendingHead(run.author)
    const skip = (pending?.seq ?? 0) + 1 - run.first
    if (skip >= run.entries.length) return undefined
    if (skip < 0) return { reason: { kind: 'gap', missing: run.first + skip, before: run.first } }
    const bytesMax = this.#bytesMax(run.author, run.first + run.entries.length - 1, introducer)
    const refusal = bytesMax === undefined ? STRANGER_LIMIT : frontier.refusalOf(run.author)
    if (refusal !== undefined) return refusal
    const { head, entries, writes, fault } = unsigned.plan(run.author, pending, run.entries.slice(skip), bytesMax)
    if (head !== undefined && entries.length > 0) {
      const headWrite = () => unsigned.headWrite(head)
      const written = frontier.write({ head, count: entries.length, writes, headWrite, segments: 0 })
      await Promise.all([written, this.#makeRoom(head, introducer)])
    }
    if (fault?.kind === 'stranger-limit') this.#stop(run.author, run.first + run.entries.length - 1)
    return fault === undefined ? undefined : { reason: fault }
  }

  /** If entries that our key signed elsewhere extend our log, it continues in a new run. Resolves when the current run has ended. */
  leaveFor(author: LogId, runs: readonly SignedRun[]): Promise<void> | undefined {
    const { own, forks } = this.#core
    if (author !== own.author || own.doubt !== undefined || !this.#isLonger(author, runs)) return undefined
    return isGenuineRun(forks.nameOf(author), runs) ? own.leave('elsewhere') : undefined
  }

  /** Adds consecutive runs of a signed author, brought by `introducer`. Rejects if the disk fails. */
  async addSigned(
    author: LogId,
    runs: readonly SignedRun[],
    introducer: Introducer | undefined,
  ): Promise<Refusal | undefined> {
    const { own, lastAccepted } = this.#core
    if (lastAccepted === undefined || own.isOurs(author)) return this.#addAccepted(author, runs, introducer)
    const last = lastAccepted(author, firstEntryOf(runs))
    const accepted = runs.filter(({ first }) => first <= last)
    const refusal = accepted.length > 0 ? await this.#addAccepted(author, accepted, introducer) : undefined
    return refusal ?? (accepted.length < runs.length ? { reason: { kind: 'not-a-member' } } : undefined)
  }

  async #addAccepted(
    author: LogId,
    runs: readonly SignedRun[],
    introducer: Introducer | undefined,
  ): Promise<Refusal | undefined> {
    const { frontier, own, forks, gaps } = this.#core
    // A branch cannot be verified without its fork proof, which arrives earlier or over another connection.
    if (forks.isUnknown(author)) return undefined
    const name = forks.nameOf(author)
    const bytesMax = this.#bytesMax(author, seqAfter(runs) - 1, introducer)
    if (bytesMax === undefined) return STRANGER_LIMIT
    const head = frontier.signedHead(author)
    const proof = forks.proofOf(author)
    if (proof !== undefined) return this.#addBelow(author, proof, runs, bytesMax, introducer)
    if (forks.isSuspect(author) && !this.#isLonger(author, runs)) return this.#compareAll(author, runs)
    const plan = planSigned(name, head, this.#withoutDropped(author, runs), bytesMax)
    const refusal = plan.count > 0 && !own.isOurs(author) ? frontier.refusalOf(author) : undefined
    if (refusal !== undefined) return refusal
    await this.#store(plan, introducer)
    if (head !== undefined && !gaps.isEmpty) await this.#fill(author, head.seq, runs)
    if (plan.fault?.kind === 'stranger-limit') this.#stop(author, seqAfter(runs) - 1)
    if (plan.fork !== undefined) return this.#compare(author, plan.fork, plan.fault ?? CONTRADICTION)
    if (plan.fault?.kind === 'gap' && this.#core.quota?.isResumed(author)) return undefined
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

  /** Whether the runs extend past the end of a log on this disk. */
  #isLonger(author: LogId, runs: readonly SignedRun[]): boolean {
    return seqAfter(runs) - 1 > (this.#core.frontier.pendingHead(author)?.seq ?? 0)
  }

  /** The size that a log may reach; undefined if a stranger's log has stopped. `last`: the last seq that arrived. */
  #bytesMax(log: LogId, last: Seq, introducer: Introducer | undefined): number | undefined {
    const { own, quota, frontier } = this.#core
    if (quota === undefined || own.isOurs(log)) return Number.POSITIVE_INFINITY
    const admission = quota.admit(log, frontier.pendingHead(log)?.size ?? 0, introducer)
    if (admission.kind === 'stored') return admission.bytesMax
    if (admission.kind === 'stopped') quota.stop(log, last)
    return undefined
  }

  #stop(log: LogId, last: Seq): void {
    const { quota, frontier } = this.#core
    if (quota?.stop(log, last))
      this.#core.report({ kind: 'log-stopped', author: log, seq: frontier.pendingHead(log)?.seq ?? 0, last })
  }

  /** Shortens logs of strangers to make space for a log that has grown. */
  async #makeRoom({ author, size }: Head, introducer: Introducer | undefined): Promise<void> {
    const { own, quota } = this.#core
    if (quota === undefined || own.isOurs(author)) return
    const cuts = quota.grew(author, size, introducer)
    if (cuts.length > 0) await this.#shortener.shorten(cuts)
  }

  async #store(plan: SignedPlan, introducer: Introducer | undefined): Promise<void> {
    const { head, count, writes } = plan
    if (head === undefined || count === 0) return
    const { frontier, heads, gaps, events } = this.#core
    heads.observe(plan)
    const mayHaveGaps = plan.hasStubs || gaps.of(head.author) !== undefined
    const written = frontier.write({
      head,
      count,
      writes,
      others: [
        ...heads.replaced(head.author, head.seq - count + 1, head.seq),
        ...(mayHaveGaps ? this.#gapsWrites(plan, head) : []),
      ],
      headWrite: () => signedHeadWrite(head),
      segments: writes.length,
    })
    await Promise.all([written, this.#makeRoom(head, introducer)])
    if (mayHaveGaps) events.emit('gaps', head.author)
  }

  /** Records where the content of new entries is missing. */
  #gapsWrites({ writes, count }: SignedPlan, { author, seq }: SignedHead): Write[] {
    const { gaps } = this.#core
    const found = gaps.open(author)
    found.remove(seq - count + 1, seq + 1)
    const notGiven: Write[] = []
    for (const { bytes } of writtenSegments(writes)) {
      const segment = decodeSegment(bytes)
      if (segment === undefined) continue
      found.add(stubsIn(packedOf(segment), segment.first))
      notGiven.push(...this.#contents.notGiven(author, segment))
    }
    return [...notGiven, gaps.write(author)]
  }

  /** The runs, with stubs in place of content that this disk has dropped. */
  #withoutDropped(author: LogId, runs: readonly SignedRun[]): readonly SignedRun[] {
    const found = this.#core.gaps.of(author)
    if (found === undefined) return runs
    return runs.map(run => {
      if (!found.hasDropped(run.first, lastOf(run) + 1)) return run
      const entries = run.entries.map((entry, index) =>
        found.stateOf(run.first + index) === 'missing' || isControlEntry(entry)
          ? entry
          : (stubsOf([entry])[0] as Uint8Array),
      )
      const { first, signature, before } = run
      return { first, signature, entries, ...(before !== undefined && { before }) }
    })
  }

  /** Stores contents that the runs have for places that are stubs on this disk, up to `seq`. */
  async #fill(author: LogId, seq: Seq, runs: readonly SignedRun[]): Promise<void> {
    const { gaps } = this.#core
    for (const run of runs)
      if (run.first <= seq && gaps.of(author)?.mayMiss(run.first, lastOf(run) + 1))
        await this.#contents.add(author, run)
  }

  /**
   * Adds missing entries below a proven fork. If no signature covers the last of these entries, the proof does. Later entries are in
   * branches.
   */
  async #addBelow(
    author: LogId,
    proof: ForkProof,
    runs: readonly SignedRun[],
    bytesMax: number,
    introducer: Introducer | undefined,
  ): Promise<Refusal | undefined> {
    const { frontier, forks, gaps } = this.#core
    const head = frontier.signedHead(author)
    const plan = planBelow(forks.nameOf(author), head, this.#withoutDropped(author, runs), proof, bytesMax)
    await this.#store(plan, introducer)
    if (head !== undefined && !gaps.isEmpty) await this.#fill(author, Math.min(head.seq, proof.forkedAt - 1), runs)
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

/** The quota has stopped a stranger's log. */
const STRANGER_LIMIT: Refusal = { reason: { kind: 'stranger-limit' } }

const CONTRADICTION: Rejection = { kind: 'contradicts-log' }

/** Whether the author signed the last of the runs; false if it came without a chain value. */
function isGenuineRun(log: LogName, runs: readonly SignedRun[]): boolean {
  const run = runs.at(-1)
  if (run?.before === undefined) return false
  const { before, first, entries, signature } = run
  return isGenuine(log, { ...log, before, first, entries, signature })
}

/** The first entry of a log, if the runs begin with it. */
function firstEntryOf([run]: readonly SignedRun[]): Uint8Array | undefined {
  if (run?.first !== 1) return undefined
  const [packed] = unpack(packedOf(run))
  return packed === undefined || isStub(packed) ? undefined : packed.subarray(entryStart(packed))
}

/** The seq after the last entry of the runs. */
function seqAfter(runs: readonly SignedRun[]): number {
  const end = runs.at(-1)
  return end === undefined ? 0 : lastOf(end) + 1
}
