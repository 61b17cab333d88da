import { EMPTY, sameBytes } from '../../base/wire/bytes.js'
import type { Contents } from '../content/contents.js'
import type { LogCore } from '../core.js'
import { type LogId, logKeyOf, type Seq } from '../format/author.js'
import { packedHlc } from '../format/entry.js'
import {
  below,
  branchesIn,
  branchIn,
  compareSegments,
  type ForkProof,
  inBranch,
  isGenuine,
  proofInBranch,
} from '../format/fork-proof.js'
import type { SignedHead } from '../format/heads.js'
import { EARLIEST } from '../format/hybrid-clock.js'
import { encodeSegment, lastOf, logOfSegment } from '../format/segment.js'
import {
  SEQ_END,
  segmentRange,
  segmentWrite,
  signedHeadKey,
  signedHeadWrite,
  storedSegment,
} from '../format/segment-rows.js'
import type { Write } from '../store/store.js'
import type { Branch } from './fork-registry.js'

/** Size of the rows that one commit moves. */
const MOVED_BYTES_MAX = 1024 * 1024

/**
 * Divides logs at proven forks: each history from the fork on becomes a log of its own, a branch. Entries on this disk from the fork on are
 * moved to their branch, and are not shown again to readers that were shown them before. docs/protocol/logs.md §3.7.
 */
export class Splitter {
  readonly #core: LogCore
  readonly #contents: Contents
  /** The division in progress: one fork at a time. Nothing is added to logs until it ends. */
  #running: Promise<void> | undefined

  constructor(core: LogCore, contents: Contents) {
    this.#core = core
    this.#contents = contents
  }

  /** Resolves when no log is being divided. */
  get settled(): Promise<void> | undefined {
    return this.#running
  }

  /** Divides the log that a valid proof is about, if the proof is new. Rejects if the disk fails. */
  split(proof: ForkProof): Promise<void> {
    const before = this.#running ?? Promise.resolve()
    const running = before.catch(() => {}).then(() => this.#core.rewrites.run(() => this.#split(proof)))
    this.#running = running
    const end = (): void => {
      if (this.#running === running) this.#running = undefined
    }
    running.then(end, end)
    return running
  }

  /** Completes moves that a crash interrupted. Runs before the heads are read. */
  async resume(): Promise<void> {
    const { forks, store } = this.#core
    for (const branch of forks.branches)
      if (branch.isKept && branch.proof.forkedAt === forks.proofOf(branch.parent)?.forkedAt)
        await this.#move(branch, writes => store.commit(writes))
  }

  async #split(given: ForkProof): Promise<void> {
    const { forks, own, queue, frontier, announcer } = this.#core
    const proof = await this.#placed(given)
    if (proof === undefined || forks.isKnown(proof) || forks.isAmbiguous(proof)) return
    const { forkedAt } = proof
    const parent = logOfSegment(proof.segments[0])
    if (!forks.hasRoomFor(parent)) return
    if (parent === own.author) await own.leave('forked')
    await queue.write([]) // only entries on disk can be compared and moved
    const isNew = forks.proofOf(parent)?.forkedAt !== forkedAt
    const proofs = [proof]
    const kept = await this.#keptBranch(parent, proof)
    if (kept === 'contradicts') return
    if (kept?.proof !== undefined) proofs.push(kept.proof)
    // Known forks after this one are forks of the branch that this disk has.
    const later = kept === undefined ? [] : await this.#laterForks(parent, forkedAt)
    for (const each of proofs) forks.add(each, kept?.log)
    for (const proof of later) {
      const placed = proofInBranch(kept?.log ?? parent, forkedAt, proof)
      forks.add(placed, undefined)
      proofs.push(placed)
    }
    const changed = new Set(proofs.flatMap(each => branchesIn(each)))
    await queue.write(forks.branches.filter(({ log }) => changed.has(log)).map(branch => forks.write(branch)))
    for (const each of proofs) announcer.forked(each)
    const branch = kept && forks.branch(kept.log)
    const range = branch && (await this.#moveStored(branch))
    const seq = frontier.persisted(parent)
    announcer.moved({ author: parent, from: seq, to: seq + 1 })
    if (range !== undefined) announcer.moved(range)
    if (isNew) this.#core.report({ kind: 'fork-proven', author: parent, seq: forkedAt, isOurs: own.isOurs(parent) })
  }

  /** The proof, rewritten for a branch if the log also forked earlier; undefined if that branch is unknown. */
  async #placed(proof: ForkProof, isCertain = true): Promise<ForkProof | undefined> {
    const { forks, segments } = this.#core
    const log = logOfSegment(proof.segments[0])
    const fork = forks.proofOf(log)
    if (fork === undefined || fork.forkedAt >= proof.forkedAt) {
      const chain = isCertain ? proof.chain : await segments.chainAt(log, proof.forkedAt - 1)
      return chain !== undefined && sameBytes(chain, proof.chain) ? proof : undefined
    }
    for (const branch of forks.branchesOf(log)) {
      const placed = await this.#placed(proofInBranch(branch.log, fork.forkedAt, proof), false)
      if (placed !== undefined) return placed
    }
    return undefined
  }

  /**
   * The branch of a log on this disk, with a proof of its own if `proof` is about other branches; undefined if the log ends before
   * the fork.
   */
  async #keptBranch(
    log: LogId,
    proof: ForkProof,
  ): Promise<{ readonly log: LogId; readonly proof?: ForkProof } | 'contradicts' | undefined> {
    const { frontier, forks, segments } = this.#core
    const { forkedAt } = proof
    if (frontier.persisted(log) < forkedAt) return undefined
    const chain = forkedAt === 1 ? proof.chain : await segments.chainAt(log, forkedAt - 1)
    const mine = await forks.segmentAt(log, forkedAt)
    // The histories already differ at an earlier entry, and that fork is not proven yet.
    if (mine === undefined || chain === undefined || !sameBytes(chain, proof.chain)) return 'contradicts'
    const kept = branchIn(mine, forkedAt)
    if (branchesIn(proof).includes(kept)) return { log: kept }
    const comparison = compareSegments(proof.segments[0], mine)
    const isProven = comparison.kind === 'fork' && isGenuine(forks.nameOf(log), mine)
    if (!isProven || forks.isAmbiguous(comparison.proof)) return 'contradicts'
    return { log: kept, proof: comparison.proof }
  }

