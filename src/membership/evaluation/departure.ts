import type { ChatPlace, OperationId } from '../format/body.js'
import type { Operation } from '../format/operation.js'
import type { OperationLog } from './operation-log.js'

/** The end of a term by its own author. */
export interface Departure {
  /** The operations that count: the common prefix of all branches that end in a leave. */
  readonly operations: readonly Operation[]
  readonly chat: ChatPlace
  /** Branches that suffice to derive the same operations and chat. */
  readonly proof: readonly (readonly Operation[])[]
}

/** A leave at the end of a complete branch. */
interface Leaving {
  readonly leave: Operation
  readonly chat: ChatPlace
}

/**
 * Combines the leave operations of a log up to `seqMax`; undefined if there are none. The lowest chat place counts; if places
 * contradict each other, no chat counts. By signing more leaves, an author can only withdraw operations and chat, never add any.
 */
export function departureFrom(log: OperationLog, seqMax: number): Departure | undefined {
  const all = leavesOf(log, seqMax)
  const lowest = all[0]
  if (lowest === undefined) return undefined
  const operations = log.branchTo(lowest.leave) ?? []
  const commonLength = commonLengthWith(log, operations)
  let length = operations.length
  let parting: Leaving | undefined
  for (const other of all) {
    const common = commonLength(other.leave)
    if (common >= length) continue
    length = common
    parting = other
  }
  const contradicting = all.find(({ chat }) => !isWithin(lowest.chat, chat))
  return {
    operations: operations.slice(0, length),
    chat: contradicting === undefined ? lowest.chat : [],
    proof: [lowest, parting, contradicting].flatMap(proving => {
      const branch = proving && log.branchTo(proving.leave)
      return branch === undefined ? [] : [branch]
    }),
  }
}

/** The leave operations at the ends of complete branches, ordered by how much chat they keep, the least first. */
function leavesOf(log: OperationLog, seqMax: number): Leaving[] {
  const leaves: Leaving[] = []
  for (const leave of log.operations)
    if (leave.body.kind === 'leave' && leave.seq <= seqMax && log.isComplete(leave))
      leaves.push({ leave, chat: leave.body.chat ?? [] })
  return leaves.sort((a, b) => sizeOf(a.chat) - sizeOf(b.chat) || (a.leave.id < b.leave.id ? -1 : 1))
}

/** How many operations a complete branch has in common with `operations`. Visits each operation of the log once. */
function commonLengthWith(log: OperationLog, operations: readonly Operation[]): (leave: Operation) => number {
  const lengths = new Map<OperationId, number>(operations.map(({ id, seq }) => [id, seq]))
  return leave => {
    const visited: OperationId[] = []
    let next: Operation | undefined = leave
    for (; next !== undefined && !lengths.has(next.id); next = log.before(next)) visited.push(next.id)
    const length = next === undefined ? 0 : (lengths.get(next.id) ?? 0)
    for (const id of visited) lengths.set(id, length)
    return length
  }
}

const sizeOf = (chat: ChatPlace): number => chat.reduce((sum, { seq }) => sum + seq, 0)

/** Whether the chat up to `inner` is a part of the chat up to `outer`. */
const isWithin = (inner: ChatPlace, outer: ChatPlace): boolean =>
  inner.every(({ run, seq, chain }) => {
    const end = outer.find(other => other.run === run)
    return end !== undefined && (seq < end.seq || (seq === end.seq && chain === end.chain))
  })
