import type { AuthorId } from '../../log/format/author.js'
import { NO_OPERATION, type OperationId, type OperationPlace, type TermId } from '../format/body.js'
import type { Operation } from '../format/operation.js'

/** Identifies a term of a key. */
export type TermName = string
export const termName = (author: AuthorId, term: TermId): TermName => `${author}/${term}`

/** One branch of a log, and, if the log forks along it, the first operation of the other branch. */
export interface Branch {
  readonly operations: readonly Operation[]
  readonly fork: Operation | undefined
}

/** All operations of one author in one term, including those of all branches. Operations may be added in any order and repeatedly. */
export class OperationLog {
  readonly #byId = new Map<OperationId, Operation>()
  /** The successors of each operation, the lowest id first. */
  readonly #following = new Map<OperationId, Operation[]>()
  /** Memo of `isComplete`. */
  readonly #complete = new Map<OperationId, boolean>()

  add(operation: Operation): void {
    if (this.#byId.has(operation.id)) return
    this.#byId.set(operation.id, operation)
    this.#complete.clear()
    const siblings = this.#following.get(operation.previous)
    if (siblings === undefined) {
      this.#following.set(operation.previous, [operation])
      return
    }
    const index = siblings.findIndex(({ id }) => id > operation.id)
    siblings.splice(index === -1 ? siblings.length : index, 0, operation)
  }

  get operations(): IterableIterator<Operation> {
    return this.#byId.values()
  }

  /** The predecessor of an operation; undefined if it is missing, and for the first operation. */
  before({ previous, seq }: Operation): Operation | undefined {
    const operation = this.#byId.get(previous)
    return operation?.seq === seq - 1 ? operation : undefined
  }

  /** Whether all operations before this one are present. Visits each operation of a log once, however many branches it is called for. */
  isComplete(operation: Operation): boolean {
    const visited: OperationId[] = []
    let next: Operation | undefined = operation
    let known: boolean | undefined
    while (next !== undefined && known === undefined) {
      known = next.seq === 1 ? true : this.#complete.get(next.id)
      visited.push(next.id)
      next = this.before(next)
    }
    for (const id of visited) this.#complete.set(id, known ?? false)
    return known ?? false
  }

  /**
   * The branch that counts unless a removal or a leave decides otherwise, up to `seqMax`. At each fork it continues with the operation of
   * the lowest id.
   */
  defaultBranch(seqMax: number): Branch {
    const operations: Operation[] = []
    let fork: Operation | undefined
    let [next, beside] = this.#after(NO_OPERATION, 1)
    while (next !== undefined && next.seq <= seqMax) {
      operations.push(next)
      fork ??= beside
      ;[next, beside] = this.#after(next.id, next.seq + 1)
    }
    return { operations, fork }
  }

  /** The operations up to a place; undefined if any is missing. */
  branchTo({ seq, id }: Pick<OperationPlace, 'seq' | 'id'>): readonly Operation[] | undefined {
    const operations: Operation[] = []
    let next = id
    for (let expected = seq; expected > 0; expected--) {
      const operation = this.#byId.get(next)
      if (operation?.seq !== expected) return undefined
      operations.push(operation)
      next = operation.previous
    }
    return operations.reverse()
  }

  #after(id: OperationId, seq: number): Operation[] {
    return (this.#following.get(id) ?? []).filter(operation => operation.seq === seq)
  }
}

/** Groups operations by author and term. */
export function logsOf(operations: Iterable<Operation>): Map<TermName, OperationLog> {
  const logs = new Map<TermName, OperationLog>()
  for (const operation of operations) {
    const name = termName(operation.author, operation.term)
    const log = logs.get(name) ?? new OperationLog()
    logs.set(name, log)
    log.add(operation)
  }
  return logs
}