  /** Proofs of later forks of a log, in the history that this disk has. */
  async #laterForks(log: LogId, forkedAt: Seq): Promise<ForkProof[]> {
    const { forks, segments } = this.#core
    const proofs = new Set(forks.branches.filter(({ parent }) => parent === log).map(({ proof }) => proof))
    const later: ForkProof[] = []
    for (const proof of proofs) {
      const chain = proof.forkedAt > forkedAt ? await segments.chainAt(log, proof.forkedAt - 1) : undefined
      if (chain !== undefined && sameBytes(chain, proof.chain)) later.push(proof)
    }
    return later
  }

  /** Moves the entries that this disk has from a fork on; returns where they are now. */
  async #moveStored(branch: Branch) {
    const { queue, frontier, quota } = this.#core
    const { log, parent, proof } = branch
    const announced = frontier.announced(parent)
    const [rest, head] = await this.#headsOf(branch)
    frontier.lose(parent, proof.forkedAt)
    await this.#move(branch, writes => queue.write(writes))
    frontier.replace(parent, rest)
    quota?.resized(parent, rest?.size ?? 0)
    if (head === undefined) return undefined
    frontier.replace(log, head, Math.max(0, announced - proof.forkedAt + 1))
    await queue.write([
      rest === undefined ? { type: 'del', key: signedHeadKey(parent) } : signedHeadWrite(rest),
      signedHeadWrite(head),
    ])
    return { author: log, from: 1, to: head.seq + 1 }
  }

  /** The head of the parent log once the branch is moved out of it, and the head of the branch. */
  async #headsOf({ log, parent, proof }: Branch): Promise<readonly [SignedHead | undefined, SignedHead | undefined]> {
    const { segments, frontier } = this.#core
    const head = frontier.signedHead(parent)
    if (head === undefined) return [undefined, undefined]
    const { forkedAt, chain } = proof
    let [end, size, first, last, before] = [0, 0, EARLIEST, EARLIEST, EARLIEST]
    const from = Math.max(1, forkedAt - 1)
    for await (const segment of segments.decoded(parent, from, frontier.persisted(parent) + 1)) {
      for (const [index, entry] of segment.entries.entries()) {
        const [seq, at] = [segment.first + index, packedHlc(entry) ?? EARLIEST]
        if (seq < from) continue
        if (seq < forkedAt) before = at
        else size += entry.length
        if (seq === forkedAt) first = at
        last = at
        end = seq
      }
    }
    const endChain = end < forkedAt ? undefined : await segments.chainAt(parent, end)
    const rest = { ...head, seq: forkedAt - 1, chain, last: before, size: head.size - size }
    const branch = endChain && { author: log, seq: end - forkedAt + 1, chain: endChain, first, last, size }
    return [forkedAt === 1 ? undefined : rest, branch]
  }

  async #move(
    { log, parent, proof: { forkedAt } }: Branch,
    write: (writes: readonly Write[]) => Promise<void>,
  ): Promise<void> {
    const { store } = this.#core
    await this.#contents.moved(parent, log, forkedAt, write)
    const [from, to] = [logKeyOf(parent) ?? EMPTY, logKeyOf(log) ?? EMPTY]
    const start = await this.#firstSegmentFrom(parent, forkedAt)
    if (start === undefined) return
    let writes: Write[] = []
    let bytes = 0
    for await (const page of store.pages(segmentRange(from, start, SEQ_END))) {
      for (const row of page) {
        const segment = storedSegment(row)
        writes.push({ type: 'del', key: row[0] })
        bytes += row[1].length
        if (segment === undefined) continue
        const rest = below(forkedAt, segment)
        if (rest !== undefined) writes.push(segmentWrite(from, rest.first, encodeSegment(rest)))
        if (lastOf(segment) < forkedAt) continue
        const part = inBranch(log, forkedAt, segment)
        writes.push(segmentWrite(to, part.first, encodeSegment(part)))
      }
      if (bytes < MOVED_BYTES_MAX) continue
      await write(writes)
      writes = []
      bytes = 0
    }
    if (writes.length > 0) await write(writes)
  }

  /** First seq of the first segment with an entry at or after a fork. */
  async #firstSegmentFrom(log: LogId, forkedAt: Seq): Promise<Seq | undefined> {
    const segment = await this.#core.segments.segmentAt(log, forkedAt)
    if (segment !== undefined) return segment.first
    const range = segmentRange(logKeyOf(log) ?? EMPTY, forkedAt, SEQ_END)
    for await (const [key] of this.#core.store.keys({ ...range, limit: 1 })) if (key !== undefined) return forkedAt
    return undefined
  }
}
