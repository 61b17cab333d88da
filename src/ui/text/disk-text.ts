import { type DiskFailure, diskFailureWords } from '../../base/files/disk-faults.js'
import type { FileFault } from '../../log/store/leveldb/check.js'
import { fileFaultWords } from '../../log/store/leveldb/fault-words.js'
import type { EventContext } from './event-context.js'

/** Describes a failed disk operation. */
export const diskFailureText = (failure: DiskFailure, { shownPath }: EventContext): string =>
  shownPath(diskFailureWords(failure))

export const fileFaultText = (fault: FileFault): string => `${fault.file} ${fileFaultWords(fault)}`

/** Describes that other users had access, and what was done about it. */
export function openToOthersText(
  risk: string,
  remedy: string,
  failure: DiskFailure | undefined,
  context: EventContext,
): string {
  if (failure === undefined) return `${risk}; ${remedy}`
  return `${risk}, and its mode cannot be changed: ${diskFailureText(failure, context)}`
}
