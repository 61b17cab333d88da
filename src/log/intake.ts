import type { HourlyQuota } from '../base/hourly-quota.js'
import { EMPTY, sameBytes } from '../base/wire/bytes.js'
import type { ForkRegistry } from './forks/fork-registry.js'
import { type AuthorId, authorOfKey, keyOf, type Seq } from './format/author.js'
import type { LogName } from './format/chain.js'
import { type ForkProof, isGenuine } from './format/fork-proof.js'
import { CHAIN_PREFIX_BYTES, type Digest } from './format/heads.js'
import type { Segment } from './format/segment.js'
import { planBelow, planSigned, type SignedPlan, type SignedRun } from './format/segment-plan.js'
import { signedHeadWrite } from './format/segment-rows.js'
import type { UnsignedRun } from './format/unsigned-entry.js'
import type { Frontier } from './frontier.js'
import type { Refusal } from './options.js'
import type { OwnLog } from './own/own-log.js'
import type { Restoration } from './repair/restoration.js'
import type { CommitQueue } from './store/commit-queue.js'
import type { HeadIndex } from './store/head-index.js'
import type { UnsignedStore } from './store/unsigned-store.js'

export interface IntakeParts {
  readonly room: Uint8Array
  /** Whether originals take part, and with them authors who sign nothing. */
  readonly isOpen: boolean
  /** What is taken of one log; the own is never stopped. */
  readonly logBytesMax: number
  readonly rows: UnsignedStore
  readonly heads: HeadIndex
  readonly ledger: Frontier
  readonly queue: CommitQueue
  readonly own: OwnLog
  readonly forks: ForkRegistry
  readonly restoration: Restoration
  readonly onFork: (proof: ForkProof) => void
  /** Somebody brought own entries up to a place, signed with the own key, that this disk lacks. */
  readonly onOwnEntries: (seq: Seq) => void
}

/** Judges what peers send. Only what continues a log at its head, and what its author vouches for, is stored. PROTOCOL.md §5.3. */
export class Intake {
  readonly #parts: IntakeParts

  constructor(parts: IntakeParts) {
    this.#parts = parts
  }

  /** Entries of an unsigned author. Rejects where the disk does not take them. */
  async add(run: UnsignedRun, newAuthors: HourlyQuota | undefined): Promise<Refusal | undefined> {
    const { isOpen, ledger, rows, logBytesMax } = this.#parts
    if (!isOpen) return { reason: 'it is unsigned, and this room takes signed logs alone' }
    const planned = ledger.tips.get(run.author)?.planned
    const skip = (planned?.seq ?? 0) + 1 - run.first
    if (skip >= run.entries.length) return undefined
    if (skip < 0) return { reason: `entry ${run.first + skip} is missing before entry ${run.first}` }
    const refusal = ledger.refusalOf(run.author, newAuthors)
    if (refusal !== undefined) return refusal
    const { head, entries, writes, fault } = rows.plan(run.author, planned, run.entries.slice(skip), logBytesMax)
    if (head !== undefined && entries.length > 0) {
      await ledger.write({ head, count: entries.length, writes, headWrite: () => rows.headWrite(head), segments: 0 })
    }
    return fault === undefined ? undefined : { reason: fault }
  }

  /** Consecutive runs of a signed author. Rejects where the disk does not take them. */
  async addSigned(
    author: AuthorId,
    runs: readonly SignedRun[],
    newAuthors: HourlyQuota | undefined,
  ): Promise<Refusal | undefined> {
    const { room, ledger, own, forks, restoration } = this.#parts
    const key = keyOf(author) ?? EMPTY
    // Lines on their way to the disk have their places already: what comes back is judged behind them.
    if (author === own.author && restoration.isOn) await own.settled()
    const head = ledger.signedHead(author)
    const isOwn = author === own.author
    const isNews = placeAfter(runs) - 1 > (head?.seq ?? 0)
    const proof = forks.proofOf(author)
    if (proof !== undefined) return this.#addBelow(author, proof, runs)
    if (isOwn && isNews && !restoration.isOn) {
      // Signed with the own key: by this device before a backup was restored, or by another one.
      if (isGenuineRun({ room, key }, runs)) this.#parts.onOwnEntries(placeAfter(runs) - 1)
      return restoration.isOn
        ? this.addSigned(author, runs, newAuthors)
        : { reason: 'it is the own log, and only its owner extends it' }
    }
    const isInDoubt = forks.isSuspect(author) || (isOwn && restoration.isOn)
    if (isInDoubt && !isNews) return this.#disputeAll(author, runs)
    const plan = planSigned({ room, key }, head, runs, isOwn ? undefined : this.#parts.logBytesMax)
    const refusal = plan.count > 0 && !isOwn ? ledger.refusalOf(author, newAuthors) : undefined
    if (refusal !== undefined) return refusal
    await this.#store(plan)
    if (isOwn && plan.count > 0) restoration.came(plan.head)
    if (plan.fork !== undefined) return this.#dispute(author, plan.fork, plan.fault ?? '', runs)
    return plan.fault === undefined ? undefined : { reason: plan.fault }
  }

  /** What a peer says proves a fork, if it does. Who signed three histories may have parted from what is held before. */
  async addProof(segments: readonly [Segment, Segment]): Promise<Refusal | undefined> {
    const { forks, ledger } = this.#parts
    const author = authorOfKey(segments[0].key)
    const isHeld = ledger.tips.has(author)
    const proof = forks.check(segments)
    if (proof !== undefined && (isHeld || (ledger.hasRoom && forks.hasRoom))) await this.#freeze(proof)
    const [one, other] = segments
    const earlier = one.first < other.first ? one : other
    return isHeld ? this.#dispute(author, earlier, 'it contradicts a proof', []) : undefined
  }

  /** Heads that are as long as those held here, and not the same. */
  differing(heads: readonly Digest[]): Digest[] {
    const { ledger, forks } = this.#parts
    return heads.filter(({ author, seq, chain }) => {
      const head = ledger.signedHead(author)
      if (head === undefined || chain === undefined || head.seq !== seq || forks.proofOf(author) !== undefined)
        return false
      if (sameBytes(chain, head.chain.subarray(0, CHAIN_PREFIX_BYTES))) return false
      forks.suspect(author)
      return true
    })
  }

  async #store(plan: SignedPlan): Promise<void> {
    const { head, count, writes } = plan
    if (head === undefined || count === 0) return
    const { ledger, heads } = this.#parts
    heads.observe(plan)
    await ledger.write({
      head,
      count,
      writes: [...heads.replaced(head.author, head.seq - count + 1, head.seq), ...writes],
      headWrite: () => signedHeadWrite(head),
      segments: writes.length,
    })
  }

