import type { ChatPlace } from '../format/body.js'
import type { Operation } from '../format/operation.js'
import { commonLength, type OperationLog } from './operation-log.js'

/** The end of a term by its own author. */
export interface Departure {
  /** The operations that count: those that all branches which end in a leave have in common. */
  readonly operations: readonly Operation[]
  readonly chat: ChatPlace
  /** Branches that suffice to derive the same operations and chat. */
  readonly proof: readonly (readonly Operation[])[]
}

interface LeavingBranch {
  readonly leave: Operation
  readonly chat: ChatPlace
  readonly operations: readonly Operation[]
}

/**
 * What the leaves of a log up to `seqMax` say together, undefined if there is none. Of several the lowest chat place counts, and none if they
 * contradict each other: by signing more leaves an author can take back what they did, and add nothing.
 */
export function departureFrom(log: OperationLog, seqMax: number): Departure | undefined {
  const leaving = leavingBranches(log, seqMax)
  const lowest = leaving[0]
  if (lowest === undefined) return undefined
  let length = lowest.operations.length
  let parting: LeavingBranch | undefined
  for (const other of leaving) {
    const common = commonLength(lowest.operations, other.operations)
    if (common >= length) continue
    length = common
    parting = other
  }
  const contradicting = leaving.find(({ chat }) => !isWithin(lowest.chat, chat))
  return {
    operations: lowest.operations.slice(0, length),
    chat: contradicting === undefined ? lowest.chat : [],
    proof: [lowest, parting, contradicting].flatMap(branch => (branch === undefined ? [] : [branch.operations])),
  }
}

/** The complete branches that end in a leave, the one with the least chat first. */
function leavingBranches(log: OperationLog, seqMax: number): LeavingBranch[] {
  const branches: LeavingBranch[] = []
  for (const leave of log.operations) {
    if (leave.body.kind !== 'leave' || leave.seq > seqMax) continue
    const operations = log.branchTo(leave)
    if (operations !== undefined) branches.push({ leave, chat: leave.body.chat ?? [], operations })
  }
  return branches.sort((a, b) => sizeOf(a.chat) - sizeOf(b.chat) || (a.leave.id < b.leave.id ? -1 : 1))
}

const sizeOf = (chat: ChatPlace): number => chat.reduce((sum, { seq }) => sum + seq, 0)

/** Whether all chat up to the place `inner` is also up to the place `outer`. */
const isWithin = (inner: ChatPlace, outer: ChatPlace): boolean =>
  inner.every(({ run, seq, chain }) => {
    const end = outer.find(other => other.run === run)
    return end !== undefined && (seq < end.seq || (seq === end.seq && chain === end.chain))
  })
