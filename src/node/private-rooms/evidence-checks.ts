import type { Clock } from '../../base/clock.js'
import { KEY_BYTES } from '../../base/crypto/signing.js'
import { TokenBucket } from '../../base/token-bucket.js'
import { type AuthorId, authorOfKey } from '../../log/format/author.js'
import type { Operation } from '../../membership/format/operation.js'
import type { Membership } from '../../membership/membership.js'
import type { RoomMembers } from './room-members.js'

/** Largest number of bytes of operations that one connection may bring outside of channels, for all rooms together. */
const EVIDENCE_BYTES_MAX = 1024 * 1024
/** Largest number of bytes of operations that wait to be checked, over all connections. */
const PENDING_BYTES_MAX = 16 * 1024 * 1024
/** Largest number of operations of peers without a channel that are checked per second: 15 ms of CPU. */
const CHECKS_PER_SECOND_MAX = 300
const CHECK_AGAIN_MS = 50
/**
 * Size of a key, a term, a seq, an id, a length and a signature. A shorter item is not an operation, but is charged as
 * one, because it costs about as much memory.
 */
const OPERATION_BYTES_MIN = 166

export type EvidenceMembers = Pick<RoomMembers, 'room' | 'membership' | 'check' | 'add' | 'isMember'>

/** A connection over which operations arrive outside of channels. */
export class EvidenceSource {
  takenBytes = 0
  /**
   * Whether the peer sent an operation that failed the checks. Honest members send only operations that they have
   * checked, so no more are accepted.
   */
  isRefuted = false
  /** By room, the subjects of the admissions that the peer sent. */
  readonly admitted = new Map<EvidenceMembers, Set<AuthorId>>()
}

interface EvidencePeer {
  readonly evidence: EvidenceSource
}

/** Called when the operations that a peer sent are on disk; some may have been dropped. `before`: the membership without them. */
type Stored<P> = (peer: P, members: EvidenceMembers, operations: readonly Operation[], before: Membership) => void

interface Pending<P> {
  readonly peer: P
  readonly members: EvidenceMembers
  readonly bytes: Uint8Array
}

/**
 * Checks the operations of peers without a channel, a few at a time. A stranger with a stolen room id costs one signature check per
 * connection at most: operations by authors whom nobody admitted are dropped without a check, and so is everything after one that fails.
 * docs/protocol/membership.md §9.12.
 */
export class EvidenceChecks<P extends EvidencePeer> {
  readonly #clock: Clock
  readonly #onStored: Stored<P>
  readonly #checks: TokenBucket
  readonly #pending: Pending<P>[] = []
  #pendingBytes = 0
  #isChecking = false

  constructor(clock: Clock, onStored: Stored<P> = () => {}) {
    this.#clock = clock
    this.#onStored = onStored
    this.#checks = new TokenBucket(CHECKS_PER_SECOND_MAX, clock.now())
  }

  /**
   * Queues operations. Operations of unknown rooms are dropped, but are added to what the connection has used of its
   * limit.
   */
  take(peer: P, members: EvidenceMembers | undefined, items: readonly Uint8Array[]): void {
    const { evidence } = peer
    const bytes = items.reduce((sum, item) => sum + costOf(item), 0)
    evidence.takenBytes += bytes
    if (evidence.takenBytes > EVIDENCE_BYTES_MAX || this.#pendingBytes + bytes > PENDING_BYTES_MAX) return
    if (members === undefined || evidence.isRefuted) return
    this.#pendingBytes += bytes
    for (const item of items) this.#pending.push({ peer, members, bytes: Uint8Array.from(item) })
    void this.#check()
  }

  async #check(): Promise<void> {
    if (this.#isChecking) return
    this.#isChecking = true
    while (this.#pending.length > 0) {
      // Checked in a later turn, so that timing does not reveal whether we have the room.
      await new Promise<void>(resolve => void this.#clock.after(0, resolve))
      const batch = new Map<EvidenceMembers, Operation[]>()
      const peers = new Map<EvidenceMembers, Set<P>>()
      let done = 0
      for (const next of this.#pending) {
        const { members, peer, bytes } = next
        const isChecked = isWorthChecking(next)
        if (isChecked && !this.#checks.take(this.#clock.now())) break
        done++
        this.#pendingBytes -= costOf(bytes)
        if (!isChecked) continue
        const operations = batch.get(members) ?? []
        batch.set(members, operations)
        operations.push(...checked(next))
        peers.set(members, (peers.get(members) ?? new Set()).add(peer))
      }
      this.#pending.splice(0, done)
      for (const [members, operations] of batch) {
        const before = members.membership
        await members.add(operations).catch(() => {})
        for (const peer of peers.get(members) ?? []) this.#onStored(peer, members, operations, before)
      }
      if (this.#pending.length > 0) await new Promise<void>(resolve => void this.#clock.after(CHECK_AGAIN_MS, resolve))
    }
    this.#isChecking = false
  }
}

const costOf = ({ length }: Uint8Array): number => Math.max(length, OPERATION_BYTES_MIN)

/** Whether an operation may count: a peer sends it after the admission of its author. An operation begins with its author's key. */
function isWorthChecking({ peer: { evidence }, members, bytes }: Pending<EvidencePeer>): boolean {
  const author = authorOfKey(bytes.subarray(0, KEY_BYTES))
  return !evidence.isRefuted && (evidence.admitted.get(members)?.has(author) === true || isListed(members, author))
}

function checked({ peer: { evidence }, members, bytes }: Pending<EvidencePeer>): readonly Operation[] {
  const operations = members.check([bytes])
  evidence.isRefuted = operations === undefined
  const admitted = evidence.admitted.get(members) ?? new Set()
  evidence.admitted.set(members, admitted)
  for (const { body } of operations ?? []) if (body.kind === 'admit') admitted.add(body.subject)
  return operations ?? []
}

/** Whether an author is or was in a room. */
const isListed = ({ room, membership }: EvidenceMembers, author: AuthorId): boolean =>
  author === room.founder ||
  author === room.rescue ||
  membership.currentTerm(author) !== undefined ||
  membership.former.has(author)