  /** What a log lacks below a proven fork: where no signature ends it, the proof vouches. */
  async #addBelow(author: AuthorId, proof: ForkProof, runs: readonly SignedRun[]): Promise<Refusal | undefined> {
    const { room, ledger, forks, own, logBytesMax } = this.#parts
    const log = { room, key: keyOf(author) ?? EMPTY }
    const plan = planBelow(log, ledger.signedHead(author), runs, proof, logBytesMax)
    if (author !== own.author) await this.#store(plan)
    if (plan.contradictedAt !== undefined && !forks.isSuspect(author)) {
      forks.suspect(author)
      return { reason: 'it contradicts what is held', want: plan.contradictedAt }
    }
    if (forks.isSuspect(author)) {
      const refusal = await this.#disputeAll(author, runs)
      // What was cut for the proof contradicts without a signature: what was asked for is still to come.
      if (refusal?.want !== undefined || plan.contradictedAt !== undefined)
        return refusal?.want === undefined ? undefined : refusal
    }
    if (placeAfter(runs) <= proof.place) return undefined
    return { reason: `its author signed two histories from entry ${proof.place} on` }
  }

  async #disputeAll(author: AuthorId, runs: readonly SignedRun[]): Promise<Refusal | undefined> {
    const { forks } = this.#parts
    const key = keyOf(author) ?? EMPTY
    const known = forks.proofOf(author)
    for (const { before, first, entries, signature } of runs) {
      if (before === undefined) continue
      const theirs = { key, before, first, entries, signature }
      const refusal = await this.#dispute(author, theirs, 'it contradicts what is held', runs)
      if (refusal === undefined || refusal.want !== undefined || forks.proofOf(author) !== known) return refusal
    }
    return undefined
  }

  /** Looks for the place where two histories part; freezes the log there once it is proven. */
  async #dispute(
    author: AuthorId,
    theirs: Segment,
    reason: string,
    runs: readonly SignedRun[],
  ): Promise<Refusal | undefined> {
    const { queue, forks, ledger, own, restoration } = this.#parts
    // What is on its way to the disk cannot be compared before it is there.
    await queue.write([])
    const { retractions } = restoration
    const dispute = await forks.dispute(author, theirs, ledger.durable(author))
    const isOwn = author === own.author
    if (isOwn && retractions !== restoration.retractions) {
      await restoration.takenBack()
      return this.addSigned(author, runs, undefined)
    }
    const isFrozen = forks.proofOf(author) !== undefined
    const isFork = dispute.kind === 'proven' && (!isOwn || dispute.proof.place <= own.offered)
    // What nobody was told of can still be taken back: that is no fork.
    if (isOwn && !isFrozen && dispute.kind !== 'unproven' && !isFork && (await restoration.takeBack()))
      return this.addSigned(author, runs, undefined)
    if (dispute.kind === 'want') return { reason, want: dispute.seq }
    if (dispute.kind === 'proven') await this.#freeze(dispute.proof)
    return { reason }
  }

  async #freeze(proof: ForkProof): Promise<void> {
    const { queue, forks, own, restoration, onFork } = this.#parts
    await queue.write([forks.keep(proof)])
    if (authorOfKey(proof.segments[0].key) === own.author) restoration.finish()
    onFork(proof)
  }
}

/** Whether the author signed the last of some runs; not known where they came without a chain value. */
function isGenuineRun(log: LogName, runs: readonly SignedRun[]): boolean {
  const run = runs.at(-1)
  if (run?.before === undefined) return false
  const { before, first, entries, signature } = run
  return isGenuine(log, { key: log.key, before, first, entries, signature })
}

/** The place behind the last entry of the runs. */
function placeAfter(runs: readonly SignedRun[]): number {
  const end = runs.at(-1)
  return end === undefined ? 0 : end.first + end.entries.length
}
