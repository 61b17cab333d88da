import { hash } from '../base/crypto/hash.js'
import { hexOf } from '../base/wire/bytes.js'
import { logsOf, type TermName } from './evaluation/operation-log.js'
import type { Operation } from './format/operation.js'

/** Summary of the operations of one term: peers with equal heads have the same operations. */
export interface OperationsHead {
  readonly count: number
  /** Hash of the ids in ascending order. */
  readonly digest: string
}

export function operationHeads(operations: Iterable<Operation>): Map<TermName, OperationsHead> {
  const heads = new Map<TermName, OperationsHead>()
  for (const [name, log] of logsOf(operations)) {
    const ids = [...log.operations].map(({ id }) => id).sort()
    heads.set(name, { count: ids.length, digest: hexOf(hash(Buffer.from(ids.join(''), 'hex'))) })
  }
  return heads
}
